/*
 * What a run keeps of its states: checkpoints, the best, those before edits, and
 * the good ones that it goes back to when it diverges.
 *
 * A state is good when the loss of the step after it is, so a copy is offered
 * first and judged by that step: at the start, at evaluations, after edits and
 * after returns. All share one copy as long as the net is the same.
 */
#include "internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void fill_about(struct run *run, struct checkpoint *about)
{
    const struct data_transform *transform = data_transform(run->dataset);
    struct err err;
    /* The lengths that it records are those of files that are safe. */
    run_warn_metrics(run, metrics_sync(&run->metrics, &err), &err);
    *about = (struct checkpoint){
        .settings = run->settings,
        .step = run->step,
        .epoch = run->step / run->schedule.steps_per_epoch,
        .rate_scale = run->rate_scale,
        .rate_anchor = run->rate_anchor,
        .schedule_rate = run->schedule.rate,
        .momentum_product = run->momentum_product,
        .seconds = run_seconds(run),
        .best = run->best,
        .journal_seq = run->seq,
        .metrics_length = file_log_length(run->metrics.evaluations.log),
        .steps_length = file_log_length(run->metrics.steps.log),
        .row = run->metrics.row,
        .sums = run->sums,
        .patience = run->patience,
        .evaluation_due = run->evaluation_due,
        .inputs = run->info->inputs,
        .classes = run->info->classes,
        .averages_set = net_averages_set(run->net),
        .factor = transform->factor,
        .offset = transform->offset,
        .data_digest = run->info->digest,
    };
}

int run_image(struct run *run, struct image *out, struct err *err)
{
    if (!run->present)
        run->present = copies_take(&run->copies, run->net, err);
    fill_about(run, &out->about);
    out->copy = run->present;
    return out->copy ? 0 : -1;
}

void run_net_changed(struct run *run)
{
    copies_release(&run->copies, run->present);
    run->present = NULL;
}

void run_hold_image(struct run *run, struct image *held, const struct image *image)
{
    copies_hold(&run->copies, image->copy);
    copies_release(&run->copies, held->copy);
    *held = *image;
}

void run_drop_image(struct run *run, struct image *held)
{
    copies_release(&run->copies, held->copy);
    held->copy = NULL;
}

/* ---- on disk ---- */

static void submit_best(struct run *run)
{
    const struct job job = {.image = run->best_image, .target = TARGET_BEST};
    writer_submit(&run->writer, &job);
}

int run_save(struct run *run, struct job *job, struct err *err)
{
    int result = 0;
    if (!net_finite(run->net))
        result =
            err_set(err, ERR_SYSTEM,
                    "the state at step %" PRId64 " holds a number that is not finite", run->step);
    if (result != 0 || run_image(run, &job->image, err) != 0) {
        writer_warn(&run->writer, WARNING_CHECKPOINT, err);
        return -1;
    }
    writer_submit(&run->writer, job);
    if (writer_best_failed(&run->writer))
        submit_best(run);
    return 0;
}

int run_drain(struct run *run, struct err *err)
{
    struct err again;
    int result = writer_drain(&run->writer, err);
    if (writer_best_failed(&run->writer)) {
        submit_best(run);
        (void)writer_drain(&run->writer, &again); /* it has warned */
    }
    return result;
}

void run_keep_best(struct run *run)
{
    struct image image;
    struct err err;
    if (!run->settings.checkpoint.best)
        return;
    if (run_image(run, &image, &err) != 0) {
        writer_warn(&run->writer, WARNING_BEST, &err);
        return;
    }
    run_hold_image(run, &run->best_image, &image);
    submit_best(run);
}

void run_keep_edit(struct run *run, const struct image *image, const char *label)
{
    struct job job = {.image = *image, .target = TARGET_EDIT};
    snprintf(job.name, sizeof job.name, "edit-%" PRIu64, run->seq);
    states_edit(&run->states, job.name, label, image);
    writer_submit(&run->writer, &job);
}

void run_prune(const char *directory)
{
    char *checkpoints = file_path(directory, "checkpoints");
    char *best = file_path(checkpoints, "best.safetensors");
    DIR *stream = file_exists(best) ? opendir(checkpoints) : NULL;
    for (const struct dirent *entry; stream && (entry = readdir(stream));) {
        if (strncmp(entry->d_name, "step-", 5) != 0 &&
            strcmp(entry->d_name, "last.safetensors") != 0)
            continue;
        char *path = file_path(checkpoints, entry->d_name);
        unlink(path);
        mem_free(path);
    }
    if (stream)
        closedir(stream);
    mem_free(best);
    mem_free(checkpoints);
}

/* ---- good states ---- */

void run_offer_good(struct run *run)
{
    struct image image;
    struct err err;
    /* Without memory for it the good state before stays. */
    if (run_image(run, &image, &err) == 0)
        run_hold_image(run, &run->candidate, &image);
}

void run_judge_good(struct run *run)
{
    if (!run->candidate.copy)
        return;
    run_hold_image(run, &run->good, &run->candidate);
    run_drop_image(run, &run->candidate);
}
