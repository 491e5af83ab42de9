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
    bool restyle;              /* state->chosen is another: colours, frames a second */
    enum view_outcome outcome; /* not VIEW_OPEN: the person leaves; what VIEW_TAKE
                                  takes is state->search.subject */
};
/* A command line: the view's own commands are performed, the run's posted. */
void control_perform(struct control *control, const char *line, enum command_source source);
/* A key by its name: "p", "ctrl-l", "space", "up". */
void control_key(struct control *control, const char *key);
/* Copies what is new in the feed; whether anything was. */
bool control_update(struct control *control);

#endif
