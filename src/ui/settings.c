/* The settings' screen: every value, and the live ones changed in place. */
#include "control.h"
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 128, KEY_WIDTH = 20, VALUE_WIDTH = 20, DEFAULT_WIDTH = 14, CHANGE_WIDTH = 22 };
/* From these widths on: defaults and changes in columns; the meaning besides. */
enum { WITH_COLUMNS = 76, WITH_MEANING = 150 };

/* What the screen shows: the settings below the titles of their sections. */
struct line {
    const struct setting_section *section; /* a title; NULL: a setting */
    size_t row;
};

bool settings_edit_in_place(const struct state *state)
{
    return state->screen == SCREEN_SETTINGS && state->mode == MODE_PROMPT && state->ask != NULL;
}

static const struct setting *chosen_row(const struct state *state)
{
    return state->setting != NULL ? state->setting : settings_find("train.learning_rate", NULL);
}

static int list_lines(struct line out[MOST], const struct setting *chosen_setting, int *chosen)
{
    int count = 0;
    *chosen = 0;
    for (size_t s = 0; s < settings_section_count(); s++) {
        const struct setting_section *section = settings_section(s);
        out[count++] = (struct line){.section = section};
        for (size_t i = 0; i < settings_count() && count < MOST - 1; i++) {
            if (strcmp(settings_row(i)->section, section->name) != 0)
                continue;
            if (settings_row(i) == chosen_setting)
                *chosen = count;
            out[count++] = (struct line){.row = i};
        }
    }
    return count;
}

/* The newest line of the journal that changed each setting, abandoned ones not counted. */
static void find_changes(const struct history *history, const struct journal_record *out[MOST])
{
    struct command command;
    memset(out, 0, MOST * sizeof(*out));
    for (size_t i = 0; i < history->journal_count; i++) {
        const struct journal_record *record = &history->journal[i];
        if (record->refused || history->journal_abandoned[i] ||
            command_parse(record->command, &command, NULL) != 0 ||
            (command.id != COMMAND_SET && command.id != COMMAND_TOGGLE))
            continue;
        for (int word = 0; word < command.words; word += command.id == COMMAND_SET ? 2 : 1)
            for (size_t row = 0; row < settings_count() && row < MOST; row++)
                if (strcmp(settings_row(row)->name, command.word[word]) == 0)
                    out[row] = record;
    }
}

/* Whether a change of it was asked for and is not answered. */
static bool is_requested(const struct state *state, const struct snapshot *snapshot,
                         const struct setting *row)
{
    const struct answer *answer = &snapshot->answer;
    const bool waiting = state->posted_id > answer->id || answer->state == ANSWER_REQUESTED;
    const char *line = state->posted_id >= answer->id ? state->posted : answer->line;
    const char *name = waiting ? strstr(line, row->name) : NULL;
    return name != NULL && strchr(" ", name[strlen(row->name)]) != NULL;
}

static void draw_setting(struct grid *grid, struct rect where, const struct state *state,
                         const struct snapshot *snapshot, size_t i,
                         const struct journal_record *change)
{
    const struct setting *row = settings_row(i);
    const bool chosen = row == state->setting, fixed = row->change == SETTING_FIXED;
    const bool columns = where.width >= WITH_COLUMNS;
    const enum style style = fixed ? STYLE_DIM : chosen ? STYLE_BOLD : STYLE_PLAIN;
    const int value_width = columns ? VALUE_WIDTH : where.width - KEY_WIDTH - 4;
    const int end = where.x + where.width;
    char value[SETTINGS_TEXT + 8], text[64];
    int x = where.x;
    grid_text(grid, x, where.y, 1, STYLE_EDIT, chosen ? grid->ascii ? ">" : "►" : " ");
    grid_text(grid, x + 2, where.y, KEY_WIDTH - 1, style, row->key);
    x += 2 + KEY_WIDTH;
    state_value(state, snapshot, row, value, SETTINGS_TEXT);
    const bool other = strcmp(value, row->standard) != 0;
    if (chosen && settings_edit_in_place(state)) {
        editor_draw(&state->editor, grid, x, where.y, value_width);
    } else {
        const bool waits = is_requested(state, snapshot, row);
        if (value[0] == '\0')
            text_copy(value, sizeof(value), "(none)");
        snprintf(value + strlen(value), sizeof(value) - strlen(value), "%s", waits ? " …" : "");
        grid_text(grid, x, where.y, value_width, change != NULL || waits ? STYLE_EDIT : style,
                  value);
    }
    x += value_width + 2;
    if (!columns) {
        grid_text(grid, end - 1, where.y, 1, STYLE_EDIT, change != NULL ? "*" : "");
        return;
    }
    if (other)
        grid_text(grid, x, where.y, DEFAULT_WIDTH, STYLE_DIM,
                  row->standard[0] != '\0' ? row->standard : "(none)");
    x += DEFAULT_WIDTH + 2;
    if (change != NULL) {
        snprintf(text, sizeof(text), "step %" PRId64 ", %s", change->step, change->source);
        grid_text(grid, x, where.y, where.width >= WITH_MEANING ? CHANGE_WIDTH : end - x, STYLE_DIM,
                  text);
    }
    x += CHANGE_WIDTH + 2;
    if (where.width >= WITH_MEANING)
        grid_text(grid, x, where.y, end - x, STYLE_DIM, row->meaning);
}

static void draw_head(struct grid *grid, struct rect row)
{
    int x = row.x + 2 + KEY_WIDTH;
    grid_text(grid, row.x + 2, row.y, KEY_WIDTH, STYLE_DIM, "setting");
    x += grid_text(grid, x, row.y, VALUE_WIDTH, STYLE_DIM, "now");
    if (row.width < WITH_COLUMNS) {
        grid_text(grid, row.x + row.width - 9, row.y, 9, STYLE_DIM, "* changed");
        return;
    }
    x = row.x + 2 + KEY_WIDTH + VALUE_WIDTH + 2;
    grid_text(grid, x, row.y, DEFAULT_WIDTH, STYLE_DIM, "default");
    grid_text(grid, x + DEFAULT_WIDTH + 2, row.y, CHANGE_WIDTH, STYLE_DIM, "changed at");
}

/* What the chosen one is and takes, and whether it can change. */
static void draw_about(struct grid *grid, struct rect where, const struct setting *row,
                       const struct journal_record *change)
{
    static const char *const kinds[] = {[SETTING_FIXED] = "fixed during a run",
                                        [SETTING_LIVE] = "live",
                                        [SETTING_VIEW] = "of the view, remembered"};
    const char *kind = kinds[row->change];
    const int columns = grid_text_columns(kind);
    char accepted[256];
    struct text text = {0};
    for (int x = where.x; x < where.x + where.width; x++)
        grid_put(grid, x, where.y, STYLE_AXIS, grid->ascii ? '-' : 0x2500);
    grid_print(grid, where.x + 1, where.y, where.width - columns - 5, STYLE_TITLE, " %s ",
               row->name);
    grid_print(grid, where.x + where.width - columns - 3, where.y, columns + 2, STYLE_DIM, " %s ",
               kind);
    settings_accepted(row, accepted, sizeof(accepted));
    text_print(&text, "%s Accepted: %s%s%s%s. ", row->meaning, accepted,
               row->unit[0] != '\0' ? " (" : "", row->unit, row->unit[0] != '\0' ? ")" : "");
    text_print(&text, row->standard[0] != '\0' ? "Default: %s. " : "Default: none. ",
               row->standard);
    if (change != NULL)
        text_print(&text, "Changed at step %" PRId64 " (%s)%s%s.", change->step, change->source,
                   change->text[0] != '\0' ? ": " : "", change->text);
    where = (struct rect){where.x + 1, where.y + 1, where.width - 2, where.height - 1};
    draw_wrapped(grid, where, STYLE_PLAIN, text.bytes);
    text_fini(&text);
}

void settings_draw(struct grid *grid, const struct layout *layout, struct state *state,
                   const struct history *history)
{
    const struct rect body = layout->body;
    const struct journal_record *changes[MOST];
    struct line lines[MOST];
    int chosen;
    const bool first = state->settings.lines == 0;
    state->setting = chosen_row(state);
    const int count = list_lines(lines, state->setting, &chosen);
    if (first) /* its section from the top on */
        for (state->settings.top = chosen; lines[state->settings.top].section == NULL;)
            state->settings.top--;
    const int about = body.height >= 16 ? 5 : body.height >= 8 ? 3 : 0;
    const int page = body.height - about - 1;
    struct rect row = {body.x + 1, body.y, body.width - 2, 1};
    find_changes(history, changes);
    draw_head(grid, row);
    scroll_fit(&state->settings, count, page);
    scroll_to(&state->settings, chosen);
    if (chosen > 0 && lines[chosen - 1].section != NULL) /* its title with it */
        scroll_to(&state->settings, page > 1 ? chosen - 1 : chosen);
    for (int i = state->settings.top; i < count && i < state->settings.top + page; i++) {
        const struct line *line = &lines[i];
        row.y++;
        if (line->section != NULL)
            grid_print(grid, row.x, row.y, row.width, STYLE_TITLE, "%s: %s", line->section->name,
                       line->section->title);
        else
            draw_setting(grid, row, state, &history->snapshot, line->row, changes[line->row]);
    }
    if (about > 0)
        draw_about(grid, (struct rect){body.x, body.y + body.height - about, body.width, about},
                   state->setting, changes[lines[chosen].row]);
    scroll_draw(&state->settings, grid, layout->screens);
}

/* ---- keys ---- */

/* The word after the present one in the list of choices. */
static const char *next_choice(const struct setting *row, const char *value)
{
    for (const struct setting_choice *choice = row->choices; choice[1].word != NULL; choice++)
        if (strcmp(choice->word, value) == 0)
            return choice[1].word;
    return row->choices[0].word;
}

static void take_next(struct control *control, const struct setting *row)
{
    char line[COMMAND_LINE], value[SETTINGS_TEXT];
    state_value(control->state, &control->history->snapshot, row, value, sizeof(value));
    if (row->type == SETTING_SWITCH)
        snprintf(line, sizeof(line), "toggle %s", row->name);
    else
        snprintf(line, sizeof(line), "set %s %s", row->name, next_choice(row, value));
    control_perform(control, line, SOURCE_KEY);
}

bool settings_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct setting *row = chosen_row(state);
    int chosen = 0;
    const bool enter = strcmp(key, "enter") == 0, space = strcmp(key, "space") == 0;
    while (settings_row((size_t)chosen) != row)
        chosen++;
    if (scroll_choose(&state->settings, &chosen, (int)settings_count(), key)) {
        state->setting = settings_row((size_t)chosen);
        return true;
    }
    if (!enter && !space)
        return false;
    if (row->change == SETTING_FIXED)
        news_say(state, STYLE_WARN, "%s cannot change during a run", row->name);
    else if (row->type == SETTING_SWITCH || (space && row->type == SETTING_CHOICE))
        take_next(control, row);
    else if (enter)
        prompt_ask(control, row->name);
    else
        news_say(state, STYLE_PLAIN, "Enter types a value; p pauses");
    return true;
}
