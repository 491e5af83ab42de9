/*
 * A trace: one series of a chart as it falls on the columns of dots, which is
 * what y is fitted to and what is drawn.
 */
#ifndef KDT_UI_TRACE_H
#define KDT_UI_TRACE_H

#include "canvas.h"
#include "chart.h"
#include "scale.h"

/* What fell into one column of dots. */
struct trace_column {
    double sum;
    size_t count;
    double minimum, maximum;
    bool gap; /* nothing but what cannot be shown */
};
struct trace {
    const struct chart_series *series;
    bool log;
    double x_first, x_last;
    int width;                    /* in columns of dots */
    struct trace_column *columns; /* [width]; NULL where `series` is of joined points */
};
/* Values to be shown; low > high where there are none. */
struct extent {
    double low, high;
};

/* The column of `width` that x falls on; outside -1 or `width`. x_first < x_last. */
int trace_column(double x, double x_first, double x_last, int width);

void trace_init(struct trace *trace, const struct chart_series *series, bool log, double x_first,
                double x_last, int width);
void trace_fini(struct trace *trace);

/* Widens *extent to all means, and to the band but for its rare peaks. */
void trace_fit(const struct trace *trace, struct extent *means, struct extent *bands);

void trace_draw_band(const struct trace *trace, const struct scale *scale, struct canvas *canvas);
void trace_draw_line(const struct trace *trace, const struct scale *scale, struct canvas *canvas);
/* Arrows where the line is above or below the canvas. */
void trace_draw_beyond(const struct trace *trace, const struct scale *scale, struct canvas *canvas);

#endif
