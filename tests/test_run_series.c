/*
 * The history of losses at many resolutions: nothing lost, nothing out of order,
 * and as fine as asked for.
 */
#include "../src/run/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct series series;
static struct loss_bucket out[FEED_MAX_BUCKETS];

static struct loss_bucket bucket_of(int64_t first, int64_t last)
{
    double middle = (double)(first + last) / 2;
    return (struct loss_bucket){.first = first,
                                .last = last,
                                .seconds = (double)last,
                                .mean = middle,
                                .minimum = (double)first,
                                .maximum = (double)last};
}

static void add(int64_t first, int64_t last, int64_t each)
{
    for (int64_t step = first; step <= last; step += each) {
        const struct loss_bucket one = bucket_of(step, step + each - 1);
        series_add(&series, &one, 0);
    }
}

static size_t copy(int64_t first, int64_t last)
{
    return series_copy(&series, first, last, out, FEED_MAX_BUCKETS);
}

/* That they are the steps from 0 on, each once, and their numbers those of bucket_of. */
static void check_whole(size_t count, int64_t steps)
{
    int64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out[i].first, next);
        next = out[i].last + 1;
        double middle = (double)(out[i].first + out[i].last) / 2;
        assert_true(fabs(out[i].mean - middle) <= 1e-9 * fmax(middle, 1));
        assert_true(out[i].minimum == (double)out[i].first);
        assert_true(out[i].maximum == (double)out[i].last);
        assert_true(out[i].seconds == (double)out[i].last);
    }
    assert_int_equal(next, steps);
}

/* At every length: all of it in a thousand buckets or more, the newest thousands one by one. */
static void test_resolution(void **state)
{
    (void)state;
    series_init(&series);
    assert_int_equal(copy(0, INT64_MAX), 0);
    int64_t steps = 0, next = 1;
    while (steps < 1200000) {
        add(steps, next - 1, 1);
        steps = next;
        size_t count = copy(0, INT64_MAX);
        check_whole(count, steps);
        assert_true(steps < 1000 ? count == (size_t)steps : count >= 1000);
        count = copy(steps - 2500, INT64_MAX);
        check_whole(count, steps);
        for (size_t i = 0; i < count; i++)
            if (out[i].first >= steps - 2500)
                assert_int_equal(out[i].first, out[i].last);
        next = steps + 1 + steps / 7;
    }
    series_fini(&series);
}

/* What lies back is as fine as it is kept, and no part of it comes twice. */
static void test_windows(void **state)
{
    (void)state;
    series_init(&series);
    add(0, 299999, 1);
    for (uint32_t i = 0; i < 300; i++) {
        int64_t first = (int64_t)(i * 2654435761u % 300000), last = first + (int64_t)(i * 37);
        size_t count = copy(first, last);
        check_whole(count, 300000);
        int64_t age = 300000 - first;
        for (size_t k = 0; k < count; k++) {
            if (out[k].last < first || out[k].first > last)
                continue;
            int64_t width = out[k].last - out[k].first + 1;
            if (width > 1 && width * 1000 > age && width * 3000 > last - first + 1 + 3000)
                fail_msg("%d steps in one, %d ago, of %d", (int)width, (int)age,
                         (int)(last - first + 1));
        }
    }
    check_whole(copy(-5, -1), 300000);
    check_whole(copy(INT64_MAX, INT64_MAX), 300000);
    check_whole(copy(5, 2), 300000);
    series_fini(&series);
}

/* 10^12 steps, a million at once: as many buckets as of a short run, and no more memory. */
static void test_long(void **state)
{
    (void)state;
    series_init(&series);
    add(0, 999999999999, 1000000);
    size_t count = copy(0, INT64_MAX);
    assert_true(count >= 1000 && count <= FEED_MAX_BUCKETS);
    assert_int_equal(out[count - 1].last, 999999999999);
    assert_true(series.level_count <= 16);
    count = copy(999997000000, INT64_MAX);
    assert_int_equal(out[count - 1].last - out[count - 1].first + 1, 1000000);
    series_fini(&series);
}

/* What is not a number is left out of means, and stays where there is nothing else. */
static void test_nan(void **state)
{
    (void)state;
    series_init(&series);
    for (int64_t step = 0; step < 40000; step++) {
        bool bad = step % 3 == 0 || (step >= 20000 && step < 24000);
        double loss = bad ? NAN : 2;
        series_add(&series,
                   &(struct loss_bucket){
                       .first = step, .last = step, .mean = loss, .minimum = loss, .maximum = loss},
                   0);
    }
    size_t count = copy(0, INT64_MAX);
    int gaps = 0;
    for (size_t i = 0; i < count; i++) {
        bool gap = out[i].first >= 20000 && out[i].last < 24000;
        gaps += gap;
        if (gap)
            assert_true(isnan(out[i].mean) && isnan(out[i].maximum));
        else if (out[i].last - out[i].first >= 3 && (out[i].last < 20000 || out[i].first >= 24000))
            assert_true(out[i].mean == 2 && out[i].minimum == 2);
    }
    assert_true(gaps > 50);
    series_fini(&series);
}

/* Nothing is merged across an edit or where augmentation was turned on, as long as there is room.
 */
static void test_closed(void **state)
{
    (void)state;
    series_init(&series);
    for (int64_t step = 0; step < 30000; step++) {
        struct loss_bucket one = bucket_of(step, step);
        one.augmented = step >= 10007 && step < 20011;
        if (step == 25001)
            series_close(&series);
        series_add(&series, &one, 0);
    }
    size_t count = copy(0, INT64_MAX);
    check_whole(count, 30000);
    const int64_t cuts[] = {10007, 20011, 25001};
    for (size_t c = 0; c < 3; c++) {
        bool found = false;
        for (size_t i = 0; i < count; i++)
            found = found || out[i].first == cuts[c];
        assert_true(found);
    }
    series_fini(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolution), cmocka_unit_test(test_windows),
        cmocka_unit_test(test_long),       cmocka_unit_test(test_nan),
        cmocka_unit_test(test_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
