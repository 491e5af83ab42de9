/*
 * A run's files, read for who looks at them afterwards. Nothing is locked and
 * nothing changed; of files that grow meanwhile, what is whole is read.
 *
 * What was abandoned follows from the journal: each return to an earlier state
 * recorded that state's step and newest line, and how long both files were.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds since 1970 of "2026-03-01T12:00:00.000Z"; 0 where it is none. */
static double parse_time(const char *text)
{
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    return rest ? (double)timegm(&tm) : 0;
}

/* What lies between two returns to earlier states, in the journal and in both files. */
struct stretch {
    uint64_t line; /* the first */
    uint64_t metrics_begin, steps_begin;
    const struct jump *jump; /* that it began with; NULL: the first */
    int64_t live_until;      /* the step up to which the way that led here is on it */
};

static struct stretch *find_stretches(const struct journal_file *journal, size_t *count)
{
    struct stretch *list = mem_alloc((journal->count + 1) * sizeof *list);
    list[0] = (struct stretch){.line = 1, .live_until = -1};
    *count = 1;
    for (size_t i = 0; i < journal->count; i++) {
        const struct journal_line *line = &journal->lines[i];
        if (!line->jump || line->refused)
            continue;
        list[(*count)++] = (struct stretch){line->seq, line->jump->metrics_length,
                                            line->jump->steps_length, line->jump, -1};
    }
    size_t at = *count - 1;
    for (int64_t until = INT64_MAX;;) {
        const struct jump *jump = list[at].jump;
        list[at].live_until = until;
        if (!jump)
            return list;
        until = jump->step;
        while (list[--at].line > jump->seq)
            ;
    }
}

static void take_evaluations(struct run_record *record, const struct metrics_file *file,
                             const struct stretch *stretches, size_t count)
{
    record->evaluation_count = file->evaluation_count;
    record->evaluations = mem_alloc(file->evaluation_count * sizeof *record->evaluations);
    for (size_t i = 0, at = 0; i < file->evaluation_count; i++) {
        struct evaluation *row = &record->evaluations[i];
        *row = file->evaluations[i].evaluation;
        while (at + 1 < count && file->evaluations[i].begin >= stretches[at + 1].metrics_begin)
            at++;
        row->abandoned = row->step > stretches[at].live_until;
        /* step / steps_per_epoch is the epoch, without a rest at an epoch's end. */
        if (row->epoch > 0 &&
            (!record->steps_per_epoch || row->step / row->epoch < record->steps_per_epoch))
            record->steps_per_epoch = row->step / row->epoch;
    }
}

/* Seconds at a step of the live way, or of that which row `i` and those before are on. */
static double seconds_at(const struct run_record *record, size_t i, int64_t step)
{
    struct evaluation before = {0}, after = {0};
    if (i > 0)
        before = record->evaluations[i - 1];
    after = i < record->evaluation_count ? record->evaluations[i] : before;
    const double span = (double)(after.step - before.step);
    const double part = span > 0 ? (double)(step - before.step) / span : 0;
    return before.seconds + fmin(fmax(part, 0), 1) * (after.seconds - before.seconds);
}

static void take_losses(struct run_record *record, const struct metrics_file *file,
                        const struct stretch *stretches, size_t count)
{
    size_t at = 0, evaluation = 0;
    int64_t before = -1;
    double seconds = 0; /* they go on where steps go back */
    record->loss_count = file->step_count;
    record->losses = mem_alloc(file->step_count * sizeof *record->losses);
    for (size_t i = 0; i < file->step_count; i++) {
        const struct step_row *row = &file->steps[i];
        while (at + 1 < count && row->begin >= stretches[at + 1].steps_begin) {
            before = stretches[++at].jump->step - 1;
            while (evaluation < record->evaluation_count &&
                   file->evaluations[evaluation].begin < stretches[at].metrics_begin)
                evaluation++;
        }
        while (evaluation < record->evaluation_count &&
               record->evaluations[evaluation].step <= row->step &&
               (at + 1 == count ||
                file->evaluations[evaluation].begin < stretches[at + 1].metrics_begin))
            evaluation++;
        seconds = fmax(seconds, seconds_at(record, evaluation, row->step));
        record->losses[i] = (struct loss_bucket){
            .first = row->step > before ? before + 1 : row->step,
            .last = row->step,
            .seconds = seconds,
            .mean = row->loss,
            .minimum = row->minimum,
            .maximum = row->maximum,
            .learning_rate = row->learning_rate,
            .abandoned = row->step >= stretches[at].live_until,
        };
        before = row->step;
    }
}

static void add_edit(struct run_record *record, const struct journal_line *line, bool live)
{
    struct edit_mark *mark = &record->edits[record->edit_count];
    struct command command;
    struct text label = {0};
    bool parsed = !line->refused && command_parse(line->command, &command, NULL) == 0;
    bool note = parsed && command.id == COMMAND_NOTE;
    if (line->refused || (!line->jump && !line->edit_count && !note))
        return;
    *mark = (struct edit_mark){
        .seq = (int64_t)line->seq,
        .step = line->jump ? line->jump->step : line->step,
        .source = line->source,
        .abandoned = !live,
        .returned = line->jump != NULL,
        .note = note,
    };
    if (note) {
        text_copy(mark->label, sizeof mark->label, command.word[0]);
        utf8_trim(mark->label);
    } else if (!line->jump) {
        edits_label(line->edits, line->edit_count, &label);
        text_copy(mark->label, sizeof mark->label, label.bytes);
        utf8_trim(mark->label);
    } else if (parsed) {
        run_jump_label(mark->label, line->why != NULL, &command, line->step);
    }
    record->edit_count++;
    text_fini(&label);
}

static void take_edits(struct run_record *record, const struct journal_file *journal)
{
    bool *live = mem_alloc(journal->count * sizeof *live);
    record->edits = mem_alloc(journal->count * sizeof *record->edits);
    /* From the end to the start, the way that led here. */
    for (size_t i = journal->count; i-- > 0;) {
        const struct journal_line *line = &journal->lines[i];
        live[i] = true;
        if (line->jump && !line->refused && line->jump->seq <= i)
            i = (size_t)line->jump->seq; /* that line is the next one looked at */
    }
    for (size_t i = 1; i < journal->count; i++)
        add_edit(record, &journal->lines[i], live[i]);
    mem_free(live);
    record->data_digest = journal->data_digest;
    if (journal->count)
        record->started =
            parse_time(json_string_value(json_object_get(journal->lines[0].object, "time")));
}

/* A divergence that ends a run is its last line. */
static enum run_state left_as(const struct journal_file *journal)
{
    const struct journal_line *last = journal->count ? &journal->lines[journal->count - 1] : NULL;
    const bool diverged = last && last->source == SOURCE_RULE && strcmp(last->command, "stop") == 0;
    return diverged ? RUN_DIVERGED : RUN_INTERRUPTED;
}

static int load(const char *directory, struct run_record *out, struct err *err)
{
    struct metrics_file file = {0};
    struct journal_file journal = {0};
    char *settings = file_path(directory, "settings.ini");
    char *lines = file_path(directory, "journal.jsonl");
    char *result = file_path(directory, "result.json");
    int status = -1;
    settings_init(&out->settings);
    if (settings_load(&out->settings, settings, false, err) == 0 &&
        journal_load(lines, &journal, err) == 0 &&
        metrics_load(&file, directory, METRICS_ALL, METRICS_ALL, err) == 0) {
        size_t count;
        struct stretch *stretches = find_stretches(&journal, &count);
        take_evaluations(out, &file, stretches, count);
        take_losses(out, &file, stretches, count);
        take_edits(out, &journal);
        mem_free(stretches);
        out->state = left_as(&journal);
        status = 0;
        if (file_exists(result)) {
            out->state = RUN_FINISHED;
            status = result_read(result, &out->result, err);
        }
    }
    journal_file_fini(&journal);
    metrics_file_fini(&file);
    mem_free(settings);
    mem_free(lines);
    mem_free(result);
    return status;
}

int run_record_load(const char *directory, struct run_record *out, struct err *err)
{
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && directory[start - 1] != '/')
        start--;
    *out = (struct run_record){0};
    text_copy(out->name, sizeof out->name, directory + start);
    out->name[length - start < sizeof out->name ? length - start : sizeof out->name - 1] = '\0';
    if (load(directory, out, err) == 0)
        return 0;
    run_record_fini(out);
    return -1;
}

void run_record_fini(struct run_record *record)
{
    mem_free(record->evaluations);
    mem_free(record->losses);
    mem_free(record->edits);
    *record = (struct run_record){0};
}

const struct evaluation *run_record_best(const struct run_record *record)
{
    const struct evaluation *best = NULL;
    for (size_t i = 0; i < record->evaluation_count; i++)
        if (best == NULL || record->evaluations[i].validation_accuracy > best->validation_accuracy)
            best = &record->evaluations[i];
    return best;
}

bool run_is_trained(const char *directory)
{
    char *path = file_path(directory, "run.lock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    const bool trained = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return trained;
}
