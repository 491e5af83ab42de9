/*
 * Performs commands, between two steps. Each is journalled, does what it says
 * or is refused, and is answered. Edits change all their settings or none.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What became of a command. */
enum outcome { DONE, REFUSED, LATER /* the writer answers */ };

/* A named checkpoint stays, so its name is used once. */
static int check_name(const struct run *run, const char *name, struct err *err)
{
    struct text path = {0};
    text_print(&path, "%s/checkpoints/%s.safetensors", run->directory, name);
    bool exists = file_exists(path.bytes);
    text_fini(&path);
    return exists ? err_set(err, ERR_USAGE, "there is a checkpoint '%s' already", name) : 0;
}

/* Whether a command that is no edit can be performed now. */
static int check(const struct run *run, const struct command *command, struct err *err)
{
    if (command->id == COMMAND_STEP && !run->paused)
        return err_set(err, ERR_USAGE, "only while paused");
    if (command->id == COMMAND_PAUSE)
        return run_condition_check(command, err);
    if (command->id == COMMAND_RANGE_TEST && command->words &&
        strcmp(command->word[0], "stop") != 0)
        return err_set(err, ERR_USAGE, "\"range-test\" or \"range-test stop\" is expected");
    if (command->id == COMMAND_RUN)
        return run_limit_check(command, err);
    if (command->id == COMMAND_CHECKPOINT && command->words)
        return check_name(run, command->word[0], err);
    if (command->id == COMMAND_EVALUATE && run->settings.train.evaluate == EVALUATE_RUNNING &&
        run->step == 0)
        return err_set(err, ERR_USAGE, "train.evaluate = running, and no step was trained yet");
    return 0;
}

static enum outcome start_steps(struct run *run, int64_t number, struct text *text)
{
    /* Given again before the last ones are done, it adds to them. */
    run->steps_left += number;
    text_print(text, "%" PRId64 " %s", number, number == 1 ? "step" : "steps");
    run_go(run);
    return DONE;
}

static enum outcome evaluate(struct run *run, struct text *text)
{
    run->evaluation_due = true; /* by whoever goes on, where it is given up */
    if (run_measure(run) != 0) {
        text_print(text, "interrupted");
        return REFUSED;
    }
    text_print(text, "accuracy %.2f%%%s, validation %.2f%%", 100 * run->now.last.train_accuracy,
               run->settings.train.evaluate == EVALUATE_RUNNING ? " (running)" : "",
               100 * run->now.last.validation_accuracy);
    return DONE;
}

static enum outcome save(struct run *run, const struct command *command, uint64_t id,
                         struct text *text)
{
    struct job job = {.target = command->words ? TARGET_NAMED : TARGET_STEP, .answer = id};
    struct err err;
    if (command->words)
        text_copy(job.name, sizeof job.name, command->word[0]);
    if (run_save(run, &job, &err) == 0)
        return LATER;
    text_print(text, "%s", err.text);
    return REFUSED;
}

static enum outcome test_range(struct run *run, const struct command *command, struct text *text)
{
    if (!command->words)
        return run_range_test(run, text) == 0 ? DONE : REFUSED;
    text_print(text, "%s", run->range_stopped ? run->range.text : "no range test is under way");
    return DONE;
}

/* By a key or a signal one view has gone already, and the others stay. */
static void detach(struct run *run, const struct order *order, struct text *text)
{
    const bool all = order->source != SOURCE_KEY && order->source != SOURCE_SIGNAL;
    text_print(text, "%s, training goes on",
               !all                         ? "a view has closed"
               : queue_watched(&run->queue) ? "every view closes"
                                            : "no view is open");
    run->now.detaches += all;
    run_publish(run, true);
}

static enum outcome perform(struct run *run, const struct command *command,
                            const struct order *order, struct text *text)
{
    switch (command->id) {
    case COMMAND_PAUSE:
        if (command->words) {
            run_condition_set(run, command, text);
            return DONE;
        }
        text_print(text, run->paused && !run->steps_left ? "paused already" : "paused");
        run_pause(run, "");
        return DONE;
    case COMMAND_CONTINUE:
        text_print(text, run->paused ? "running" : "running already");
        run->paused = false;
        run->steps_left = 0;
        run_go(run);
        return DONE;
    case COMMAND_RUN:
        run_limit_set(run, command, text);
        return DONE;
    case COMMAND_STEP:
        return start_steps(run, command->number, text);
    case COMMAND_CHECKPOINT:
        return save(run, command, order->id, text);
    case COMMAND_EVALUATE:
        return evaluate(run, text);
    case COMMAND_RANGE_TEST:
        return test_range(run, command, text);
    case COMMAND_NOTE:
        text_print(text, "noted");
        return DONE;
    case COMMAND_STOP:
        run->stopping = true;
        text_print(text, "the run ends here");
        return DONE;
    case COMMAND_DETACH:
        detach(run, order, text);
        return DONE;
    default:
        text_print(text, "not a command of a run");
        return REFUSED;
    }
}

int run_note(struct run *run, const struct order *order, struct journal_entry *entry,
             struct err *err)
{
    if (order->seq) {
        run->seq = order->seq;
        return 0;
    }
    if (!order->repeated && tape_holds(run))
        return 0;
    entry->step = run->step;
    entry->epoch = run->step / run->schedule.steps_per_epoch;
    entry->source = command_source_name(order->source);
    entry->command = order->line;
    entry->why = order->why;
    int result = journal_append(&run->journal, entry, err);
    publication_warn(&run->publication, WARNING_JOURNAL, result == 0 ? "" : err->text);
    run->seq = run->journal.seq;
    return result;
}

static void answer(struct run *run, const struct order *order, enum outcome outcome,
                   const char *text)
{
    char shown[sizeof((struct answer *)0)->text];
    text_copy(shown, sizeof shown, text);
    utf8_trim(shown);
    if (order->id && outcome != LATER)
        publication_answer(&run->publication, order->id,
                           outcome == DONE ? ANSWER_APPLIED : ANSWER_REFUSED, run->step, shown);
}

int run_refuse(struct run *run, const struct order *order, struct err *why)
{
    struct err unwritten;
    utf8_trim(why->text);
    struct journal_entry entry = {.refused = why->text};
    (void)run_note(run, order, &entry, &unwritten); /* it has warned */
    answer(run, order, REFUSED, why->text);
    return -1;
}

int run_refuse_unwritten(struct run *run, const struct order *order, struct err *why)
{
    err_context(why, "it cannot be journalled");
    answer(run, order, REFUSED, why->text);
    return -1;
}

void run_mark(struct run *run, const struct edit_mark *where, const char *label)
{
    struct edit_mark mark = *where;
    text_copy(mark.label, sizeof mark.label, label);
    utf8_trim(mark.label);
    publication_edit(&run->publication, &mark);
}

static struct edit_mark mark_now(struct run *run, enum command_source source)
{
    return (struct edit_mark){
        .seq = (int64_t)run->seq, .step = run->step, .seconds = run_seconds(run), .source = source};
}

static int edit(struct run *run, const struct order *order, const struct command *command,
                struct err *err)
{
    struct edits edits;
    struct image before;
    if (edits_plan(run, command, &edits, err) != 0)
        return run_refuse(run, order, err);
    if (run_image(run, &before, err) != 0) {
        err_context(err, "the state before it cannot be kept");
        return run_refuse(run, order, err);
    }
    struct journal_entry entry = {.edits = edits.list, .edit_count = edits.count};
    if (run_note(run, order, &entry, err) != 0)
        return run_refuse_unwritten(run, order, err);
    struct text label = {0};
    edits_label(edits.list, edits.count, &label);
    struct history_line line = {
        .seq = run->seq, .step = run->step, .command = command->id, .label = label.bytes};
    run_history_line(&run->history, &line);
    run_keep_edit(run, &before, label.bytes);
    edits_make(run, &edits);
    run_offer_good(run);
    const struct edit_mark mark = mark_now(run, order->source);
    run_mark(run, &mark, label.bytes);
    run_publish(run, true);
    answer(run, order, DONE, label.bytes);
    text_fini(&label);
    return 0;
}

static void note(struct run *run, const struct order *order, const struct command *command)
{
    struct edit_mark mark = mark_now(run, order->source);
    mark.note = true;
    run_mark(run, &mark, command->word[0]);
    run_publish(run, true);
}

/* Whether it changes neither the state nor what is kept of it. */
static bool only_paces(enum command_id id)
{
    return id != COMMAND_EVALUATE && id != COMMAND_CHECKPOINT &&
           command_info(id)->scope != COMMAND_SCOPE_EDIT;
}

int run_apply(struct run *run, const struct order *order, struct err *err)
{
    struct command command;
    if (command_parse(order->line, &command, err) != 0 ||
        tape_check(run, order, command.id, err) != 0)
        return run_refuse(run, order, err);
    struct journal_entry entry = {0};
    if (order->repeated && only_paces(command.id)) {
        if (run_note(run, order, &entry, err) != 0)
            return -1;
        if (command.id == COMMAND_NOTE)
            note(run, order, &command);
        return 0;
    }
    if (command.id == COMMAND_SET || command.id == COMMAND_TOGGLE)
        return edit(run, order, &command, err);
    if (command_info(command.id)->scope == COMMAND_SCOPE_EDIT)
        return run_jump(run, order, &command, err);
    /* What was performed once is so again: the file of a checkpoint is there, say. */
    if (!order->seq && check(run, &command, err) != 0)
        return run_refuse(run, order, err);
    /* These change no numbers, so they work even where the journal cannot be written. */
    (void)run_note(run, order, &entry, err); /* it has warned */
    if (command.id == COMMAND_NOTE)
        note(run, order, &command);
    struct text text = {0};
    enum outcome outcome = perform(run, &command, order, &text);
    answer(run, order, outcome, text.bytes ? text.bytes : "");
    text_fini(&text);
    return 0;
}
