/*
 * A chart in cells: curves with bands, axes with ticks, marks of edits. A pure
 * function of its data and its rectangle.
 */
#ifndef KDT_UI_CHART_H
#define KDT_UI_CHART_H

#include "grid.h"

struct chart_point {
    double x, mean, minimum, maximum; /* NaN mean: a gap */
};
struct chart_series {
    const char *name;       /* "train", in the legend with its current and best value */
    enum style style, band; /* told apart by colour … */
    bool dotted;            /* … and by glyph */
    bool dashed;
    bool ghost;        /* a line alone, faint */
    bool past;         /* it has no newest value */
    const char *brief; /* of the name, where there is less room; NULL: the same */
    bool lines;        /* points are joined: evaluations; else one value per column */
    const struct chart_point *points; /* x ascending */
    const double *weights;            /* of each in a column's mean; NULL: all the same */
    size_t count;
};
struct chart_mark {
    double x;
    const char *label; /* "η 0.02 → 0.01"; drawn where there is room */
    enum style style;
    enum { MARK_CHANGE, MARK_RETURN /* to here */, MARK_NOTE } kind;
};
struct chart {
    const char *title;        /* "loss" */
    const char *value_format; /* of printf for one double: "%.4g"; NULL: no values in the legend */
    bool percent;             /* fractions: ticks are percentages, value_format gets 100 times */
    bool log_y;               /* non-positive values are gaps */
    double x_first, x_last;   /* what the x axis spans */
    bool log_x;               /* 0 < x_first */
    const double *cursor;     /* the x of a line across the plot; NULL: none */
    double x_scale;           /* ticks show x / x_scale: steps per epoch */
    const char *x_label;      /* "epoch" */
    bool x_after;             /* the label stands after a number: "7.5 s" */
    const struct chart_series *series;
    size_t series_count;
    const struct chart_series *ghosts; /* below them; they may stretch y a little, no more */
    size_t ghost_count;
    const struct chart_point *best; /* named in the legend, a tick on the x axis; NULL: none */
    const struct chart_mark *marks; /* x ascending */
    size_t mark_count;
    enum settings_glyphs glyphs; /* never GLYPHS_AUTO */
};
/* Returns the plot, of no width where it is not drawn. Draws title, legend, axes with at least
 * three ticks where `height` >= 6, curves and marks inside `where`. y is fitted to what is shown.
 * Any size is safe. */
struct rect chart_draw(struct grid *grid, struct rect where, const struct chart *chart);

#endif
