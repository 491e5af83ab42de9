/* The journal's screen: the run's commands as lines, newest last, and one of them whole. */
#include "control.h"
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* From these widths on: time and source; the date; command and what it did side by side. */
enum { WITH_TIME = 60, WITH_DATE = 100, WITH_BOTH = 110 };

static bool is_edit(const struct journal_record *record)
{
    return strncmp(record->command, "set ", 4) == 0 || strncmp(record->command, "toggle ", 7) == 0;
}

/* In one column: an edit says what it changed, other commands what they were. */
static void print_brief(const struct journal_record *record, struct text *out)
{
    if (record->text[0] == '\0' || !is_edit(record) || record->refused)
        text_print(out, "%s", record->command);
    if (record->refused)
        text_print(out, "  refused: %s", record->text);
    else if (record->text[0] != '\0')
        text_print(out, "%s%s", is_edit(record) ? "" : "  ", record->text);
}

static void print_time(const struct journal_record *record, bool date, char out[32])
{
    text_copy(out, 20, record->time); /* "2026-03-01T12:00:00" */
    char *middle = strchr(out, 'T');
    if (middle == NULL)
        return;
    *middle = ' ';
    if (!date)
        memmove(out, middle + 1, strlen(middle));
}

static void draw_line(struct grid *grid, struct rect row, const struct history *history, size_t i,
                      bool chosen)
{
    const struct journal_record *record = &history->journal[i];
    const bool gone = history->journal_abandoned[i], both = row.width >= WITH_BOTH;
    const enum style style = gone ? STYLE_GHOST : chosen ? STYLE_BOLD : STYLE_PLAIN;
    const enum style side = gone ? STYLE_GHOST : STYLE_DIM;
    int x = row.x, end = row.x + row.width;
    char time[32];
    grid_text(grid, x, row.y, 1, STYLE_EDIT, chosen ? grid->ascii ? ">" : "►" : " ");
    grid_print(grid, x + 2, row.y, 8, style, "%8" PRId64, record->step);
    x += 12;
    if (row.width >= WITH_TIME) {
        grid_print(grid, x, row.y, 7, side, "%7.2f",
                   snapshot_epochs(&history->snapshot, record->step));
        x += 9;
        print_time(record, row.width >= WITH_DATE, time);
        x += grid_text(grid, x, row.y, end - x, side, time) + 2;
        grid_text(grid, x, row.y, 7, side, record->source);
        x += 9;
    }
    if (both) {
        const int half = (end - x - 2) / 2;
        grid_text(grid, x, row.y, half, style, record->command);
        x += half + 2;
        if (record->refused)
            x += grid_text(grid, x, row.y, end - x, gone ? style : STYLE_WARN, "refused: ");
        grid_text(grid, x, row.y, end - x, style, record->text);
        return;
    }
    struct text brief = {0};
    print_brief(record, &brief);
    grid_text(grid, x, row.y, end - x, record->refused && !gone ? STYLE_WARN : style, brief.bytes);
    text_fini(&brief);
}

static void draw_head(struct grid *grid, struct rect row)
{
    const bool date = row.width >= WITH_DATE;
    int x = row.x + 2;
    grid_print(grid, x, row.y, 8, STYLE_DIM, "%8s", "step");
    x += 10;
    if (row.width >= WITH_TIME) {
        grid_print(grid, x, row.y, 7, STYLE_DIM, "%7s", "epoch");
        grid_text(grid, x + 9, row.y, 20, STYLE_DIM, date ? "time (UTC)" : "UTC");
        x += 9 + (date ? 19 : 8) + 2;
        grid_text(grid, x, row.y, 7, STYLE_DIM, "source");
        x += 9;
    }
    grid_text(grid, x, row.y, 10, STYLE_DIM, "command");
    if (row.width >= WITH_BOTH)
        grid_text(grid, x + (row.x + row.width - x - 2) / 2 + 2, row.y, 12, STYLE_DIM,
                  "what it did");
}

/* "command  set train.learning_rate *2", wrapped; the row after it. */
static int draw_member(struct grid *grid, struct rect where, int y, enum style style,
                       const char *name, const char *text)
{
    enum { NAMES = 10 };
    const struct rect rest = {where.x + NAMES, y, where.width - NAMES, where.y + where.height - y};
    grid_text(grid, where.x, y, NAMES, STYLE_DIM, name);
    return y + draw_wrapped(grid, rest, style, text);
}

static void draw_whole(struct grid *grid, struct rect where, const struct history *history,
                       size_t i)
{
    const struct journal_record *record = &history->journal[i];
    char text[64], time[32];
    snprintf(text, sizeof(text), "line %" PRIu64 " of journal.jsonl", record->seq);
    draw_frame(grid, where, STYLE_TITLE, text);
    where = (struct rect){where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    snprintf(text, sizeof(text), "%" PRId64 ", epoch %.2f", record->step,
             snapshot_epochs(&history->snapshot, record->step));
    int y = draw_member(grid, where, where.y, STYLE_PLAIN, "step", text);
    print_time(record, true, time);
    snprintf(text, sizeof(text), "%s UTC, %s", time, record->source);
    y = draw_member(grid, where, y, STYLE_PLAIN, "given", text);
    y = draw_member(grid, where, y, STYLE_BOLD, "command", record->command);
    if (record->text[0] != '\0')
        y = draw_member(grid, where, y, record->refused ? STYLE_WARN : STYLE_PLAIN,
                        record->refused       ? "refused"
                        : is_edit(record)     ? "changed"
                        : record->back_to > 0 ? "led back"
                                              : "more",
                        record->text);
    if (history->journal_abandoned[i])
        draw_member(grid, where, y, STYLE_GHOST, "abandoned",
                    "the run went back to before this line");
    grid_text(grid, where.x, where.y + where.height - 1, where.width, STYLE_DIM,
              "up down other lines   Esc back");
}

/* The index of the chosen line; the last where that one is gone. */
static int find_chosen(const struct state *state, const struct history *history)
{
    for (size_t i = 0; i < history->journal_count; i++)
        if (history->journal[i].seq == state->journal_line)
            return (int)i;
    return (int)history->journal_count - 1;
}

void journal_draw(struct grid *grid, const struct layout *layout, struct state *state,
                  const struct history *history)
{
    const struct rect body = layout->body;
    const int count = (int)history->journal_count, chosen = find_chosen(state, history);
    if (count == 0) {
        draw_centered(grid, body, STYLE_DIM, "nothing in the journal yet");
        return;
    }
    if (state->journal_whole) {
        draw_whole(grid, body, history, (size_t)chosen);
        return;
    }
    struct rect row = {body.x + 1, body.y, body.width - 2, 1};
    draw_head(grid, row);
    scroll_fit(&state->journal, count, body.height - 1);
    scroll_to(&state->journal, chosen);
    for (int i = state->journal.top; i < count && i < state->journal.top + body.height - 1; i++) {
        row.y++;
        draw_line(grid, row, history, (size_t)i, i == chosen);
    }
    scroll_draw(&state->journal, grid, layout->screens);
}

bool journal_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct history *history = control->history;
    const int count = (int)history->journal_count;
    int chosen = find_chosen(state, history);
    if (count == 0)
        return false;
    if (scroll_choose(&state->journal, &chosen, count, key)) {
        state->journal_line = chosen == count - 1 ? 0 : history->journal[chosen].seq;
        return true;
    }
    if (strcmp(key, "enter") == 0 || (strcmp(key, "esc") == 0 && state->journal_whole)) {
        state->journal_whole = !state->journal_whole;
        return true;
    }
    return false;
}
