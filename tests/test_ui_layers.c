/* The screen of the layers: golden screens, words for what is out of the ordinary, keys, looks. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/health.h"
#include "../src/ui/screens.h"
#include "ui_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void compare(struct bench *bench, const char *name, int width, int height, bool styles)
{
    ui_golden(bench, "screen-layers", name, width, height, styles);
}

/* A training whose layers were measured for a while. */
static struct bench *bench_measured(void)
{
    struct bench *bench = bench_create();
    for (int i = 0; i < 40; i++)
        fake_feed_train(&bench->fake, 100 + i);
    bench_press(bench, "2");
    bench_update(bench);
    return bench;
}

/* Six layers, of which some have something. */
static struct bench *bench_unwell(void)
{
    static const int sizes[] = {3072, 1024, 512, 200, 100, 50, 10};
    struct bench *bench = bench_measured();
    struct layers *layers = &bench->fake.layers;
    for (int l = 5; l >= 0; l--) {
        layers->layer[l] = layers->layer[l < 5 ? l % 2 : 2];
        layers->layer[l].inputs = sizes[l];
        layers->layer[l].units = sizes[l + 1];
        layers->layer[l].update_ratio = 1.1e-3;
    }
    layers->count = 6;
    layers->layer[0].inactive = 420;
    layers->layer[1].inactive = 340;
    layers->layer[1].update_ratio = 3e-5;
    layers->layer[2].update_ratio = 4.2e-5;
    layers->layer[3].update_ratio = 5.5e-5;
    layers->layer[3].zeros = 25000;
    memset(layers->layer[3].bins, 0, sizeof(layers->layer[3].bins));
    layers->layer[3].bins[4] = 500;
    layers->layer[4].mean_drift = 0.81;
    layers->layer[5].gradient_norm = 3.7e-9;
    for (size_t i = 0; i < bench->fake.trend_points; i++)
        for (int l = 0; l < 6; l++) {
            struct layer_point *point = &bench->fake.trend[i][l];
            point->step = bench->fake.trend[i][0].step;
            point->gradient_norm = layers->layer[l].gradient_norm * (double)(200 - i) / 100;
            point->update_ratio = layers->layer[l].update_ratio * (double)(100 + i) / 100;
        }
    bench_update(bench);
    return bench;
}

static void test_sizes(void **unused)
{
    (void)unused;
    struct bench *bench = bench_measured();
    ui_golden_sizes(bench, "screen-layers");
    bench_destroy(bench);
}

static void test_states(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    bench_press(bench, "2");
    bench_update(bench);
    compare(bench, "starting", 80, 24, true);
    bench->fake.now.state = RUN_PAUSED;
    bench_update(bench);
    assert_true(bench_shows(bench, "Nothing is measured yet: the next step will be."));
    bench->fake.now.state = RUN_FINISHED;
    bench_update(bench);
    assert_true(bench_shows(bench, "The run has ended."));
    bench->fake.feed.layers = NULL;
    bench_update(bench);
    assert_true(bench_shows(bench, "This run does not tell of its layers."));
    bench_destroy(bench);

    bench = bench_measured();
    bench->fake.now.state = RUN_PAUSED;
    bench->state.now = bench->fake.clock += 90;
    bench_update(bench);
    compare(bench, "paused", 80, 24, true);
    compare(bench, "paused-40x12", 40, 12, false);
    bench_destroy(bench);
}

static void test_unwell(void **unused)
{
    (void)unused;
    struct bench *bench = bench_unwell();
    compare(bench, "unwell", 80, 24, true);
    compare(bench, "unwell-40x12", 40, 12, true);
    compare(bench, "unwell-120x40", 120, 40, true);
    bench->state.glyphs = GLYPHS_ASCII;
    bench_press(bench, "end");
    compare(bench, "unwell-ascii", 80, 24, false);
    bench_destroy(bench);
}

static void test_every_size_draws(void **unused)
{
    (void)unused;
    struct bench *benches[] = {bench_measured(), bench_unwell()};
    for (int i = 0; i < 2; i++) {
        int turn = 0;
        for (int width = 1; width <= 300; width += width < 90 ? 1 : 23)
            for (int height = 1; height <= 100; height += height < 30 ? 1 : 17) {
                struct text out = {0};
                benches[i]->state.glyphs = (enum settings_glyphs)(GLYPHS_BRAILLE + turn++ % 3);
                bench_draw(benches[i], width, height, false, &out);
                text_fini(&out);
            }
        bench_destroy(benches[i]);
    }
}

/* More layers than rows: the chosen one is always among those shown. */
static void test_keys(void **unused)
{
    (void)unused;
    struct bench *bench = bench_measured();
    struct layers *layers = &bench->fake.layers;
    for (int l = 3; l < FEED_MAX_LAYERS; l++)
        layers->layer[l] = layers->layer[l % 2];
    layers->count = FEED_MAX_LAYERS;
    bench_update(bench);
    bench_press(bench, "up");
    assert_int_equal(bench->state.layer, 0);
    for (int l = 0; l < FEED_MAX_LAYERS; l++) {
        char row[32];
        struct text out = {0};
        snprintf(row, sizeof(row), "▸%2d ", l + 1);
        bench_draw(bench, 40, 12, false, &out);
        if (strstr(out.bytes, row) == NULL)
            fail_msg("no %s in\n%s", row, out.bytes);
        text_fini(&out);
        bench_press(bench, "down");
    }
    assert_int_equal(bench->state.layer, FEED_MAX_LAYERS - 1);
    bench_press(bench, "home j j k");
    assert_int_equal(bench->state.layer, 1);
    bench_press(bench, "end");
    assert_int_equal(bench->state.layer, FEED_MAX_LAYERS - 1);
    layers->count = 3; /* another feed has fewer */
    bench_update(bench);
    assert_true(bench_shows(bench, "▸ 3 "));
    bench_destroy(bench);
}

static void test_looks(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 500);
    bench_update(bench);
    assert_int_equal(bench->fake.looks, 0);
    bench_press(bench, "2");
    for (int i = 1; i <= 3; i++) { /* also where nothing is new */
        control_update(&bench->control);
        assert_int_equal(bench->fake.looks, i);
    }
    assert_true(screens_next_change(&bench->state, &bench->history) < FEED_LAYERS_SECONDS / 2);
    bench_press(bench, "1");
    bench_update(bench);
    assert_int_equal(bench->fake.looks, 3);
    bench_destroy(bench);
}

/* The limits, as kdtui(1) states them. */
static void test_limits(void **unused)
{
    (void)unused;
    struct settings settings;
    struct finding findings[HEALTH_SIGNS];
    const struct layer_measure good = {.units = 100,
                                       .hidden = true,
                                       .gradient_norm = 0.5,
                                       .update_ratio = 1e-3,
                                       .zeros = 50,
                                       .bins = {50},
                                       .mean_drift = 0.1,
                                       .deviation_drift = 0.1};
    settings_init(&settings);
    settings.network.activation = ACTIVATION_RELU;
    settings.train.batch_size = 100;
    struct layer_measure layer = good;
    health_judge(&layer, &settings, findings);
    for (int i = 0; i < HEALTH_SIGNS; i++)
        assert_int_equal(findings[i].style, STYLE_PLAIN);
#define EXPECT(change, sign, expected, words)                                                      \
    do {                                                                                           \
        layer = good;                                                                              \
        change;                                                                                    \
        health_judge(&layer, &settings, findings);                                                 \
        assert_int_equal(findings[sign].style, expected);                                          \
        assert_string_equal(findings[sign].what, words);                                           \
    } while (0)
    EXPECT(layer.gradient_norm = 9e-7, HEALTH_GRADIENT, STYLE_WARN, "gradient 9.0e-7: vanishing");
    EXPECT(layer.gradient_norm = 1e-6, HEALTH_GRADIENT, STYLE_PLAIN, "");
    EXPECT(layer.gradient_norm = 100, HEALTH_GRADIENT, STYLE_PLAIN, "");
    EXPECT(layer.gradient_norm = 101, HEALTH_GRADIENT, STYLE_BAD, "gradient 1.0e2: exploding");
    EXPECT(layer.gradient_norm = NAN, HEALTH_GRADIENT, STYLE_BAD, "gradient nan: exploding");
    EXPECT(layer.update_ratio = 9e-7, HEALTH_UPDATE, STYLE_BAD,
           "update/weight 9.0e-7: stands still");
    EXPECT(layer.update_ratio = 3e-5, HEALTH_UPDATE, STYLE_WARN, "update/weight 3.0e-5: slow");
    EXPECT(layer.update_ratio = 1e-4, HEALTH_UPDATE, STYLE_PLAIN, "");
    EXPECT(layer.update_ratio = 0.012, HEALTH_UPDATE, STYLE_WARN, "update/weight 1.2e-2: fast");
    EXPECT(layer.update_ratio = 0.2, HEALTH_UPDATE, STYLE_BAD, "update/weight 2.0e-1: wild");
    EXPECT(layer.update_ratio = NAN, HEALTH_UPDATE, STYLE_BAD, "update/weight nan: wild");
    EXPECT(layer.inactive = 29, HEALTH_DEAD, STYLE_PLAIN, "");
    EXPECT(layer.inactive = 40, HEALTH_DEAD, STYLE_WARN, "40% dead");
    EXPECT(layer.inactive = 60, HEALTH_DEAD, STYLE_BAD, "60% dead");
    EXPECT(layer.zeros = 450, HEALTH_ZERO, STYLE_WARN, "90% zero");
    EXPECT(layer.mean_drift = 0.5, HEALTH_DRIFT, STYLE_PLAIN, "");
    EXPECT(layer.mean_drift = 0.82, HEALTH_DRIFT, STYLE_WARN, "moving averages 0.82 sd off");
    EXPECT(layer.deviation_drift = log(2), HEALTH_DRIFT, STYLE_WARN,
           "moving deviations off by x2.00");
    EXPECT(layer.mean_drift = layer.deviation_drift = NAN, HEALTH_DRIFT, STYLE_PLAIN, "");
    /* A small mini-batch is off by chance. */
    settings.train.batch_size = 9;
    EXPECT(layer.mean_drift = 0.9, HEALTH_DRIFT, STYLE_PLAIN, "");
    EXPECT(layer.mean_drift = 1.1, HEALTH_DRIFT, STYLE_WARN, "moving averages 1.10 sd off");
    /* Below 0 others than ReLU learn on; the last layer has no activation. */
    EXPECT(layer.inactive = 60; layer.hidden = false, HEALTH_DEAD, STYLE_PLAIN, "");
    settings.network.activation = ACTIVATION_ELU;
    EXPECT(layer.inactive = 60, HEALTH_DEAD, STYLE_PLAIN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),  cmocka_unit_test(test_states),
        cmocka_unit_test(test_unwell), cmocka_unit_test(test_every_size_draws),
        cmocka_unit_test(test_keys),   cmocka_unit_test(test_looks),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
