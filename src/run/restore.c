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
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- charts ---- */

/* Of the bits for what changes images. */
enum { AUGMENT_NOISE = 1 };

/* Rows and lines are gone through side by side, in the order of time. */
struct walk {
    struct run *run;
    const struct journal_file *journal;
    struct metrics_file file;
    size_t evaluation, step; /* the next rows */
    uint64_t seq;            /* of the last line */
    uint32_t *augment;       /* [lines]: what was on of [augment] after each, in bits */
    int64_t evaluated;       /* the step of the last row, on this way */
};

static void add_evaluation(struct walk *walk)
{
    const struct evaluation *row = &walk->file.evaluations[walk->evaluation++].evaluation;
    publication_evaluation(&walk->run->publication, row, walk->seq, NULL);
    walk->run->now.last = *row;
    walk->evaluated = row->step;
}

/* Seconds at `step`, on the way between the evaluations before and after it. */
static double seconds_at(const struct walk *walk, int64_t step)
{
    const struct run *run = walk->run;
    struct evaluation before = {0}, after = {.step = run->step, .seconds = run->watch.seconds};
    if (walk->evaluation > 0)
        before = walk->file.evaluations[walk->evaluation - 1].evaluation;
    if (walk->evaluation < walk->file.evaluation_count)
        after = walk->file.evaluations[walk->evaluation].evaluation;
    double span = (double)(after.step - before.step);
    double part = span > 0 ? (double)(step - before.step) / span : 1;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return before.seconds + part * (after.seconds - before.seconds);
}

static void add_losses(struct walk *walk)
{
    const struct step_row *row = &walk->file.steps[walk->step++];
    const struct metrics *metrics = &walk->run->metrics;
    const struct loss_bucket bucket = {
        .first = row->step - row->step % metrics->steps_per_epoch % metrics->stride,
        .last = row->step,
        .seconds = seconds_at(walk, row->step),
        .mean = row->loss,
        .minimum = row->minimum,
        .maximum = row->maximum,
        .learning_rate = row->learning_rate,
        .noise = walk->augment[walk->seq - 1] & AUGMENT_NOISE,
        .augmented = walk->augment[walk->seq - 1] != 0,
    };
    publication_losses(&walk->run->publication, &bucket);
}

/* Rows of before a command at `step`, on the way that ends where the files had the
 * lengths of `end`. An epoch's end is measured before any command there. */
static void add_rows(struct walk *walk, int64_t step, const struct jump *end)
{
    const struct metrics_file *file = &walk->file;
    const int64_t steps_per_epoch = walk->run->schedule.steps_per_epoch;
    for (;;) {
        const struct step_row *losses =
            walk->step < file->step_count ? &file->steps[walk->step] : NULL;
        const struct evaluation_row *row =
            walk->evaluation < file->evaluation_count ? &file->evaluations[walk->evaluation] : NULL;
        if (losses && (losses->begin >= end->steps_length || losses->step >= step))
            losses = NULL;
        if (row && row->begin >= end->metrics_length)
            row = NULL;
        if (row && row->evaluation.step >= step) {
            bool epoch_end = row->evaluation.step == step && step % steps_per_epoch == 0 &&
                             walk->evaluated != step;
            row = epoch_end ? row : NULL;
        }
        if (losses && (!row || losses->step < row->evaluation.step))
            add_losses(walk);
        else if (row)
            add_evaluation(walk);
        else
            return;
    }
}

static void mark_line(struct walk *walk, const struct journal_line *line, bool note,
                      const char *label)
{
    const struct edit_mark mark = {.seq = (int64_t)line->seq,
                                   .step = line->step,
                                   .seconds = seconds_at(walk, line->step),
                                   .source = line->source,
                                   .note = note};
    run_mark(walk->run, &mark, label);
}

static void add_line(struct walk *walk, const struct journal_line *line)
{
    struct run *run = walk->run;
    struct command command;
    struct text label = {0};
    bool parsed = command_parse(line->command, &command, NULL) == 0;
    if (line->jump && parsed) {
        struct edit_mark mark = {.seq = (int64_t)line->seq,
                                 .step = line->jump->step,
                                 .seconds = seconds_at(walk, line->step),
                                 .source = line->source,
                                 .returned = true};
        run_jump_label(mark.label, line->why != NULL, &command, line->step);
        text_print(&label, "%s", mark.label);
        publication_return(&run->publication, &mark, line->jump);
        walk->evaluated = -1;
    } else if (line->edit_count) {
        edits_label(line->edits, line->edit_count, &label);
        mark_line(walk, line, false, label.bytes);
    } else if (parsed && command.id == COMMAND_NOTE) {
        mark_line(walk, line, true, command.word[0]);
    }
    if (label.length && parsed) {
        const struct history_line edit = {.seq = line->seq,
                                          .step = line->step,
                                          .command = command.id,
                                          .rule = line->why != NULL,
                                          .label = label.bytes,
                                          .jump = line->jump};
        char name[64];
        run_history_line(&run->history, &edit);
        snprintf(name, sizeof name, "edit-%" PRIu64, line->seq);
        states_label(&run->states, name, label.bytes);
    }
    text_fini(&label);
    walk->seq = line->seq;
    if (parsed && command.id == COMMAND_EVALUATE && walk->evaluation < walk->file.evaluation_count)
        add_evaluation(walk);
}

/* The row's bit; 0: it is no such row. */
static uint32_t augment_bit(const struct setting *row)
{
    static const char *const names[] = {"augment.noise", "augment.flip", "augment.shift",
                                        "augment.brightness", "augment.contrast"};
    _Static_assert(AUGMENT_NOISE == 1 << 0, "noise is the first");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(row->name, names[i]) == 0)
            return UINT32_C(1) << i;
    return 0;
}

static void set_augment(uint32_t *bits, const struct setting *row, const char *value)
{
    const uint32_t bit = augment_bit(row);
    const bool on = strcmp(value, "off") != 0 && strcmp(value, "0") != 0;
    *bits = on ? *bits | bit : *bits & ~bit;
}

static void find_augment(struct walk *walk, const struct settings *started)
{
    const struct journal_file *journal = walk->journal;
    char value[SETTINGS_TEXT];
    walk->augment = mem_alloc(journal->count * sizeof *walk->augment);
    for (size_t i = 0; i < settings_count(); i++) {
        settings_format(started, settings_row(i), value, sizeof value);
        set_augment(&walk->augment[0], settings_row(i), value);
    }
    for (size_t i = 1; i < journal->count; i++) {
        const struct journal_line *line = &journal->lines[i];
        bool jumps = line->jump && line->jump->seq < line->seq;
        walk->augment[i] = walk->augment[jumps ? line->jump->seq - 1 : i - 1];
        for (size_t j = 0; j < line->edit_count; j++)
            set_augment(&walk->augment[i], line->edits[j].row, line->edits[j].new);
    }
}

static void walk_through(struct walk *walk)
{
    static const struct jump never = {.metrics_length = UINT64_MAX, .steps_length = UINT64_MAX};
    const struct journal_file *journal = walk->journal;
    struct run *run = walk->run;
    for (size_t i = 1; i < journal->count && journal->lines[i].seq <= run->seq; i++) {
        const struct jump *end = NULL;
        for (size_t j = i; j < journal->count && !end; j++)
            end = journal->lines[j].refused ? NULL : journal->lines[j].jump;
        const struct journal_line *line = &journal->lines[i];
        if (line->refused)
            continue;
        add_rows(walk, line->jump ? INT64_MAX : line->step, end ? end : &never);
        add_line(walk, line);
    }
    add_rows(walk, INT64_MAX, &never);
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
            .noise = run->settings.augment.noise,
            .augmented = augments(&run->settings),
        };
        publication_losses(&run->publication, &bucket);
    }
}

static int restore_charts(struct run *run, const struct resume *resume,
                          const struct checkpoint *from, struct err *err)
{
    struct walk walk = {.run = run, .journal = &resume->journal, .seq = 1, .evaluated = -1};
    if (metrics_load(&walk.file, run->directory, from->metrics_length, from->steps_length, err) !=
        0)
        return -1;
    find_augment(&walk, &resume->started);
    walk_through(&walk);
    run->past_evaluations = run->publication.evaluation_count;
    run->past_edits = run->publication.edit_count;
    mem_free(walk.augment);
    metrics_file_fini(&walk.file);
    return 0;
}

/* What is on disk can be returned to. */
static void restore_states(struct run *run, const struct resume *resume)
{
    for (size_t i = 0; i < resume->candidate_count; i++) {
        const struct candidate *one = &resume->candidates[i];
        enum state_kind kind = strncmp(one->name, "edit-", 5) == 0   ? STATE_EDIT
                               : strncmp(one->name, "step-", 5) == 0 ? STATE_STEP
                               : strcmp(one->name, "best") == 0      ? STATE_BEST
                                                                     : STATE_NAMED;
        states_saved(&run->states, kind, one->name, one->step, one->seq);
        publication_checkpoint(&run->publication, one->step, true);
    }
}

/* ---- the state ---- */

/* All of it but the net's numbers, which belong to the run's thread. */
static void restore_state(struct run *run, const struct checkpoint *from)
{
    run->step = from->step;
    run->seq = from->journal_seq;
    run->rate_scale = from->rate_scale;
    run->rate_anchor = from->rate_anchor;
    run->momentum_product = from->momentum_product;
    run->schedule.rate = from->schedule_rate;
    run->watch.seconds = from->seconds;
    run->best = from->best;
    run->evaluation_due = from->evaluation_due;
    run->metrics.row = from->row;
    run->losses_from = from->step;
    run->sums = from->sums;
    run->patience = from->patience;
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
        .momentum_product = 1,
        .schedule_rate = run->settings.train.learning_rate,
        .best.step = -1,
        .patience.evaluations = -1,
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
    tape_load(&run->tape, &resume->journal, (size_t)from->journal_seq);
    run->tape.resume = resume;
    tape_skip_script(&run->tape);
    run_first_snapshot(run);
    metrics_plan(&run->metrics, run->schedule.steps_per_epoch);
    restore_states(run, resume);
    if (restore_charts(run, resume, from, err) != 0 ||
        restore_files(run, &resume->journal, from, err) != 0)
        goto failed;
    journal_show(&resume->journal, &run->publication);
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
    char *path = resume_best_path(run->resume);
    if (!path)
        return 0;
    int result = image_load(&run->best_image, &run->copies, path, err);
    mem_free(path);
    run->best_image.about.factor = transform->factor;
    run->best_image.about.offset = transform->offset;
    return result;
}

int resume_prepare(struct run *run, struct err *err)
{
    struct resume *resume = run->resume;
    if (!resume->has_checkpoint)
        return 0;
    if (run->settings.checkpoint.best && prepare_best(run, err) != 0)
        return -1;
    return checkpoint_restore(&resume->checkpoint, run->net, err);
}
