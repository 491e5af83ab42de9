/*
 * A run that exists already: read, verified and made ready to go on.
 *
 *   resume_open    takes the lock; reads settings and journal; verifies every file in
 *                  checkpoints/ and chooses the newest in time that holds
 *   resume_set …   what is to be different from now on
 *   resume_start   cuts the files to what the checkpoint recorded, rebuilds the
 *                  charts, starts the thread; before it nothing on disk is changed
 *
 * States are in the order of time by (newest journal line in them, step), and the
 * journal lines after the checkpoint's are repeated at their steps (tape.c). So any
 * checkpoint leads to the same state as the newest would; only the time is lost.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- checkpoints on disk ---- */

/* Whether settings that cannot change during a run are those of the run. */
static bool same_run(const struct settings *ours, const struct settings *theirs)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        char a[SETTINGS_TEXT], b[SETTINGS_TEXT];
        bool free_to_differ = row->change != SETTING_FIXED ||
                              strcmp(row->name, "train.epochs") == 0 ||
                              strcmp(row->name, "train.threads") == 0;
        settings_format(ours, row, a, sizeof a);
        settings_format(theirs, row, b, sizeof b);
        if (!free_to_differ && strcmp(a, b) != 0)
            return false;
    }
    return true;
}

static uint64_t file_size(const struct resume *resume, const char *name)
{
    struct stat status;
    char *path = file_path(resume->directory, name);
    uint64_t size = stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
    mem_free(path);
    return size;
}

/* Whether a checkpoint that is whole belongs here. */
static int check_candidate(const struct resume *resume, const struct checkpoint *checkpoint,
                           struct err *err)
{
    if (checkpoint->data_digest != resume->journal.data_digest ||
        !same_run(&resume->started, &checkpoint->settings))
        return err_set(err, ERR_FILE, "it is of another run");
    if (checkpoint->journal_seq < 1 || checkpoint->journal_seq > resume->journal.count)
        return err_set(err, ERR_FILE,
                       "it has line %" PRIu64 " of the journal in it, which has %zu lines",
                       checkpoint->journal_seq, resume->journal.count);
    if (checkpoint->metrics_length > file_size(resume, "metrics.csv"))
        return err_set(err, ERR_FILE, "metrics.csv is shorter than it recorded");
    if (checkpoint->steps_length > file_size(resume, "steps.csv"))
        return err_set(err, ERR_FILE, "steps.csv is shorter than it recorded");
    return 0;
}

static void skip(struct resume *resume, const char *name, const struct err *err)
{
    resume->skipped++;
    text_print(&resume->notes, "%s.safetensors skipped: %s\n", name, err->text);
}

static void add_candidate(struct resume *resume, const char *name, const char *path)
{
    struct checkpoint checkpoint;
    struct err err;
    if (checkpoint_load(path, &checkpoint, &err) != 0) {
        skip(resume, name, &err);
        return;
    }
    if (check_candidate(resume, &checkpoint, &err) != 0) {
        skip(resume, name, &err);
    } else {
        resume->candidates = mem_resize(resume->candidates,
                                        (resume->candidate_count + 1) * sizeof *resume->candidates);
        struct candidate *new = &resume->candidates[resume->candidate_count++];
        *new = (struct candidate){
            .seq = checkpoint.journal_seq,
            .step = checkpoint.step,
            .metrics_length = checkpoint.metrics_length,
            .best_step = checkpoint.best.step,
            .best_accuracy = checkpoint.best.validation_accuracy,
        };
        text_copy(new->name, sizeof new->name, name);
    }
    checkpoint_fini(&checkpoint);
}

/* In the order of time. Of two of one step the one with its evaluation is newer;
 * a file of its own goes before `best` and `last`, which may be links to it. */
static int by_time(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->metrics_length != y->metrics_length)
        return x->metrics_length < y->metrics_length ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Verifies all that there are. A file that a crash has left half written is removed. */
static int find_candidates(struct resume *resume, struct err *err)
{
    static const char ending[] = ".safetensors";
    char *directory = file_path(resume->directory, "checkpoints");
    DIR *stream = opendir(directory);
    int result = 0;
    if (!stream)
        result = err_set_errno(err, ERR_FILE, errno, "%s", directory);
    for (const struct dirent *entry; stream && (entry = readdir(stream));) {
        size_t length = strlen(entry->d_name), end = strlen(ending);
        if (entry->d_name[0] == '.' || length <= end ||
            length - end >= sizeof resume->candidates[0].name ||
            strcmp(entry->d_name + length - end, ending) != 0)
            continue;
        char *path = file_path(directory, entry->d_name);
        char name[sizeof resume->candidates[0].name];
        memcpy(name, entry->d_name, length - end);
        name[length - end] = '\0';
        if (strcmp(name, "last") != 0)
            add_candidate(resume, name, path);
        mem_free(path);
    }
    if (stream)
        closedir(stream);
    mem_free(directory);
    if (resume->candidate_count)
        qsort(resume->candidates, resume->candidate_count, sizeof *resume->candidates, by_time);
    return result;
}

static char *candidate_path(const struct resume *resume, const char *name)
{
    struct text path = {0};
    text_print(&path, "%s/checkpoints/%s.safetensors", resume->directory, name);
    return path.bytes;
}

/* ---- choosing ---- */

char *resume_best_path(const struct resume *resume)
{
    const struct evaluation *best = &resume->checkpoint.best;
    /* The first in time: after the evaluation settings may have changed at that step. */
    for (size_t i = 0; i < resume->candidate_count && best->step >= 0; i++) {
        const struct candidate *one = &resume->candidates[i];
        if (one->step == best->step && one->best_step == best->step &&
            one->best_accuracy == best->validation_accuracy)
            return candidate_path(resume, one->name);
    }
    return NULL;
}

static void note_best(struct resume *resume)
{
    const struct checkpoint *from = &resume->checkpoint;
    char *path = resume_best_path(resume);
    if (!path && from->best.step >= 0 && from->settings.checkpoint.best)
        text_print(&resume->notes,
                   "the weights of the best evaluation so far, of epoch %" PRId64
                   ", are in no file that holds\n",
                   from->best.epoch);
    mem_free(path);
}

static bool has_state(const struct resume *resume, const struct jump *jump)
{
    for (size_t i = 0; i < resume->candidate_count; i++)
        if (resume->candidates[i].seq == jump->seq && resume->candidates[i].step == jump->step)
            return true;
    return false;
}

/* The first line after the candidate's that leads back to a state which is not on
 * disk and was before the candidate; NULL: none does. */
static const struct journal_line *find_obstacle(const struct resume *resume,
                                                const struct candidate *from)
{
    for (size_t i = (size_t)from->seq; i < resume->journal.count; i++) {
        const struct journal_line *line = &resume->journal.lines[i];
        const struct jump *jump = line->refused ? NULL : line->jump;
        if (!jump)
            continue;
        bool comes = jump->seq > from->seq || (jump->seq == from->seq && jump->step >= from->step);
        if (!comes && !has_state(resume, jump))
            return line;
    }
    return NULL;
}

/* The newest from which the journal can be followed to its end. */
static int choose(struct resume *resume, struct err *err)
{
    for (size_t i = resume->candidate_count; i-- > 0;) {
        const struct candidate *from = &resume->candidates[i];
        const struct journal_line *obstacle = find_obstacle(resume, from);
        if (obstacle) {
            text_print(&resume->notes,
                       "%s.safetensors skipped: line %" PRIu64
                       " of the journal leads back to step %" PRId64 ", which is not kept\n",
                       from->name, obstacle->seq, obstacle->jump->step);
            continue;
        }
        char *path = candidate_path(resume, from->name);
        resume->has_checkpoint = checkpoint_load(path, &resume->checkpoint, err) == 0;
        mem_free(path);
        if (!resume->has_checkpoint)
            return -1;
        text_copy(resume->from, sizeof resume->from, from->name);
        resume->settings = resume->checkpoint.settings;
        note_best(resume);
        return 0;
    }
    return 0;
}

/* ---- open ---- */

static int load_settings(struct resume *resume, struct err *err)
{
    char *path = file_path(resume->directory, "settings.ini");
    settings_init(&resume->started);
    int result = settings_load(&resume->started, path, false, err);
    mem_free(path);
    resume->settings = resume->started;
    if (result != 0 && err)
        err->code = ERR_FILE; /* nobody typed these */
    return result;
}

static int load_journal(struct resume *resume, struct err *err)
{
    char *path = file_path(resume->directory, "journal.jsonl");
    int result = journal_load(path, &resume->journal, err);
    if (result == 0 && resume->journal.torn)
        text_print(&resume->notes,
                   "%s:%zu: the last line was not written to its end, and is left out\n", path,
                   resume->journal.count + 1);
    mem_free(path);
    return result;
}

/* The first part of a path without its last one. */
static void split_path(struct resume *resume)
{
    char *slash = strrchr(resume->directory, '/');
    text_copy(resume->options.name, sizeof resume->options.name,
              slash ? slash + 1 : resume->directory);
    text_copy(resume->options.runs_directory, sizeof resume->options.runs_directory, ".");
    if (slash)
        snprintf(resume->options.runs_directory, sizeof resume->options.runs_directory, "%.*s",
                 (int)(slash == resume->directory ? 1 : slash - resume->directory),
                 resume->directory);
}

int resume_read(const char *directory, int lock_fd, bool states, struct resume **out,
                struct err *err)
{
    char *absolute = realpath(directory, NULL);
    if (!absolute)
        return err_set_errno(err, ERR_FILE, errno, "%s", directory);
    struct resume *resume = mem_alloc(sizeof *resume);
    resume->directory = mem_text(absolute);
    free(absolute);
    resume->lock_fd = -1;
    split_path(resume);
    if (run_take_lock(resume->directory, lock_fd, &resume->lock_fd, err) != 0 ||
        load_settings(resume, err) != 0 || load_journal(resume, err) != 0 ||
        (states && find_candidates(resume, err) != 0)) {
        resume_close(resume);
        return -1;
    }
    *out = resume;
    return 0;
}

int resume_open_locked(const char *directory, int lock_fd, int64_t until, struct resume **out,
                       struct err *err)
{
    if (resume_read(directory, lock_fd, true, out, err) != 0)
        return -1;
    (*out)->options.until = until;
    if (choose(*out, err) == 0)
        return 0;
    resume_close(*out);
    return -1;
}

int resume_open(const char *directory, struct resume **out, struct err *err)
{
    return resume_open_locked(directory, 0, 0, out, err);
}

void resume_close(struct resume *resume)
{
    if (!resume)
        return;
    if (resume->lock_fd >= 0)
        close(resume->lock_fd);
    if (resume->has_checkpoint)
        checkpoint_fini(&resume->checkpoint);
    journal_file_fini(&resume->journal);
    for (size_t i = 0; i < resume->order_count; i++)
        mem_free(resume->orders[i]);
    mem_free(resume->orders);
    mem_free(resume->candidates);
    text_fini(&resume->notes);
    mem_free(resume->directory);
    mem_free(resume);
}

/* ---- what is different from now on ---- */

const struct settings *resume_settings(const struct resume *resume)
{
    return &resume->settings;
}

const char *resume_notes(const struct resume *resume)
{
    return resume->notes.length ? resume->notes.bytes : "";
}

const char *resume_from(const struct resume *resume, int64_t *step)
{
    *step = resume->has_checkpoint ? resume->checkpoint.step : 0;
    return resume->from;
}

int resume_result(const struct resume *resume, struct run_result *out, struct err *err)
{
    char *path = file_path(resume->directory, "result.json");
    int result = 0;
    if (file_exists(path))
        result = result_read(path, out, err) == 0 ? 1 : -1;
    mem_free(path);
    return result;
}

void resume_script(struct resume *resume, const struct script *script)
{
    resume->options.script = script;
}

static void add_order(struct resume *resume, const char *command)
{
    resume->orders = mem_resize(resume->orders, (resume->order_count + 1) * sizeof *resume->orders);
    resume->orders[resume->order_count++] = mem_text(command);
}

void resume_note(struct resume *resume, const char *text)
{
    struct text line = {0};
    text_print(&line, "note %s", text);
    add_order(resume, line.bytes);
    text_fini(&line);
}

static const struct candidate *find_candidate(const struct resume *resume, uint64_t seq,
                                              int64_t step)
{
    for (size_t i = resume->candidate_count; i-- > 0;) {
        const struct candidate *one = &resume->candidates[i];
        if (one->step == step && (!seq || one->seq == seq))
            return one;
    }
    return NULL;
}

/* A copy of a file from elsewhere, so that the journal can name it. */
static int adopt(struct resume *resume, const char *file, const struct checkpoint *checkpoint,
                 struct err *err)
{
    unsigned char *bytes;
    size_t length;
    char name[64];
    snprintf(name, sizeof name, "from-%" PRIu64 "-%" PRId64, checkpoint->journal_seq,
             checkpoint->step);
    if (file_read(file, (size_t)1 << 40, &bytes, &length, err) != 0)
        return -1;
    char *path = candidate_path(resume, name);
    const struct file_part part = {bytes, length};
    int result = file_write(path, &part, 1, err);
    if (result == 0)
        add_candidate(resume, name, path);
    mem_free(bytes);
    mem_free(path);
    return result;
}

/* The name of a state of this run that is in a file. */
static int find_file(struct resume *resume, const char *file, char *name, size_t size,
                     struct err *err)
{
    struct checkpoint checkpoint;
    if (checkpoint_load(file, &checkpoint, err) != 0)
        return -1;
    int result = check_candidate(resume, &checkpoint, err);
    if (result != 0)
        err_context(err, "%s", file);
    else if (!find_candidate(resume, checkpoint.journal_seq, checkpoint.step))
        result = adopt(resume, file, &checkpoint, err);
    if (result == 0)
        text_copy(name, size,
                  find_candidate(resume, checkpoint.journal_seq, checkpoint.step)->name);
    checkpoint_fini(&checkpoint);
    return result;
}

/* "no state of step 450 is kept; there are those of 490, 980" */
static int refuse_step(const struct resume *resume, int64_t step, struct err *err)
{
    struct text text = {0};
    for (size_t i = 0; i < resume->candidate_count; i++)
        if (i == 0 || resume->candidates[i].step != resume->candidates[i - 1].step)
            text_print(&text, "%s%" PRId64, i ? ", " : "", resume->candidates[i].step);
    err_set(err, ERR_USAGE, "no state of step %" PRId64 " is kept; %s%s", step,
            text.length ? "there are those of " : "there is none", text.length ? text.bytes : "");
    text_fini(&text);
    return -1;
}

int resume_return(struct resume *resume, const char *word, struct err *err)
{
    struct candidate none;
    char name[sizeof none.name];
    int64_t step;
    text_copy(name, sizeof name, word);
    if (strcmp(word, "best") == 0) {
        char *path = resume_best_path(resume);
        if (!path)
            return err_set(err, ERR_USAGE, "there is no best state");
        mem_free(path);
    } else if (number_parse_integer(word, &step) == 0) {
        if (!find_candidate(resume, 0, step))
            return refuse_step(resume, step, err);
    } else if (find_file(resume, word, name, sizeof name, err) != 0) {
        return -1;
    }
    struct text command = {0};
    text_print(&command, "rollback %s", name);
    add_order(resume, command.bytes);
    text_fini(&command);
    resume->goes_on = true;
    return 0;
}

bool resume_goes_on(const struct resume *resume)
{
    return resume->goes_on;
}

/* A setting of the plan: it is not part of the state, so no edit. */
static int set_plan(struct resume *resume, const struct setting *row, const char *value,
                    struct err *err)
{
    struct edit edit = {.row = row};
    resume->goes_on = resume->goes_on || strcmp(row->name, "train.epochs") == 0;
    settings_format(&resume->settings, row, edit.old, sizeof edit.old);
    if (settings_set(&resume->settings, row, value, err) != 0)
        return -1;
    settings_format(&resume->settings, row, edit.new, sizeof edit.new);
    for (size_t i = 0; i < resume->plan_count; i++)
        if (resume->plan[i].row == row) {
            text_copy(resume->plan[i].new, sizeof edit.new, edit.new);
            return 0;
        }
    resume->plan[resume->plan_count++] = edit;
    return 0;
}

int resume_set(struct resume *resume, const char *line, struct err *err)
{
    const char *equals = strchr(line, '=');
    char name[64];
    size_t length = equals ? (size_t)(equals - line) : 0;
    if (!length || length >= sizeof name)
        return err_set(err, ERR_USAGE, "'%s': SECTION.KEY=VALUE is expected", line);
    memcpy(name, line, length);
    name[length] = '\0';
    const struct setting *row = settings_find(name, err);
    if (!row)
        return -1;
    if (strcmp(name, "train.epochs") == 0 || strcmp(name, "train.threads") == 0)
        return set_plan(resume, row, equals + 1, err);
    if (row->change != SETTING_LIVE)
        return err_set(err, ERR_USAGE,
                       "%s is the run's own; only live settings, train.epochs and train.threads "
                       "can be others than before",
                       name);
    struct settings scratch = resume->settings;
    if (settings_set(&scratch, row, equals + 1, err) != 0)
        return -1;
    struct text command = {0};
    text_print(&command, "set %s %s", name, equals + 1);
    add_order(resume, command.bytes);
    text_fini(&command);
    return 0;
}
