/* The learning-rate range test: what it finds, and that it leaves nothing behind. */
#include "run_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void assert_same_file(const char *run, const char *before, const char *after)
{
    struct checkpoint a, b;
    struct err err;
    char *path_a = fixture_path(&fixture, run, before);
    char *path_b = fixture_path(&fixture, run, after);
    if (checkpoint_load(path_a, &a, &err) != 0 || checkpoint_load(path_b, &b, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(safetensors_checksum(a.tensors), safetensors_checksum(b.tensors));
    assert_memory_equal(&a.settings, &b.settings, sizeof a.settings);
    assert_int_equal(a.step, b.step);
    assert_true(a.rate_scale == b.rate_scale && a.rate_anchor == b.rate_anchor);
    assert_true(a.momentum_product == b.momentum_product);
    assert_true(a.seconds == b.seconds);
    assert_memory_equal(&a.best, &b.best, sizeof a.best);
    assert_int_equal(a.metrics_length, b.metrics_length);
    assert_int_equal(a.steps_length, b.steps_length);
    assert_memory_equal(&a.row, &b.row, sizeof a.row);
    assert_memory_equal(&a.sums, &b.sums, sizeof a.sums);
    assert_int_equal(a.evaluation_due, b.evaluation_due);
    assert_int_equal(a.averages_set, b.averages_set);
    checkpoint_fini(&a);
    checkpoint_fini(&b);
    mem_free(path_a);
    mem_free(path_b);
}

static void assert_same_text(const char *run, const char *file, const char *before)
{
    char *after = fixture_read(&fixture, run, file, NULL);
    assert_string_equal(after, before);
    mem_free(after);
}

static bool range_ended(const struct snapshot *now)
{
    return now->range_tests > 0 && now->state != RUN_RANGE_TEST;
}

/* What a test may find, whatever the numbers. */
static void check_points(const struct range_test *test)
{
    assert_false(test->running);
    assert_true(test->count > 0 && test->count <= test->planned && test->planned <= RANGE_POINTS);
    double least = INFINITY;
    for (size_t i = 0; i < test->count; i++) {
        const struct range_point *point = &test->points[i];
        char shown[32];
        double again;
        snprintf(shown, sizeof shown, "%.2g", point->rate);
        assert_int_equal(number_parse_double(shown, &again), 0);
        assert_true(fabs(again / point->rate - 1) < 1e-12);
        assert_true(i == 0 || point->rate > test->points[i - 1].rate);
        assert_true(isfinite(point->loss) && point->smooth > 0);
        least = fmin(least, point->smooth);
    }
    if (isnan(test->lowest))
        return;
    assert_true(test->steepest > 0 && test->steepest <= test->lowest);
    for (size_t i = 0; i < test->count; i++)
        if (test->points[i].rate == test->lowest)
            assert_true(test->points[i].smooth == least);
}

static void test_leaves_nothing(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "nothing", "augment.noise=on");
    struct feed *feed = run_feed(run);
    struct snapshot before, after;
    struct answer answer;
    struct range_test test;
    fixture_expect_applied(feed, "step 27", "27 steps");
    fixture_wait(feed, fixture_paused, &before);
    fixture_expect_refused(feed, "range-test now", "\"range-test stop\" is expected");
    fixture_expect_applied(feed, "range-test stop", "no range test is under way");
    feed->range(feed, &test);
    assert_int_equal(test.number, 0);
    fixture_command(feed, "checkpoint before", &answer);
    feed->snapshot(feed, &before);
    char *metrics = fixture_read(&fixture, "nothing", "metrics.csv", NULL);
    char *steps = fixture_read(&fixture, "nothing", "steps.csv", NULL);

    fixture_command(feed, "range-test", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->range(feed, &test);
    check_points(&test);
    assert_int_equal(test.number, 1);
    assert_int_equal(test.step, before.step);
    assert_true(test.rate == before.learning_rate);
    assert_string_equal(test.text, answer.text);
    assert_non_null(strstr(test.text, "the loss falls fastest at "));
    assert_true(test.lowest > 1e-5 && test.lowest < 10);

    fixture_wait(feed, range_ended, &after);
    assert_int_equal(after.state, RUN_PAUSED);
    assert_int_equal(after.step, before.step);
    assert_true(after.loss == before.loss && after.seconds == before.seconds);
    assert_true(after.learning_rate == before.learning_rate);
    assert_int_equal(after.buckets, before.buckets);
    assert_int_equal(after.evaluations, before.evaluations);
    assert_int_equal(after.edits, before.edits);
    assert_int_equal(after.undo_step, -1);
    fixture_command(feed, "checkpoint after", &answer);
    assert_same_file("nothing", "checkpoints/before.safetensors", "checkpoints/after.safetensors");
    assert_same_text("nothing", "metrics.csv", metrics);
    assert_same_text("nothing", "steps.csv", steps);
    mem_free(metrics);
    mem_free(steps);

    /* The one after it finds the same. */
    struct range_test again;
    fixture_command(feed, "range-test", &answer);
    feed->range(feed, &again);
    assert_int_equal(again.number, 2);
    assert_int_equal(again.count, test.count);
    assert_memory_equal(again.points, test.points, test.count * sizeof test.points[0]);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* Everything up to the end of a run of so many epochs. */
static struct run *start_scripted(const char *name, const struct script *script, const char *more)
{
    struct settings settings;
    struct run_options options = {.script = script};
    struct run *run;
    struct err err;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, more);
    options.settings = settings;
    text_copy(options.name, sizeof options.name, name);
    snprintf(options.runs_directory, sizeof options.runs_directory, "%.200s/runs",
             fixture.directory);
    if (run_create(&options, fixture.dataset, &run, &err) != 0)
        fail_msg("%s", err.text);
    return run;
}

/* Also where the epoch ends on the way, before the first step, and with nothing to come. */
static void test_goes_on(void **state)
{
    (void)state;
    struct script *plain = fixture_script("@7 toggle augment.noise\n@31 undo\n");
    struct script *tested = fixture_script(
        "@0 range-test\n@7 toggle augment.noise\n@15 range-test\n@20 range-test\n"
        "@31 undo\n@31 range-test\n@59 range-test\n");
    static const char *const cases[][2] = {{"train.evaluate=running", "running"},
                                           {"network.batch_norm=none", "plain"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char a[64], b[64];
        struct snapshot now;
        snprintf(a, sizeof a, "%s-without", cases[i][1]);
        snprintf(b, sizeof b, "%s-with", cases[i][1]);
        fixture_end(start_scripted(a, plain, cases[i][0]), RUN_FINISHED, NULL);
        fixture_end(start_scripted(b, tested, cases[i][0]), RUN_FINISHED, &now);
        assert_int_equal(now.range_tests, 5);
        assert_string_equal(now.warning, "");
        fixture_assert_same(&fixture, a, b);
    }
    script_free(plain);
    script_free(tested);
}

/* A run as it would have been is all that a replay needs. */
static void test_replayed(void **state)
{
    (void)state;
    struct replay *replay;
    struct run *run;
    struct snapshot now;
    struct err err;
    struct script *script =
        fixture_script("@9 range-test\n@9 set train.learning_rate /2\n@25 range-test\n");
    fixture_end(start_scripted("first", script, "train.epochs=2"), RUN_FINISHED, NULL);
    char *directory = fixture_path(&fixture, "first", "");
    assert_int_equal(replay_open(directory, true, &replay, &err), 0);
    struct run_options options = {.settings = *replay_settings(replay), .replay = replay};
    text_copy(options.name, sizeof options.name, "again");
    text_copy(options.runs_directory, sizeof options.runs_directory, replay_runs_directory(replay));
    assert_int_equal(run_create(&options, fixture.dataset, &run, &err), 0);
    fixture_wait(run_feed(run), fixture_ended, &now);
    assert_int_equal(now.state, RUN_FINISHED);
    assert_non_null(strstr(run_verified(run), "the same bits"));
    assert_int_equal(now.range_tests, 0); /* it only paces */
    run_destroy(run);
    replay_close(replay);
    char *journal = fixture_read(&fixture, "again", "journal.jsonl", NULL);
    json_t *line = fixture_journal_line(journal, 4);
    assert_string_equal(fixture_member(line, "command"), "range-test");
    json_decref(line);
    mem_free(journal);
    mem_free(directory);
    script_free(script);
}

/* ---- what comes in the middle ---- */

/* Both commands wait before the first of them begins: the run's clock is held meanwhile. */
static void post_together(struct run *run, const char *second, struct answer *first_answer,
                          struct answer *second_answer)
{
    struct feed *feed = run_feed(run);
    struct err err;
    pthread_mutex_lock(&run->hold.lock);
    uint64_t first = feed->post(feed, "range-test", SOURCE_KEY, &err);
    uint64_t then = feed->post(feed, second, SOURCE_KEY, &err);
    pthread_mutex_unlock(&run->hold.lock);
    assert_int_not_equal(first, 0);
    assert_int_not_equal(then, 0);
    fixture_answer(feed, first, first_answer);
    fixture_answer(feed, then, second_answer);
}

static void test_makes_way(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "way", NULL);
    struct feed *feed = run_feed(run);
    struct answer range, other, answer;
    struct range_test test;
    struct snapshot now;
    fixture_expect_applied(feed, "step 13", "13 steps");
    fixture_wait(feed, fixture_paused, &now);
    const int64_t step = now.step;
    fixture_command(feed, "set train.l2 0", &answer);
    fixture_expect_applied(feed, "step 1", "1 step");
    fixture_wait(feed, fixture_paused, &now);
    fixture_command(feed, "checkpoint a", &answer);

    static const char *const lines[] = {"range-test stop", "pause"};
    static const char *const texts[] = {"the range test was stopped, the state is as before it",
                                        "paused already"};
    for (size_t i = 0; i < 2; i++) {
        post_together(run, lines[i], &range, &other);
        assert_int_equal(range.state, ANSWER_REFUSED);
        assert_non_null(strstr(range.text, "stopped"));
        assert_int_equal(other.state, ANSWER_APPLIED);
        assert_string_equal(other.text, texts[i]);
        feed->range(feed, &test);
        assert_false(test.running);
        assert_true(test.count < test.planned && isnan(test.steepest));
    }
    fixture_command(feed, "checkpoint b", &answer);
    assert_same_file("way", "checkpoints/a.safetensors", "checkpoints/b.safetensors");

    /* Other commands wait until it is through. */
    post_together(run, "note meanwhile", &range, &other);
    assert_int_equal(range.state, ANSWER_APPLIED);
    assert_int_equal(other.state, ANSWER_APPLIED);
    post_together(run, "undo", &range, &other);
    assert_int_equal(range.state, ANSWER_APPLIED);
    assert_int_equal(range.step, step + 1);
    assert_int_equal(other.state, ANSWER_APPLIED);
    assert_int_equal(other.step, step);

    /* Running it stays, and `stop` is the run's end. */
    fixture_command(feed, "continue", &answer);
    fixture_command(feed, "range-test", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_wait(feed, range_ended, &now);
    assert_int_equal(now.state == RUN_RUNNING || now.state == RUN_EVALUATING, true);
    post_together(run, "stop", &range, &other);
    assert_int_equal(range.state, ANSWER_REFUSED);
    fixture_end(run, RUN_FINISHED, NULL);
}

/* Whether the run has taken all commands. */
static bool queue_empty(struct run *run)
{
    pthread_mutex_lock(&run->queue.lock);
    bool empty = run->queue.count == 0;
    pthread_mutex_unlock(&run->queue.lock);
    return empty;
}

/* A signal in the middle of it saves the state of before it. */
static void test_interrupted(void **state)
{
    (void)state;
    struct script *plain = fixture_script(""), *script = fixture_script("@33 pause\n");
    struct snapshot now;
    struct err err;
    fixture_end(start_scripted("whole", plain, "train.epochs=3"), RUN_FINISHED, NULL);
    struct run *run = start_scripted("left", script, "train.epochs=3");
    fixture_wait(run_feed(run), fixture_paused, &now);
    pthread_mutex_lock(&run->hold.lock);
    assert_int_not_equal(run_feed(run)->post(run_feed(run), "range-test", SOURCE_KEY, &err), 0);
    while (!queue_empty(run)) /* it has begun by then, and waits for the clock */
        usleep(1000);
    run_interrupt(run, "test");
    pthread_mutex_unlock(&run->hold.lock);
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_int_equal(now.step, 33);
    fixture_end(fixture_resume(&fixture, "left", NULL, script), RUN_FINISHED, NULL);
    fixture_assert_same(&fixture, "whole", "left");
    script_free(plain);
    script_free(script);
}

/* A net without the normalization that would forgive any rate: it ends early, and finitely. */
static void test_explodes(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "wild", "network.batch_norm=none");
    struct feed *feed = run_feed(run);
    struct answer answer;
    struct range_test test;
    fixture_command(feed, "set train.learning_rate 100", &answer);
    fixture_command(feed, "range-test", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    assert_non_null(strstr(answer.text, "rises from "));
    feed->range(feed, &test);
    check_points(&test);
    assert_true(test.count < test.planned);
    assert_true(test.points[test.count - 1].rate < 1000);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_leaves_nothing, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_goes_on, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_replayed, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_makes_way, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_interrupted, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(test_explodes, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
