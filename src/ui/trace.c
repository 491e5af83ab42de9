/*
 * Series to columns to dots.
 *
 * A series of buckets gives one mean and one band per column of dots, so that
 * nothing of 4096 buckets is lost in 100 columns; lines and bands go on to the
 * nearest ones beside the chart. A series of joined points (evaluations) is
 * drawn point by point. What cannot be shown breaks the line.
 */
#include "trace.h"

#include <math.h>
#include <stdlib.h>

enum {
    MARKER_DISTANCE = 3, /* cells */
    FARTHEST = 1 << 24,  /* columns beside the chart */
    UP_ARROW = 0x2191,
    DOWN_ARROW = 0x2193
};

int trace_column(const struct scale *axis, double x, int width)
{
    double fraction = scale_fraction(axis, x);
    if (!(fraction >= 0))
        return -1;
    if (fraction > 1)
        return width;
    int column = (int)(fraction * width);
    return column < width ? column : width - 1;
}

/* The same, but beside the columns it says how far. */
static int place_of(const struct trace *trace, double x)
{
    int column = trace_column(&trace->x, x, trace->width);
    if (column >= 0 && column < trace->width)
        return column;
    double place = floor(scale_fraction(&trace->x, x) * trace->width);
    return (int)fmin(fmax(place, -FARTHEST), FARTHEST);
}

static bool inside(const struct trace *trace, const struct trace_column *column)
{
    return column->x >= 0 && column->x < trace->width;
}

static void column_add(struct trace_column *column, const struct chart_point *point, double weight)
{
    double minimum = isnan(point->minimum) ? point->mean : point->minimum;
    double maximum = isnan(point->maximum) ? point->mean : point->maximum;
    bool empty = column->weight == 0;
    if (empty || minimum < column->minimum)
        column->minimum = minimum;
    if (empty || maximum > column->maximum)
        column->maximum = maximum;
    column->sum += point->mean * weight;
    column->weight += weight;
}

/* Room for every column, and one at each side. */
static void fill_columns(struct trace *trace)
{
    const struct chart_series *series = trace->series;
    bool gap = false;
    trace->columns = mem_alloc(((size_t)trace->width + 2) * sizeof *trace->columns);
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        double weight = series->weights != NULL ? series->weights[i] : 1;
        struct trace_column *last = trace->count ? &trace->columns[trace->count - 1] : NULL;
        if (isnan(point->x) || !scale_shows(trace->log, point->mean) || !(weight > 0)) {
            gap = true;
            continue;
        }
        int x = place_of(trace, point->x);
        if (last && (last->x >= trace->width || x < last->x))
            break; /* beyond the right end one is enough */
        if (last && x < 0) {
            *last = (struct trace_column){.x = x}; /* of those at the left the last */
        } else if (!last || x != last->x) {
            last = &trace->columns[trace->count++];
            *last = (struct trace_column){.x = x, .apart = gap};
        }
        column_add(last, point, weight);
        gap = false;
    }
}

void trace_init(struct trace *trace, const struct chart_series *series, const struct scale *axis,
                bool log, int width)
{
    *trace = (struct trace){.series = series, .x = *axis, .log = log, .width = width};
    if (!series->lines)
        fill_columns(trace);
}

void trace_fini(struct trace *trace)
{
    mem_free(trace->columns);
    *trace = (struct trace){0};
}

static double column_mean(const struct trace_column *column)
{
    return column->sum / column->weight;
}

/* One piece of a line of joined points, cut where the chart ends. */
struct segment {
    double x[2], value[2]; /* x: fractions of the axis */
};

/* The value on a straight line, as it looks on the chart. */
static double between(double from, double to, double fraction, bool logarithmic)
{
    if (logarithmic)
        return exp(log(from) + (log(to) - log(from)) * fraction);
    return from + (to - from) * fraction;
}

/* The piece that ends in point i; false where there is none to be seen. A
 * lone point is a piece of no length. */
static bool segment_at(const struct trace *trace, size_t i, struct segment *segment)
{
    const struct chart_point *point = &trace->series->points[i];
    const struct chart_point *before = i ? point - 1 : point;
    double end = scale_fraction(&trace->x, point->x);
    double start = scale_fraction(&trace->x, before->x);
    if (!scale_shows(trace->log, point->mean) || !isfinite(end))
        return false;
    if (!scale_shows(trace->log, before->mean) || !isfinite(start) || start > end) {
        before = point;
        start = end;
    }
    if (end < 0 || start > 1)
        return false;
    double span = end - start, from = fmax(start, 0), to = fmin(end, 1);
    *segment = (struct segment){
        .x = {from, to},
        .value = {from > start
                      ? between(before->mean, point->mean, (from - start) / span, trace->log)
                      : before->mean,
                  to < end ? between(before->mean, point->mean, (to - start) / span, trace->log)
                           : point->mean}};
    return true;
}

static void extend(struct extent *extent, double value)
{
    extent->low = fmin(extent->low, value);
    extent->high = fmax(extent->high, value);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Whether y is fitted to it: those inside, or where there are none what is drawn between those
 * beside them. */
static bool counts(const struct trace *trace, const struct trace_column *column)
{
    return inside(trace, column) || (trace->count <= 2 && !inside(trace, &trace->columns[0]) &&
                                     !inside(trace, &trace->columns[trace->count - 1]));
}

/* Fits the upper edge of a band, or with direction -1 the lower one, all but
 * its rare peaks: one column in fifty may stretch the chart by half, no more,
 * and what is beyond that is left to the arrows at the chart's edge. */
static void fit_band(const struct trace *trace, struct extent *bands, int direction)
{
    double *edges = mem_alloc((size_t)trace->count * sizeof *edges);
    size_t count = 0;
    struct extent means = {INFINITY, -INFINITY};
    for (int i = 0; i < trace->count; i++) {
        const struct trace_column *column = &trace->columns[i];
        if (!counts(trace, column))
            continue;
        double mean = column_mean(column);
        extend(&means, direction * (trace->log ? log(mean) : mean));
        double edge = direction > 0 ? column->maximum : column->minimum;
        if (scale_shows(trace->log, edge))
            edges[count++] = direction * (trace->log ? log(edge) : edge);
    }
    if (count) {
        qsort(edges, count, sizeof *edges, compare);
        size_t rare = count / 50 + (count > 4), i = count - 1 - rare;
        double usual = fmax(edges[i], means.high);
        while (i + 1 < count && edges[i + 1] - means.low <= 1.5 * (usual - means.low))
            i++;
        extend(bands, trace->log ? exp(direction * edges[i]) : direction * edges[i]);
    }
    mem_free(edges);
}

void trace_fit(const struct trace *trace, struct extent *means, struct extent *bands)
{
    if (trace->columns) {
        for (int i = 0; i < trace->count; i++)
            if (counts(trace, &trace->columns[i]))
                extend(means, column_mean(&trace->columns[i]));
        fit_band(trace, bands, 1);
        fit_band(trace, bands, -1);
        return;
    }
    struct segment segment;
    for (size_t i = 0; i < trace->series->count; i++) {
        if (segment_at(trace, i, &segment)) {
            extend(means, segment.value[0]);
            extend(means, segment.value[1]);
        }
    }
}

/* The row of dots of a value; far outside it stays outside, within int. */
static int row_of(const struct canvas *canvas, const struct scale *scale, double value)
{
    double fraction = fmin(fmax(scale_fraction(scale, value), -1000), 1000);
    return (int)lround((1 - fraction) * (canvas->height * canvas->down - 1));
}

/* Where something is that cannot be shown: above the canvas, or below it. */
static void put_arrow(struct canvas *canvas, int x, bool above, enum style style)
{
    bool ascii = canvas->glyphs == GLYPHS_ASCII;
    if (above)
        canvas_rune(canvas, x, 0, style, ascii ? '^' : UP_ARROW);
    else
        canvas_rune(canvas, x, canvas->height * canvas->down - 1, style, ascii ? 'v' : DOWN_ARROW);
}

static void shade_column(const struct trace *trace, const struct scale *scale,
                         struct canvas *canvas, int x, double top, double bottom)
{
    enum style style = trace->series->band;
    int first = row_of(canvas, scale, top), last = row_of(canvas, scale, bottom);
    int end = canvas->height * canvas->down - 1;
    canvas_shade(canvas, x, first, last, style);
    if (first < 0)
        put_arrow(canvas, x, true, style);
    if (last > end)
        put_arrow(canvas, x, false, style);
}

void trace_draw_band(const struct trace *trace, const struct scale *scale, struct canvas *canvas)
{
    for (int i = 0; i < trace->count; i++) {
        const struct trace_column *column = &trace->columns[i], *after = column + 1;
        if (inside(trace, column))
            shade_column(trace, scale, canvas, column->x, column->maximum, column->minimum);
        if (i + 1 == trace->count || after->apart)
            continue;
        /* Fewer points than columns: the band runs straight from one to the next. */
        int first = column->x < 0 ? 0 : column->x + 1;
        int end = after->x < trace->width ? after->x : trace->width;
        for (int x = first; x < end; x++) {
            double fraction = (double)(x - column->x) / (after->x - column->x);
            shade_column(trace, scale, canvas, x,
                         between(column->maximum, after->maximum, fraction, false),
                         between(column->minimum, after->minimum, fraction, false));
        }
    }
}

static enum stroke stroke_of(const struct chart_series *series)
{
    if (series->ghost)
        return series->dotted ? STROKE_FAINT_DOTTED : STROKE_FAINT;
    return series->dashed ? STROKE_DASHED : series->dotted ? STROKE_DOTTED : STROKE_SOLID;
}

static void draw_columns(const struct trace *trace, const struct scale *scale,
                         struct canvas *canvas)
{
    for (int i = 0; i < trace->count; i++) {
        const struct trace_column *column = &trace->columns[i];
        const struct trace_column *from = i > 0 && !column->apart ? column - 1 : column;
        canvas_line(canvas, from->x, row_of(canvas, scale, column_mean(from)), column->x,
                    row_of(canvas, scale, column_mean(column)), trace->series->style,
                    stroke_of(trace->series));
    }
}

static void draw_points(const struct trace *trace, const struct scale *scale, struct canvas *canvas)
{
    const struct chart_series *series = trace->series;
    struct segment segment;
    for (size_t i = 0; i < series->count; i++) {
        if (!segment_at(trace, i, &segment))
            continue;
        int x[2];
        for (int end = 0; end < 2; end++)
            x[end] = (int)fmin(segment.x[end] * trace->width, trace->width - 1);
        canvas_line(canvas, x[0], row_of(canvas, scale, segment.value[0]), x[1],
                    row_of(canvas, scale, segment.value[1]), series->style, stroke_of(series));
    }
    if (!series->dotted || series->ghost)
        return;
    int distance = MARKER_DISTANCE * canvas->across, last = -distance;
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        int x = trace_column(&trace->x, point->x, trace->width);
        if (x < 0 || x >= trace->width || !scale_shows(trace->log, point->mean) ||
            x - last < distance)
            continue;
        last = x;
        canvas_marker(canvas, x, row_of(canvas, scale, point->mean), series->style);
    }
}

void trace_draw_line(const struct trace *trace, const struct scale *scale, struct canvas *canvas)
{
    if (trace->columns)
        draw_columns(trace, scale, canvas);
    else
        draw_points(trace, scale, canvas);
}

static void mark_beyond(const struct trace *trace, const struct scale *scale, struct canvas *canvas,
                        int x, double value)
{
    int row = row_of(canvas, scale, value);
    if (row < 0 || row >= canvas->height * canvas->down)
        put_arrow(canvas, x, row < 0, trace->series->style);
}

void trace_draw_beyond(const struct trace *trace, const struct scale *scale, struct canvas *canvas)
{
    const struct chart_series *series = trace->series;
    for (int i = 0; i < trace->count; i++)
        if (inside(trace, &trace->columns[i]))
            mark_beyond(trace, scale, canvas, trace->columns[i].x, column_mean(&trace->columns[i]));
    for (size_t i = 0; !trace->columns && i < series->count; i++)
        if (scale_shows(trace->log, series->points[i].mean))
            mark_beyond(trace, scale, canvas,
                        trace_column(&trace->x, series->points[i].x, trace->width),
                        series->points[i].mean);
}
