/* train.evaluate = running: training loss and accuracy from the epoch's own steps. */
#include "run_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

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

/* The mean loss of steps first … end-1, added in this order. */
static double mean_loss(struct feed *feed, int64_t first, int64_t end)
{
    static struct loss_bucket buckets[FEED_MAX_BUCKETS];
    assert_true(feed->buckets(feed, 0, INT64_MAX, buckets, FEED_MAX_BUCKETS) >= (size_t)end);
    double sum = 0;
    for (int64_t step = first; step < end; step++) {
        assert_int_equal(buckets[step].first, step);
        assert_int_equal(buckets[step].last, step);
        sum += buckets[step].mean;
    }
    return sum / (double)(end - first);
}

/* A net that does not learn, and normalizes nothing, is in each of its steps the
 * one that is evaluated. */
static void test_meaning(void **state)
{
    (void)state;
    static const char *const how[] = {"train.evaluate=full", "train.evaluate=running"};
    struct evaluation rows[2][3];
    for (int i = 0; i < 2; i++) {
        struct settings settings;
        struct snapshot now;
        fixture_settings(&fixture, &settings);
        fixture_set(&settings, "network.batch_norm=none");
        fixture_set(&settings, "train.learning_rate=1e-12");
        fixture_set(&settings, how[i]);
        struct run *run = fixture_start(&fixture, &settings, i ? "still-running" : "still-full");
        struct feed *feed = run_feed(run);
        fixture_wait(feed, fixture_ended, &now);
        assert_int_equal(feed->evaluations(feed, 0, rows[i], 3), 3);
        for (int64_t e = 0; i == 1 && e < 3; e++)
            assert_true(rows[i][e].train_loss ==
                        mean_loss(feed, e * FIXTURE_STEPS, (e + 1) * FIXTURE_STEPS));
        fixture_end(run, RUN_FINISHED, NULL);
    }
    for (int e = 0; e < 3; e++) {
        assert_float_equal(rows[0][e].train_loss, rows[1][e].train_loss, 1e-5);
        assert_true(rows[0][e].train_accuracy == rows[1][e].train_accuracy);
        assert_true(rows[0][e].validation_loss == rows[1][e].validation_loss);
        assert_true(rows[0][e].validation_accuracy == rows[1][e].validation_accuracy);
    }
}

/* It changes neither what is learned nor, with noise, what validates. */
static void test_validation(void **state)
{
    (void)state;
    static const char *const how[] = {"train.evaluate=full", "train.evaluate=running"};
    struct evaluation rows[2][3];
    struct snapshot now[2];
    for (int i = 0; i < 2; i++) {
        struct settings settings;
        fixture_settings(&fixture, &settings);
        fixture_set(&settings, "augment.noise=on");
        fixture_set(&settings, "augment.noise_level=2");
        fixture_set(&settings, how[i]);
        struct run *run = fixture_start(&fixture, &settings, i ? "noisy-running" : "noisy-full");
        fixture_wait(run_feed(run), fixture_ended, &now[i]);
        assert_int_equal(run_feed(run)->evaluations(run_feed(run), 0, rows[i], 3), 3);
        fixture_end(run, RUN_FINISHED, NULL);
    }
    for (int e = 0; e < 3; e++) {
        assert_true(rows[0][e].train_loss != rows[1][e].train_loss);
        assert_true(rows[0][e].validation_loss == rows[1][e].validation_loss);
    }
    assert_true(now[0].test_loss == now[1].test_loss);
    assert_int_equal(now[0].best_step, now[1].best_step);
}

static int64_t target;

static bool stepped(const struct snapshot *now)
{
    return now->state == RUN_PAUSED && now->step == target;
}

static void step_to(struct feed *feed, int64_t step, struct snapshot *now)
{
    char line[32];
    struct answer answer;
    feed->snapshot(feed, now);
    snprintf(line, sizeof line, "step %" PRId64, step - now->step);
    target = step;
    fixture_command(feed, line, &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_wait(feed, stepped, now);
}

static void check_sums(const char *file, int64_t step, int64_t steps, const struct evaluation *row)
{
    struct checkpoint checkpoint;
    struct err err;
    char *path = fixture_path(&fixture, "within", file);
    if (checkpoint_load(path, &checkpoint, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(checkpoint.step, step);
    assert_int_equal(checkpoint.sums.steps, steps);
    assert_true(checkpoint.sums.loss / (double)steps == row->train_loss);
    assert_true((double)checkpoint.sums.correct / (double)(steps * FIXTURE_BATCH) ==
                row->train_accuracy);
    checkpoint_fini(&checkpoint);
    mem_free(path);
}

/* `evaluate` within an epoch has the steps so far and takes nothing from the epoch's row; at an
 * epoch's end it has the whole epoch. A checkpoint has the sums. */
static void test_within(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "within", "train.evaluate=running");
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct answer answer;
    feed->snapshot(feed, &now);
    /* The end of an epoch that it has not begun. */
    int64_t begin = (now.step / FIXTURE_STEPS + 1) * FIXTURE_STEPS;
    step_to(feed, begin, &now);
    const struct evaluation end = now.last;
    assert_int_equal(end.step, begin);
    assert_true(end.train_loss == mean_loss(feed, begin - FIXTURE_STEPS, begin));
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->snapshot(feed, &now);
    assert_true(now.last.train_loss == end.train_loss);
    assert_true(now.last.train_accuracy == end.train_accuracy);
    fixture_command(feed, "checkpoint whole", &answer);
    check_sums("checkpoints/whole.safetensors", begin, FIXTURE_STEPS, &end);

    step_to(feed, begin + 7, &now);
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->snapshot(feed, &now);
    assert_int_equal(now.last.step, begin + 7);
    assert_true(now.last.train_loss == mean_loss(feed, begin, begin + 7));
    fixture_command(feed, "checkpoint part", &answer);
    check_sums("checkpoints/part.safetensors", begin + 7, 7, &now.last);

    step_to(feed, begin + FIXTURE_STEPS, &now);
    assert_int_equal(now.last.step, begin + FIXTURE_STEPS);
    assert_true(now.last.train_loss == mean_loss(feed, begin, begin + FIXTURE_STEPS));
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_validation),
        cmocka_unit_test(test_within),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
