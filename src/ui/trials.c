/*
 * A search's leaderboard: a row for each trial, the best first, with its curve
 * so far; and the keys of a search's screens.
 */
#include "control.h"
#include "draw.h"
#include "search_view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 16, GAP = 2, CURVE_BRIEF = 5, CURVE_LEAST = 6, CURVE_MOST = 24, WIDE = 60 };

/* ---- columns ---- */

enum kind { RANK, NUMBER, VALUE, EPOCH, TEST, CURVE, STATE, PARAMETER };
struct column {
    char name[BOARD_TEXT]; /* of a parameter; */
    const char *head;      /* it, or shorter */
    enum kind kind;
    int width;
    bool left, shown;
};
struct columns {
    int count;
    bool brief;
    struct column column[COLUMNS];
};

static void add(struct columns *columns, const char *head, enum kind kind, int width, bool left)
{
    if (columns->count == COLUMNS)
        return;
    struct column *column = &columns->column[columns->count++];
    *column = (struct column){.kind = kind, .width = width, .left = left, .shown = true};
    text_copy(column->name, sizeof column->name, head);
    column->head = columns->brief && strcmp(column->name, "learning_rate") == 0 ? column->name + 9
                                                                                : column->name;
}

/* The text of a cell; "" of a curve, or of a parameter that the trial has not. */
static void cell_text(const struct board *board, const struct columns *columns,
                      const struct column *column, int place, char out[BOARD_TEXT])
{
    const struct trial *trial = &board->trials[board->order[place]];
    char name[BOARD_TEXT];
    out[0] = '\0';
    switch (column->kind) {
    case RANK:
        snprintf(out, BOARD_TEXT, "%d", place + 1);
        break;
    case NUMBER:
        snprintf(out, BOARD_TEXT, "%d", trial->number);
        break;
    case VALUE:
        board_value(board, trial->value, out);
        break;
    case EPOCH:
        if (trial->best_epoch > 0)
            snprintf(out, BOARD_TEXT, "%" PRId64, trial->best_epoch);
        break;
    case TEST:
        if (!isnan(trial->test_accuracy))
            snprintf(out, BOARD_TEXT, "%.2f%%", 100 * trial->test_accuracy);
        break;
    case CURVE:
        break;
    case STATE:
        board_state(board, trial, columns->brief, out);
        break;
    case PARAMETER:
        for (int at = 0; board_parameter(trial, &at, name, out);)
            if (strcmp(name, column->name) == 0)
                return;
        out[0] = '\0';
        break;
    }
}

/* Each column as wide as its widest cell. */
static void measure(const struct board *board, struct columns *columns)
{
    char text[BOARD_TEXT];
    for (int i = 0; i < columns->count; i++) {
        struct column *column = &columns->column[i];
        const int head = grid_text_columns(column->head);
        column->width = head > column->width ? head : column->width;
        for (int place = 0; place < (int)board->count && column->kind != CURVE; place++) {
            cell_text(board, columns, column, place, text);
            const int width = grid_text_columns(text);
            column->width = width > column->width ? width : column->width;
        }
    }
}

static int total(const struct columns *columns)
{
    int width = 0;
    for (int i = 0; i < columns->count; i++)
        width += columns->column[i].shown ? GAP + columns->column[i].width : 0;
    return width;
}

static void hide(struct columns *columns, enum kind kind, int width)
{
    for (int i = columns->count - 1; i >= 0; i--)
        if (columns->column[i].kind == kind && columns->column[i].shown && total(columns) > width)
            columns->column[i].shown = false;
}

/* What matters least goes where there is no room; what is left widens the curve. */
static void make_columns(const struct board *board, int width, struct columns *out)
{
    char name[BOARD_TEXT], value[BOARD_TEXT];
    *out = (struct columns){.brief = width < WIDE};
    add(out, "", RANK, 1, false);
    add(out, out->brief ? "#" : "trial", NUMBER, 1, false);
    add(out, out->brief ? "val" : "validation", VALUE, 6, false);
    add(out, "epoch", EPOCH, 1, false);
    add(out, "test", TEST, 6, false);
    add(out, "curve", CURVE, out->brief ? CURVE_BRIEF : CURVE_LEAST, true);
    add(out, "state", STATE, out->brief ? 6 : 14, true);
    if (board->count > 0)
        for (int at = 0; board_parameter(&board->trials[0], &at, name, value);)
            add(out, name, PARAMETER, 1, true);
    measure(board, out);
    static const enum kind least[] = {EPOCH, RANK, TEST, PARAMETER, STATE};
    for (size_t i = 0; i < sizeof least / sizeof *least; i++)
        hide(out, least[i], width);
    int most = (int)board->now.epochs;
    most = most > CURVE_MOST ? CURVE_MOST : most;
    for (int i = 0; i < out->count; i++) {
        struct column *column = &out->column[i];
        const int spare = width - total(out), more = most - column->width;
        if (column->kind == CURVE && spare > 0 && more > 0)
            column->width += spare < more ? spare : more;
    }
}

/* ---- a row ---- */

/* All curves on the same scale, so that rows compare. */
static void draw_curve(struct grid *grid, int x, int y, int width, const struct board *board,
                       const struct trial *trial, enum settings_glyphs glyphs, enum style style)
{
    static const uint32_t bars[] = {0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588};
    static const uint32_t shades[] = {0xb7, 0x2591, 0x2592, 0x2593, 0x2588};
    static const uint32_t letters[] = {'_', '.', '-', ':', '=', '+', '*', '#'};
    const uint32_t *level = glyphs == GLYPHS_ASCII   ? letters
                            : glyphs == GLYPHS_BLOCK ? shades
                                                     : bars;
    const int levels = glyphs == GLYPHS_BLOCK ? 5 : 8;
    const double *curve = board_curve(board, trial->number);
    const int64_t epochs = board->now.epochs;
    const int columns = epochs < width ? (int)epochs : width;
    for (int i = 0; i < columns; i++) {
        double sum = 0;
        int count = 0;
        for (int64_t e = i * epochs / columns; e < (i + 1) * epochs / columns; e++)
            if (!isnan(curve[e])) {
                sum += curve[e];
                count++;
            }
        if (count == 0)
            continue;
        const double share =
            board->high > board->low ? (sum / count - board->low) / (board->high - board->low) : 1;
        const int at = (int)fmin(floor(share * levels), levels - 1);
        grid_put(grid, x + i, y, style, level[at < 0 ? 0 : at]);
    }
}

static enum style cell_style(const struct board *board, const struct column *column,
                             const struct trial *trial, bool chosen)
{
    const enum style style = board_style(trial);
    const bool best = trial->number == board->now.best;
    switch (column->kind) {
    case STATE:
        return style;
    case RANK:
    case EPOCH:
        return STYLE_DIM;
    case CURVE:
        return trial->state == TRIAL_RUNNING || best                         ? STYLE_VALIDATION
               : trial_ended(trial->state) && trial->state != TRIAL_COMPLETE ? STYLE_DIM
                                                                             : STYLE_TRAIN;
    case VALUE:
        if (best)
            return STYLE_GOOD;
        break;
    case NUMBER:
    case TEST:
    case PARAMETER:
        break;
    }
    return chosen ? STYLE_BOLD : style == STYLE_DIM ? STYLE_DIM : STYLE_PLAIN;
}

static void draw_row(struct grid *grid, struct rect row, const struct board *board,
                     const struct columns *columns, int place, bool chosen,
                     enum settings_glyphs glyphs)
{
    const struct trial *trial = &board->trials[board->order[place]];
    char text[BOARD_TEXT];
    int x = row.x;
    grid_text(grid, x, row.y, 1, STYLE_EDIT, chosen ? grid->ascii ? ">" : "►" : " ");
    for (int i = 0; i < columns->count; i++) {
        const struct column *column = &columns->column[i];
        if (!column->shown)
            continue;
        x += i > 0 ? GAP : 1;
        cell_text(board, columns, column, place, text);
        const enum style style = cell_style(board, column, trial, chosen);
        const int room =
            row.x + row.width - x < column->width ? row.x + row.width - x : column->width;
        const int used = grid_text_columns(text);
        if (column->kind == CURVE)
            draw_curve(grid, x, row.y, room, board, trial, glyphs, style);
        else
            grid_text(grid, column->left || used >= room ? x : x + room - used, row.y, room, style,
                      text);
        x += column->width;
    }
}

static void draw_heads(struct grid *grid, struct rect row, const struct columns *columns)
{
    int x = row.x;
    for (int i = 0; i < columns->count; i++) {
        const struct column *column = &columns->column[i];
        if (!column->shown)
            continue;
        x += i > 0 ? GAP : 1;
        const int used = grid_text_columns(column->head);
        grid_text(grid, column->left ? x : x + column->width - used, row.y, row.x + row.width - x,
                  STYLE_DIM, column->head);
        x += column->width;
    }
}

/* Why the chosen one ended, or whose it is; its values, where the row has no room for them. */
static void draw_chosen(struct grid *grid, struct rect row, const struct trial *trial)
{
    char values[512], text[1024];
    board_parameters(trial, values, sizeof values);
    snprintf(text, sizeof text, "trial %d: %s%s%s%s", trial->number, values,
             trial->added ? ", added by hand" : "", trial->why[0] != '\0' ? ": " : "", trial->why);
    grid_text(grid, row.x, row.y, row.width, STYLE_DIM, text);
}

void trials_draw(struct grid *grid, const struct layout *layout, struct state *state,
                 const struct history *history)
{
    const struct board *board = &history->board;
    struct columns columns;
    struct rect row = {layout->body.x + 1, layout->body.y, layout->body.width - 2, 1};
    const struct trial *chosen = board_chosen(board, state->search.chosen);
    if (chosen == NULL) {
        draw_centered(grid, layout->body, STYLE_DIM,
                      board->feed != NULL ? "no trial has begun yet" : "this is no search");
        return;
    }
    const int rows = layout->body.height - 2; /* heads, and the line of the chosen one */
    const int place = board_place(board, chosen->number);
    make_columns(board, row.width, &columns);
    draw_heads(grid, row, &columns);
    scroll_fit(&state->search.rows, (int)board->count, rows);
    scroll_to(&state->search.rows, place);
    for (int i = state->search.rows.top; i < (int)board->count && i < state->search.rows.top + rows;
         i++) {
        row.y++;
        draw_row(grid, row, board, &columns, i, i == place, state->glyphs);
    }
    row.y = layout->body.y + layout->body.height - 1;
    draw_chosen(grid, row, chosen);
    scroll_draw(&state->search.rows, grid, layout->screens);
}
