/*
 * Series to columns to dots.
 *
 * A series of buckets gives one mean and one band per column of dots, so that
 * nothing of 4096 buckets is lost in 100 columns. A series of joined points
 * (evaluations) is drawn point by point. What cannot be shown breaks the line.
 */
#include "trace.h"

#include <math.h>
#include <stdlib.h>

enum { MARKER_DISTANCE = 3 /* cells */, UP_ARROW = 0x2191, DOWN_ARROW = 0x2193 };

int trace_column(double x, double x_first, double x_last, int width)
{
    double fraction = (x - x_first) / (x_last - x_first);
    if (!(fraction >= 0))
        return -1;
    if (fraction > 1)
        return width;
    int column = (int)(fraction * width);
    return column < width ? column : width - 1;
}

static void column_add(struct trace_column *column, const struct chart_point *point, bool log)
{
    if (!scale_shows(log, point->mean)) {
        column->gap = column->count == 0;
        return;
    }
    double minimum = isnan(point->minimum) ? point->mean : point->minimum;
    double maximum = isnan(point->maximum) ? point->mean : point->maximum;
    if (column->count == 0 || minimum < column->minimum)
        column->minimum = minimum;
    if (column->count == 0 || maximum > column->maximum)
        column->maximum = maximum;
    column->sum += point->mean;
    column->count++;
    column->gap = false;
}

void trace_init(struct trace *trace, const struct chart_series *series, bool log, double x_first,
                double x_last, int width)
{
    *trace = (struct trace){
        .series = series, .log = log, .x_first = x_first, .x_last = x_last, .width = width};
    if (series->lines)
        return;
    trace->columns = mem_alloc((size_t)width * sizeof *trace->columns);
    for (size_t i = 0; i < series->count; i++) {
        int column = trace_column(series->points[i].x, x_first, x_last, width);
        if (column >= 0 && column < width)
            column_add(&trace->columns[column], &series->points[i], log);
    }
}

void trace_fini(struct trace *trace)
{
    mem_free(trace->columns);
    *trace = (struct trace){0};
}

static double column_mean(const struct trace_column *column)
{
    return column->sum / (double)column->count;
}

/* One piece of a line of joined points, cut where the chart ends. */
struct segment {
    double x[2], value[2];
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
    if (!scale_shows(trace->log, point->mean) || !isfinite(point->x))
        return false;
    if (!scale_shows(trace->log, before->mean) || !isfinite(before->x) || before->x > point->x)
        before = point;
    if (point->x < trace->x_first || before->x > trace->x_last)
        return false;
    double span = point->x - before->x;
    double from = fmax(before->x, trace->x_first), to = fmin(point->x, trace->x_last);
    *segment = (struct segment){
        .x = {from, to},
        .value = {from > before->x
                      ? between(before->mean, point->mean, (from - before->x) / span, trace->log)
                      : before->mean,
                  to < point->x
                      ? between(before->mean, point->mean, (to - before->x) / span, trace->log)
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

/* Fits the upper edge of a band, or with direction -1 the lower one, all but
 * its rare peaks: one column in fifty may stretch the chart by half, no more,
 * and what is beyond that is left to the arrows at the chart's edge. */
static void fit_band(const struct trace *trace, struct extent *bands, int direction)
{
    double *edges = mem_alloc((size_t)trace->width * sizeof *edges);
    size_t count = 0;
    struct extent means = {INFINITY, -INFINITY};
    for (int i = 0; i < trace->width; i++) {
        const struct trace_column *column = &trace->columns[i];
        if (!column->count)
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
        for (int i = 0; i < trace->width; i++)
            if (trace->columns[i].count)
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

/* The next column that holds anything, and whether no gap lies before it. */
static int next_filled(const struct trace *trace, int from, bool *joined)
{
    *joined = true;
    for (int i = from + 1; i < trace->width; i++) {
        if (trace->columns[i].count)
            return i;
        if (trace->columns[i].gap)
            *joined = false;
    }
    return trace->width;
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
    if (!trace->columns)
        return;
    bool joined;
    for (int i = next_filled(trace, -1, &joined), next; i < trace->width; i = next) {
        const struct trace_column *column = &trace->columns[i];
        shade_column(trace, scale, canvas, i, column->maximum, column->minimum);
        next = next_filled(trace, i, &joined);
        if (next == trace->width || !joined)
            continue;
        /* Fewer points than columns: the band runs straight from one to the next. */
        const struct trace_column *after = &trace->columns[next];
        for (int x = i + 1; x < next; x++) {
            double fraction = (double)(x - i) / (next - i);
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
    return series->dotted ? STROKE_DOTTED : STROKE_SOLID;
}

static void draw_columns(const struct trace *trace, const struct scale *scale,
                         struct canvas *canvas)
{
    bool joined = false;
    int before = -1;
    for (int i = next_filled(trace, -1, &joined); i < trace->width;) {
        int row = row_of(canvas, scale, column_mean(&trace->columns[i]));
        int from = before >= 0 && joined ? before : i;
        int from_row = row_of(canvas, scale, column_mean(&trace->columns[from]));
        canvas_line(canvas, from, from_row, i, row, trace->series->style, stroke_of(trace->series));
        before = i;
        i = next_filled(trace, i, &joined);
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
            x[end] = trace_column(segment.x[end], trace->x_first, trace->x_last, trace->width);
        canvas_line(canvas, x[0], row_of(canvas, scale, segment.value[0]), x[1],
                    row_of(canvas, scale, segment.value[1]), series->style, stroke_of(series));
    }
    if (!series->dotted || series->ghost)
        return;
    int distance = MARKER_DISTANCE * canvas->across, last = -distance;
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        int x = trace_column(point->x, trace->x_first, trace->x_last, trace->width);
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
    for (int i = 0; trace->columns && i < trace->width; i++)
        if (trace->columns[i].count)
            mark_beyond(trace, scale, canvas, i, column_mean(&trace->columns[i]));
    for (size_t i = 0; !trace->columns && i < series->count; i++)
        if (scale_shows(trace->log, series->points[i].mean))
            mark_beyond(
                trace, scale, canvas,
                trace_column(series->points[i].x, trace->x_first, trace->x_last, trace->width),
                series->points[i].mean);
}
