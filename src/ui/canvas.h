/*
 * A canvas of dots that are smaller than cells: 2x4 braille dots, 1x2 half
 * blocks or 1x1 ASCII characters in each cell. A cell has one style, that of
 * what was drawn into it last; its dots stay.
 */
#ifndef KDT_UI_CANVAS_H
#define KDT_UI_CANVAS_H

#include "grid.h"

/* Faint lines are told from the others without colours, too. */
enum stroke { STROKE_SOLID, STROKE_DASHED, STROKE_DOTTED, STROKE_FAINT, STROKE_FAINT_DOTTED };

struct canvas_cell {
    uint32_t rune; /* drawn instead of the dots where it is not 0 */
    uint8_t dots, style;
};
struct canvas {
    int width, height; /* in cells */
    int across, down;  /* dots in a cell */
    enum settings_glyphs glyphs;
    struct canvas_cell *cells; /* [height][width] */
};
int canvas_dots_across(enum settings_glyphs glyphs);
int canvas_dots_down(enum settings_glyphs glyphs);

void canvas_init(struct canvas *canvas, int width, int height, enum settings_glyphs glyphs);
void canvas_fini(struct canvas *canvas);

/* All take dots, (0, 0) at the top left, and ignore what falls outside. */
void canvas_line(struct canvas *canvas, int x_from, int y_from, int x_to, int y_to,
                 enum style style, enum stroke stroke);
/* A column of a dim area. */
void canvas_shade(struct canvas *canvas, int x, int top, int bottom, enum style style);
/* A point that stands out of a line. */
void canvas_marker(struct canvas *canvas, int x, int y, enum style style);
/* A character in the cell around a dot. */
void canvas_rune(struct canvas *canvas, int x, int y, enum style style, uint32_t rune);

/* The cells that hold anything, with the canvas's corner at (x, y). */
void canvas_draw(const struct canvas *canvas, struct grid *grid, int x, int y);

#endif
