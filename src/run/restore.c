/*
 * From what resume.c has read to a run that goes on: files cut to what the
 * checkpoint recorded, charts as they were, state put back.
 *
 * Charts are rebuilt from metrics.csv, steps.csv and the journal. Seconds of steps
 * are not recorded; between two evaluations they are taken as evenly spent.
 */
#include "internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* ---- charts ---- */

/* Seconds at `step`, on the way between the evaluations before and after it. */
static double seconds_at(const struct evaluation *before, const struct evaluation *after,
                         int64_t step)
{
    double span = (double)(after->step - before->step);
    double part = span > 0 ? (double)(step - before->step) / span : 1;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return before->seconds + part * (after->seconds - before->seconds);
}

static void restore_edits(struct run *run, const struct journal_file *journal)
{
    for (size_t i = 0; i < journal->count && journal->lines[i].seq <= run->seq; i++) {
        const struct journal_line *line = &journal->lines[i];
        struct command command;
        if (line->refused || !line->edit_count)
            continue;
        struct text label = {0};
        edits_label(line->edits, line->edit_count, &label);
        run_mark(run, line->seq, line->step, line->source, label.bytes);
        if (command_parse(line->command, &command, NULL) == 0) {
            const struct history_line edit = {.seq = line->seq,
                                              .step = line->step,
                                              .command = command.id,
                                              .rule = line->why != NULL,
                                              .label = label.bytes,
                                              .jump = line->jump};
            run_history_line(&run->history, &edit);
        }
        text_fini(&label);
    }
}

static void restore_losses(struct run *run, const struct metrics_file *file)
{
    const struct evaluation start = {0};
    const struct evaluation end = {.step = run->step, .seconds = run->watch.seconds};
    const struct evaluation *before = &start;
    int64_t first = 0;
    for (size_t i = 0, next = 0; i < file->step_count; i++) {
        const struct step_row *row = &file->steps[i];
        while (next < file->evaluation_count &&
               file->evaluations[next].evaluation.step <= row->step)
            before = &file->evaluations[next++].evaluation;
        const struct evaluation *after =
            next < file->evaluation_count ? &file->evaluations[next].evaluation : &end;
        const struct loss_bucket bucket = {
            .first = first,
            .last = row->step,
            .seconds = seconds_at(before, after, row->step),
            .mean = row->loss,
            .minimum = row->minimum,
            .maximum = row->maximum,
            .learning_rate = row->learning_rate,
        };
        publication_losses(&run->publication, &bucket);
        first = row->step + 1;
    }
    const struct steps_row *row = &run->metrics.row;
    if (row->count) {
        const struct loss_bucket bucket = {
            .first = run->step - row->count,
            .last = run->step - 1,
            .seconds = run->watch.seconds,
            .mean = row->sum / (double)row->count,
            .minimum = row->minimum,
            .maximum = row->maximum,
            .learning_rate = run_rate(run),
        };
        publication_losses(&run->publication, &bucket);
    }
}

static int restore_charts(struct run *run, const struct journal_file *journal,
                          const struct checkpoint *from, struct err *err)
{
    struct metrics_file file;
    if (metrics_load(&file, run->directory, from->metrics_length, from->steps_length, err) != 0)
        return -1;
    for (size_t i = 0; i < file.evaluation_count; i++)
        publication_evaluation(&run->publication, &file.evaluations[i].evaluation);
    if (file.evaluation_count)
        run->now.last = file.evaluations[file.evaluation_count - 1].evaluation;
    restore_losses(run, &file);
    restore_edits(run, journal);
    run->past_evaluations = run->publication.evaluation_count;
    run->past_edits = run->publication.edit_count;
    metrics_file_fini(&file);
    return 0;
}

/* ---- the state ---- */

/* All of it but the net's numbers, which belong to the run's thread. */
static void restore_state(struct run *run, const struct checkpoint *from)
{
    run->step = from->step;
    run->seq = from->journal_seq;
    run->rate_scale = from->rate_scale;
    run->rate_anchor = from->rate_anchor;
    run->schedule.rate = from->schedule_rate;
    run->watch.seconds = from->seconds;
    run->best = from->best;
    run->evaluation_due = from->evaluation_due;
    run->metrics.row = from->row;
    run->sums = from->sums;
    /* What an epoch takes is known from those before. */
    if (from->step > 0) {
        double steps = (double)run->schedule.steps_per_epoch;
        run->epoch_seconds = from->seconds * steps / (double)from->step;
        run->epoch_start = from->seconds - (double)(from->step % run->schedule.steps_per_epoch) /
                                               steps * run->epoch_seconds;
    }
}

/* Where nothing was saved: the state that a run begins with. The files are as they
 * were made. */
static struct checkpoint beginning(const struct run *run)
{
    return (struct checkpoint){
        .rate_scale = 1,
        .rate_anchor = 1,
        .schedule_rate = run->settings.train.learning_rate,
        .best.step = -1,
        .journal_seq = 1,
        .metrics_length = sizeof METRICS_HEADER - 1,
        .steps_length = sizeof STEPS_HEADER - 1,
    };
}

static int restore_files(struct run *run, const struct journal_file *journal,
                         const struct checkpoint *from, struct err *err)
{
    char *path = file_path(run->directory, "journal.jsonl");
    int result = journal_reopen(&run->journal, path, journal, err);
    if (result == 0)
        result = metrics_reopen(&run->metrics, run->directory, run->schedule.steps_per_epoch,
                                from->metrics_length, from->steps_length, err);
    mem_free(path);
    return result;
}

static int check_data(const struct resume *resume, const struct data_info *info, struct err *err)
{
    if (info->digest == resume->journal.data_digest)
        return 0;
    return err_set(err, ERR_FILE, "%s: trained on other data than %s has now", resume->directory,
                   info->path[0] ? info->path : info->name);
}

/* What the plan makes of the steps that are done. */
static int check_plan(const struct resume *resume, const struct run *run, struct err *err)
{
    int64_t total = run->schedule.steps_per_epoch * resume->settings.train.epochs;
    if (total >= run->step)
        return 0;
    return err_set(err, ERR_USAGE,
                   "train.epochs %" PRId64 ": %" PRId64 " epochs and %" PRId64
                   " steps are done already",
                   resume->settings.train.epochs, run->step / run->schedule.steps_per_epoch,
                   run->step % run->schedule.steps_per_epoch);
}

static void remove_result(const struct run *run)
{
    char *path = file_path(run->directory, "result.json");
    unlink(path);
    mem_free(path);
}

/* What a crash has left of files that were being written; file_write names them so. */
static void remove_leftovers(const char *run_directory, const char *below)
{
    char *directory = file_path(run_directory, below);
    DIR *stream = opendir(directory);
    for (const struct dirent *entry; stream && (entry = readdir(stream));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] != '.' || length < 5 ||
            strcmp(entry->d_name + length - 4, ".tmp") != 0)
            continue;
        char *path = file_path(directory, entry->d_name);
        unlink(path);
        mem_free(path);
    }
    if (stream)
        closedir(stream);
    mem_free(directory);
}

int resume_start(struct resume *resume, const struct dataset *dataset, struct run **out,
                 struct err *err)
{
    struct run *run = run_make(&resume->options, resume->directory, dataset, err);
    if (!run)
        return -1;
    run->settings = resume->has_checkpoint ? resume->checkpoint.settings : resume->started;
    /* It changes no numbers, so it need not wait for its line in the journal. */
    run->settings.train.threads = resume->settings.train.threads;
    const struct checkpoint start = beginning(run);
    const struct checkpoint *from = resume->has_checkpoint ? &resume->checkpoint : &start;
    if (check_data(resume, run->info, err) != 0 || run_plan(run, err) != 0)
        goto failed;
    restore_state(run, from);
    if (check_plan(resume, run, err) != 0)
        goto failed;
    run->tape.journal = &resume->journal;
    run->tape.next = (size_t)from->journal_seq;
    run->tape.resume = resume;
    tape_skip_script(&run->tape);
    run_first_snapshot(run);
    if (restore_charts(run, &resume->journal, from, err) != 0 ||
        restore_files(run, &resume->journal, from, err) != 0)
        goto failed;
    remove_result(run);
    remove_leftovers(run->directory, "");
    remove_leftovers(run->directory, "checkpoints");
    run->lock_fd = resume->lock_fd;
    run->resume = resume;
    if (run_start(run, err) != 0) {
        run->lock_fd = -1;
        run->resume = NULL;
        goto failed;
    }
    resume->lock_fd = -1;
    *out = run;
    return 0;
failed:
    run_discard(run);
    return -1;
}

/* The best weights, which `rollback best` and the test at the end want. */
static int prepare_best(struct run *run, struct err *err)
{
    const struct data_transform *transform = data_transform(run->dataset);
    struct checkpoint best;
    char *path = resume_best_path(run->resume);
    if (!path) {
        run->best_lost = true;
        return 0;
    }
    int result = checkpoint_load(path, &best, err);
    mem_free(path);
    if (result != 0)
        return -1;
    result = checkpoint_restore(&best, run->net, err);
    if (result == 0) {
        image_take(&run->best_image, &run->writer.layout, run->net);
        safetensors_free(best.tensors);
        mem_free(best.factor);
        mem_free(best.offset);
        best.tensors = NULL;
        best.factor = transform->factor;
        best.offset = transform->offset;
        run->best_image.about = best;
        return 0;
    }
    checkpoint_fini(&best);
    return -1;
}

int resume_prepare(struct run *run, struct err *err)
{
    struct resume *resume = run->resume;
    if (!resume->has_checkpoint)
        return 0;
    if (run->best.step >= 0 && run->settings.checkpoint.best && prepare_best(run, err) != 0)
        return -1;
    return checkpoint_restore(&resume->checkpoint, run->net, err);
}
