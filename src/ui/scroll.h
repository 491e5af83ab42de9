/*
 * How far a long list is scrolled, and the keys that do it.
 */
#ifndef KDT_UI_SCROLL_H
#define KDT_UI_SCROLL_H

#include "grid.h"

struct scroll {
    int top;         /* the first line shown */
    int page, lines; /* that fit, and that there are, as last drawn */
};
/* up, down, j, k, page-up, page-down, home, end; whether it was one of them. */
bool scroll_key(struct scroll *scroll, const char *key);
/* Before drawing: keeps `top` where `lines` fill a page of so many. */
void scroll_fit(struct scroll *scroll, int lines, int page);
/* After that: moves `top` so that this line is shown. */
void scroll_to(struct scroll *scroll, int line);
/* Moves what is chosen among so many lines, by the same keys; whether it was one of them. */
bool scroll_choose(const struct scroll *scroll, int *chosen, int count, const char *key);
/* "21-40 of 90" at the end of a row, where not all is shown. */
void scroll_draw(const struct scroll *scroll, struct grid *grid, struct rect row);

#endif
