/* The screen of the learning-rate range test: what it shows, and what its keys do. */
#include "ui_golden.h"

#include "../src/ui/screens.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void compare(struct bench *bench, const char *name, int width, int height, bool styles)
{
    ui_golden(bench, "screen-range", name, width, height, styles);
}

static const char *posted(const struct bench *bench)
{
    return bench->fake.answers[bench->fake.posted - 1].line;
}

static void answer_all(struct bench *bench)
{
    while (fake_feed_apply(&bench->fake))
        ;
    bench->state.now += 100;
    bench_update(bench);
}

static void test_shows(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "f");
    assert_string_equal(posted(bench), "range-test");
    bench_update(bench);
    compare(bench, "begins", 80, 24, false);
    fake_feed_range(&bench->fake, 48);
    bench_update(bench);
    ui_golden_sizes(bench, "screen-range-running");
    answer_all(bench);
    ui_golden_sizes(bench, "screen-range");
    bench_press(bench, "y left left");
    compare(bench, "log", 80, 24, false);
    bench_destroy(bench);
}

/* A loss that falls nowhere, and a test that ended at once: nothing to suggest. */
static void test_shows_little(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, ":");
    bench_type(bench, "screen range");
    bench_press(bench, "enter");
    compare(bench, "none", 80, 24, false);
    bench_press(bench, "left enter home");
    assert_int_equal(bench->state.screen, SCREEN_RANGE);
    bench_press(bench, "f");
    answer_all(bench);
    struct range_test *test = &bench->fake.range;
    test->steepest = test->lowest = NAN;
    text_copy(test->text, sizeof(test->text), "the loss falls at no rate, rises from 0.21 on");
    for (size_t i = 0; i < test->count; i++)
        test->points[i].smooth = fmax(test->points[i].smooth, 0.62);
    bench->fake.now.range_tests = ++test->number;
    bench_update(bench);
    compare(bench, "flat", 80, 24, false);
    assert_true(bench_shows(bench, "0.97 × that in force")); /* the cursor begins there */
    test->count = 1;
    test->rate = 0;
    bench->fake.now.range_tests = ++test->number;
    bench_update(bench);
    bench_press(bench, "left right end");
    assert_true(bench_shows(bench, "rate 1e-05"));
    test->count = 0;
    text_copy(test->text, sizeof(test->text), "nothing to go on from");
    bench->fake.now.range_tests = ++test->number;
    bench_update(bench);
    bench_press(bench, "left enter");
    assert_true(bench_shows(bench, "nothing to go on from"));
    bench_destroy(bench);
}

static void test_every_size(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "f");
    for (int turn = 0; turn < 3; turn++) {
        for (int width = 1; width <= 300; width += width < 90 ? 1 : 23) {
            for (int height = 1; height <= 100; height += height < 30 ? 1 : 17) {
                struct text out = {0};
                bench->state.glyphs = (enum settings_glyphs)(GLYPHS_BRAILLE + turn);
                bench_draw(bench, width, height, false, &out);
                text_fini(&out);
            }
        }
        fake_feed_range(&bench->fake, turn == 0 ? 1 : 90);
        bench_update(bench);
    }
    bench_destroy(bench);
}

static void test_takes_a_rate(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "f");
    fake_feed_range(&bench->fake, 20);
    bench_update(bench);
    uint64_t before = bench->fake.posted;
    bench_press(bench, "enter left");
    assert_int_equal(bench->fake.posted, before); /* not before it is through */
    answer_all(bench);
    assert_true(bench_shows(bench, "rate 0.004"));
    bench_press(bench, "right l left");
    assert_true(bench_shows(bench, "rate 0.0044"));
    bench_press(bench, "home");
    assert_true(bench_shows(bench, "rate 1e-05"));
    bench_press(bench, "left h right");
    assert_true(bench_shows(bench, "rate 1.1e-05"));
    bench_press(bench, "enter");
    assert_string_equal(posted(bench), "set train.learning_rate 1.1e-05");
    assert_int_equal(bench->fake.sources[bench->fake.posted - 1], SOURCE_KEY);
    assert_int_equal(bench->state.screen, SCREEN_CHARTS);
    /* The next test has a cursor of its own. */
    bench_press(bench, "1 f");
    answer_all(bench);
    assert_true(bench_shows(bench, "rate 0.004"));
    bench_press(bench, "esc");
    assert_int_equal(bench->state.screen, SCREEN_CHARTS);
    assert_string_equal(posted(bench), "range-test");
    bench_destroy(bench);
}

static void test_stops(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "f");
    fake_feed_range(&bench->fake, 20);
    bench_update(bench);
    bench_press(bench, "esc");
    assert_string_equal(posted(bench), "range-test stop");
    assert_int_equal(bench->state.screen, SCREEN_CHARTS);
    /* Pausing is for the run, on this screen, too; and what a slow run has not begun is stopped. */
    answer_all(bench);
    bench_press(bench, "f space");
    assert_string_equal(posted(bench), "pause");
    assert_int_equal(bench->state.screen, SCREEN_RANGE);
    bench_press(bench, "esc");
    assert_string_equal(posted(bench), "range-test stop");
    /* The tab goes by it, and one who types the command sees the screen, too. */
    answer_all(bench);
    for (int i = 0; i < SCREEN_COUNT; i++) {
        assert_int_not_equal(bench->state.screen, SCREEN_RANGE);
        bench_press(bench, "tab");
    }
    bench_press(bench, "1 :");
    bench_type(bench, "range-test");
    bench_press(bench, "enter");
    assert_int_equal(bench->state.screen, SCREEN_RANGE);
    answer_all(bench);
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    bench_press(bench, "enter");
    assert_int_equal(bench->state.screen, SCREEN_RANGE); /* refused, and still there */
    assert_true(bench_shows(bench, "the run has ended"));
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shows),      cmocka_unit_test(test_shows_little),
        cmocka_unit_test(test_every_size), cmocka_unit_test(test_takes_a_rate),
        cmocka_unit_test(test_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
