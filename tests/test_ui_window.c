/* The arithmetic of the window on the x axis, and of smoothing. */
#include "../src/ui/smooth.h"
#include "../src/ui/window.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct window_bounds usual = {0, 9000, 10000, 1};

static void check_near(double value, double wanted)
{
    if (!(fabs(value - wanted) <= 1e-6 * fmax(fabs(wanted), 1)))
        fail_msg("%.9g, not %.9g", value, wanted);
}

static void check_range(const struct window *window, const struct window_bounds *bounds,
                        double first, double last)
{
    const struct range range = window_range(window, bounds);
    check_near(range.first, first);
    check_near(range.last, last);
}

static void test_zoom_to_newest(void **state)
{
    (void)state;
    struct window window = {0};
    check_range(&window, &usual, 0, 10000);
    window_zoom(&window, &usual, 2, NAN);
    assert_true(window.part && window.follow);
    struct range range = window_range(&window, &usual);
    check_near(range.last - range.first, 5000);
    assert_true(range.last >= 9000 && range.last <= 9000 + 5000.0 / 16);
    /* It goes with the newest, by steps. */
    struct window_bounds later = usual;
    later.newest = 9950;
    struct range then = window_range(&window, &later);
    assert_true(then.last >= 9950 && then.last < 9950 + 5000.0 / 15);
    check_near(then.last - then.first, 5000);
    window_zoom(&window, &usual, 0.5, NAN);
    assert_false(window.part);
    check_range(&window, &usual, 0, 10000);
}

static void test_zoom_around_pivot(void **state)
{
    (void)state;
    struct window window = {0};
    for (int i = 0; i < 6; i++) {
        struct range before = window_range(&window, &usual);
        double share = window_share(&window, &before, 3333);
        window_zoom(&window, &usual, 2, 3333);
        struct range range = window_range(&window, &usual);
        check_near(window_share(&window, &range, 3333), share);
        check_near(range.last - range.first, (before.last - before.first) / 2);
    }
    assert_false(window.follow);
    for (int i = 0; i < 6; i++)
        window_zoom(&window, &usual, 0.5, 3333);
    assert_false(window.part);
    /* On a logarithmic axis the same, of the logarithm. */
    struct window_bounds bounds = {0.5, 9000, 10000, 1};
    window = (struct window){.log = true};
    check_range(&window, &bounds, 0.5, 10000);
    window_zoom(&window, &bounds, 2, 100);
    struct range range = window_range(&window, &bounds);
    check_near(log(range.last / range.first), log(10000 / 0.5) / 2);
    assert_true(range.first > 0.5 && range.first < 100 && range.last > 100);
}

static void test_pan(void **state)
{
    (void)state;
    struct window window = {0};
    window_pan(&window, &usual, -0.5); /* everything is shown */
    assert_false(window.part);
    window_zoom(&window, &usual, 4, 5000);
    struct range before = window_range(&window, &usual);
    window_pan(&window, &usual, -0.5);
    check_range(&window, &usual, before.first - 1250, before.last - 1250);
    for (int i = 0; i < 20; i++)
        window_pan(&window, &usual, -0.5);
    check_range(&window, &usual, 0, 2500);
    for (int i = 0; i < 20; i++)
        window_pan(&window, &usual, 0.5);
    assert_true(window.follow);
    window_hold(&window, &usual);
    assert_false(window.follow);
    window_reveal(&window, &usual, 100);
    check_range(&window, &usual, 100, 2600);
    window_reveal(&window, &usual, 2000);
    check_range(&window, &usual, 100, 2600);
    window_everything(&window);
    check_range(&window, &usual, 0, 10000);
}

/* Whatever is asked of it, a range is one. */
static void test_extremes(void **state)
{
    (void)state;
    static const struct window_bounds bounds[] = {
        {0, 0, 0, 1},
        {0, 1, 1, 1},
        {0.5, 1, 1, 1},
        {0, 1e12, 1.02e12, 1},
        {0.5, 1e12, 1.02e12, 1},
        {0, 1e-4, 1e-4, 1e-6},
        {NAN, NAN, NAN, NAN},
        {0, INFINITY, INFINITY, INFINITY},
        {-5, -7, -9, 0},
        {100, 50, 20, 1},
        {0, 3600 * 24 * 365.0, 4e7, 0.001},
    };
    static const double pivots[] = {NAN, 0, 1, 1e12, -1, INFINITY, 5e11};
    uint32_t random = 1;
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        struct window window = {0};
        for (int turn = 0; turn < 4000; turn++) {
            random = random * 1664525 + 1013904223;
            double pivot = pivots[(random >> 8) % 7];
            switch ((random >> 16) % 10) {
            case 0:
            case 1:
            case 2:
                window_zoom(&window, &bounds[b], 2, pivot);
                break;
            case 3:
                window_zoom(&window, &bounds[b], 0.5, pivot);
                break;
            case 4:
                window_pan(&window, &bounds[b], 0.5);
                break;
            case 5:
                window_pan(&window, &bounds[b], -0.5);
                break;
            case 6:
                window_reveal(&window, &bounds[b], pivot);
                break;
            case 7:
                window_follow(&window);
                break;
            case 8:
                window_hold(&window, &bounds[b]);
                break;
            default:
                window.log = !window.log;
                break;
            }
            const struct range range = window_range(&window, &bounds[b]);
            if (!(range.first < range.last) || !isfinite(range.first) || !isfinite(range.last) ||
                range.first < 0 || (window.log && !(range.first > 0)))
                fail_msg("bounds %zu, turn %d: %g … %g", b, turn, range.first, range.last);
            double share = window_share(&window, &range, window_at(&window, &range, 0.25));
            /* Single steps of 10^12 are hardly told apart. */
            if (range.last - range.first > 1e-6 * range.last)
                assert_true(fabs(share - 0.25) < 1e-3);
        }
    }
}

/* Single steps of 10^12 can be told apart. */
static void test_deep(void **state)
{
    (void)state;
    const struct window_bounds bounds = {0, 1e12, 1.02e12, 1};
    struct window window = {0};
    for (int i = 0; i < 100; i++)
        window_zoom(&window, &bounds, 2, 123456789012.0);
    struct range range = window_range(&window, &bounds);
    assert_true(range.last - range.first >= 8 && range.last - range.first < 1000);
    assert_true(range.first <= 123456789012.0 && range.last >= 123456789012.0);
}

/* ---- smoothing ---- */

static void test_smooth(void **state)
{
    (void)state;
    struct smooth smooth = {0};
    assert_true(isnan(smooth_value(&smooth)));
    smooth_add(&smooth, 5, 1, 100);
    check_near(smooth_value(&smooth), 5); /* no bias to what is not there */
    smooth_add(&smooth, NAN, 1, 100);
    smooth_add(&smooth, INFINITY, 1, 100);
    check_near(smooth_value(&smooth), 5);
    double sum = 0, weight = 0;
    smooth = (struct smooth){0};
    for (int step = 0; step < 500; step++)
        smooth_add(&smooth, sin(step), 1, 50);
    for (int step = 0; step < 500; step++) {
        sum += sin(step) * exp((step - 499) / 50.0);
        weight += exp((step - 499) / 50.0);
    }
    check_near(smooth_value(&smooth), sum / weight);
}

/* However steps are put together, what they have in common comes out the same. */
static void test_smooth_subsampling(void **state)
{
    (void)state;
    struct smooth one = {0}, four = {0}, all = {0};
    for (int step = 0; step < 4000; step++)
        smooth_add(&one, step < 3000 ? 2 : 1, 1, 300);
    for (int step = 0; step < 4000; step += 4)
        smooth_add(&four, step < 3000 ? 2 : 1, 4, 300);
    smooth_add(&all, 2, 3000, 300);
    smooth_add(&all, 1, 1000, 300);
    check_near(smooth_value(&four), smooth_value(&one));
    check_near(smooth_value(&all), smooth_value(&one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zoom_to_newest),
        cmocka_unit_test(test_zoom_around_pivot),
        cmocka_unit_test(test_pan),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_smooth),
        cmocka_unit_test(test_smooth_subsampling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
