/*
 * Commands that nobody gives while the run is under way, but that are due at
 * steps: those of a journal that are repeated, what a resume does when they are
 * through, and the lines of a script. Each is performed as one that was typed.
 *
 *   resume   lines after the checkpoint's      not written again, they are there
 *   replay   all lines of another run          written into this run's journal
 *   script   once the run's step has reached   written as any other command
 *
 * Invariants:
 * 1. A repeated line takes effect at its own step, in the order of the journal;
 *    what only paces a run is passed over there, and copied by a replay.
 * 2. While lines are left to repeat, nothing else goes into the journal, so that
 *    it stays in the order of the run's time: edits by others are refused, so is
 *    `stop`, and pausing, saving and leaving are not written.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool lines_left(const struct tape *tape)
{
    return tape->journal && tape->next < tape->journal->count;
}

bool tape_repeats(const struct run *run)
{
    return lines_left(&run->tape) || run->tape.resume;
}

bool tape_holds(const struct run *run)
{
    return tape_repeats(run) && !run->tape.live;
}

bool tape_goes_on(const struct run *run)
{
    const struct tape *tape = &run->tape;
    if (!tape_holds(run))
        return false;
    for (size_t i = tape->next; lines_left(tape) && i < tape->journal->count; i++)
        if (!tape->journal->lines[i].refused &&
            (tape->journal->lines[i].edit_count || tape->journal->lines[i].jump))
            return true;
    return tape->resume && resume_goes_on(tape->resume);
}

/* Where the last of the lines to be repeated is. */
static int64_t last_step(const struct tape *tape)
{
    const struct journal_line *last = &tape->journal->lines[tape->journal->count - 1];
    return tape->next < tape->journal->count ? last->step : 0;
}

int tape_check(const struct run *run, const struct order *order, enum command_id command,
               struct err *err)
{
    bool changes = command_info(command)->scope == COMMAND_SCOPE_EDIT ||
                   command == COMMAND_EVALUATE || command == COMMAND_NOTE ||
                   command == COMMAND_STOP;
    if (order->seq || order->repeated || !changes || !tape_holds(run))
        return 0;
    return err_set(err, ERR_USAGE,
                   "the journal's own commands are repeated first, until step %" PRId64,
                   last_step(&run->tape));
}

/* ---- states that are returned to ---- */

static bool is_kept(const struct jump *jump)
{
    /* Those of edits and the best are kept as they were before. */
    return strncmp(jump->state, "edit-", strlen("edit-")) == 0 || strcmp(jump->state, "best") == 0;
}

void tape_load(struct tape *tape, const struct journal_file *journal, size_t next)
{
    tape->journal = journal;
    tape->next = next;
    for (size_t i = next; i < journal->count && !tape->live; i++) {
        const struct journal_line *line = &journal->lines[i];
        if (!line->jump || line->refused || is_kept(line->jump))
            continue;
        tape->pins = mem_resize(tape->pins, (tape->pin_count + 1) * sizeof *tape->pins);
        tape->pins[tape->pin_count++] = (struct pin){.line = i};
    }
}

void tape_fini(struct tape *tape, struct copies *copies)
{
    for (size_t i = 0; i < tape->pin_count; i++)
        copies_release(copies, tape->pins[i].image.copy);
    mem_free(tape->pins);
    tape->pins = NULL;
    tape->pin_count = 0;
}

const struct image *tape_pinned(const struct tape *tape, const struct jump *jump)
{
    for (size_t i = 0; i < tape->pin_count; i++)
        if (tape->pins[i].image.copy && tape->journal->lines[tape->pins[i].line].jump == jump)
            return &tape->pins[i].image;
    return NULL;
}

/* Keeps the present state for every line that leads back to it, and none longer. */
static int pin(struct run *run, struct err *err)
{
    struct tape *tape = &run->tape;
    for (size_t i = 0; i < tape->pin_count; i++) {
        struct pin *pin = &tape->pins[i];
        const struct jump *jump = tape->journal->lines[pin->line].jump;
        struct image image;
        if (pin->line < tape->next) {
            run_drop_image(run, &pin->image);
        } else if (jump->seq == run->seq && jump->step == run->step && !pin->image.copy) {
            if (run_image(run, &image, err) != 0)
                return -1;
            run_hold_image(run, &pin->image, &image);
        }
    }
    return 0;
}

/* ---- lines of a journal ---- */

static bool is_resume(const struct journal_line *line)
{
    return strcmp(line->command, "resume") == 0;
}

/* A line that does nothing here. */
static int copy(struct run *run, const struct journal_line *line, struct err *err)
{
    const struct journal_entry entry = {
        .step = line->step,
        .epoch = line->step / run->schedule.steps_per_epoch,
        .source = command_source_name(SOURCE_REPLAY),
        .command = line->command,
        .refused = line->refused,
        .why = line->why,
        .edits = line->edits,
        .edit_count = line->edit_count,
    };
    return journal_append(&run->journal, &entry, err);
}

/* What a rule did, and not a signal. */
static bool is_rule(const struct journal_line *line)
{
    return line->why && strcmp(line->command, "checkpoint") != 0;
}

static int repeat(struct run *run, const struct journal_line *line, struct err *err)
{
    bool replay = run->tape.replay;
    if (!is_resume(line) && !line->refused) {
        const struct order order = {
            .source = replay ? SOURCE_REPLAY : line->source,
            .line = line->command,
            .why = line->why,
            .seq = replay ? 0 : line->seq,
            /* Where steps are others, so are the states; the command says which is meant. */
            .jump = run->tape.live ? NULL : line->jump,
            .repeated = true,
        };
        return run_apply(run, &order, err);
    }
    if (replay && copy(run, line, err) != 0)
        return -1;
    run->seq = replay ? run->journal.seq : line->seq;
    return is_resume(line) ? run_plan_again(run, line->edits, line->edit_count, err) : 0;
}

/* 1: one was performed; 0: none is due. */
static int next_repeated(struct run *run, struct err *err)
{
    struct tape *tape = &run->tape;
    if (!lines_left(tape))
        return 0;
    const struct journal_line *line = &tape->journal->lines[tape->next];
    if (line->step > run->step)
        return 0;
    tape->next++;
    if (tape->live && is_rule(line))
        return 1;
    int result;
    if (line->step < run->step && !tape->live)
        result = err_set(err, ERR_FILE, "it is of step %" PRId64 ", and the run is at %" PRId64,
                         line->step, run->step);
    else
        result = repeat(run, line, err);
    if (result == 0)
        return 1;
    err_context(err, "line %" PRIu64 " of the journal, \"%s\"", line->seq, line->command);
    if (!tape->live)
        return -1;
    publication_warn(&run->publication, WARNING_SCRIPT, err->text);
    return 1;
}

/* ---- what a resume does then ---- */

static int begin_again(struct run *run, const struct resume *resume, struct err *err)
{
    const struct journal_entry entry = {
        .step = run->step,
        .epoch = run->step / run->schedule.steps_per_epoch,
        .source = command_source_name(SOURCE_RESUME),
        .command = "resume",
        .libraries = true,
        .edits = resume->plan,
        .edit_count = resume->plan_count,
    };
    if (journal_append(&run->journal, &entry, err) != 0)
        return -1;
    run->seq = run->journal.seq;
    return run_plan_again(run, resume->plan, resume->plan_count, err);
}

static int resume_now(struct run *run, struct err *err)
{
    struct resume *resume = run->tape.resume;
    int result = begin_again(run, resume, err);
    run->tape.resume = NULL;
    for (size_t i = 0; i < resume->order_count && result == 0; i++) {
        const struct order order = {.source = SOURCE_RESUME, .line = resume->orders[i]};
        if ((result = run_apply(run, &order, err)) != 0)
            err_context(err, "\"%s\"", resume->orders[i]);
    }
    return result == 0 ? 1 : -1;
}

/* ---- lines of a script ---- */

static int next_scripted(struct run *run)
{
    const struct script *script = run->tape.script;
    if (!script || run->tape.script_next == script->count)
        return 0;
    const struct script_line *line = &script->lines[run->tape.script_next];
    if (line->step > run->step)
        return 0;
    run->tape.script_next++;
    const struct order order = {.source = SOURCE_SCRIPT, .line = line->command};
    struct err err;
    if (run_apply(run, &order, &err) != 0) {
        err_context(&err, "%s:%d: \"%s\"", script->name, line->number, line->command);
        publication_warn(&run->publication, WARNING_SCRIPT, err.text);
    }
    return 1;
}

void tape_skip_script(struct tape *tape)
{
    /* The script that was used before begins with the very lines that it gave. */
    const struct script *script = tape->script;
    size_t used = 0;
    for (size_t i = 0; i < tape->journal->count; i++) {
        const struct journal_line *line = &tape->journal->lines[i];
        if (line->source != SOURCE_SCRIPT)
            continue;
        if (!script || used == script->count ||
            strcmp(script->lines[used].command, line->command) != 0)
            return;
        used++;
    }
    tape->script_next = used;
}

int tape_perform(struct run *run, struct err *err)
{
    for (;;) {
        if (queue_leaving(&run->queue) != QUEUE_EMPTY || run->stopping)
            return 0;
        if (pin(run, err) != 0 || verify_check(run, err) != 0)
            return -1;
        int result = next_repeated(run, err);
        if (result == 0 && run->tape.resume && !lines_left(&run->tape))
            result = resume_now(run, err);
        if (result == 0 && !tape_repeats(run))
            result = next_scripted(run);
        if (result != 1)
            return result;
    }
}
