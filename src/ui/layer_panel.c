/* The histogram of a layer's activations and the trend of its norms. */
#include "layer_panel.h"
#include "canvas.h"
#include "draw.h"
#include "health.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the histogram ---- */

/* Of `columns` columns, those bins that are in column i; of more columns than
 * bins the bin that it is a part of. */
static double column_value(const struct layer_measure *layer, int columns, int i)
{
    const int first = i * FEED_BINS / columns, end = (i + 1) * FEED_BINS / columns;
    double sum = layer->bins[first];
    for (int b = first + 1; b < end; b++)
        sum += layer->bins[b];
    return sum;
}

/* Every column's height, from 0 to `most`: at least 1 where there is anything. */
static void column_heights(const struct layer_measure *layer, int columns, int most, int *heights)
{
    double tallest = 0;
    for (int i = 0; i < columns; i++)
        tallest = fmax(tallest, column_value(layer, columns, i));
    for (int i = 0; i < columns; i++)
        heights[i] = tallest > 0 ? (int)ceil(most * column_value(layer, columns, i) / tallest) : 0;
}

static void draw_bars(struct canvas *canvas, const struct layer_measure *layer)
{
    int heights[4 * FEED_BINS];
    const int columns = canvas->width * canvas->across, rows = canvas->height * canvas->down;
    column_heights(layer, columns, rows, heights);
    for (int i = 0; i < columns; i++)
        if (heights[i] > 0)
            canvas_line(canvas, i, rows - heights[i], i, rows - 1, STYLE_TRAIN, STROKE_SOLID);
}

void layer_bins_row(struct grid *grid, int x, int y, int cells, enum settings_glyphs glyphs,
                    const struct layer_measure *layer)
{
    static const uint32_t shades[] = {' ', 0x2591, 0x2592, 0x2593, 0x2588};
    static const char ramp[] = " .:-=+*#";
    int heights[2 * FEED_BINS];
    if (glyphs == GLYPHS_BRAILLE) {
        struct canvas canvas;
        canvas_init(&canvas, cells, 1, glyphs);
        draw_bars(&canvas, layer);
        canvas_draw(&canvas, grid, x, y);
        canvas_fini(&canvas);
        return;
    }
    /* Too few rows for bars: how dense instead of how high. */
    const bool block = glyphs == GLYPHS_BLOCK;
    column_heights(layer, cells, block ? 4 : (int)sizeof(ramp) - 2, heights);
    for (int i = 0; i < cells; i++)
        grid_put(grid, x + i, y, STYLE_TRAIN,
                 block ? shades[heights[i]] : (uint32_t)ramp[heights[i]]);
}

/* Bars with the largest share of a bin at the left and the range below. */
static void draw_histogram(struct grid *grid, struct rect where, int cells,
                           enum settings_glyphs glyphs, const struct layer_measure *layer)
{
    enum { GUTTER = 5 };
    const int x = where.x + GUTTER, foot = where.y + where.height - 1;
    struct canvas canvas;
    canvas_init(&canvas, cells, where.height - 1, glyphs);
    draw_bars(&canvas, layer);
    canvas_draw(&canvas, grid, x, where.y);
    canvas_fini(&canvas);

    double values = layer->zeros, tallest = 0;
    for (int i = 0; i < FEED_BINS; i++) {
        values += layer->bins[i];
        tallest = fmax(tallest, layer->bins[i]);
    }
    if (tallest > 0)
        grid_print(grid, where.x, where.y, GUTTER - 1, STYLE_AXIS, "%3.0f%%",
                   ceil(100 * tallest / values));
    char high[32];
    const int zero = (int)lround(-layer->bins_from / layer->bin_width) * cells / FEED_BINS;
    int used = 0;
    if (layer->bins_from < 0)
        used = grid_print(grid, x, foot, cells, STYLE_AXIS, "%.3g", layer->bins_from);
    if (zero == 0 || zero > used)
        grid_put(grid, x + zero, foot, STYLE_AXIS, '0');
    snprintf(high, sizeof(high), "%.3g", layer->bins_from + FEED_BINS * layer->bin_width);
    const int columns = grid_text_columns(high);
    if (zero + 1 < cells - columns)
        grid_text(grid, x + cells - columns, foot, columns, STYLE_AXIS, high);
}

/* ---- trends ---- */

struct trend {
    const struct layer_point *points;
    size_t count;
    bool ratio;       /* the update ratio, not the gradient's norm */
    double low, high; /* of the logarithms */
};

/* "0.59", but "5.9e-4" */
static void format_norm(double value, char *out, size_t size)
{
    if (value >= 0.01 && value < 1000)
        snprintf(out, size, value < 100 ? "%.2g" : "%.0f", value);
    else
        draw_scientific(value, out, size);
}

/* The logarithm of point i's value; NaN where it has none. */
static double trend_value(const struct trend *trend, size_t i)
{
    const struct layer_point *point = &trend->points[i];
    const double value = trend->ratio ? point->update_ratio : point->gradient_norm;
    return value > 0 && isfinite(value) ? log10(value) : NAN;
}

/* At least a factor of 2 from foot to top, so that little is not drawn as much. */
static void trend_fit(struct trend *trend)
{
    trend->low = INFINITY;
    trend->high = -INFINITY;
    for (size_t i = 0; i < trend->count; i++) {
        trend->low = fmin(trend->low, trend_value(trend, i));
        trend->high = fmax(trend->high, trend_value(trend, i));
    }
    const double missing = fmax(log10(2) - (trend->high - trend->low), 0) / 2;
    trend->low -= missing;
    trend->high += missing;
}

static void draw_trend(struct grid *grid, struct rect where, enum settings_glyphs glyphs,
                       struct trend *trend, const char *name)
{
    enum { GUTTER = 8 };
    char number[32];
    trend_fit(trend);
    char span[96];
    snprintf(span, sizeof(span), "%s, steps %" PRId64 " to %" PRId64, name, trend->points[0].step,
             trend->points[trend->count - 1].step);
    draw_fitting(grid, (struct rect){where.x + GUTTER, where.y, where.width - GUTTER, 1}, STYLE_DIM,
                 (const char *const[]){span, name}, 2);
    if (!(trend->low < trend->high))
        return;
    format_norm(pow(10, trend->high), number, sizeof(number));
    grid_print(grid, where.x, where.y + 1, GUTTER - 1, STYLE_AXIS, "%7s", number);
    if (where.height > 2) {
        format_norm(pow(10, trend->low), number, sizeof(number));
        grid_print(grid, where.x, where.y + where.height - 1, GUTTER - 1, STYLE_AXIS, "%7s",
                   number);
    }

    struct canvas canvas;
    canvas_init(&canvas, where.width - GUTTER, where.height - 1, glyphs);
    const double right = canvas.width * canvas.across - 1, foot = canvas.height * canvas.down - 1;
    const double from = (double)trend->points[0].step;
    const double steps = fmax((double)trend->points[trend->count - 1].step - from, 1);
    int x_before = -1, y_before = 0;
    for (size_t i = 0; i < trend->count; i++) {
        const double value = trend_value(trend, i);
        if (isnan(value)) {
            x_before = -1;
            continue;
        }
        const int x = (int)lround(right * ((double)trend->points[i].step - from) / steps);
        const int y = (int)lround(foot * (trend->high - value) / (trend->high - trend->low));
        canvas_line(&canvas, x_before < 0 ? x : x_before, x_before < 0 ? y : y_before, x, y,
                    trend->ratio ? STYLE_VALIDATION : STYLE_TRAIN, STROKE_SOLID);
        x_before = x;
        y_before = y;
    }
    canvas_draw(&canvas, grid, where.x + GUTTER, where.y + 1);
    canvas_fini(&canvas);
}

/* ---- the panel ---- */

static void draw_title(struct grid *grid, struct rect where, const struct history *history, int l)
{
    const struct layer_measure *layer = &history->layers.layer[l];
    const struct settings *settings = &history->snapshot.settings;
    char activation[SETTINGS_TEXT], about[192] = "", *end = about + sizeof(about);
    settings_format(settings, settings_find("network.activation", NULL), activation,
                    sizeof(activation));
    for (int x = where.x; x < where.x + where.width; x++)
        grid_put(grid, x, where.y, STYLE_AXIS, 0x2500);
    int x = where.x + 2;
    x += grid_print(grid, x, where.y, where.width - 4, STYLE_TITLE, " layer %d ", l + 1);
    char *at = about;
    at += snprintf(at, (size_t)(end - at), "%d → %d %s", layer->inputs, layer->units,
                   layer->hidden ? activation : "classes");
    if (layer->hidden)
        at += snprintf(at, (size_t)(end - at), ", %d never above 0, %.0f%% zero", layer->inactive,
                       100 * layer_zero(layer));
    if (!isnan(layer->mean_drift))
        snprintf(at, (size_t)(end - at), ", means %.2f sd off, deviations %.0f%%",
                 layer->mean_drift, 100 * (exp(layer->deviation_drift) - 1));
    /* Whole parts only. */
    const int room = where.x + where.width - 3 - x;
    while (grid_text_columns(about) > room && (at = strrchr(about, ',')) != NULL)
        *at = '\0';
    grid_print(grid, x, where.y, room + 1, STYLE_PLAIN, "%s ", about);
}

void layer_panel_draw(struct grid *grid, struct rect where, enum settings_glyphs glyphs,
                      const struct history *history, int l)
{
    enum { HISTOGRAM_GUTTER = 5, GAP = 3, TREND_LEAST = 24 };
    const struct layer_measure *layer = &history->layers.layer[l];
    draw_title(grid, where, history, l);
    where.y++;
    where.height--;
    int cells = where.width >= 140 ? 2 * FEED_BINS : FEED_BINS;
    if (where.width < HISTOGRAM_GUTTER + cells)
        cells /= 2;
    draw_histogram(grid, where, cells, glyphs, layer);

    const int left = HISTOGRAM_GUTTER + cells + GAP;
    if (where.width - left < TREND_LEAST)
        return;
    struct rect upper = {where.x + left, where.y, where.width - left, where.height / 2};
    struct rect lower = {upper.x, upper.y + upper.height, upper.width, where.height - upper.height};
    struct trend gradient = {.points = history->layer_trend[l], .count = history->trend_points};
    struct trend update = gradient;
    update.ratio = true;
    draw_trend(grid, upper, glyphs, &gradient, "gradient");
    draw_trend(grid, lower, glyphs, &update, "update/weight");
}
