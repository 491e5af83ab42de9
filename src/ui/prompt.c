/* The prompt: a command or a setting's value being typed, and a hint to it. */
#include "complete.h"
#include "control.h"
#include "draw.h"
#include "rollback.h"
#include "screens.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct command_info *command_named(const char *word, size_t length)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command_info *info = command_info((enum command_id)i);
        if (strlen(info->name) == length && strncmp(info->name, word, length) == 0)
            return info;
    }
    return NULL;
}

/* A hint, and a shorter one for where it would be cut. */
struct hint {
    char full[512], brief[512];
};

static void put_hint(struct hint *hint, const char *text)
{
    text_copy(hint->full, sizeof(hint->full), text);
    text_copy(hint->brief, sizeof(hint->brief), text);
}

/* The last word that is to name a setting; false where there is none. */
static bool setting_word(const char *text, char *out, size_t size)
{
    char line[COMMAND_LINE];
    text_copy(line, sizeof(line), text);
    for (;;) {
        if (complete_wants_setting(line) && *complete_word(line) != '\0') {
            text_copy(out, size, complete_word(line));
            return true;
        }
        char *space = strrchr(line, ' ');
        if (space == NULL)
            return false;
        *space = '\0';
    }
}

static void setting_hint(const struct state *state, const struct snapshot *snapshot,
                         const struct setting *row, struct hint *hint)
{
    char accepted[256], value[SETTINGS_TEXT];
    settings_accepted(row, accepted, sizeof(accepted));
    state_value(state, snapshot, row, value, sizeof(value));
    bool number = row->type == SETTING_NUMBER || row->type == SETTING_INTEGER;
    snprintf(hint->brief, sizeof(hint->brief), "%s, now %.64s", accepted, value);
    snprintf(hint->full, sizeof(hint->full), "%.400s%s", hint->brief,
             number ? "; *F and /F are relative to it" : "");
}

/* Why the value that is typed would be refused; false where it would not. */
static bool refusal_hint(const struct state *state, const struct history *history,
                         struct hint *hint)
{
    const struct editor *editor = &state->editor;
    struct settings trial =
        state->ask->change == SETTING_VIEW ? state->chosen : history->snapshot.settings;
    struct err err = {0};
    if (editor->replace || editor->length == 0 ||
        settings_set_relative(&trial, state->ask, editor->text, &err) == 0)
        return false;
    put_hint(hint, err.text);
    return true;
}

/* The names that the word being typed may become; false where there are none. */
static bool names_hint(const struct history *history, const char *text, struct hint *hint)
{
    char names[512] = "", name[COMPLETE_WORD];
    size_t at = 0, used = 0;
    while (used < sizeof(names) - COMPLETE_WORD - 2 && complete_next(history, text, &at, name))
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? "  " : "",
                                 name);
    put_hint(hint, names);
    return used > 0;
}

/* What a whole "rollback STATE" would do; false where it is not one. */
static bool rollback_hint(const struct history *history, const char *text, struct hint *hint)
{
    struct rollback_entry list[ROLLBACK_MOST];
    struct command command;
    char cost[256];
    if (command_parse(text, &command, NULL) != 0 || command.id != COMMAND_ROLLBACK)
        return false;
    size_t count = rollback_list(history, 0, list);
    for (size_t i = 0; i < count; i++) {
        char step[32];
        snprintf(step, sizeof(step), "%" PRId64, list[i].step);
        if (strcmp(list[i].command, command.line) != 0 && strcmp(step, command.word[0]) != 0)
            continue;
        rollback_cost(&history->snapshot, list[i].step, false, cost, sizeof(cost));
        snprintf(hint->full, sizeof(hint->full), "%s. %s", list[i].name, cost);
        rollback_cost(&history->snapshot, list[i].step, true, hint->brief, sizeof(hint->brief));
        return true;
    }
    return false;
}

/* What a trial that is added may have. */
static void searched_hint(const struct history *history, const struct setting *row,
                          struct hint *hint)
{
    const struct search_snapshot *now = &history->board.now;
    char accepted[256];
    settings_accepted(row, accepted, sizeof(accepted));
    put_hint(hint, "that one is not searched here");
    for (int i = 0; i < now->axis_count; i++) {
        const struct search_axis *axis = &now->axis[i];
        if (strcmp(axis->name, row->name) != 0)
            continue;
        put_hint(hint, strcmp(row->name, "network.hidden") == 0 ? "units of the layers: 90-60"
                                                                : accepted);
        if (axis->range)
            snprintf(hint->full, sizeof(hint->full), "%s; searched is %.4g to %.4g", accepted,
                     axis->low, axis->high);
    }
}

static void command_hint(const struct state *state, const struct history *history,
                         struct hint *hint)
{
    const struct snapshot *snapshot = &history->snapshot;
    const char *text = state->editor.text;
    const struct command_info *info = command_named(text, strcspn(text, " "));
    struct command command;
    struct err err = {0};
    char word[COMMAND_LINE];
    if (setting_word(text, word, sizeof(word))) {
        const struct setting *row = settings_find(word, &err);
        if (row != NULL && strncmp(text, "trial ", 6) == 0)
            searched_hint(history, row, hint);
        else if (row != NULL && row->change != SETTING_FIXED)
            setting_hint(state, snapshot, row, hint);
        else if (complete_wants_setting(text) && names_hint(history, text, hint))
            return;
        else if (row != NULL)
            put_hint(hint, "that one cannot change during a run");
        else
            put_hint(hint, err.text);
    } else if (rollback_hint(history, text, hint)) {
        return;
    } else if (info != NULL && !complete_wants_setting(text) && complete_word(text) != text &&
               names_hint(history, text, hint)) {
        return;
    } else if (info != NULL) {
        bool alone = info->arguments[0] == '\0';
        snprintf(hint->full, sizeof(hint->full), "%s%s%s: %s", info->name, alone ? "" : " ",
                 info->arguments, info->meaning);
        snprintf(hint->brief, sizeof(hint->brief), "%s%s%s", info->name, alone ? ": " : " ",
                 alone ? info->meaning : info->arguments);
    } else if (!names_hint(history, text, hint) && command_parse(text, &command, &err) != 0) {
        put_hint(hint, err.text);
    }
}

void prompt_draw(struct grid *grid, const struct state *state, const struct history *history,
                 struct rect hint, struct rect row)
{
    static const char keys[] = "Enter does it, Esc leaves it";
    draw_fill(grid, row, STYLE_PLAIN);
    if (hint.height > 0) {
        struct hint text = {0};
        enum style style = STYLE_DIM;
        draw_fill(grid, hint, STYLE_PLAIN);
        if (state->ask != NULL && !refusal_hint(state, history, &text))
            setting_hint(state, &history->snapshot, state->ask, &text);
        else if (state->ask != NULL)
            style = STYLE_WARN;
        else
            command_hint(state, history, &text);
        draw_fitting(grid, (struct rect){hint.x + 1, hint.y, hint.width - 2, 1}, style,
                     (const char *const[]){text.full, text.brief}, 2);
    }
    int x = row.x + (row.width >= LAYOUT_LEAST_WIDTH);
    if (hint.height > 0 && settings_edit_in_place(state)) {
        grid_text(grid, x, row.y, row.width - 1, STYLE_DIM, keys);
        return;
    }
    if (state->ask != NULL)
        x += grid_print(grid, x, row.y, row.width - x > 9 ? row.width - x - 8 : 1, STYLE_KEY,
                        "%s = ", state->ask->name);
    else
        x += grid_text(grid, x, row.y, row.width, STYLE_KEY, ": ");
    int tail = (int)sizeof(keys) - 1;
    int room = row.x + row.width - 1 - x;
    if (room > tail + 40) {
        grid_text(grid, row.x + row.width - 1 - tail, row.y, tail, STYLE_DIM, keys);
        room -= tail + 2;
    }
    editor_draw(&state->editor, grid, x, row.y, room);
}

void prompt_open(struct control *control, const char *line)
{
    struct state *state = control->state;
    state->ask = NULL;
    state->mode = MODE_PROMPT;
    editor_start(&state->editor, "");
    for (const char *at = line; *at != '\0'; at++)
        editor_key(&state->editor, *at == ' ' ? "space" : (const char[]){*at, '\0'});
}

void prompt_ask(struct control *control, const char *name)
{
    struct state *state = control->state;
    struct err err = {0};
    const struct setting *row = settings_find(name, &err);
    if (row == NULL) {
        news_say(state, STYLE_WARN, "%s", err.text);
        return;
    }
    if (row->change == SETTING_FIXED) {
        news_say(state, STYLE_WARN, "%s cannot change during a run", row->name);
        return;
    }
    if (row->change == SETTING_LIVE && run_state_ended(control->history->snapshot.state)) {
        news_say(state, STYLE_WARN, "the run has ended: its settings change no more");
        return;
    }
    char value[SETTINGS_TEXT];
    state_value(state, &control->history->snapshot, row, value, sizeof(value));
    state->ask = state->setting = row; /* on their screen it is typed where it stands */
    state->mode = MODE_PROMPT;
    editor_start(&state->editor, value);
}

static void complete(struct control *control)
{
    struct editor *editor = &control->state->editor;
    char rest[COMMAND_LINE];
    if (editor->cursor < editor->length)
        return;
    complete_rest(control->history, editor->text, rest, sizeof(rest));
    for (const char *at = rest; *at != '\0'; at++)
        editor_key(editor, (const char[]){*at, '\0'});
}

void prompt_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    if (strcmp(key, "enter") == 0) {
        char line[COMMAND_LINE];
        state->mode = MODE_MAIN;
        if (state->editor.length == 0)
            return;
        if (state->ask == NULL) {
            editor_remember(&state->editor);
            control_perform(control, state->editor.text, SOURCE_PROMPT);
        } else if (!state->editor.replace) { /* else the value was left as it is */
            snprintf(line, sizeof(line), "set %s %.*s", state->ask->name, COMMAND_LINE - 128,
                     state->editor.text);
            control_perform(control, line, SOURCE_PROMPT);
        }
    } else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 ||
               (strcmp(key, "backspace") == 0 && state->editor.length == 0)) {
        state->mode = MODE_MAIN;
    } else if (strcmp(key, "tab") == 0 && state->ask == NULL) {
        complete(control);
    } else {
        editor_key(&state->editor, key);
    }
}
