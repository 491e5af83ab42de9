/* Changes of live settings: what a command makes of them, in words, and done. */
#include "internal.h"

#include <string.h>

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

int edits_plan(const struct run *run, const struct command *command, struct edits *edits,
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

void edits_label(const struct edit *list, size_t count, struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct edit *edit = &list[i];
        if (i)
            text_print(out, ", ");
        print_name(out, edit->row);
        text_print(out, " ");
        print_value(out, edit->row, edit->old);
        text_print(out, " → ");
        print_value(out, edit->row, edit->new);
    }
}

void edits_make(struct run *run, const struct edits *edits)
{
    run->settings = edits->settings;
    if (!edits->rate)
        return;
    run->rate_scale = run->settings.train.learning_rate;
    run->rate_anchor = net_schedule_rate(&run->schedule, run->step);
}
