/* What a run shows of its layers: only while somebody looks, and without a trace. */
#include "run_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../src/run/internal.h"

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* Looks until there is a measurement of a step after `step`. */
static void look(struct feed *feed, int64_t step, struct layers *out)
{
    const double limit = clock_seconds() + 10;
    feed->layers(feed, out);
    while (out->step <= step) {
        if (clock_seconds() > limit)
            fail_msg("nothing is measured");
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        feed->layers(feed, out);
    }
}

static void test_shown(void **state)
{
    (void)state;
    static const int inputs[] = {FIXTURE_SIDE * FIXTURE_SIDE, 8, 6}, units[] = {8, 6, 4};
    struct layers layers;
    struct layer_point trend[FEED_TREND];
    struct snapshot now;
    struct answer answer;
    struct run *run = fixture_start_paused(&fixture, "shown", NULL);
    struct feed *feed = run_feed(run);
    feed->layers(feed, &layers);
    assert_int_equal(layers.step, -1);
    assert_int_equal(feed->layer_trend(feed, 0, trend, FEED_TREND), 0);

    fixture_expect_applied(feed, "continue", "running");
    look(feed, -1, &layers);
    fixture_command(feed, "pause", &answer);
    fixture_wait(feed, fixture_paused, &now);
    feed->layers(feed, &layers);
    assert_true(layers.step > 0 && layers.step <= now.step);
    assert_int_equal(layers.count, 3);
    for (int l = 0; l < 3; l++) {
        const struct layer_measure *layer = &layers.layer[l];
        uint32_t values = layer->zeros;
        assert_int_equal(layer->inputs, inputs[l]);
        assert_int_equal(layer->units, units[l]);
        assert_int_equal(layer->hidden, l < 2);
        assert_true(layer->gradient_norm > 0 && layer->update_ratio > 0);
        assert_true(layer->inactive >= 0 && layer->inactive <= units[l]);
        for (int i = 0; i < FEED_BINS; i++)
            values += layer->bins[i];
        assert_int_equal(values, units[l] * FIXTURE_BATCH);
        assert_int_equal(isnan(layer->mean_drift), l == 2);
        assert_int_equal(isnan(layer->deviation_drift), l == 2);
        assert_int_equal(feed->layer_trend(feed, l, trend, FEED_TREND) > 0, true);
        assert_true(trend[0].step > 0 && trend[0].step <= layers.step);
    }

    /* A return leads to a state of which nothing was measured. */
    fixture_command(feed, "set train.learning_rate 0.05", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_command(feed, "undo", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->layers(feed, &layers);
    assert_int_equal(layers.step, -1);
    assert_int_equal(feed->layer_trend(feed, 0, trend, FEED_TREND), 0);
    fixture_command(feed, "continue", &answer);
    look(feed, -1, &layers);
    assert_true(layers.step > answer.step);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* Trains to the end; `looks`: somebody does all the time. */
static void train(const char *name, bool looks)
{
    struct settings settings;
    struct snapshot now;
    struct layers layers;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=20");
    struct run *run = fixture_start(&fixture, &settings, name);
    struct feed *feed = run_feed(run);
    do {
        if (looks)
            feed->layers(feed, &layers);
        feed->snapshot(feed, &now);
    } while (!fixture_ended(&now));
    fixture_end(run, RUN_FINISHED, NULL);
}

static void test_same_bits(void **state)
{
    (void)state;
    train("unseen", false);
    train("seen", true);
    fixture_assert_same(&fixture, "unseen", "seen");
}

/* A paused run's own functions, called in its thread's place while it sleeps. */
static void test_looks_end(void **state)
{
    (void)state;
    struct layers layers;
    struct run *run = fixture_start_paused(&fixture, "looks", NULL);
    struct feed *feed = run_feed(run);
    double clock = clock_seconds() + 1000;
    assert_false(run_layers_due(run, clock));
    feed->layers(feed, &layers);
    assert_false(run_layers_due(run, clock)); /* it has just asked */
    assert_true(run_layers_due(run, clock += 1));
    assert_false(run_layers_due(run, clock));
    assert_true(run_layers_due(run, clock += 1));
    run->publication.layers.looked -= FEED_LAYERS_SECONDS;
    assert_false(run_layers_due(run, clock += 1));
    run->layers_due = 0;
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

static void test_trend(void **state)
{
    (void)state;
    struct layer_point trend[FEED_TREND];
    struct run *run = fixture_start_paused(&fixture, "trend", NULL);
    struct feed *feed = run_feed(run);
    const int64_t step = run->step;
    for (int64_t i = 1; i <= 1000; i++) {
        run->step = step + i;
        run->layers[1].gradient_norm = (double)i;
        run_layers_measured(run);
        const size_t count = feed->layer_trend(feed, 1, trend, FEED_TREND);
        assert_true(i < FEED_TREND ? count == (size_t)i : count >= FEED_TREND / 2);
        /* Evenly apart from the first on. */
        for (size_t k = 0; k < count; k++) {
            assert_true(trend[k].gradient_norm == (double)(trend[k].step - step));
            assert_int_equal(trend[k].step - step,
                             1 + (int64_t)k * (trend[1].step - trend[0].step));
        }
        assert_true(2 * (step + i - trend[count - 1].step) < i + 2);
    }
    assert_int_equal(feed->layer_trend(feed, 1, trend, 3), 3);
    assert_int_equal(feed->layer_trend(feed, 3, trend, FEED_TREND), 0);
    run->step = step;
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_looks_end),
        cmocka_unit_test(test_trend),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
