/* On large screens the last evaluations and the last edits as tables; edits also where a person
 * wants them. */
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <stdio.h>

static size_t first_shown(size_t count, int rows)
{
    size_t room = rows > 0 ? (size_t)rows : 0;
    return count > room ? count - room : 0;
}

static void draw_rows(struct grid *grid, struct rect where, const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    draw_frame(grid, where, STYLE_AXIS,
               snapshot->settings.train.evaluate == EVALUATE_RUNNING
                   ? "evaluations (train: running)"
                   : "evaluations");
    struct rect in = {where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    grid_print(grid, in.x, in.y, in.width, STYLE_DIM, "%8s %8s %9s %8s %8s %8s %8s", "epoch",
               "step", "rate", "loss", "val", "acc", "val");
    const struct evaluation *best = history_best_evaluation(history);
    size_t first = first_shown(history->evaluation_count, in.height - 1);
    for (size_t i = first; i < history->evaluation_count; i++) {
        const struct evaluation *row = &history->evaluations[i];
        int y = in.y + 1 + (int)(i - first);
        bool gone = row->abandoned;
        enum style style = row == best ? STYLE_GOOD : gone ? STYLE_GHOST : STYLE_PLAIN;
        enum style train = gone ? STYLE_GHOST : STYLE_TRAIN;
        enum style validation = gone ? STYLE_GHOST : STYLE_VALIDATION;
        int x = in.x;
        x += grid_print(grid, x, y, 28, style, "%8.2f %8" PRId64 " %9.4g ",
                        snapshot_epochs(snapshot, row->step), row->step, row->learning_rate);
        grid_print(grid, x, y, 8, train, "%8.4f", row->train_loss);
        grid_print(grid, x + 9, y, 8, validation, "%8.4f", row->validation_loss);
        grid_print(grid, x + 18, y, 8, train, "%7.2f%%", 100 * row->train_accuracy);
        grid_print(grid, x + 27, y, 8, validation, "%7.2f%%", 100 * row->validation_accuracy);
    }
}

/* The rows from which on the chosen one is shown, or else the newest. */
static size_t first_change(const struct state *state, const struct history *history, int rows,
                           size_t *chosen)
{
    size_t first = first_shown(history->edit_count, rows);
    *chosen = history->edit_count;
    if (!state->charts.cursor)
        return first;
    *chosen = charts_edit(&state->charts, history);
    size_t middle = *chosen > (size_t)rows / 2 ? *chosen - (size_t)rows / 2 : 0;
    return middle < first ? middle : first;
}

static void draw_change(struct grid *grid, struct rect row, const struct history *history, size_t i,
                        bool chosen)
{
    const struct edit_mark *edit = &history->edits[i];
    const char *source = row.width >= 50 ? command_source_name(edit->source) : "";
    int end = grid_text_columns(source), x = row.x, right = row.x + row.width;
    enum style style = edit->abandoned                ? STYLE_GHOST
                       : chosen                       ? STYLE_BOLD
                       : i + 1 == history->edit_count ? STYLE_EDIT
                                                      : STYLE_PLAIN;
    if (row.width >= 50)
        x += grid_print(grid, x, row.y, row.width, STYLE_DIM, "%8.2f ",
                        snapshot_epochs(&history->snapshot, edit->step));
    x += grid_print(grid, x, row.y, right - x, STYLE_DIM, "%8" PRId64, edit->step);
    grid_text(grid, x, row.y, 2, STYLE_EDIT, !chosen ? "" : grid->ascii ? " >" : " ►");
    x += 2;
    if (edit->note)
        x += grid_text(grid, x, row.y, right - x, STYLE_DIM, "note: ");
    grid_text(grid, x, row.y, right - (end > 0 ? end + 2 : 0) - x, style, edit->label);
    grid_text(grid, right - end, row.y, end, STYLE_DIM, source);
}

static void draw_changes(struct grid *grid, struct rect where, const struct state *state,
                         const struct history *history)
{
    enum { FRAMED = 5 }; /* rows; with fewer a frame takes too many */
    struct rect in = where;
    if (where.height >= FRAMED) {
        draw_frame(grid, where, STYLE_AXIS, "changes");
        in = (struct rect){where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    }
    if (history->edit_count == 0)
        draw_centered(grid, in, STYLE_DIM, "none yet: + and - change the learning rate");
    size_t chosen, first = first_change(state, history, in.height, &chosen);
    for (int y = 0; y < in.height && first + (size_t)y < history->edit_count; y++)
        draw_change(grid, (struct rect){in.x, in.y + y, in.width, 1}, history, first + (size_t)y,
                    first + (size_t)y == chosen);
}

void lists_draw(struct grid *grid, const struct state *state, const struct history *history,
                const struct layout *layout)
{
    if (layout->rows.height > 0)
        draw_rows(grid, layout->rows, history);
    if (layout->changes.height > 0)
        draw_changes(grid, layout->changes, state, history);
}
