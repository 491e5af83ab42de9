/*
 * The grid of cells that every screen is drawn into: pure memory, no terminal.
 * screen.c alone turns it into curses calls; tests dump it as text.
 */
#ifndef KDT_UI_GRID_H
#define KDT_UI_GRID_H

#include "kdt/ui.h"

/* What a cell means, not how it looks; screen.c gives it colour and attributes. */
enum style {
    STYLE_PLAIN,
    STYLE_DIM,
    STYLE_BOLD,
    STYLE_TITLE,
    STYLE_AXIS,
    STYLE_TRAIN,
    STYLE_TRAIN_BAND, /* between minimum and maximum */
    STYLE_AUGMENTED,  /* the loss of augmented images */
    STYLE_VALIDATION,
    STYLE_GHOST,   /* what was abandoned by going back */
    STYLE_EARLIER, /* the validation of an earlier run */
    STYLE_EDIT,    /* marks of edits, values just changed */
    STYLE_GOOD,
    STYLE_WARN,
    STYLE_BAD,
    STYLE_KEY,      /* the key in the line of keys */
    STYLE_BAR,      /* the head line: reverse */
    STYLE_BAR_EDIT, /* the state at its end */
    STYLE_BAR_GOOD,
    STYLE_BAR_WARN,
    STYLE_BAR_BAD,
    STYLE_COUNT
};

struct cell {
    uint32_t rune; /* one column wide; ' ' when empty */
    uint8_t style;
    bool painted;         /* in colours of its own, 0xrrggbb, instead of the style's */
    uint32_t ink, ground; /* on terminals that have them */
};
struct rect {
    int x, y, width, height;
};
struct grid {
    int width, height;
    bool ascii;
    struct cell *cells; /* [height][width] */
};
void grid_init(struct grid *grid, int width, int height);
void grid_fini(struct grid *grid);
void grid_clear(struct grid *grid);
/* Writing outside the grid is allowed and does nothing. */
void grid_put(struct grid *grid, int x, int y, enum style style, uint32_t rune);
/* Gives what was put there colours of its own. */
void grid_paint(struct grid *grid, int x, int y, uint32_t ink, uint32_t ground);
/* UTF-8 text, one column a character (others become '?'), at most `width`
 * columns, cut with "…" ("~" in ASCII) where it is longer. Returns the columns used. */
int grid_text(struct grid *grid, int x, int y, int width, enum style style, const char *text);
int grid_print(struct grid *grid, int x, int y, int width, enum style style, const char *format,
               ...) KDT_PRINTF(6, 7);
int grid_text_columns(const char *text); /* columns that grid_text would use at most */
/* Whether "…", "→", "×" and lines are written as ASCII; set by screen.c from glyphs. */
void grid_set_ascii(struct grid *grid, bool ascii);
/* Rows as UTF-8, trailing spaces cut, one '\n' each; `styles`: followed by the
 * same rows with a letter for each cell's style, and by two lines for each row that
 * has painted cells, its ink and its ground, with a character for each colour: the
 * digit in base 64 (A-Za-z0-9+/) that two bits of red, green and blue make. */
void grid_dump(const struct grid *grid, bool styles, struct text *out);

#endif
