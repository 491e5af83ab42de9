/*
 * The screens of a search, what is around them, and what keys do there. A trial
 * that is looked at has the ordinary screens of a run.
 */
#ifndef KDT_UI_SEARCH_VIEW_H
#define KDT_UI_SEARCH_VIEW_H

#include "board.h"
#include "screens.h"

/* Whether a screen of the search itself is shown, or the help over one. */
bool search_shown(const struct state *state, const struct history *history);
/* What is around its screens; `layout` has the body that is left for them. */
void search_layout(const struct grid *grid, const struct history *history, struct layout *layout);
void search_frame(struct grid *grid, const struct state *state, const struct history *history,
                  const struct layout *layout);
void search_line(struct grid *grid, const struct history *history, struct rect row);
void search_title(const struct board *board, char *out, size_t size);

void trials_draw(struct grid *grid, const struct layout *layout, struct state *state,
                 const struct history *history);
void map_draw(struct grid *grid, const struct layout *layout, struct state *state,
              const struct history *history);
void search_show(struct control *control, enum view_screen screen);
/* The screens of the chosen trial. */
void search_show_trial(struct control *control);
bool search_key(struct control *control, const char *key);
/* Keys of a search on the screens of a trial. */
bool search_look_key(struct control *control, const char *key);
/* `trial add|stop|freeze|take`. */
void search_view_command(struct control *control, const struct command *command,
                         enum command_source source);
/* Takes what is new in the search's feed; whether anything was. */
bool search_update(struct control *control);

/* Menus: how to leave, and whether to stop a trial or take one over. */
void search_menu_draw(struct grid *grid, const struct state *state, const struct history *history);
void search_menu_key(struct control *control, const char *key);
void search_leave_open(struct control *control);
void search_detach(struct control *control);

#endif
