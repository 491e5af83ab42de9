/* The menu of ways to leave, and what each costs. */
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <stdio.h>

static void abandon_text(const struct snapshot *snapshot, bool brief, char *out, size_t size)
{
    int64_t lost = snapshot->step - snapshot->checkpoint_step;
    if (snapshot->checkpoint_step < 0)
        snprintf(out, size,
                 "Leaves at once. There is no checkpoint: all steps (%" PRId64 ") are lost.",
                 snapshot->step);
    else if (lost <= 0)
        snprintf(out, size,
                 "Leaves at once. Nothing is lost: step %" PRId64 " is the last checkpoint.",
                 snapshot->step);
    else
        snprintf(out, size,
                 brief ? "Leaves at once. The steps since the last checkpoint (%" PRId64
                         ") are lost."
                       : "Leaves at once. The steps since the last checkpoint (%" PRId64
                         ") are lost; what is on disk stays, up to step %" PRId64 ".",
                 lost, snapshot->checkpoint_step);
}

void menu_draw(struct grid *grid, const struct state *state, const struct snapshot *snapshot)
{
    char save[160], abandon[200];
    int width = grid->width - 4 < 66 ? grid->width - 4 : 66;
    int inner = width - 11;
    bool brief = inner < 44;
    snprintf(save, sizeof(save),
             brief ? "Saves step %" PRId64 ", then leaves. Nothing is lost."
                   : "Saves a checkpoint, now step %" PRId64
                     ", and leaves. The checkpoint holds the complete state; nothing is lost.",
             snapshot->step);
    abandon_text(snapshot, brief, abandon, sizeof(abandon));

    int save_lines = draw_wrapped_lines(save, inner);
    int abandon_lines = draw_wrapped_lines(abandon, inner);
    int height = 2 + 1 + save_lines + 1 + abandon_lines + 1;
    bool spaced = height + 4 <= grid->height;
    height += spaced ? 4 : 0;
    if (inner < 20 || height > grid->height) {
        struct rect row = {0, 0, grid->width, 1};
        draw_fill(grid, row, STYLE_PLAIN);
        static const char *const texts[] = {"s save and stop  a abandon  Esc back",
                                            "s save  a abandon  Esc back", "s save a abandon Esc"};
        draw_fitting(grid, row, STYLE_WARN, texts, 3);
        return;
    }
    struct rect box = {(grid->width - width) / 2, (grid->height - height) / 2, width, height};
    draw_frame(grid, box, STYLE_TITLE, "leave?");
    int x = box.x + 3, y = box.y + 1 + spaced;
    grid_text(grid, x, y, 3, STYLE_KEY, "s");
    grid_text(grid, x + 5, y++, inner, STYLE_BOLD, "save and stop");
    draw_wrapped(grid, (struct rect){x + 5, y, inner, save_lines}, STYLE_PLAIN, save);
    y += save_lines + spaced;
    grid_text(grid, x, y, 3, STYLE_KEY, "a");
    grid_text(grid, x + 5, y++, inner, STYLE_BOLD, "abandon");
    draw_wrapped(grid, (struct rect){x + 5, y, inner, abandon_lines}, STYLE_PLAIN, abandon);
    y += abandon_lines + spaced;
    grid_text(grid, x, y, 3, STYLE_KEY, "Esc");
    const char *const back[] = {state->paused ? "back: it stays paused" : "back: training goes on",
                                "back"};
    draw_fitting(grid, (struct rect){x + 5, y, inner, 1}, STYLE_PLAIN, back, 2);
}
