/*
 * Every call of the file system that a run makes fails in its turn: nothing
 * crashes, nothing is said to be saved that is not, training goes on. What is
 * said is held against what a power cut at that moment would leave.
 *
 *   test_faults [STRIDE]    every STRIDE-th call only
 */
#include "run_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk.h"
#include "fault.h"

static struct fixture fixture;
static long stride = 41;
static char runs[300], shadow[300], left[300];

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    snprintf(runs, sizeof runs, "%s/runs", fixture.directory);
    snprintf(shadow, sizeof shadow, "%s/disk", fixture.directory);
    snprintf(left, sizeof left, "%s/left", fixture.directory);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- one run, with something that fails ---- */

struct attempt {
    struct fault_plan plan;
    struct run *run;
    struct feed *feed;
    int refused; /* commands, because of files */
};

static void fail_trial(const struct attempt *trial, const char *what, const char *more)
{
    fail_msg("call %ld (%s), effect %d, error %d, %s: %s: %s", trial->plan.at, fault_hit(),
             trial->plan.effect, trial->plan.error, trial->plan.count ? "once" : "from there on",
             what, more);
}

/* What a power cut would leave now. */
static void cut(void)
{
    remove_tree(left);
    disk_cut(runs, shadow, left, DISK_SYNCED, 0);
}

static char *left_path(const char *file)
{
    struct text text = {0};
    text_print(&text, "%s/it/%s", left, file);
    return text.bytes;
}

static void expect_saved(const struct attempt *trial, const char *name, int64_t step)
{
    struct checkpoint checkpoint;
    struct err err;
    struct text file = {0};
    cut();
    text_print(&file, "checkpoints/%s.safetensors", name);
    char *path = left_path(file.bytes);
    if (checkpoint_load(path, &checkpoint, &err) != 0)
        fail_trial(trial, "said to be saved", err.text);
    if (checkpoint.step != step)
        fail_trial(trial, "saved, but another step", name);
    checkpoint_fini(&checkpoint);
    mem_free(path);
    text_fini(&file);
}

static void expect_journalled(const struct attempt *trial, const char *line)
{
    unsigned char *journal;
    size_t length;
    struct err err;
    cut();
    char *path = left_path("journal.jsonl");
    if (file_read(path, (size_t)1 << 20, &journal, &length, &err) != 0)
        fail_trial(trial, "said to be journalled", err.text);
    json_t *last = fixture_journal_line((char *)journal, fixture_check_journal((char *)journal));
    if (strcmp(fixture_member(last, "command"), line) != 0)
        fail_trial(trial, "not in the journal", line);
    json_decref(last);
    mem_free(journal);
    mem_free(path);
}

/* Whether it was applied. Else it must be for what failed. */
static bool give(struct attempt *trial, const char *line, struct answer *answer)
{
    fixture_command(trial->feed, line, answer);
    if (answer->state == ANSWER_APPLIED)
        return true;
    if (!fault_hit()[0] || !strstr(answer->text, strerror(trial->plan.error)))
        fail_trial(trial, line, answer->text);
    trial->refused++;
    return false;
}

static bool edit(struct attempt *trial, const char *line)
{
    struct snapshot before, after;
    struct answer answer;
    trial->feed->snapshot(trial->feed, &before);
    bool applied = give(trial, line, &answer);
    trial->feed->snapshot(trial->feed, &after);
    if (applied)
        expect_journalled(trial, line);
    else if (memcmp(&before.settings, &after.settings, sizeof before.settings) != 0)
        fail_trial(trial, "refused, but done", line);
    return applied;
}

static void train_steps(struct attempt *trial, int64_t steps)
{
    struct snapshot before, after;
    struct answer answer;
    char line[32];
    trial->feed->snapshot(trial->feed, &before);
    snprintf(line, sizeof line, "step %" PRId64, steps);
    give(trial, line, &answer);
    fixture_wait(trial->feed, fixture_paused, &after);
    if (after.step != before.step + steps)
        fail_trial(trial, "training did not go on", line);
}

static void steer(struct attempt *trial)
{
    struct answer answer;
    bool edited = edit(trial, "set train.learning_rate 0.05");
    train_steps(trial, 3);
    if (give(trial, "checkpoint mine", &answer))
        expect_saved(trial, "mine", answer.step);
    edited |= edit(trial, "toggle augment.noise");
    train_steps(trial, FIXTURE_STEPS);
    if (give(trial, "checkpoint", &answer))
        expect_saved(trial, "last", answer.step);
    give(trial, "evaluate", &answer);
    if (edited && edit(trial, "undo"))
        edit(trial, "redo");
    edit(trial, "rollback best");
    train_steps(trial, 2);
}

/* Everything in checkpoints/ that is not a leftover is whole. */
static int check_file(const char *path, const struct stat *status, int type, struct FTW *where)
{
    struct checkpoint checkpoint;
    struct err err;
    (void)status;
    size_t length = strlen(path), ending = strlen(".safetensors");
    if (type != FTW_F || path[where->base] == '.' || length < ending ||
        strcmp(path + length - ending, ".safetensors") != 0)
        return 0;
    if (checkpoint_load(path, &checkpoint, &err) != 0)
        fail_msg("%s", err.text);
    checkpoint_fini(&checkpoint);
    return 0;
}

/* Whole rows, up to the last step. */
static void check_steps(const struct attempt *trial, const struct snapshot *now)
{
    size_t rows;
    struct err err;
    long long last = -1;
    char *text = fixture_read(&fixture, "it", "steps.csv", NULL);
    if (run_parse_steps(text, strlen(text), "steps.csv", &rows, &err) != 0)
        fail_trial(trial, "rows", err.text);
    for (const char *line = text; (line = strchr(line, '\n')) && line[1];)
        last = atoll(++line);
    if (last != now->step - 1)
        fail_trial(trial, "a row is missing", text);
    mem_free(text);
}

static void check_end(const struct attempt *trial, const struct snapshot *now)
{
    bool hit = fault_hit()[0];
    if (now->state == RUN_FINISHED) {
        expect_saved(trial, "last", now->step);
        fixture_check_result(&fixture, "it", now);
        if (!now->warning[0])
            check_steps(trial, now);
        else if (!hit || (trial->plan.count && !strstr(fault_hit(), "journal")))
            fail_trial(trial, "still a warning", now->warning);
    } else if (now->state != RUN_FAILED || !hit ||
               !strstr(now->error, strerror(trial->plan.error))) {
        fail_trial(trial, "the end", now->error);
    }
    if (!(now->test_accuracy >= 0))
        fail_trial(trial, "the end", "not tested");
    /* What a system call may always say is no failure. */
    if ((trial->plan.effect == FAULT_SHORT || trial->plan.error == EINTR) &&
        (now->state != RUN_FINISHED || trial->refused || now->warning[0]))
        fail_trial(trial, "an interruption or a short write", now->error);
    nftw(runs, check_file, 16, FTW_PHYS);
}

/* The name can be used again after a run that could not be made. */
static void check_absent(const struct attempt *trial, const struct run_options *options)
{
    struct run *run;
    struct err err;
    if (run_create(options, fixture.dataset, &run, &err) != 0) {
        if (trial->plan.count)
            fail_trial(trial, "a run that was not made", err.text);
        return;
    }
    run_abandon(run);
    run_destroy(run);
}

static void try(const struct fault_plan *plan)
{
    struct run_options options = {.name = "it"};
    struct attempt trial = {.plan = *plan};
    struct snapshot now;
    struct answer answer;
    struct err err;
    fixture_settings(&fixture, &options.settings);
    fixture_set(&options.settings, "train.epochs=1000000");
    text_copy(options.runs_directory, sizeof options.runs_directory, runs);
    remove_tree(runs);
    remove_tree(shadow);
    assert_int_equal(mkdir(runs, 0777), 0);
    assert_int_equal(mkdir(shadow, 0777), 0);
    disk_start(runs, shadow);
    fault_start(runs, plan);
    if (run_create(&options, fixture.dataset, &trial.run, &err) != 0) {
        if (!fault_hit()[0] || !strstr(err.text, strerror(plan->error)))
            fail_trial(&trial, "the run was not made", err.text);
        fault_stop();
        check_absent(&trial, &options);
        disk_stop();
        return;
    }
    trial.feed = run_feed(trial.run);
    give(&trial, "pause", &answer);
    steer(&trial);
    give(&trial, "stop", &answer);
    fixture_wait(trial.feed, fixture_ended, &now);
    run_destroy(trial.run);
    fault_stop();
    check_end(&trial, &now);
    disk_stop();
}

static void sweep(enum fault_effect effect, int error, int *trials)
{
    for (int once = 0; once < 2; once++) {
        /* Nothing is interrupted for ever. */
        long count = once ? 1 : error == EINTR ? 3 : 0;
        for (long at = 1 + *trials % stride, end = 0; !end; at += stride, ++*trials) {
            struct fault_plan plan = {.at = at, .count = count, .effect = effect, .error = error};
            try(&plan);
            end = !fault_hit()[0];
        }
    }
}

static void test_every_call(void **state)
{
    (void)state;
    int trials = 0;
    sweep(FAULT_ERROR, EIO, &trials);
    sweep(FAULT_ERROR, ENOSPC, &trials);
    sweep(FAULT_ERROR, EACCES, &trials);
    sweep(FAULT_ERROR, EINTR, &trials);
    sweep(FAULT_SHORT, 0, &trials);
    sweep(FAULT_FULL, ENOSPC, &trials);
    print_message("%d runs in which a call failed\n", trials);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        stride = atol(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_call)};
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
