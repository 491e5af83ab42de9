/*
 * What keys and the view's own commands do: they change struct state and post
 * to the feed. Knows no terminal.
 */
#ifndef KDT_UI_CONTROL_H
#define KDT_UI_CONTROL_H

#include "history.h"
#include "state.h"

struct control {
    struct feed *feed;
    const char *remember_path; /* NULL: nowhere */
    struct history *history;
    struct state *state;
    /* What the thread must do, and clears. */
    bool repaint, stop_process;
    enum view_outcome outcome; /* not VIEW_OPEN: the person leaves */
};
/* A key by its name: "p", "ctrl-l", "space", "up". */
void control_key(struct control *control, const char *key);
/* Whether the command posted last is not answered yet. */
bool control_waits(struct control *control);
/* Copies what is new in the feed; whether anything was. */
bool control_update(struct control *control);

#endif
