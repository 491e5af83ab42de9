/*
 * A trace: one series of a chart as it falls on the columns of dots, which is
 * what y is fitted to and what is drawn.
 */
#ifndef KDT_UI_TRACE_H
#define KDT_UI_TRACE_H

#include "canvas.h"
#include "chart.h"
#include "scale.h"

/* What fell into one column of dots, or of what is beside them the nearest. */
struct trace_column {
    int x; /* below 0 or from the width on: beside them */
    double sum, weight;
    double minimum, maximum;
    bool apart; /* a gap lies between the one before and this */
};
struct trace {
    const struct chart_series *series;
    struct scale x;               /* of the axis */
    bool log;                     /* as the values are shown */
    int width;                    /* in columns of dots */
    struct trace_column *columns; /* those that hold anything; NULL where points are joined */
    int count;
};
/* Values to be shown; low > high where there are none. */
struct extent {
    double low, high;
};

/* The column of `width` that x falls on; outside -1 or `width`. */
int trace_column(const struct scale *axis, double x, int width);

void trace_init(struct trace *trace, const struct chart_series *series, const struct scale *axis,
                bool log, int width);
void trace_fini(struct trace *trace);

/* Widens *extent to all means, and to the band but for its rare peaks. */
void trace_fit(const struct trace *trace, struct extent *means, struct extent *bands);

void trace_draw_band(const struct trace *trace, const struct scale *scale, struct canvas *canvas);
void trace_draw_line(const struct trace *trace, const struct scale *scale, struct canvas *canvas);
/* Arrows where the line is above or below the canvas. */
void trace_draw_beyond(const struct trace *trace, const struct scale *scale, struct canvas *canvas);

#endif
