/* What a run does with its commands: refusals, edits, pacing; and its time. */
#include "run_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

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

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"set network.hidden 5", "network.hidden cannot change during a run"},
        {"set train.epochs 5", "train.epochs cannot change during a run"},
        {"set view.fps 5", "view.fps is a setting of the view"},
        {"set train.learning_rat 0.1", "train.learning_rate"},
        {"set train.learning_rate -1", "1000"},
        {"set train.learning_rate *1e9", "1000"},
        {"set train.momentum 2", "0.9999"},
        {"set train.l2 much", "number"},
        {"set train.l2 1e-3 train.momentum 7", "0.9999"},
        {"toggle train.l2", "train.l2 is not an on/off setting"},
        {"toggle checkpoint.best", "cannot change"},
    };
    struct run *run = fixture_start_paused(&fixture, "refusals", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot before, after;
    struct answer answer;
    struct err err;
    fixture_wait(feed, fixture_paused, &before);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        fixture_expect_refused(feed, cases[i][0], cases[i][1]);
    feed->snapshot(feed, &after);
    assert_memory_equal(&before.settings, &after.settings, sizeof before.settings);
    assert_true(before.learning_rate == after.learning_rate);
    assert_int_equal(after.edits, 0);

    assert_int_equal(feed->post(feed, "paus", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "pause"));
    assert_int_equal(feed->post(feed, "log-y", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "view"));
    feed->answer(feed, 12345, &answer);
    assert_int_equal(answer.state, ANSWER_NONE);
    fixture_expect_applied(feed, "continue", "running");
    fixture_expect_refused(feed, "step", "only while paused");
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    char *journal = fixture_read(&fixture, "refusals", "journal.jsonl", NULL);
    assert_int_equal(fixture_check_journal(journal), 2 + 11 + 2);
    json_t *line = fixture_journal_line(journal, 3);
    assert_string_equal(fixture_member(line, "command"), "set network.hidden 5");
    assert_string_equal(fixture_member(line, "refused"),
                        "network.hidden cannot change during a run");
    assert_null(json_object_get(line, "old"));
    json_decref(line);
    mem_free(journal);
}

static void test_edits(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "edits", "train.schedule=cosine");
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct edit_mark marks[8];
    fixture_expect_applied(feed, "step 30", "30 steps");
    fixture_wait(feed, fixture_paused, &now);
    int64_t step = now.step;

    fixture_expect_applied(feed, "set train.learning_rate 0.05", "learning rate 0.1 → 0.05");
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate == 0.05);
    assert_true(now.settings.train.learning_rate == 0.05);
    fixture_expect_applied(feed, "set train.learning_rate *0.5 train.l2 1e-3",
                           "learning rate 0.05 → 0.025, l2 1e-05 → 0.001");
    fixture_expect_applied(feed, "toggle augment.noise", "noise off → on");
    fixture_expect_applied(feed, "set augment.noise_level /2", "noise level 0.01 → 0.005");
    fixture_expect_applied(feed, "set checkpoint.keep 5", "checkpoint keep 2 → 5");
    fixture_expect_applied(feed, "set train.momentum 0.9", "momentum 0.9 → 0.9");
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate == 0.025);
    assert_true(now.settings.augment.noise);
    assert_true(now.settings.augment.noise_level == 0.005);
    assert_int_equal(now.settings.checkpoint.keep, 5);
    assert_int_equal(now.edits, 6);
    assert_int_equal(feed->edits(feed, 0, marks, 8), 6);
    assert_int_equal(marks[0].step, step);
    assert_string_equal(marks[2].label, "noise off → on");
    assert_int_equal(marks[2].source, SOURCE_PROMPT);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    char *journal = fixture_read(&fixture, "edits", "journal.jsonl", NULL);
    assert_int_equal(fixture_check_journal(journal), 3 + 6);
    json_t *line = fixture_journal_line(journal, 5);
    assert_int_equal(json_integer_value(json_object_get(line, "seq")), marks[1].seq);
    assert_int_equal(json_integer_value(json_object_get(line, "step")), step);
    assert_int_equal(json_integer_value(json_object_get(line, "epoch")), step / FIXTURE_STEPS);
    assert_string_equal(fixture_member(line, "source"), "prompt");
    assert_string_equal(fixture_member(line, "command"),
                        "set train.learning_rate *0.5 train.l2 1e-3");
    assert_string_equal(fixture_member(json_object_get(line, "old"), "train.l2"), "1e-05");
    assert_string_equal(fixture_member(json_object_get(line, "new"), "train.learning_rate"),
                        "0.025");
    json_decref(line);
    mem_free(journal);
}

/* ---- pacing and time ---- */

static int64_t target;

static bool stepped(const struct snapshot *now)
{
    return now->state == RUN_PAUSED && now->step == target;
}

static bool stepped_on(const struct snapshot *now)
{
    return now->step >= target;
}

static void test_pacing(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "pacing", "checkpoint.every_epochs=1");
    struct feed *feed = run_feed(run);
    struct snapshot now, later;
    struct err err;
    char line[64], file[64], text[64];
    fixture_expect_applied(feed, "pause", "paused already");
    feed->snapshot(feed, &now);
    /* Two ends of an epoch and three steps more. */
    int64_t epoch = now.epoch + 2;
    target = epoch * FIXTURE_STEPS + 3;
    snprintf(line, sizeof line, "step %" PRId64, target - 3 - now.step);
    assert_int_not_equal(feed->post(feed, line, SOURCE_KEY, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_int_not_equal(feed->post(feed, "step", SOURCE_KEY, &err), 0);
    fixture_wait(feed, stepped, &later);
    usleep(30000);
    feed->snapshot(feed, &now);
    assert_int_equal(now.step, later.step);
    assert_true(now.seconds == later.seconds);
    snprintf(file, sizeof file, "checkpoints/step-%" PRId64 ".safetensors", target - 3);

    /* Evaluating and saving go on while paused. */
    struct answer answer;
    size_t evaluations = now.evaluations;
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->snapshot(feed, &now);
    assert_int_equal(now.state, RUN_PAUSED);
    assert_int_equal(now.evaluations, evaluations + 1);
    assert_int_equal(now.last.step, target);
    assert_int_equal(now.last.epoch, epoch);
    snprintf(text, sizeof text, "saved step-%" PRId64 ".safetensors", target);
    fixture_expect_applied(feed, "checkpoint", text);
    assert_true(fixture_has(&fixture, "pacing", file));
    feed->snapshot(feed, &now);
    assert_int_equal(now.checkpoint_step, target);
    fixture_expect_applied(feed, "checkpoint mine", "saved mine.safetensors");
    assert_true(fixture_has(&fixture, "pacing", "checkpoints/mine.safetensors"));
    snprintf(file, sizeof file, "checkpoints/step-%" PRId64 ".safetensors", target);
    assert_int_equal(fixture_inode(&fixture, "pacing", "checkpoints/last.safetensors"),
                     fixture_inode(&fixture, "pacing", file));
    fixture_expect_refused(feed, "checkpoint mine", "already");
    fixture_expect_applied(feed, "note größer ist besser", "noted");
    fixture_expect_applied(feed, "stop", "the run ends here");
    fixture_wait(feed, fixture_ended, &now);
    assert_int_equal(feed->post(feed, "pause", SOURCE_KEY, &err), 0);
    assert_string_equal(err.text, "the run has ended");
    fixture_end(run, RUN_FINISHED, &now);
    assert_int_equal(now.step, target);
    fixture_check_result(&fixture, "pacing", &now);
    fixture_check_steps(&fixture, "pacing", target);
    char *journal = fixture_read(&fixture, "pacing", "journal.jsonl", NULL);
    fixture_check_journal(journal);
    assert_non_null(strstr(journal, "\"note größer ist besser\""));
    mem_free(journal);
}

/* Time in which the process is stopped counts for nothing. */
/* It is for views to close; the run only tells them, and goes on. */
static void test_detach(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "detach", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    fixture_expect_applied(feed, "detach", "no view is open, training goes on");
    run_viewers(run, 1, 1);
    fixture_expect_applied(feed, "detach", "every view closes, training goes on");
    feed->snapshot(feed, &now);
    assert_int_equal(now.detaches, 2);
    /* A view that was left has closed, the others stay open. */
    struct answer answer;
    struct err err;
    const uint64_t id = feed->post(feed, "detach", SOURCE_KEY, &err);
    fixture_answer(feed, id, &answer);
    assert_string_equal(answer.text, "a view has closed, training goes on");
    feed->snapshot(feed, &now);
    assert_int_equal(now.detaches, 2);
    assert_int_equal(now.state, RUN_PAUSED);
    run_abandon(run);
    run_destroy(run);
}

static void test_hold(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot before, held, after;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    struct run *run = fixture_start(&fixture, &settings, "hold");
    struct feed *feed = run_feed(run);
    fixture_wait(feed, fixture_trained, &before);
    run_hold(run);
    run_hold(run);
    /* The first snapshot that follows may have been made before. */
    for (int i = 0; i < 2; i++) {
        feed->snapshot(feed, &before);
        target = before.step + 1;
        fixture_wait(feed, stepped_on, &before);
    }
    usleep(100000);
    target = before.step + 1;
    fixture_wait(feed, stepped_on, &held);
    assert_true(held.seconds == before.seconds);
    run_release(run);
    run_release(run);
    double released = clock_seconds();
    target = held.step + 1;
    fixture_wait(feed, stepped_on, &after);
    assert_true(after.seconds >= held.seconds);
    assert_true(after.seconds - held.seconds <= clock_seconds() - released + 0.001);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

static bool paused_by_rule(const struct snapshot *now)
{
    return now->state == RUN_PAUSED && now->pause_reason[0];
}

/* `run N` and `pause when`: each pauses once, and says why. */
static void test_conditions(void **state)
{
    (void)state;
    static const char *const wrong[] = {"run 0 steps",
                                        "run 3 days",
                                        "run x epochs",
                                        "pause when",
                                        "pause when full moon",
                                        "pause when validation loss up 0",
                                        "pause when loss above x"};
    struct run *run = fixture_start_paused(&fixture, "conditions", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct answer answer;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        fixture_expect_refused(feed, wrong[i], " is expected");
    feed->snapshot(feed, &now);
    assert_string_equal(now.pause_reason, "");
    int64_t step = now.step;
    fixture_expect_applied(feed, "run 7 steps", "7 steps, then a pause");
    fixture_wait(feed, paused_by_rule, &now);
    assert_int_equal(now.step, step + 7);
    assert_string_equal(now.pause_reason, "7 steps done");
    /* Whatever paused it, a person's step is no rule's. */
    fixture_expect_applied(feed, "step", "1 step");
    fixture_wait(feed, fixture_paused, &now);
    assert_string_equal(now.pause_reason, "");
    fixture_expect_applied(feed, "run 2 epochs", "2 epochs, then a pause");
    fixture_wait(feed, paused_by_rule, &now);
    assert_int_equal(now.step, step + 8 + 2 * FIXTURE_STEPS);
    assert_string_equal(now.pause_reason, "2 epochs done");

    fixture_expect_applied(feed, "pause when epoch end", "it will pause when epoch end");
    fixture_expect_applied(feed, "continue", "running");
    fixture_wait(feed, paused_by_rule, &now);
    assert_int_equal(now.step % FIXTURE_STEPS, 0);
    assert_int_equal(now.last.step, now.step);
    assert_string_equal(now.pause_reason, "epoch end");
    /* Looking closer does not hide why. */
    fixture_command(feed, "evaluate", &answer);
    feed->snapshot(feed, &now);
    assert_string_equal(now.pause_reason, "epoch end");

    fixture_command(feed, "pause when loss above 0", &answer);
    fixture_command(feed, "pause when never", &answer);
    assert_string_equal(answer.text, "no condition");
    fixture_command(feed, "run 3 steps", &answer);
    fixture_wait(feed, paused_by_rule, &now);
    assert_string_equal(now.pause_reason, "3 steps done");
    fixture_command(feed, "pause when loss above 0", &answer);
    step = now.step;
    fixture_command(feed, "continue", &answer);
    fixture_wait(feed, paused_by_rule, &now);
    assert_int_equal(now.step, step + 1);
    assert_int_equal(strncmp(now.pause_reason, "loss ", 5), 0);
    assert_non_null(strstr(now.pause_reason, " above 0"));

    fixture_command(feed, "set train.learning_rate 1", &answer);
    fixture_command(feed, "pause when validation loss up 1", &answer);
    fixture_command(feed, "continue", &answer);
    fixture_wait(feed, paused_by_rule, &now);
    assert_string_equal(now.pause_reason, "validation loss up 1 time");
    struct evaluation rows[2];
    assert_int_equal(feed->evaluations(feed, now.evaluations - 2, rows, 2), 2);
    assert_true(rows[1].validation_loss > rows[0].validation_loss);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_edits),
        cmocka_unit_test(test_pacing),   cmocka_unit_test(test_hold),
        cmocka_unit_test(test_detach),   cmocka_unit_test(test_conditions),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
