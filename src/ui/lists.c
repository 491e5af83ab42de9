/* On large screens: the last evaluations and the last edits as tables. */
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

static void draw_changes(struct grid *grid, struct rect where, const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    draw_frame(grid, where, STYLE_AXIS, "changes");
    struct rect in = {where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    if (history->edit_count == 0)
        draw_centered(grid, in, STYLE_DIM, "none yet: + and - change the learning rate");
    size_t first = first_shown(history->edit_count, in.height);
    for (size_t i = first; i < history->edit_count; i++) {
        const struct edit_mark *edit = &history->edits[i];
        int y = in.y + (int)(i - first);
        const char *source = command_source_name(edit->source);
        int end = grid_text_columns(source);
        int x = in.x + grid_print(grid, in.x, y, in.width, STYLE_DIM, "%8.2f %8" PRId64 "  ",
                                  snapshot_epochs(snapshot, edit->step), edit->step);
        grid_text(grid, x, y, in.x + in.width - end - 2 - x,
                  edit->abandoned                ? STYLE_GHOST
                  : i + 1 == history->edit_count ? STYLE_EDIT
                                                 : STYLE_PLAIN,
                  edit->label);
        grid_text(grid, in.x + in.width - end, y, end, STYLE_DIM, source);
    }
}

void lists_draw(struct grid *grid, const struct history *history, const struct layout *layout)
{
    if (layout->rows.height > 0)
        draw_rows(grid, layout->rows, history);
    if (layout->changes.height > 0)
        draw_changes(grid, layout->changes, history);
}
