/* The comparison with an earlier run: what is drawn, and what is said. */
#include "ui_golden.h"

#include "../src/ui/earlier.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void compare(struct bench *bench, const char *name, int width, int height, bool styles)
{
    ui_golden(bench, "screen-earlier", name, width, height, styles);
}

/* One that was so many points better than the bench's training, and had as many epochs. */
static void add_earlier(struct bench *bench, const char *name, double better, int epochs)
{
    struct earlier_run *earlier = &bench->history.earlier;
    mem_free(earlier->evaluations);
    *earlier = (struct earlier_run){.evaluations = mem_alloc(64 * sizeof(struct evaluation))};
    text_copy(earlier->name, sizeof(earlier->name), name);
    for (int i = 0; i < epochs; i++) {
        struct evaluation row = bench->history.evaluations[i];
        row.validation_accuracy += better;
        row.validation_loss -= better;
        earlier->best_validation_accuracy =
            fmax(earlier->best_validation_accuracy, row.validation_accuracy);
        earlier->evaluations[earlier->evaluation_count++] = row;
    }
}

static void test_shows(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    add_earlier(bench, "fashion-mnist-20260228-183000", 0.0123, 12);
    compare(bench, "40x12", 40, 12, false);
    compare(bench, "80x24", 80, 24, true);
    compare(bench, "120x40", 120, 40, false);
    compare(bench, "200x60", 200, 60, false);
    bench->state.glyphs = GLYPHS_BLOCK;
    compare(bench, "block", 80, 24, false);
    bench->state.glyphs = GLYPHS_ASCII;
    compare(bench, "ascii", 80, 24, false);
    bench_destroy(bench);
}

static void expect(struct bench *bench, enum earlier_form form, const char *text)
{
    char out[192] = "";
    const bool any = earlier_print(&bench->history, form, out, sizeof(out));
    assert_int_equal(any, text[0] != '\0');
    assert_string_equal(any ? out : "", text);
}

static void test_says(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 3 * 469);
    bench_update(bench);
    expect(bench, EARLIER_WHOLE, "");
    add_earlier(bench, "fig01", -0.0123, 3);
    expect(bench, EARLIER_WHOLE, "ahead by 1.23 points at epoch 3 of fig01");
    expect(bench, EARLIER_BRIEF, "1.23 points ahead of fig01");
    expect(bench, EARLIER_UNNAMED, "1.23 points ahead of the earlier");
    expect(bench, EARLIER_BRIEFEST, "1.23 points ahead");
    /* Between two of its evaluations, on the line that joins them. */
    struct earlier_run *earlier = &bench->history.earlier;
    const double now = bench->history.evaluations[2].validation_accuracy;
    earlier->evaluations[1].validation_accuracy = now;
    earlier->evaluations[2].validation_accuracy = now + 0.04;
    earlier->evaluations[2].step += 469;
    expect(bench, EARLIER_WHOLE, "behind by 2.00 points at epoch 3 of fig01");
    expect(bench, EARLIER_UNNAMED, "2.00 points behind the earlier");
    expect(bench, EARLIER_BRIEFEST, "2.00 points behind");
    add_earlier(bench, "fig01", 0, 3);
    expect(bench, EARLIER_WHOLE, "level with fig01 at epoch 3");
    expect(bench, EARLIER_BRIEF, "level with fig01");
    /* It has ended before: its best counts. */
    earlier->evaluation_count = 2;
    earlier->best_validation_accuracy = now - 0.005;
    expect(bench, EARLIER_WHOLE, "above the best of fig01 by 0.50 points");
    earlier->best_validation_accuracy = now + 0.005;
    expect(bench, EARLIER_WHOLE, "below the best of fig01 by 0.50 points");
    /* Its first evaluation is yet to come. */
    earlier->evaluations[0].step = earlier->evaluations[1].step = 5000;
    expect(bench, EARLIER_WHOLE, "");
    add_earlier(bench, "fig01", NAN, 3);
    expect(bench, EARLIER_WHOLE, "");
    add_earlier(bench, "a-name-that-takes-more-than-its-place", 0.01, 3);
    expect(bench, EARLIER_BRIEF, "1.00 points behind a-name-that-takes-more-…");
    assert_true(bench_shows(bench, "behind by 1.00 points at epoch 3 of a-name"));
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shows), cmocka_unit_test(test_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
