/* Divergence: the newest good state, and what comes after the return to it. */
#include "run_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

static bool diverged(const struct snapshot *now)
{
    return now->state == RUN_PAUSED && now->diverged;
}

static bool trained_on(const struct snapshot *now)
{
    return now->step > 1000;
}

static void check_finite(const char *run, const char *file)
{
    struct checkpoint checkpoint;
    struct err err;
    char *path = fixture_path(&fixture, run, file);
    if (checkpoint_load(path, &checkpoint, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < safetensors_count(checkpoint.tensors); i++) {
        const struct safetensors_tensor *tensor = safetensors_at(checkpoint.tensors, i);
        float *values = mem_alloc(tensor->count * sizeof *values);
        memcpy(values, tensor->bytes, tensor->count * sizeof *values);
        assert_true(math_finite(tensor->count, values));
        mem_free(values);
    }
    checkpoint_fini(&checkpoint);
    mem_free(path);
}

/* A net without the normalization that would forgive any rate. */
static void wild_settings(struct settings *settings, const char *rate)
{
    fixture_settings(&fixture, settings);
    fixture_set(settings, "network.batch_norm=none");
    fixture_set(settings, "train.epochs=1000000");
    fixture_set(settings, "checkpoint.every_epochs=0");
    fixture_set(settings, rate);
}

static void test_pause(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    wild_settings(&settings, "train.learning_rate=1000");
    fixture.watched = true;
    struct run *run = fixture_start(&fixture, &settings, "paused");
    fixture.watched = false;
    struct feed *feed = run_feed(run);
    fixture_wait(feed, diverged, &now);
    int64_t step, back;
    const char *at = strstr(now.pause_reason, " at step ");
    assert_true(strncmp(now.pause_reason, "diverged: ", 10) == 0 && at);
    assert_int_equal(sscanf(at, " at step %" SCNd64 ", back at step %" SCNd64, &step, &back), 2);
    assert_int_equal(back, 0);
    assert_int_equal(now.step, 0);
    assert_true(step > 0);
    assert_true(now.learning_rate == 1000);
    assert_int_equal(now.returns, 1);
    assert_int_equal(now.undo_step, -1);
    /* At the same rate it diverges again, and pauses again. */
    fixture_expect_applied(feed, "continue", "running");
    fixture_wait(feed, diverged, &now);
    assert_int_equal(now.returns, 2);
    assert_int_equal(now.step, 0);
    fixture_expect_applied(feed, "set train.learning_rate 0.01", "learning rate 1000 → 0.01");
    fixture_expect_applied(feed, "continue", "running");
    fixture_wait(feed, trained_on, &now);
    assert_false(now.diverged);
    assert_string_equal(now.pause_reason, "");
    /* The state after a bad edit is the one to go on from, at a smaller rate. */
    struct answer answer;
    fixture_command(feed, "set train.learning_rate 1000", &answer);
    int64_t edited = answer.step;
    fixture_wait(feed, diverged, &now);
    assert_int_equal(now.step, edited);
    assert_true(now.learning_rate == 1000);
    assert_int_equal(now.undo_step, edited);
    fixture_command(feed, "undo", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate < 0.02);
    assert_false(now.diverged);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* A run that began without a view waits for who has come to look, not for who has left. */
static void test_left_alone(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    wild_settings(&settings, "train.learning_rate=0.001");
    struct run *run = fixture_start(&fixture, &settings, "alone");
    struct feed *feed = run_feed(run);
    run_viewers(run, 2, 1);
    fixture_expect_applied(feed, "set train.learning_rate 1000", "learning rate 0.001 → 1000");
    fixture_wait(feed, diverged, &now);
    assert_int_equal(now.state, RUN_PAUSED);
    run_viewers(run, 1, 0);
    fixture_end(run, RUN_DIVERGED, &now);
    assert_true(strncmp(now.error, "diverged", 8) != 0);
    assert_non_null(strstr(now.error, "saved as step-"));
}

static void test_halve(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    wild_settings(&settings, "train.learning_rate=20");
    fixture_set(&settings, "train.on_divergence=halve");
    struct run *run = fixture_start(&fixture, &settings, "halved");
    fixture_wait(run_feed(run), trained_on, &now);
    assert_true(now.returns > 0);
    assert_true(now.settings.train.learning_rate < 20);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, &now);

    /* Halving ends where it does not help, */
    fixture_set(&settings, "train.learning_rate=1000");
    fixture_set(&settings, "train.l2=100");
    run = fixture_start(&fixture, &settings, "hopeless");
    fixture_end(run, RUN_DIVERGED, &now);
    assert_true(now.settings.train.learning_rate < 1);
    assert_non_null(strstr(now.error, ", back at step 0; saved as step-0"));
    check_finite("hopeless", "checkpoints/last.safetensors");
    check_finite("halved", "checkpoints/last.safetensors");
    check_finite("halved", "checkpoints/best.safetensors");

    /* and nothing helps where the first step has no good state before it. */
    fixture_set(&settings, "network.init=normal");
    fixture_set(&settings, "network.init_std=100");
    run = fixture_start(&fixture, &settings, "ruined");
    fixture_end(run, RUN_DIVERGED, &now);
    assert_int_equal(now.step, 0);
    assert_int_equal(now.returns, 0);
    assert_non_null(strstr(now.error, ", with no good state before it; "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_left_alone),
        cmocka_unit_test(test_halve),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
