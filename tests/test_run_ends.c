/* How a run ends before its time, and what it does when the disk says no. */
#include "run_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <jansson.h>

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* ---- early stop ---- */

/* Nothing is learned, so no evaluation is better than the first. */
static void early_settings(struct settings *settings)
{
    fixture_settings(&fixture, settings);
    fixture_set(settings, "train.learning_rate=1e-12");
    fixture_set(settings, "train.momentum=0");
    fixture_set(settings, "network.batch_norm=none");
    fixture_set(settings, "train.epochs=50");
    fixture_set(settings, "train.early_stop=3");
}

static void check_early(const char *name, int64_t epochs)
{
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    json_t *last = fixture_journal_line(journal, fixture_check_journal(journal));
    assert_string_equal(fixture_member(last, "source"), "rule");
    assert_string_equal(fixture_member(last, "command"), "stop");
    assert_non_null(strstr(fixture_member(last, "why"), " in 3 evaluations"));
    assert_int_equal(json_integer_value(json_object_get(last, "step")), epochs * FIXTURE_STEPS);
    assert_true(fixture_has(&fixture, name, "result.json"));
    json_decref(last);
    mem_free(journal);
}

static void test_early_stop(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    early_settings(&settings);
    struct run *run = fixture_start(&fixture, &settings, "early");
    fixture_end(run, RUN_FINISHED, &now);
    assert_int_equal(now.epoch, 4);
    check_early("early", 4);
    /* Who goes on has as many evaluations again. */
    run = fixture_resume(&fixture, "early", (const char *const[]){"train.epochs=60", NULL}, NULL);
    fixture_end(run, RUN_FINISHED, &now);
    check_early("early", 7);
    /* Left in between, the count is not lost. */
    struct script *script = fixture_script("@45 pause\n");
    for (int abandon = 0; abandon < 2; abandon++) {
        const char *name = abandon ? "early-abandoned" : "early-left";
        run = fixture_start_settings(&fixture, &settings, name, script);
        fixture_wait(run_feed(run), fixture_paused, &now);
        if (abandon)
            run_abandon(run);
        else
            run_interrupt(run, "Terminated");
        fixture_end(run, RUN_INTERRUPTED, &now);
        run = fixture_resume(&fixture, name, NULL, NULL);
        fixture_end(run, RUN_FINISHED, &now);
        check_early(name, 4);
    }
    script_free(script);
}

/* It is a live setting. */
static void test_early_stop_off(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    early_settings(&settings);
    fixture_set(&settings, "train.epochs=8");
    struct script *script = fixture_script("@45 set train.early_stop 0\n");
    struct run *run = fixture_start_settings(&fixture, &settings, "early-off", script);
    fixture_end(run, RUN_FINISHED, &now);
    assert_int_equal(now.epoch, 8);
    script_free(script);
}

/* ---- interrupted ---- */

static void check_interrupted(const char *name)
{
    char *path = fixture_path(&fixture, name, "checkpoints/last.safetensors");
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    struct checkpoint checkpoint;
    struct err err;
    int lines = fixture_check_journal(journal);
    json_t *last = fixture_journal_line(journal, lines);
    assert_string_equal(fixture_member(last, "source"), "signal");
    assert_string_equal(fixture_member(last, "command"), "checkpoint");
    assert_string_equal(fixture_member(last, "why"), "Terminated");
    assert_int_equal(checkpoint_load(path, &checkpoint, &err), 0);
    assert_int_equal(checkpoint.journal_seq, lines);
    assert_int_equal(checkpoint.step, json_integer_value(json_object_get(last, "step")));
    assert_false(fixture_has(&fixture, name, "result.json"));
    checkpoint_fini(&checkpoint);
    json_decref(last);
    mem_free(journal);
    mem_free(path);
}

static bool evaluating(const struct snapshot *now)
{
    return now->state == RUN_EVALUATING;
}

static void test_interrupt(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    struct run *run = fixture_start_paused(&fixture, "interrupt-paused", NULL);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_false(now.abandoned);
    assert_int_equal(now.checkpoint_step, now.step);
    check_interrupted("interrupt-paused");

    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    fixture_set(&settings, "checkpoint.every_epochs=0");
    run = fixture_start(&fixture, &settings, "interrupt-running");
    fixture_wait(run_feed(run), fixture_trained, &now);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, NULL);
    check_interrupted("interrupt-running");

    fixture_set(&settings, "train.batch_size=400");
    run = fixture_start(&fixture, &settings, "interrupt-evaluating");
    fixture_wait(run_feed(run), evaluating, &now);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, NULL);
    check_interrupted("interrupt-evaluating");

    run = fixture_start(&fixture, &settings, "abandon");
    run_interrupt(run, "Terminated");
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    fixture_set(&settings, "checkpoint.best=off");
    run = fixture_start(&fixture, &settings, "abandon-early");
    fixture_wait(run_feed(run), fixture_trained, &now);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_true(now.abandoned);
    assert_int_equal(now.checkpoint_step, -1);
    assert_false(fixture_has(&fixture, "abandon-early", "checkpoints/last.safetensors"));

    /* What is on disk already stays, and is known. */
    struct answer answer;
    run = fixture_start_paused(&fixture, "abandon-late", "checkpoint.every_epochs=0");
    fixture_command(run_feed(run), "checkpoint mine", &answer);
    int64_t step = answer.step;
    fixture_command(run_feed(run), "step 3", &answer);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_true(now.abandoned);
    assert_true(now.checkpoint_step >= step);
    assert_true(fixture_has(&fixture, "abandon-late", "checkpoints/mine.safetensors"));
}

/* ---- diverged ---- */

/* The run is back at a good state, which is kept, and the books say why. */
static void check_diverged(const char *name, const struct snapshot *now)
{
    char expected[128];
    double loss;
    int64_t step, back, saved;
    if (sscanf(now->error,
               "loss %lf at step %" SCNd64 ", back at step %" SCNd64 "; saved as step-%" SCNd64,
               &loss, &step, &back, &saved) == 4)
        assert_true(loss > 20 * log(FIXTURE_CLASSES));
    else
        assert_int_equal(sscanf(now->error,
                                "the loss is not finite at step %" SCNd64 ", back at step %" SCNd64
                                "; saved as step-%" SCNd64,
                                &step, &back, &saved),
                         3);
    assert_true(step > back);
    assert_int_equal(back, now->step);
    assert_int_equal(saved, now->step);
    assert_int_equal(now->checkpoint_step, now->step);
    assert_string_equal(now->warning, "");

    struct checkpoint checkpoint;
    struct err err;
    char *path = fixture_path(&fixture, name, "checkpoints/last.safetensors");
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    int lines = fixture_check_journal(journal);
    json_t *last = fixture_journal_line(journal, lines);
    assert_string_equal(fixture_member(last, "source"), "rule");
    assert_string_equal(fixture_member(last, "command"), "stop");
    assert_non_null(strstr(fixture_member(last, "why"), "loss "));
    assert_int_equal(json_integer_value(json_object_get(last, "step")), now->step);
    json_t *rollback = fixture_journal_line(journal, lines - 1);
    snprintf(expected, sizeof expected, "rollback %" PRId64, back);
    assert_string_equal(fixture_member(rollback, "source"), "rule");
    assert_string_equal(fixture_member(rollback, "command"), expected);
    assert_non_null(strstr(fixture_member(rollback, "why"), "loss "));
    assert_int_equal(json_integer_value(json_object_get(rollback, "step")), step);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(rollback, "to"), "step")),
                     back);
    json_decref(rollback);
    assert_int_equal(checkpoint_load(path, &checkpoint, &err), 0);
    assert_int_equal(checkpoint.step, now->step);
    assert_int_equal(checkpoint.journal_seq, lines);
    snprintf(expected, sizeof expected, "checkpoints/step-%" PRId64 ".safetensors", now->step);
    assert_true(fixture_has(&fixture, name, expected));
    checkpoint_fini(&checkpoint);
    json_decref(last);
    mem_free(journal);
    mem_free(path);
}

static void test_divergence(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "network.batch_norm=none");
    fixture_set(&settings, "train.learning_rate=0.01");
    fixture_set(&settings, "train.epochs=1000000");
    struct run *run = fixture_start(&fixture, &settings, "diverged");
    struct feed *feed = run_feed(run);
    struct answer answer;
    fixture_command(feed, "evaluate", &answer);
    fixture_command(feed, "set train.learning_rate 1000", &answer);
    fixture_end(run, RUN_DIVERGED, &now);
    check_diverged("diverged", &now);
    assert_true(fixture_has(&fixture, "diverged", "checkpoints/best.safetensors"));
    assert_false(fixture_has(&fixture, "diverged", "result.json"));
}

/* ---- when the disk says no ---- */

/* Of the state asked for and of the best weights, which are two files. */
static bool warned_twice(const struct snapshot *now)
{
    const char *second = strstr(now->warning, "; checkpoint not saved: ");
    return strncmp(now->warning, "checkpoint not saved: ", 22) == 0 && second &&
           strstr(second, "best.safetensors");
}

static bool no_warning(const struct snapshot *now)
{
    return now->warning[0] == '\0';
}

static void test_checkpoint_errors(void **state)
{
    (void)state;
    /* Before an epoch's end, so that the evaluation below is the best one. */
    struct script *script = fixture_script("@1 pause\n");
    struct run *run = fixture_start_script(&fixture, "broken", script);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    fixture_wait(feed, fixture_paused, &now);
    char *from = fixture_path(&fixture, "broken", "checkpoints");
    char *to = fixture_path(&fixture, "broken", "gone");
    assert_int_equal(rename(from, to), 0);
    fixture_expect_refused(feed, "checkpoint", "step-");
    feed->snapshot(feed, &now);
    assert_non_null(strstr(now.warning, "checkpoint not saved: "));
    assert_non_null(strstr(now.warning, strerror(ENOENT)));
    int64_t step = now.step;
    fixture_expect_applied(feed, "step", "1 step");
    fixture_wait(feed, fixture_paused, &now);
    assert_int_equal(now.step, step + 1);
    struct answer answer;
    fixture_command(feed, "evaluate", &answer);
    fixture_wait(feed, warned_twice, &now);
    assert_int_equal(rename(to, from), 0);
    /* The best weights that could not be written are written with the next ones. */
    fixture_command(feed, "checkpoint", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_command(feed, "checkpoint again", &answer);
    fixture_wait(feed, no_warning, &now);
    assert_true(fixture_has(&fixture, "broken", "checkpoints/best.safetensors"));

    /* A run that cannot save when it leaves has failed. */
    assert_int_equal(rename(from, to), 0);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_FAILED, &now);
    assert_non_null(strstr(now.error, strerror(ENOENT)));
    script_free(script);
    mem_free(from);
    mem_free(to);
}

/* A run whose last state is lost has failed, with its result known. */
static void test_unsaved_end(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "unsaved", "checkpoint.best=off");
    struct snapshot now;
    struct answer answer;
    char *from = fixture_path(&fixture, "unsaved", "checkpoints");
    char *to = fixture_path(&fixture, "unsaved", "gone");
    assert_int_equal(rename(from, to), 0);
    fixture_command(run_feed(run), "step 3", &answer);
    fixture_command(run_feed(run), "evaluate", &answer);
    fixture_wait(run_feed(run), fixture_paused, &now);
    fixture_command(run_feed(run), "stop", &answer);
    fixture_end(run, RUN_FAILED, &now);
    assert_int_equal(strncmp(now.error, "the final state is not saved: ", 30), 0);
    assert_non_null(strstr(now.error, strerror(ENOENT)));
    assert_true(now.test_accuracy >= 0);
    fixture_check_result(&fixture, "unsaved", &now);

    /* So has one that diverges where nothing can be kept, which it says. */
    mem_free(from);
    mem_free(to);
    run = fixture_start_paused(&fixture, "unsaved-diverged", "network.batch_norm=none");
    from = fixture_path(&fixture, "unsaved-diverged", "checkpoints");
    to = fixture_path(&fixture, "unsaved-diverged", "gone");
    assert_int_equal(rename(from, to), 0);
    fixture_command(run_feed(run), "set train.learning_rate 1000", &answer);
    fixture_command(run_feed(run), "continue", &answer);
    fixture_end(run, RUN_DIVERGED, &now);
    assert_non_null(strstr(now.error, "; not saved: "));
    mem_free(from);
    mem_free(to);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_journal_errors(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "full", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot before, now;
    feed->snapshot(feed, &before);
    limit_files(1);
    fixture_expect_refused(feed, "set train.learning_rate 0.05", "it cannot be journalled: ");
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate == before.learning_rate);
    assert_int_equal(now.edits, before.edits);
    assert_non_null(strstr(now.warning, "journal.jsonl"));
    /* What cannot be written waits, and is not lost. */
    struct answer answer;
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_expect_applied(feed, "continue", "running");
    fixture_wait(feed, fixture_trained, &now);
    fixture_expect_applied(feed, "pause", "paused");
    feed->snapshot(feed, &now);
    assert_string_not_equal(now.warning, "");
    limit_files(RLIM_INFINITY);
    fixture_command(feed, "set train.learning_rate 0.05", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    size_t evaluations = now.evaluations;
    fixture_expect_applied(feed, "stop", "the run ends here");
    fixture_end(run, RUN_FINISHED, &now);
    assert_string_equal(now.warning, "");
    char *journal = fixture_read(&fixture, "full", "journal.jsonl", NULL);
    assert_int_equal(fixture_check_journal(journal), 4);
    mem_free(journal);
    fixture_check_steps(&fixture, "full", now.step);
    char *metrics = fixture_read(&fixture, "full", "metrics.csv", NULL);
    assert_int_equal(fixture_count_lines(metrics), 1 + evaluations);
    mem_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early_stop),        cmocka_unit_test(test_early_stop_off),
        cmocka_unit_test(test_interrupt),         cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_checkpoint_errors), cmocka_unit_test(test_unsaved_end),
        cmocka_unit_test(test_journal_errors),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
