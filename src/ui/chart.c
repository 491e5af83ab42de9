/*
 * Charts: where title, axes, marks and curves go, and what the axes say.
 *
 * From top to bottom: title and legend, a row for the labels of marks, the
 * plot with the y axis at its left, the x axis, its labels. What does not fit
 * is left out, the plot last. The y labels have a fixed width wherever they
 * fit in it, so that the x axes of charts above each other line up.
 */
#include "chart.h"

#include "canvas.h"
#include "legend.h"
#include "scale.h"
#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LABEL_WIDTH = 6,      /* of y labels, where it is enough */
    WIDEST_LABEL = 10,    /* else up to this */
    SMALLEST_PLOT = 8,    /* narrower ones have no y axis */
    SHORTEST_LABEL = 12,  /* of marks: less says nothing */
    GRID_DISTANCE = 4,    /* columns between the dots at a tick's height */
    HEIGHT_FOR_X = 4,     /* rows from which on there are labels of x, */
    HEIGHT_FOR_MARKS = 7, /* a row for the labels of marks, */
    HEIGHT_FOR_AXIS = 10, /* a row for the x axis */
};

/* A character in the three kinds of glyphs; the middle ones are in WGL4. */
struct glyph {
    uint32_t braille, block, ascii;
};
static const struct glyph GLYPH_AXIS = {0x2502, 0x2502, '|'}, GLYPH_TICK_Y = {0x2524, 0x2524, '+'},
                          GLYPH_LINE = {0x2500, 0x2500, '-'}, GLYPH_TICK_X = {0x252c, 0x252c, '+'},
                          GLYPH_CORNER = {0x2514, 0x2514, '+'}, GLYPH_GRID = {0xb7, ' ', ' '},
                          GLYPH_MARK = {0x25bc, 0x25bc, 'v'}, GLYPH_BACK = {0x25c4, 0x25c4, '<'},
                          GLYPH_MARK_LINE = {0x250a, 0x2502, ':'},
                          GLYPH_NOTE = {0x25c6, 0x25a0, '*'}, GLYPH_CURSOR = {0x2502, 0x2502, '|'},
                          GLYPH_CURSOR_X = {0x253c, 0x253c, '|'},
                          GLYPH_BEST = {0x25b2, 0x25b2, '^'};

/* A drawing in progress. */
struct drawing {
    struct grid *grid;
    const struct chart *chart;
    struct rect where, plot;
    int marks_row, axis_row, label_row; /* -1: none */
    int label_width;                    /* of y; 0: no y axis */
    struct scale x;                     /* low … high */
    double x_scale;
    struct scale y;
    struct ticks x_ticks, y_ticks;
    struct trace *traces; /* of all series, */
    struct trace *ghosts; /* of all ghosts */
};

static void put(const struct drawing *drawing, int x, int y, enum style style, struct glyph glyph)
{
    enum settings_glyphs glyphs = drawing->chart->glyphs;
    grid_put(drawing->grid, x, y, style,
             glyphs == GLYPHS_ASCII   ? glyph.ascii
             : glyphs == GLYPHS_BLOCK ? glyph.block
                                      : glyph.braille);
}

/* The part of the rectangle that is inside the grid. */
static struct rect visible(const struct grid *grid, struct rect where)
{
    int64_t right = (int64_t)where.x + where.width, bottom = (int64_t)where.y + where.height;
    int x = where.x > 0 ? where.x : 0, y = where.y > 0 ? where.y : 0;
    right = right < grid->width ? right : grid->width;
    bottom = bottom < grid->height ? bottom : grid->height;
    if (right <= x || bottom <= y)
        return (struct rect){0};
    return (struct rect){x, y, (int)(right - x), (int)(bottom - y)};
}

static void plan_x(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    bool known = scale_shows(chart->log_x, chart->x_first) && scale_shows(false, chart->x_last);
    bool scaled = scale_shows(false, chart->x_scale) && chart->x_scale > 0;
    drawing->x_scale = scaled ? chart->x_scale : 1;
    double first = known ? chart->x_first : chart->log_x ? 1 : 0;
    double last = known ? chart->x_last : drawing->x_scale;
    double narrowest = fmax(fabs(first) * 1e-9, 1 / SCALE_LARGEST);
    if (last - first <= narrowest)
        last = first + fmax(drawing->x_scale, narrowest);
    drawing->x = (struct scale){first, last, chart->log_x};
    first /= drawing->x_scale;
    last /= drawing->x_scale;
    if (!scale_shows(chart->log_x, first) || !scale_shows(false, last) ||
        last - first < 1 / SCALE_LARGEST)
        drawing->x_scale = 1;
}

static void plan_rows(struct drawing *drawing)
{
    struct rect where = drawing->where;
    int top = where.y + 1, bottom = where.y + where.height;
    drawing->marks_row = drawing->axis_row = drawing->label_row = -1;
    if (where.height >= HEIGHT_FOR_MARKS && drawing->chart->mark_count)
        drawing->marks_row = top++;
    if (where.height >= HEIGHT_FOR_X)
        drawing->label_row = --bottom;
    if (where.height >= HEIGHT_FOR_AXIS)
        drawing->axis_row = --bottom;
    drawing->plot.y = top;
    drawing->plot.height = bottom - top;
}

static void plan_columns(struct drawing *drawing, int label_width)
{
    struct rect where = drawing->where;
    if (where.width < label_width + 1 + SMALLEST_PLOT || drawing->plot.height < 2)
        label_width = 0;
    int left = label_width ? label_width + 1 : 0;
    drawing->label_width = label_width;
    drawing->plot.x = where.x + left;
    drawing->plot.width = where.width - left;
}

static void free_traces(struct drawing *drawing)
{
    for (size_t i = 0; i < drawing->chart->series_count; i++)
        trace_fini(&drawing->traces[i]);
    for (size_t i = 0; i < drawing->chart->ghost_count; i++)
        trace_fini(&drawing->ghosts[i]);
    mem_free(drawing->traces);
    mem_free(drawing->ghosts);
}

/* Series to columns, and *means and *bands widened to them. */
static struct trace *make_traces(const struct drawing *drawing, const struct chart_series *series,
                                 size_t count, struct extent *means, struct extent *bands)
{
    int columns = drawing->plot.width * canvas_dots_across(drawing->chart->glyphs);
    struct trace *traces = mem_alloc(count * sizeof *traces);
    for (size_t i = 0; i < count; i++) {
        trace_init(&traces[i], &series[i], &drawing->x, drawing->chart->log_y, columns);
        trace_fit(&traces[i], means, bands);
    }
    return traces;
}

/* Widens the range by the ghosts', but by no more than half of it at each end. */
static void fit_ghosts(const struct extent *ghosts, bool logarithmic, double *low, double *high)
{
    if (ghosts->low > ghosts->high)
        return;
    if (*low > *high) {
        *low = ghosts->low;
        *high = ghosts->high;
        return;
    }
    double span = logarithmic ? sqrt(*high / *low) : (*high - *low) / 2;
    double least = logarithmic ? *low / span : *low - span;
    double most = logarithmic ? *high * span : *high + span;
    *low = fmin(*low, fmax(ghosts->low, least));
    *high = fmax(*high, fmin(ghosts->high, most));
}

static void fit(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct extent means = {INFINITY, -INFINITY}, bands = means, ghosts = means, unused = means;
    drawing->traces = make_traces(drawing, chart->series, chart->series_count, &means, &bands);
    drawing->ghosts = make_traces(drawing, chart->ghosts, chart->ghost_count, &ghosts, &unused);
    double low = fmin(means.low, bands.low), high = fmax(means.high, bands.high);
    fit_ghosts(&ghosts, chart->log_y, &low, &high);
    if (low > high) {
        low = chart->log_y ? 0.1 : 0;
        high = 1;
    }
    const double floor = low < 0 ? -INFINITY : 0;
    const double ceiling = chart->percent && low >= 0 && high <= 1 ? 1 : INFINITY;
    int down = canvas_dots_down(chart->glyphs), rows = drawing->plot.height;
    int wanted = rows / 3 < 3 ? 3 : rows / 3 > 7 ? 7 : rows / 3;
    if (!chart->log_y && scale_fit_rows(&drawing->y, low, high, floor, ceiling, rows, down, wanted,
                                        &drawing->y_ticks))
        return;
    drawing->y = scale_around(low, high, chart->log_y);
    drawing->y.high = fmin(drawing->y.high, ceiling);
    scale_fit_ticks(&drawing->y, floor, ceiling, rows * down, (rows >= 6 ? 2 : 1) * down, down,
                    wanted, &drawing->y_ticks);
}

static int widest_label(const struct drawing *drawing)
{
    int widest = 0;
    for (int i = 0; i < drawing->y_ticks.count; i++) {
        char label[SCALE_LABEL];
        scale_label(label, drawing->y_ticks.at[i], drawing->y_ticks.step, drawing->chart->percent);
        int columns = (int)strlen(label);
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static int x_cell(const struct drawing *drawing, double x)
{
    return trace_column(&drawing->x, x, drawing->plot.width);
}

static bool inside(const struct drawing *drawing, int cell)
{
    return cell >= 0 && cell < drawing->plot.width;
}

static int y_row(const struct drawing *drawing, double value)
{
    int down = canvas_dots_down(drawing->chart->glyphs);
    double fraction = scale_fraction(&drawing->y, value);
    return (int)lround((1 - fraction) * (drawing->plot.height * down - 1)) / down;
}

static void draw_y_axis(const struct drawing *drawing)
{
    struct rect plot = drawing->plot;
    if (!drawing->label_width)
        return;
    for (int row = 0; row < plot.height; row++)
        put(drawing, plot.x - 1, plot.y + row, STYLE_AXIS, GLYPH_AXIS);
    for (int i = 0; i < drawing->y_ticks.count; i++) {
        char label[SCALE_LABEL];
        double value = drawing->y_ticks.at[i];
        scale_label(label, value, drawing->y_ticks.step, drawing->chart->percent);
        int y = plot.y + y_row(drawing, value), columns = (int)strlen(label);
        int width = drawing->label_width;
        grid_text(drawing->grid, drawing->where.x + (columns < width ? width - columns : 0), y,
                  width, STYLE_AXIS, label);
        put(drawing, plot.x - 1, y, STYLE_AXIS, GLYPH_TICK_Y);
        for (int x = GRID_DISTANCE - 1; x < plot.width; x += GRID_DISTANCE)
            put(drawing, plot.x + x, y, STYLE_DIM, GLYPH_GRID);
    }
}

static void plan_x_ticks(struct drawing *drawing)
{
    struct scale scale = {drawing->x.low / drawing->x_scale, drawing->x.high / drawing->x_scale,
                          drawing->x.log};
    int width = drawing->plot.width;
    /* Wider labels need larger distances, which may make them shorter. */
    for (int gap = 4;; gap += 2) {
        int wanted = width / (gap + 6);
        scale_ticks(&scale, width, gap, wanted < 3 ? 3 : wanted, &drawing->x_ticks);
        int widest = 0;
        for (int i = 0; i < drawing->x_ticks.count; i++) {
            char label[SCALE_LABEL];
            scale_label(label, drawing->x_ticks.at[i], drawing->x_ticks.step, false);
            int columns = (int)strlen(label);
            widest = columns > widest ? columns : widest;
        }
        if (widest + 2 <= gap || gap > SCALE_LABEL)
            return;
    }
}

/* What the axis counts: below the y axis or else at the end of the row. Returns
 * where the labels of ticks have to end. */
static int draw_x_label(const struct drawing *drawing)
{
    const char *label = drawing->chart->x_label;
    struct rect plot = drawing->plot;
    int columns = label ? grid_text_columns(label) : 0, end = plot.x + plot.width;
    if (!columns)
        return end;
    if (columns <= drawing->label_width) {
        grid_text(drawing->grid, plot.x - 1 - columns, drawing->label_row, columns, STYLE_AXIS,
                  label);
        return end;
    }
    if (plot.width < 3 * columns)
        return end;
    grid_text(drawing->grid, end - columns, drawing->label_row, columns, STYLE_AXIS, label);
    return end - columns - 1;
}

static void draw_x_axis(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct rect where = drawing->where, plot = drawing->plot;
    int best = chart->best ? x_cell(drawing, chart->best->x) : -1;
    if (drawing->axis_row >= 0) {
        if (drawing->label_width)
            put(drawing, plot.x - 1, drawing->axis_row, STYLE_AXIS, GLYPH_CORNER);
        for (int x = 0; x < plot.width; x++)
            put(drawing, plot.x + x, drawing->axis_row, STYLE_AXIS, GLYPH_LINE);
    }
    if (drawing->label_row < 0)
        return;
    int end = draw_x_label(drawing), used = plot.x;
    /* Ticks keep clear of the best epoch where it has to be in the same row. */
    bool best_below = inside(drawing, best) && drawing->axis_row < 0 && plot.x + best < end;
    for (int i = 0; i < drawing->x_ticks.count; i++) {
        char label[SCALE_LABEL];
        double value = drawing->x_ticks.at[i];
        scale_label(label, value, drawing->x_ticks.step, false);
        int cell = x_cell(drawing, value * drawing->x_scale), columns = (int)strlen(label);
        if (!inside(drawing, cell))
            continue;
        if (drawing->axis_row >= 0)
            put(drawing, plot.x + cell, drawing->axis_row, STYLE_AXIS, GLYPH_TICK_X);
        int x = plot.x + cell - (columns - 1) / 2;
        x = x < used ? used : x;
        x = x + columns > where.x + where.width ? where.x + where.width - columns : x;
        bool hides_best = best_below && x <= plot.x + best + 1 && plot.x + best <= x + columns;
        bool off_tick = x > plot.x + cell || x + columns <= plot.x + cell;
        if (x < used || x + columns > end || hides_best || off_tick)
            continue;
        grid_text(drawing->grid, x, drawing->label_row, columns, STYLE_AXIS, label);
        used = x + columns + 1;
    }
    if (inside(drawing, best) && (drawing->axis_row >= 0 || best_below))
        put(drawing, plot.x + best, best_below ? drawing->label_row : drawing->axis_row, STYLE_GOOD,
            GLYPH_BEST);
}

static int cursor_cell(const struct drawing *drawing)
{
    return drawing->chart->cursor != NULL ? x_cell(drawing, *drawing->chart->cursor) : -1;
}

static void draw_cursor(const struct drawing *drawing)
{
    struct rect plot = drawing->plot;
    int cell = cursor_cell(drawing);
    if (!inside(drawing, cell))
        return;
    for (int row = 0; row < plot.height; row++)
        put(drawing, plot.x + cell, plot.y + row, STYLE_BOLD, GLYPH_CURSOR);
    if (drawing->axis_row >= 0)
        put(drawing, plot.x + cell, drawing->axis_row, STYLE_BOLD, GLYPH_CURSOR_X);
}

static void draw_mark_lines(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (size_t i = 0; i < chart->mark_count; i++) {
        int cell = x_cell(drawing, chart->marks[i].x);
        if (!inside(drawing, cell))
            continue;
        for (int row = 0; row < drawing->plot.height; row++)
            put(drawing, drawing->plot.x + cell, drawing->plot.y + row, chart->marks[i].style,
                GLYPH_MARK_LINE);
    }
}

/* The first of the marks up to `last` that share its column. */
static size_t same_column(const struct drawing *drawing, size_t last)
{
    const struct chart_mark *marks = drawing->chart->marks;
    int cell = x_cell(drawing, marks[last].x);
    while (last > 0 && x_cell(drawing, marks[last - 1].x) == cell)
        last--;
    return last;
}

static const char *label_of(const struct chart_mark *mark)
{
    return mark->label != NULL ? mark->label : "";
}

/* The labels of marks in one column, in order; where that takes more than `room`, false, and the
 * newest and how many there are besides, or their number alone. */
static bool join_labels(const struct chart_mark *marks, size_t count, int room, struct text *out)
{
    out->length = 0;
    for (size_t i = 0; i < count; i++)
        text_print(out, "%s%s", i > 0 ? ", " : "", label_of(&marks[i]));
    if (count == 1 || grid_text_columns(out->bytes) <= room)
        return true;
    out->length = 0;
    text_print(out, "%s +%zu", label_of(&marks[count - 1]), count - 1);
    if (grid_text_columns(out->bytes) <= room)
        return false;
    out->length = 0;
    text_print(out, "%zu changes", count);
    return false;
}

/* Writes joined labels, each in its own style, as far as there is room. */
static void write_labels(struct grid *grid, int x, int y, int room, const struct chart_mark *marks,
                         size_t count)
{
    for (size_t i = 0; i < count && room > 0; i++) {
        char label[128];
        snprintf(label, sizeof label, "%s%s", label_of(&marks[i]), i + 1 < count ? ", " : "");
        int used = grid_text(grid, x, y, room, marks[i].style, label);
        x += used;
        room -= used;
    }
}

/* A tick for each column with marks, and labels from the last one on: at its right, or at its left
 * where there is no room, never over another one. */
static void draw_mark_labels(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct rect plot = drawing->plot;
    int y = drawing->marks_row >= 0 ? drawing->marks_row : plot.y;
    int limit = plot.width;
    struct text label = {0};
    for (size_t i = chart->mark_count, first; i > 0; i = first) {
        const struct chart_mark *mark = &chart->marks[i - 1];
        first = same_column(drawing, i - 1);
        int cell = x_cell(drawing, mark->x);
        if (!inside(drawing, cell) || cell >= limit)
            continue;
        put(drawing, plot.x + cell, y, mark->style,
            mark->kind == MARK_RETURN ? GLYPH_BACK
            : mark->kind == MARK_NOTE ? GLYPH_NOTE
                                      : GLYPH_MARK);
        int before = first > 0 ? x_cell(drawing, chart->marks[first - 1].x) : -1;
        int right = limit - cell - 2, left = cell - before - 3;
        limit = cell;
        if (drawing->marks_row < 0)
            continue;
        bool all =
            join_labels(&chart->marks[first], i - first, right > left ? right : left, &label);
        int columns = grid_text_columns(label.bytes), x, room;
        if (columns <= right || (right >= SHORTEST_LABEL && right >= left)) {
            x = plot.x + cell + 2;
            room = right;
        } else if (left >= SHORTEST_LABEL) {
            room = columns < left ? columns : left;
            x = plot.x + cell - 1 - room;
            limit = cell - 2 - room;
        } else {
            continue;
        }
        if (all)
            write_labels(drawing->grid, x, y, room, &chart->marks[first], i - first);
        else
            grid_text(drawing->grid, x, y, room, mark->style, label.bytes);
    }
    text_fini(&label);
}

static void draw_curves(const struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    struct rect plot = drawing->plot;
    struct canvas canvas;
    canvas_init(&canvas, plot.width, plot.height, chart->glyphs);
    for (size_t i = 0; i < chart->series_count; i++)
        trace_draw_band(&drawing->traces[i], &drawing->y, &canvas);
    canvas_draw(&canvas, drawing->grid, plot.x, plot.y);
    canvas_fini(&canvas);

    canvas_init(&canvas, plot.width, plot.height, chart->glyphs);
    for (size_t i = 0; i < chart->ghost_count; i++) {
        trace_draw_line(&drawing->ghosts[i], &drawing->y, &canvas);
        trace_draw_beyond(&drawing->ghosts[i], &drawing->y, &canvas);
    }
    canvas_draw(&canvas, drawing->grid, plot.x, plot.y);
    canvas_fini(&canvas);

    draw_mark_lines(drawing);
    draw_cursor(drawing);

    canvas_init(&canvas, plot.width, plot.height, chart->glyphs);
    for (size_t i = 0; i < chart->series_count; i++)
        trace_draw_line(&drawing->traces[i], &drawing->y, &canvas);
    canvas_draw(&canvas, drawing->grid, plot.x, plot.y);
    canvas_fini(&canvas);
}

struct rect chart_draw(struct grid *grid, struct rect where, const struct chart *chart)
{
    struct drawing drawing = {.grid = grid, .chart = chart, .where = visible(grid, where)};
    if (!drawing.where.width)
        return (struct rect){0};
    legend_draw(grid, drawing.where, chart);
    plan_x(&drawing);
    plan_rows(&drawing);
    if (!drawing.plot.height)
        return (struct rect){0};
    plan_columns(&drawing, LABEL_WIDTH);
    fit(&drawing);
    int widest = widest_label(&drawing);
    if (widest > LABEL_WIDTH) {
        free_traces(&drawing);
        plan_columns(&drawing, widest < WIDEST_LABEL ? widest : WIDEST_LABEL);
        fit(&drawing);
    }
    plan_x_ticks(&drawing);
    draw_y_axis(&drawing);
    draw_x_axis(&drawing);
    draw_curves(&drawing);
    draw_mark_labels(&drawing);
    free_traces(&drawing);
    return drawing.plot;
}
