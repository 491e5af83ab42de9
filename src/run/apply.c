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

/* ---- edits ---- */

struct edits {
    struct settings settings; /* as they will be */
    struct edit list[EDITS_MAX];
    size_t count;
    bool rate; /* the learning rate is among them */
};

static const struct setting *find_live(const char *name, struct err *err)
{
    const struct setting *row = settings_find(name, err);
    if (row && row->change == SETTING_VIEW)
        err_set(err, ERR_USAGE, "%s is a setting of the view", row->name);
    else if (row && row->change == SETTING_FIXED)
        err_set(err, ERR_USAGE, "%s cannot change during a run", row->name);
    else
        return row;
    return NULL;
}

static bool is_rate(const struct setting *row)
{
    return strcmp(row->name, "train.learning_rate") == 0;
}

/* Sets one value in the settings to be; the first change of a row keeps what it was. */
static int edit_value(struct edits *edits, const struct setting *row, const char *value,
                      struct err *err)
{
    bool known = false;
    for (size_t i = 0; i < edits->count; i++)
        known = known || edits->list[i].row == row;
    if (!known) {
        struct edit *edit = &edits->list[edits->count++];
        edit->row = row;
        settings_format(&edits->settings, row, edit->old, sizeof edit->old);
        edits->rate = edits->rate || is_rate(row);
    }
    return settings_set_relative(&edits->settings, row, value, err);
}

static int toggle(struct edits *edits, const struct setting *row, struct err *err)
{
    char value[EDIT_TEXT];
    if (row->type != SETTING_SWITCH)
        return err_set(err, ERR_USAGE, "%s is not an on/off setting", row->name);
    settings_format(&edits->settings, row, value, sizeof value);
    return edit_value(edits, row, strcmp(value, "on") == 0 ? "off" : "on", err);
}

/* The settings as the command makes them. Changes nothing in the run. */
static int plan_edits(const struct run *run, const struct command *command, struct edits *edits,
                      struct err *err)
{
    edits->settings = run->settings;
    edits->count = 0;
    edits->rate = false;
    /* What the person means by the learning rate is the one in force. */
    edits->settings.train.learning_rate = run_rate(run);
    for (int i = 0; i < command->words; i += 2) {
        const struct setting *row = find_live(command->word[i], err);
        if (!row)
            return -1;
        int result = command->id == COMMAND_TOGGLE
                         ? toggle(edits, row, err)
                         : edit_value(edits, row, command->word[i + 1], err);
        if (result != 0)
            return -1;
    }
    for (size_t i = 0; i < edits->count; i++)
        settings_format(&edits->settings, edits->list[i].row, edits->list[i].new,
                        sizeof edits->list[i].new);
    if (edits->rate && !(net_schedule_rate(&run->schedule, run->step) > 0))
        return err_set(err, ERR_USAGE, "the schedule's learning rate is 0 at this step");
    if (!edits->rate)
        edits->settings.train.learning_rate = run->settings.train.learning_rate;
    return 0;
}

/* "learning rate", "l2", "checkpoint keep". */
static void print_name(struct text *out, const struct setting *row)
{
    if (strcmp(row->section, "checkpoint") == 0)
        text_print(out, "checkpoint ");
    for (const char *at = row->key; *at; at++)
        text_append(out, *at == '_' ? " " : at, 1);
}

/* A value as a person reads it: a number with %.4g. */
static void print_value(struct text *out, const struct setting *row, const char *value)
{
    double number;
    if (row->type == SETTING_NUMBER && number_parse_double(value, &number) == 0)
        text_print(out, "%.4g", number);
    else
        text_print(out, "%s", value);
}

/* "learning rate 0.02 → 0.01, noise off → on". */
static void print_label(struct text *out, const struct edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct edit *edit = &edits->list[i];
        if (i)
            text_print(out, ", ");
        print_name(out, edit->row);
        text_print(out, " ");
        print_value(out, edit->row, edit->old);
        text_print(out, " → ");
        print_value(out, edit->row, edit->new);
    }
}

static void make_edits(struct run *run, const struct edits *edits, enum command_source source,
                       const char *label)
{
    run->settings = edits->settings;
    if (edits->rate) {
        run->rate_scale = run->settings.train.learning_rate;
        run->rate_anchor = net_schedule_rate(&run->schedule, run->step);
    }
    struct edit_mark mark = {.seq = (int64_t)run->journal.seq, .step = run->step, .source = source};
    text_copy(mark.label, sizeof mark.label, label);
    utf8_trim(mark.label);
    publication_edit(&run->publication, &mark);
    run_publish(run, true);
}

/* ---- the rest ---- */

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
    struct err err;
    unsigned target = command->words ? TARGET_NAMED : TARGET_STEP;
    if (run_save(run, target, command->words ? command->word[0] : "", id, &err) == 0)
        return LATER;
    text_print(text, "%s", err.text);
    return REFUSED;
}

static enum outcome perform(struct run *run, const struct command *command, uint64_t id,
                            struct text *text)
{
    switch (command->id) {
    case COMMAND_PAUSE:
        text_print(text, run->paused && !run->steps_left ? "paused already" : "paused");
        run_pause(run);
        return DONE;
    case COMMAND_CONTINUE:
        text_print(text, run->paused ? "running" : "running already");
        run->paused = false;
        run->steps_left = 0;
        run_go(run);
        return DONE;
    case COMMAND_STEP:
        return start_steps(run, command->number, text);
    case COMMAND_CHECKPOINT:
        return save(run, command, id, text);
    case COMMAND_EVALUATE:
        return evaluate(run, text);
    case COMMAND_NOTE:
        text_print(text, "noted");
        return DONE;
    case COMMAND_STOP:
        run->stopping = true;
        text_print(text, "the run ends here");
        return DONE;
    default:
        text_print(text, "not a command of a run");
        return REFUSED;
    }
}

static int write_journal(struct run *run, const struct queue_item *item, const char *refused,
                         const struct edits *edits, struct err *err)
{
    struct journal_entry entry = {
        .step = run->step,
        .epoch = run->step / run->schedule.steps_per_epoch,
        .source = command_source_name(item->source),
        .command = item->line,
        .refused = refused,
        .edits = edits ? edits->list : NULL,
        .edit_count = edits ? edits->count : 0,
    };
    int result = journal_append(&run->journal, &entry, err);
    publication_warn(&run->publication, WARNING_JOURNAL, result == 0 ? "" : err->text);
    return result;
}

static void answer(struct run *run, const struct queue_item *item, enum outcome outcome,
                   const char *text)
{
    char shown[sizeof((struct answer *)0)->text];
    text_copy(shown, sizeof shown, text);
    utf8_trim(shown);
    if (outcome != LATER)
        publication_answer(&run->publication, item->id,
                           outcome == DONE ? ANSWER_APPLIED : ANSWER_REFUSED, run->step, shown);
}

static void refuse(struct run *run, const struct queue_item *item, struct err *why)
{
    struct err unwritten;
    utf8_trim(why->text);
    (void)write_journal(run, item, why->text, NULL, &unwritten); /* it has warned */
    answer(run, item, REFUSED, why->text);
}

static void apply_edit(struct run *run, const struct queue_item *item,
                       const struct command *command)
{
    struct edits edits;
    struct err err;
    struct text label = {0};
    if (plan_edits(run, command, &edits, &err) != 0) {
        refuse(run, item, &err);
        return;
    }
    if (write_journal(run, item, NULL, &edits, &err) != 0) {
        err_context(&err, "it cannot be journalled");
        answer(run, item, REFUSED, err.text);
        return;
    }
    print_label(&label, &edits);
    make_edits(run, &edits, item->source, label.bytes);
    answer(run, item, DONE, label.bytes);
    text_fini(&label);
}

void run_apply(struct run *run, const struct queue_item *item)
{
    struct command command;
    struct err err;
    if (command_parse(item->line, &command, &err) != 0) {
        refuse(run, item, &err);
        return;
    }
    if (command_info(command.id)->scope == COMMAND_SCOPE_EDIT) {
        apply_edit(run, item, &command);
        return;
    }
    if (check(run, &command, &err) != 0) {
        refuse(run, item, &err);
        return;
    }
    /* These change no numbers, so they work even where the journal cannot be written. */
    (void)write_journal(run, item, NULL, NULL, &err); /* it has warned */
    struct text text = {0};
    enum outcome outcome = perform(run, &command, item->id, &text);
    answer(run, item, outcome, text.bytes ? text.bytes : "");
    text_fini(&text);
}
