/*
 * Legends: one row, made shorter in steps until it fits. First go the whole
 * names of ghosts and earlier runs, then the unit of where the best
 * value was, where it was, ghosts, the best value, the names and the newest values.
 */
#include "legend.h"

#include "draw.h"
#include "scale.h"

#include <math.h>
#include <stdio.h>

enum detail {
    DETAIL_TITLE,
    DETAIL_GLYPHS,
    DETAIL_VALUES,
    DETAIL_NAMES,
    DETAIL_BEST,
    DETAIL_GHOSTS,
    DETAIL_BEST_AT,
    DETAIL_BEST_UNIT,
    DETAIL_ALL
};

/* Writes at the cursor, or only counts where grid is NULL. */
struct cursor {
    struct grid *grid;
    int x, y, end;
};

static void write(struct cursor *cursor, enum style style, const char *text)
{
    if (cursor->grid && cursor->x < cursor->end)
        grid_text(cursor->grid, cursor->x, cursor->y, cursor->end - cursor->x, style, text);
    cursor->x += grid_text_columns(text);
}

/* The chart's own format, known only at run time. */
static void format_value(char *out, size_t size, const struct chart *chart, double value)
{
    if (isnan(value)) {
        snprintf(out, size, "NaN");
        return;
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, size, chart->value_format, chart->percent ? 100 * value : value);
#pragma GCC diagnostic pop
}

static const char *glyph_of(const struct chart *chart, const struct chart_series *series)
{
    switch (chart->glyphs) {
    case GLYPHS_ASCII:
        return series->ghost    ? "~~~"
               : series->dashed ? "==="
               : series->dotted ? series->lines ? "-o-" : "---"
                                : "***";
    case GLYPHS_BLOCK:
        return series->ghost    ? "◦◦◦"
               : series->dashed ? "▄ ▄"
               : series->dotted ? series->lines ? "·•·" : "···"
                                : "▄▄▄";
    default:
        return series->dashed ? "⠒⠐⠒" : series->dotted ? series->lines ? "⠂⠶⠂" : "⠂⠂⠂" : "⠒⠒⠒";
    }
}

static void write_best(struct cursor *cursor, const struct chart *chart, enum detail detail)
{
    if (!chart->best || !chart->value_format || !isfinite(chart->best->mean))
        return;
    char value[64], epoch[32], text[128];
    format_value(value, sizeof value, chart, chart->best->mean);
    snprintf(text, sizeof text, "  best %s", value);
    write(cursor, STYLE_GOOD, text);
    if (detail < DETAIL_BEST_AT || !(chart->x_scale > 0))
        return;
    draw_epoch(chart->best->x / chart->x_scale, epoch, sizeof epoch);
    const char *label = chart->x_label ? chart->x_label : "";
    if (detail < DETAIL_BEST_UNIT) {
        snprintf(text, sizeof text, " @ %s", epoch); /* the axis says of what */
        write(cursor, STYLE_GOOD, text);
        return;
    }
    snprintf(text, sizeof text, " @ %s %s", chart->x_after ? epoch : label,
             chart->x_after ? label : epoch);
    write(cursor, STYLE_GOOD, text);
}

static void write_legend(struct cursor *cursor, const struct chart *chart, enum detail detail)
{
    write(cursor, STYLE_TITLE, chart->title ? chart->title : "");
    for (size_t i = 0; detail >= DETAIL_GLYPHS && i < chart->series_count; i++) {
        const struct chart_series *series = &chart->series[i];
        write(cursor, STYLE_PLAIN, detail >= DETAIL_NAMES ? "   " : "  ");
        write(cursor, series->style, glyph_of(chart, series));
        if (detail >= DETAIL_NAMES && series->name) {
            bool brief = detail < DETAIL_ALL && series->brief;
            write(cursor, STYLE_PLAIN, " ");
            write(cursor, STYLE_PLAIN, brief ? series->brief : series->name);
        }
        if (detail >= DETAIL_VALUES && chart->value_format && series->count && !series->past) {
            char value[64];
            format_value(value, sizeof value, chart, series->points[series->count - 1].mean);
            write(cursor, STYLE_PLAIN, " ");
            write(cursor, series->style, value);
        }
    }
    for (size_t i = 0; detail >= DETAIL_GHOSTS && i < chart->ghost_count; i++) {
        const struct chart_series *ghost = &chart->ghosts[i];
        if (!ghost->name)
            continue;
        write(cursor, STYLE_PLAIN, "   ");
        write(cursor, ghost->style, glyph_of(chart, ghost));
        write(cursor, STYLE_PLAIN, " ");
        write(cursor, ghost->style,
              detail < DETAIL_ALL && ghost->brief ? ghost->brief : ghost->name);
    }
    if (detail >= DETAIL_BEST)
        write_best(cursor, chart, detail);
}

void legend_draw(struct grid *grid, struct rect where, const struct chart *chart)
{
    enum detail detail = DETAIL_ALL;
    for (; detail > DETAIL_TITLE; detail--) {
        struct cursor counting = {.end = where.width};
        write_legend(&counting, chart, detail);
        if (counting.x <= where.width)
            break;
    }
    struct cursor cursor = {.grid = grid, .x = where.x, .y = where.y, .end = where.x + where.width};
    write_legend(&cursor, chart, detail);
}
