/*
 * The screens: pure functions of the view's state and its copy of the feed.
 */
#ifndef KDT_UI_SCREENS_H
#define KDT_UI_SCREENS_H

#include "history.h"
#include "layout.h"
#include "state.h"

/* Draws whatever is open onto a cleared grid. */
void screens_draw(struct grid *grid, struct state *state, const struct history *history);
/* Seconds after which what is shown changes by time alone (an age, a
 * highlight); infinite where nothing does. */
double screens_next_change(const struct state *state, const struct history *history);

/* Their parts. */
void dashboard_draw(struct grid *grid, const struct state *state, const struct history *history,
                    const struct layout *layout);
void dashboard_line(struct grid *grid, const struct snapshot *snapshot, struct rect row);
/* How the run ended or why it waits for a choice, in words; "" while it goes on. */
void dashboard_banner(const struct snapshot *snapshot, char *out, size_t size);
void curves_draw(struct grid *grid, const struct state *state, const struct history *history,
                 const struct layout *layout);
void lists_draw(struct grid *grid, const struct history *history, const struct layout *layout);
void menu_draw(struct grid *grid, const struct state *state, const struct snapshot *snapshot);
void diverged_draw(struct grid *grid, const struct snapshot *snapshot);
void rollback_draw(struct grid *grid, const struct state *state, const struct history *history);
/* `hint` may be empty. */
void prompt_draw(struct grid *grid, const struct state *state, const struct history *history,
                 struct rect hint, struct rect row);
void help_draw(struct grid *grid, struct state *state);

/* What was asked for, answered or changed last. */
struct news {
    char text[512];
    enum style style;
    bool parts;   /* what follows a ';' or is in parentheses may be left out */
    double until; /* clock_seconds() at which it gives way; infinite: stays */
};
void news_choose(const struct state *state, const struct history *history, struct news *out);

#endif
