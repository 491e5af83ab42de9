/* Which screen is shown, and when it changes by itself. */
#include "screens.h"
#include "draw.h"

#include <math.h>

void screens_draw(struct grid *grid, struct state *state, const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    if (state->mode == MODE_HELP) {
        help_draw(grid, state);
        return;
    }
    char banner[sizeof(snapshot->error) + 128];
    dashboard_banner(snapshot, banner, sizeof(banner));
    int lines = draw_wrapped_lines(banner, grid->width - 4), warnings = 0;
    if (snapshot->warning[0] != '\0')
        warnings = grid_text_columns(snapshot->warning) + 9 > grid->width - 2 ? 2 : 1;
    struct layout layout;
    layout_compute(grid->width, grid->height, warnings, lines > 3 ? 3 : lines, &layout);
    if (layout.line_only) {
        dashboard_line(grid, snapshot, layout.head);
        int last = grid->height > 0 ? grid->height - 1 : 0;
        layout.keys = (struct rect){0, last, grid->width, 1};
    } else {
        dashboard_draw(grid, state, history, &layout);
    }
    if (state->mode == MODE_PROMPT)
        prompt_draw(grid, state, history, layout.news, layout.keys);
    else if (state->mode == MODE_MENU)
        menu_draw(grid, state, snapshot);
    else if (state->mode == MODE_ROLLBACK)
        rollback_draw(grid, state, history);
    else if (state->mode == MODE_DIVERGED)
        diverged_draw(grid, snapshot);
}

double screens_next_change(const struct state *state, const struct history *history)
{
    struct news news;
    news_choose(state, history, &news);
    double after = news.until - state->now;
    if (history->snapshot.checkpoint_step >= 0) {
        double age = fmax(state->now - history->snapshot.checkpoint_clock, 0);
        after = fmin(after, age < 60 ? 1 - (age - floor(age)) : 60 - fmod(age, 60));
    }
    return fmax(after, 0.01);
}
