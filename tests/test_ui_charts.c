/* Reading the charts: window, cursor, marks and their list, against golden files and in numbers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/axis.h"
#include "../src/ui/reading.h"
#include "../src/ui/screens.h"
#include "ui_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void compare(struct bench *bench, const char *name, int width, int height, bool styles)
{
    ui_golden(bench, "charts", name, width, height, styles);
}

/* What may be asked for by a key is drawn before the next one, as the view does. */
static void press(struct bench *bench, const char *keys)
{
    char names[256], *rest = NULL;
    text_copy(names, sizeof(names), keys);
    for (char *key = strtok_r(names, " ", &rest); key != NULL; key = strtok_r(NULL, " ", &rest)) {
        struct text out = {0};
        bench->state.now += 1;
        control_key(&bench->control, key);
        while (fake_feed_apply(&bench->fake))
            ;
        control_update(&bench->control);
        bench_draw(bench, 80, 24, false, &out);
        text_fini(&out);
    }
}

/* Edits of several settings, one taken back after some epochs, and a note. */
static struct bench *bench_edited(void)
{
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 4 * 469 + 100);
    press(bench, ":");
    bench_type(bench, "set train.momentum 0.5");
    press(bench, "enter");
    fake_feed_train(&bench->fake, 2 * 469);
    press(bench, "n");
    fake_feed_train(&bench->fake, 2 * 469);
    press(bench, ":");
    bench_type(bench, "set train.learning_rate 0.1");
    press(bench, "enter");
    fake_feed_train(&bench->fake, 3 * 469);
    press(bench, "u");
    fake_feed_train(&bench->fake, 469);
    press(bench, "m");
    bench_type(bench, "it got better");
    press(bench, "enter");
    fake_feed_train(&bench->fake, 469);
    bench->state.now = bench->fake.clock += 100;
    bench_update(bench);
    return bench;
}

static void test_screens(void **unused)
{
    (void)unused;
    struct bench *bench = bench_edited();
    compare(bench, "noise", 80, 24, true);
    bench->state.glyphs = GLYPHS_BLOCK;
    compare(bench, "noise-block", 80, 24, false);
    bench->state.glyphs = GLYPHS_ASCII;
    compare(bench, "noise-ascii", 80, 24, true);
    bench->state.glyphs = GLYPHS_BRAILLE;

    press(bench, "left left left left left left");
    bench->state.now += 100;
    compare(bench, "cursor", 80, 24, true);
    compare(bench, "cursor-40x12", 40, 12, false);
    compare(bench, "cursor-120x40", 120, 40, false);
    press(bench, "z z");
    bench->state.now += 100;
    compare(bench, "zoom-cursor", 80, 24, false);
    press(bench, "esc 0 z z");
    compare(bench, "zoom", 80, 24, true);
    press(bench, "0 X");
    compare(bench, "log-x", 80, 24, false);
    press(bench, "X x");
    compare(bench, "steps", 80, 24, false);
    press(bench, "x");
    compare(bench, "seconds", 80, 24, true);
    compare(bench, "seconds-200x60", 200, 60, false);
    press(bench, "X");
    compare(bench, "seconds-log-x", 80, 24, false);
    press(bench, "X x s s");
    compare(bench, "smooth", 80, 24, true);
    press(bench, "s s s E k k");
    bench->state.now += 100;
    compare(bench, "changes", 80, 24, true);
    compare(bench, "changes-40x12", 40, 12, false);
    compare(bench, "changes-120x40", 120, 40, false);
    bench->state.glyphs = GLYPHS_ASCII;
    compare(bench, "changes-ascii", 80, 24, false);
    bench_destroy(bench);
}

static struct reading read_at(struct bench *bench, double x)
{
    struct reading reading;
    bench->state.charts.cursor = true;
    bench->state.charts.x = x;
    bench->state.charts.chosen = 0;
    reading_take(&bench->state.charts, &bench->history, &reading);
    return reading;
}

static const char *value_of(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->setting_count; i++)
        if (strcmp(reading->settings[i].name, name) == 0)
            return reading->settings[i].value;
    return "";
}

/* The numbers are those of the present way, whatever was abandoned beside it. */
static void test_reading(void **unused)
{
    (void)unused;
    struct bench *bench = bench_edited();
    bench->state.charts.plots[0].width = 70;
    const int64_t momentum = 4 * 469 + 100, noise = 6 * 469 + 100, undone = 8 * 469 + 100;
    struct reading reading = read_at(bench, (double)momentum - 1);
    assert_int_equal(reading.step, momentum - 1);
    assert_string_equal(value_of(&reading, "momentum"), "0.9");
    assert_false(reading.noise);
    assert_int_equal(reading.edit->step, momentum);
    reading = read_at(bench, (double)momentum);
    assert_string_equal(value_of(&reading, "momentum"), "0.5");
    assert_true(reading.minimum < reading.mean && reading.mean < reading.maximum);
    reading = read_at(bench, (double)noise + 100);
    assert_true(reading.noise);
    assert_int_equal(reading.evaluation->step, 6 * 469);

    /* Beyond the fork the rate is not what was taken back. */
    reading = read_at(bench, (double)undone + 400);
    assert_false(reading.abandoned);
    assert_true(reading.learning_rate < 0.02);
    assert_true(reading.mean < 0.7);
    assert_false(reading.evaluation->abandoned);
    assert_true(reading.seconds > 11 * 469 * 100.0 / 142000);

    /* In seconds both are there, each at its time. */
    press(bench, "x x");
    double fork = (double)undone * 100 / 142000;
    reading = read_at(bench, fork + 469 * 100.0 / 142000);
    assert_true(reading.abandoned);
    assert_true(reading.learning_rate > 0.05);
    assert_true(reading.step > undone);
    reading = read_at(bench, fork + 3.5 * 469 * 100.0 / 142000);
    assert_false(reading.abandoned);
    assert_true(reading.learning_rate < 0.02);
    assert_string_equal(value_of(&reading, "momentum"), "0.5");
    bench_destroy(bench);
}

/* Nothing to read, and one step of it. */
static void test_empty(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    bench_update(bench);
    press(bench, "left right home end z z X z x Z x s E k j H L esc esc");
    fake_feed_train(&bench->fake, 1);
    bench_update(bench);
    press(bench, "left right home end z z X z x Z x s E k j H L esc 0");
    struct reading reading = read_at(bench, 0);
    assert_true(reading.losses && isfinite(reading.mean));
    assert_null(reading.evaluation);
    assert_null(reading.edit);
    bench_destroy(bench);
}

static void test_keys(void **unused)
{
    (void)unused;
    struct bench *bench = bench_edited();
    struct charts *charts = &bench->state.charts;
    press(bench, "left");
    assert_true(charts->cursor);
    assert_true(charts->x == (double)bench->history.snapshot.step);
    double x = charts->x;
    press(bench, "h");
    struct range range = charts_range(charts, &bench->history);
    assert_true(fabs(x - charts->x - (range.last - range.first) / charts->plots[0].width) < 1e-6);
    press(bench, "l");
    assert_true(fabs(x - charts->x) < 1e-6);
    press(bench, "home");
    assert_true(charts->x == 0);
    /* A key that is held goes faster. */
    for (int i = 0; i < 40; i++) {
        bench->state.now += 0.03;
        control_key(&bench->control, "right");
    }
    assert_true(charts->x == (double)bench->history.snapshot.step);

    /* A window that follows waits while something is read. */
    press(bench, "esc z z z");
    assert_true(charts->window.follow);
    press(bench, "left left");
    assert_false(charts->window.follow);
    range = charts_range(charts, &bench->history);
    fake_feed_train(&bench->fake, 1000);
    bench_update(bench);
    assert_true(charts_range(charts, &bench->history).first == range.first);
    press(bench, "esc");
    assert_true(charts->window.follow && !charts->cursor);
    assert_true(charts_range(charts, &bench->history).first > range.first);

    /* From one change to the next, also where two are at one step. */
    press(bench, "0 k");
    for (size_t i = bench->history.edit_count; i-- > 0; press(bench, "k")) {
        assert_int_equal(charts_edit(charts, &bench->history), i);
        assert_true(charts->x == (double)bench->history.edits[i].step);
    }
    assert_int_equal(charts_edit(charts, &bench->history), 0);
    press(bench, "j j");
    assert_int_equal(charts_edit(charts, &bench->history), 2);
    press(bench, "esc m");
    bench_type(bench, "again");
    press(bench, "enter");
    const struct edit_mark *newest = &bench->history.edits[bench->history.edit_count - 1];
    assert_true(newest->note);
    assert_string_equal(newest->label, "again");
    bench->state.now += 100;
    assert_false(bench_shows(bench, "last change: again"));

    /* Other units, the same place. */
    press(bench, "left left left");
    struct reading before = {0}, after;
    reading_take(charts, &bench->history, &before);
    press(bench, "x x");
    reading_take(charts, &bench->history, &after);
    assert_int_equal(charts->window.unit, WINDOW_SECONDS);
    assert_true(llabs(before.step - after.step) <= 1);
    assert_true(fabs(before.seconds - after.seconds) < 1e-3);
    bench_destroy(bench);
}

static void test_commands(void **unused)
{
    (void)unused;
    struct bench *bench = bench_edited();
    struct charts *charts = &bench->state.charts;
    static const char *const wrong[] = {"zoom up",     "pan down",     "cursor there",
                                        "change last", "x-axis miles", "smoothing 5"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        control_perform(&bench->control, wrong[i], SOURCE_PROMPT);
        assert_true(bench_shows(bench, "refused: "));
    }
    control_perform(&bench->control, "x-axis steps", SOURCE_PROMPT);
    assert_int_equal(charts->window.unit, WINDOW_STEPS);
    control_perform(&bench->control, "smoothing 1000", SOURCE_PROMPT);
    assert_int_equal(bench->state.chosen.view.smoothing, SMOOTHING_1000);
    assert_true(bench_shows(bench, "train (1000)"));
    control_perform(&bench->control, "screen help", SOURCE_PROMPT);
    control_perform(&bench->control, "zoom in", SOURCE_PROMPT);
    assert_int_equal(bench->state.screen, SCREEN_CHARTS);
    bench_destroy(bench);
}

/* Any keys at any size while the run goes on, goes back and ends. */
static void test_random_keys(void **unused)
{
    (void)unused;
    static const char *const keys[] = {"x",     "X",   "z",    "Z", "0", "left", "right", "h",
                                       "l",     "H",   "L",    "k", "j", "E",    "home",  "end",
                                       "m",     "esc", "s",    "y", "g", "n",    "u",     "+",
                                       "enter", "up",  "down", "?", "r"};
    uint32_t random = 7;
    struct bench *bench = bench_create();
    for (int turn = 0; turn < 4000; turn++) {
        random = random * 1664525 + 1013904223;
        control_key(&bench->control, keys[(random >> 8) % (sizeof(keys) / sizeof(*keys))]);
        if (random >> 28 == 3)
            fake_feed_train(&bench->fake, random >> 16 & 511);
        if (bench->fake.posted < FAKE_POSTS - 2)
            fake_feed_apply(&bench->fake);
        bench->state.now += (random >> 20 & 3) * 0.1;
        bench_update(bench);
        struct text out = {0};
        bench_draw(bench, 1 + (int)(random >> 10 & 127), 1 + (int)(random >> 17 & 63), false, &out);
        text_fini(&out);
        struct range range = charts_range(&bench->state.charts, &bench->history);
        assert_true(range.first < range.last);
        assert_true(isfinite(bench->state.charts.x));
        if (turn == 3500)
            fake_feed_finish(&bench->fake);
    }
    bench_destroy(bench);
}

/* A click puts the cursor where it is, on either chart, and nowhere else. */
static void test_click(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    struct charts *charts = &bench->state.charts;
    struct text out = {0};
    bench_draw(bench, 80, 24, false, &out);
    text_fini(&out);
    for (int i = 0; i < 2; i++) {
        const struct rect plot = charts->plots[i];
        assert_true(plot.width > 40 && plot.height > 1);
        charts->cursor = false;
        assert_false(charts_click(&bench->control, plot.x - 1, plot.y));
        assert_false(charts_click(&bench->control, plot.x, plot.y + plot.height));
        assert_false(charts->cursor);
        assert_true(charts_click(&bench->control, plot.x, plot.y));
        assert_true(charts->cursor);
        const double first = charts->x;
        assert_true(charts_click(&bench->control, plot.x + plot.width / 2, plot.y));
        assert_true(charts->x > first + 1000);
    }
    bench_destroy(bench);
}

/* The rows of both charts, with their legends and axes, by epochs and then by seconds. */
static void draw_plots(struct bench *bench, struct text *out)
{
    for (enum window_unit unit = WINDOW_EPOCHS; unit < WINDOW_UNITS; unit++) {
        struct text screen = {0};
        bench->state.charts.window.unit = unit;
        bench_draw(bench, 80, 24, false, &screen);
        const char *from = strstr(screen.bytes, " loss "), *to = strstr(screen.bytes, " epoch 1");
        assert_true(from != NULL && to > from);
        text_print(out, "%.*s", (int)(to - from), from);
        text_fini(&screen);
    }
}

/* Numbers are new each time; curves and what they stand on now and then, and at once where the run
 * rests. */
static void test_curves_now_and_then(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    struct history *history = &bench->history;
    history->curves_due = INFINITY;
    bench_update(bench);
    const size_t evaluations = history->evaluation_count;
    const int64_t last = history->buckets[history->bucket_count - 1].last;
    struct text before = {0}, after = {0};
    draw_plots(bench, &before);
    fake_feed_train(&bench->fake, 5 * 469); /* which would need a longer axis */
    bench_update(bench);
    draw_plots(bench, &after);
    assert_string_equal(after.bytes, before.bytes);
    assert_int_equal(history->snapshot.step, bench->fake.now.step);
    assert_int_equal(history->evaluation_count, evaluations);
    assert_int_equal(history->buckets[history->bucket_count - 1].last, last);
    bench->fake.now.state = RUN_PAUSED;
    bench_update(bench);
    assert_int_equal(history->evaluation_count, evaluations + 5);
    assert_true(history->buckets[history->bucket_count - 1].last > last);
    after.length = 0;
    draw_plots(bench, &after);
    assert_string_not_equal(after.bytes, before.bytes);
    text_fini(&before);
    text_fini(&after);
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_click),    cmocka_unit_test(test_curves_now_and_then),
        cmocka_unit_test(test_screens),  cmocka_unit_test(test_reading),
        cmocka_unit_test(test_empty),    cmocka_unit_test(test_keys),
        cmocka_unit_test(test_commands), cmocka_unit_test(test_random_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
