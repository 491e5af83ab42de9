/*
 * What of the charts' screen is a person's choice: the window on the x axis,
 * the cursor, the list of changes; and the commands that choose it.
 */
#ifndef KDT_UI_CHARTS_H
#define KDT_UI_CHARTS_H

#include "grid.h"
#include "window.h"

#include "kdt/cmd.h"

struct charts {
    struct window window;
    bool cursor;          /* shown, */
    double x;             /* where it is, in the window's unit */
    bool followed;        /* the window did before the cursor held it */
    bool list;            /* of changes, also where it has to be asked for */
    size_t chosen;        /* the edit that it was put on, plus one; 0: none */
    struct rect plots[2]; /* of the charts, as last drawn; no width: not there */
    /* Cursor keys that follow each other at once go farther. */
    int pressed;
    double pressed_clock;
};

struct control;
struct history;

/* Whether the command is one of the charts', and done. On other screens their keys say that they
 * are. */
bool charts_command(struct control *control, const struct command *command,
                    enum command_source source);
/* A click there; false where there is no chart. */
bool charts_click(struct control *control, int x, int y);
/* Esc: the cursor goes, or else the list. */
void charts_back(struct control *control);
/* The steps that are shown, so that they are read as finely as there is room for. */
void charts_steps(const struct charts *charts, const struct history *history, int64_t *first,
                  int64_t *last);
/* Of the plots; 0 where neither was drawn. */
int charts_columns(const struct charts *charts);
struct range charts_range(const struct charts *charts, const struct history *history);
/* The edit that the cursor was put on, or the nearest, of equals the newest; the count: none. */
size_t charts_edit(const struct charts *charts, const struct history *history);

#endif
