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
    char ending[sizeof(snapshot->error) + 128];
    dashboard_ending(snapshot, ending, sizeof(ending));
    int lines = draw_wrapped_lines(ending, grid->width - 4);
    struct layout layout;
    layout_compute(grid->width, grid->height, snapshot->warning[0] != '\0', lines > 3 ? 3 : lines,
                   &layout);
    if (layout.line_only) {
        dashboard_line(grid, snapshot, layout.head);
        int last = grid->height > 0 ? grid->height - 1 : 0;
        layout.keys = (struct rect){0, last, grid->width, 1};
    } else {
        dashboard_draw(grid, state, history, &layout);
    }
    if (state->mode == MODE_PROMPT)
        prompt_draw(grid, state, snapshot, layout.news, layout.keys);
    else if (state->mode == MODE_MENU)
        menu_draw(grid, state, snapshot);
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
