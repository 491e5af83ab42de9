/* Where everything on a screen is: a pure function of sizes. */
#ifndef KDT_UI_LAYOUT_H
#define KDT_UI_LAYOUT_H

#include "grid.h"

enum { LAYOUT_LEAST_WIDTH = 40, LAYOUT_LEAST_HEIGHT = 12 };

/* A rectangle of height 0 is not there. From `loss` to `strip`: on the charts' screen. */
struct layout {
    bool line_only;       /* too small for the screen: one status line, `head` */
    struct rect head;     /* run, dataset, network, state */
    struct rect warning;  /* what the person must know */
    struct rect banner;   /* how the run ended; with a frame from 3 rows on */
    struct rect loss;     /* the charts: stacked, or side by side when wide */
    struct rect accuracy; /* … of one row where there is room for no more */
    struct rect rows;     /* the last evaluations */
    struct rect changes;  /* the last edits */
    struct rect progress; /* bar, step, times, samples/s */
    struct rect strip;    /* settings that matter, best, checkpoint */
    struct rect news;     /* what was last changed, answers, messages */
    struct rect keys;     /* the line of keys, or the prompt */
    struct rect screens;  /* of the other screens: the line of their names */
    struct rect body;     /* … and what is between that and the news */
};
/* `warning`, `banner`: lines of text that they shall hold, 0 for none. */
void layout_compute(int width, int height, int warning, int banner, struct layout *out);
/* Gives the list of changes a part of the charts' room, where it has none. */
void layout_show_changes(struct layout *layout);
/* The same of a screen other than the charts. */
void layout_compute_body(int width, int height, int warning, int banner, struct layout *out);

#endif
