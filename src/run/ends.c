/*
 * The ends of a run: what each of them saves, notes in the journal and tells in
 * the snapshot. All of it is the run thread's.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum run_state run_fail(struct run *run, const struct err *err)
{
    text_copy(run->now.error, sizeof run->now.error, err->text);
    return RUN_FAILED;
}

static void flush_metrics(struct run *run)
{
    struct err err;
    run_warn_metrics(run, metrics_flush(&run->metrics, run->step - 1, run_rate(run), &err), &err);
}

/* The end of what is trained: it is on disk, or `err` says why not. */
static int save_and_wait(struct run *run, struct err *err)
{
    struct job job = {.target = TARGET_STEP};
    int result = run_save(run, &job, err);
    if (result == 0)
        result = run_drain(run, err);
    flush_metrics(run);
    return result;
}

/* A line in the journal about an end that nobody typed. */
static void note_end(struct run *run, enum command_source source, const char *command,
                     const char *why)
{
    if (tape_holds(run))
        return;
    struct journal_entry entry = {
        .step = run->step,
        .epoch = run->step / run->schedule.steps_per_epoch,
        .source = command_source_name(source),
        .command = command,
        .why = why,
    };
    struct err err;
    if (journal_append(&run->journal, &entry, &err) != 0)
        publication_warn(&run->publication, WARNING_JOURNAL, err.text);
    run->seq = run->journal.seq;
}

/* Somebody wants the run to leave. False where nothing is to be saved. */
static bool note_leaving(struct run *run)
{
    run->now.abandoned = queue_leaving(&run->queue) == QUEUE_ABANDON;
    if (run->now.abandoned)
        return false;
    char why[64];
    queue_why(&run->queue, why, sizeof why);
    note_end(run, SOURCE_SIGNAL, "checkpoint", why);
    return true;
}

enum run_state run_leave(struct run *run)
{
    struct err err;
    if (note_leaving(run) && save_and_wait(run, &err) != 0)
        return run_fail(run, &err);
    return RUN_INTERRUPTED;
}

enum run_state run_reach(struct run *run)
{
    struct err err;
    return save_and_wait(run, &err) == 0 ? RUN_INTERRUPTED : run_fail(run, &err);
}

void run_note_patience(struct run *run, const struct evaluation *row)
{
    struct patience *patience = &run->patience;
    if (patience->evaluations >= 0 && !(row->validation_loss < patience->lowest))
        patience->evaluations++;
    else if (isfinite(row->validation_loss))
        *patience = (struct patience){.lowest = row->validation_loss};
}

void run_end_early(struct run *run)
{
    struct patience *patience = &run->patience;
    const int64_t most = run->settings.train.early_stop;
    char why[96];
    /* Where somebody went on after such an end, what is repeated does, too. */
    if (!most || patience->evaluations < most || tape_goes_on(run))
        return;
    snprintf(why, sizeof why, "no validation loss below %.4f in %" PRId64 " evaluations",
             patience->lowest, patience->evaluations);
    note_end(run, SOURCE_RULE, "stop", why);
    patience->evaluations = 0; /* who goes on all the same has as many again */
    run->stopping = true;
}

enum run_state run_end_diverged(struct run *run, const char *what, const char *why)
{
    struct text text = {0};
    struct err err;
    note_end(run, SOURCE_RULE, "stop", why);
    text_print(&text, "%s; ", what);
    if (save_and_wait(run, &err) == 0) {
        text_print(&text, "saved as step-%" PRId64, run->step);
    } else {
        text_print(&text, "not saved: %s", err.text);
        if (run->best.step >= 0 && run->settings.checkpoint.best)
            text_print(&text, "; best.safetensors is of epoch %" PRId64, run->best.epoch);
    }
    text_copy(run->now.error, sizeof run->now.error, text.bytes);
    utf8_trim(run->now.error);
    text_fini(&text);
    return RUN_DIVERGED;
}

/* The best weights where there are any, else the last; 1 where it was given up. */
static int test(struct run *run, bool best, struct evaluation_result *out)
{
    run_set_state(run, RUN_TESTING);
    if (best)
        image_restore(&run->best_image, &run->copies, run->net);
    if (run_measure_split(run, DATA_TEST, 0, run->info->count[DATA_TEST], NULL, out) != 0)
        return 1;
    run->now.test_loss = out->loss;
    run->now.test_accuracy = out->accuracy;
    return 0;
}

static int write_result(struct run *run, bool best, const struct evaluation_result *test,
                        struct err *err)
{
    char *path = file_path(run->directory, "result.json");
    int result = result_write(run, path, best ? "best" : "last", test, err);
    mem_free(path);
    return result;
}

enum run_state run_complete(struct run *run)
{
    bool best = run->best_image.copy != NULL;
    struct job job = {.target = TARGET_STEP};
    struct evaluation_result result;
    struct err unsaved, err;
    run_watch_start(run);
    bool saved = run_save(run, &job, &unsaved) == 0;
    flush_metrics(run);
    bool tested = test(run, best, &result) == 0;
    run_watch_stop(run);
    if (!tested && !note_leaving(run))
        return RUN_INTERRUPTED;
    saved = saved && run_drain(run, &unsaved) == 0;
    bool written = !tested || write_result(run, best, &result, &err) == 0;
    if (!saved) {
        err_context(&unsaved, "the final state is not saved");
        return run_fail(run, &unsaved);
    }
    if (!written)
        return run_fail(run, &err);
    return tested ? RUN_FINISHED : RUN_INTERRUPTED;
}
