/*
 * What styles and colours are on this terminal, in curses' terms: attributes and
 * pairs. Curses has begun; the view's thread.
 */
#ifndef KDT_UI_PALETTE_H
#define KDT_UI_PALETTE_H

#include "grid.h"

#include <curses.h>

struct palette {
    bool paints; /* cells in colours of their own */
    struct {
        attr_t attributes;
        short pair;
        bool ground; /* it is seen on a blank, too */
    } look[STYLE_COUNT];

    /* Pairs of the 256 colours, for painted cells, made as they are needed. */
    short *pairs; /* [256][256], by ink and ground; 0: not made. NULL: none was */
    int next, end;
};
void palette_fini(struct palette *palette);
void palette_set_colors(struct palette *palette, enum settings_colors colors);
/* Before a grid's cells: makes room for the pairs that they may need. True where pairs of cells
 * that were put before now mean other colours. */
bool palette_fit(struct palette *palette, const struct grid *grid);
/* Whether nothing is seen of the cell but the terminal's own ground. */
bool palette_blank(const struct palette *palette, struct cell cell);
void palette_put(struct palette *palette, const struct cell *cell, cchar_t *out);

#endif
