/* The prompt: a command or a setting's value being typed, and a hint to it. */
#include "draw.h"
#include "screens.h"

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

/* The last word typed where it is the name of a live setting. */
static const struct setting *setting_typed(const char *text)
{
    char words[COMMAND_LINE];
    const struct setting *found = NULL;
    text_copy(words, sizeof(words), text);
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        const struct setting *row = settings_find(word, NULL);
        if (row != NULL && row->change == SETTING_LIVE)
            found = row;
    }
    return found;
}

static void setting_hint(const struct snapshot *snapshot, const struct setting *row, char *out,
                         size_t size)
{
    char accepted[256], value[SETTINGS_TEXT];
    settings_accepted(row, accepted, sizeof(accepted));
    if (strcmp(row->name, "train.learning_rate") == 0)
        snprintf(value, sizeof(value), "%.4g", snapshot->learning_rate);
    else
        settings_format(&snapshot->settings, row, value, sizeof(value));
    bool number = row->type == SETTING_NUMBER || row->type == SETTING_INTEGER;
    snprintf(out, size, "%s, now %.64s%s", accepted, value,
             number ? "; *F and /F are relative to it" : "");
}

static void command_hint(const struct snapshot *snapshot, const char *text, char *out, size_t size)
{
    size_t length = strcspn(text, " ");
    const struct command_info *info = command_named(text, length);
    const struct setting *row = setting_typed(text);
    if (row != NULL) {
        setting_hint(snapshot, row, out, size);
    } else if (info != NULL) {
        snprintf(out, size, "%s%s%s: %s", info->name, info->arguments[0] != '\0' ? " " : "",
                 info->arguments, info->meaning);
    } else { /* those that it may become */
        size_t used = 0;
        out[0] = '\0';
        for (int i = 0; i < COMMAND_COUNT && used + 64 < size; i++) {
            const char *name = command_info((enum command_id)i)->name;
            if (strncmp(name, text, length) == 0)
                used +=
                    (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? "  " : "", name);
        }
    }
}

void prompt_draw(struct grid *grid, const struct state *state, const struct snapshot *snapshot,
                 struct rect hint, struct rect row)
{
    char text[512];
    draw_fill(grid, row, STYLE_PLAIN);
    if (hint.height > 0) {
        draw_fill(grid, hint, STYLE_PLAIN);
        if (state->ask != NULL)
            setting_hint(snapshot, state->ask, text, sizeof(text));
        else
            command_hint(snapshot, state->editor.text, text, sizeof(text));
        grid_text(grid, hint.x + 1, hint.y, hint.width - 2, STYLE_DIM, text);
    }
    int x = row.x + (row.width >= LAYOUT_LEAST_WIDTH);
    if (state->ask != NULL)
        x += grid_print(grid, x, row.y, row.width - x - 8, STYLE_KEY, "%s = ", state->ask->name);
    else
        x += grid_text(grid, x, row.y, row.width, STYLE_KEY, ": ");
    static const char keys[] = "Enter does it, Esc leaves it";
    int tail = (int)sizeof(keys) - 1;
    int room = row.x + row.width - 1 - x;
    if (room > tail + 40) {
        grid_text(grid, row.x + row.width - 1 - tail, row.y, tail, STYLE_DIM, keys);
        room -= tail + 2;
    }
    editor_draw(&state->editor, grid, x, row.y, room);
}
