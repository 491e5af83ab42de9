/* Settings of the view. */
#include "look.h"
#include "remember.h"
#include "screens.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void look_apply(struct state *state)
{
    const enum settings_glyphs glyphs = state->chosen.view.glyphs;
    state->glyphs = glyphs == GLYPHS_AUTO || !state->utf8 ? state->glyphs_auto : glyphs;
}

static int check_glyphs(const struct state *state, const struct settings *trial, struct err *err)
{
    const enum settings_glyphs glyphs = trial->view.glyphs;
    if (state->utf8 || glyphs == GLYPHS_ASCII || glyphs == GLYPHS_AUTO)
        return 0;
    return err_set(err, ERR_USAGE, "this locale is not UTF-8: only ASCII can be shown");
}

/* Written at once; one that cannot be is in force all the same. */
static int remember(struct control *control, const struct setting *row, struct err *err)
{
    if (control->remember_path == NULL)
        return 0;
    return remember_setting(control->remember_path, &control->state->chosen, row, err);
}

/* Takes over what `trial` has of these settings. */
static void choose(struct control *control, const struct settings *trial,
                   const struct setting *const *rows, size_t count)
{
    struct state *state = control->state;
    struct text told = {0};
    struct err err = {0};
    int failed = check_glyphs(state, trial, &err);
    if (failed != 0) {
        news_say(state, STYLE_WARN, "%s", err.text);
        return;
    }
    state->chosen = *trial;
    look_apply(state);
    control->repaint = control->restyle = true;
    for (size_t i = 0; i < count; i++) {
        char value[SETTINGS_TEXT];
        settings_format(trial, rows[i], value, sizeof(value));
        text_print(&told, "%s%s: %s", i > 0 ? ", " : "", rows[i]->key, value);
        failed = failed != 0 || remember(control, rows[i], &err) != 0;
    }
    if (failed != 0)
        news_say(state, STYLE_WARN, "%s, but not remembered: %s", told.bytes, err.text);
    else
        news_say(state, STYLE_PLAIN, "%s", told.bytes);
    text_fini(&told);
}

/* The settings that the command names, and how many are the view's; -1 where one does not exist. */
static int find_settings(const struct command *command, const struct setting **rows)
{
    const int stride = command->id == COMMAND_SET ? 2 : 1;
    int ours = 0;
    for (int i = 0; i < command->words; i += stride) {
        rows[i / stride] = settings_find(command->word[i], NULL);
        if (rows[i / stride] == NULL)
            return -1;
        ours += rows[i / stride]->change == SETTING_VIEW;
    }
    return ours;
}

static int try_toggle(struct settings *trial, const struct setting *row, struct err *err)
{
    char value[SETTINGS_TEXT];
    if (row->type != SETTING_SWITCH)
        return err_set(err, ERR_USAGE, "%s is not an on/off setting", row->name);
    settings_format(trial, row, value, sizeof(value));
    return settings_set(trial, row, strcmp(value, "on") == 0 ? "off" : "on", err);
}

bool look_command(struct control *control, const struct command *command)
{
    struct state *state = control->state;
    const struct setting *rows[COMMAND_WORDS];
    if (command->id != COMMAND_SET && command->id != COMMAND_TOGGLE)
        return false;
    const bool set = command->id == COMMAND_SET;
    const int count = set ? command->words / 2 : 1, ours = find_settings(command, rows);
    if (ours <= 0 || command->words % 2 != (set ? 0 : 1))
        return false;
    struct settings trial = state->chosen;
    struct err err = {0};
    if (ours < count)
        err_set(&err, ERR_USAGE, "settings of the view and of the run do not change together");
    for (int i = 0; i < count && err.code == ERR_OK; i++)
        if (set)
            settings_set_relative(&trial, rows[i], command->word[2 * i + 1], &err);
        else
            try_toggle(&trial, rows[i], &err);
    if (err.code == ERR_OK)
        choose(control, &trial, rows, (size_t)count);
    else
        news_say(state, STYLE_WARN, "refused: %s", err.text);
    return true;
}

/* The choice after the one that there is; of glyphs, after the one that is drawn. */
static const char *next_choice(const struct state *state, const struct setting *row)
{
    char value[SETTINGS_TEXT];
    struct settings now = state->chosen;
    const bool glyphs = strcmp(row->name, "view.glyphs") == 0;
    now.view.glyphs = state->glyphs;
    settings_format(&now, row, value, sizeof(value));
    const struct setting_choice *choice = row->choices;
    while (strcmp(choice->word, value) != 0)
        choice++;
    if (choice[1].word != NULL)
        return choice[1].word;
    return row->choices[glyphs ? 1 : 0].word; /* what `auto` is, is among the others */
}

void look_choose(struct control *control, const char *name, const char *word)
{
    const struct setting *row = settings_find(name, NULL);
    struct settings trial = control->state->chosen;
    struct err err = {0};
    assert(row != NULL && row->type == SETTING_CHOICE);
    if (word == NULL)
        word = next_choice(control->state, row);
    if (settings_set(&trial, row, word, &err) != 0)
        news_say(control->state, STYLE_WARN, "refused: %s", err.text);
    else
        choose(control, &trial, &row, 1);
}
