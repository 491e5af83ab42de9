/*
 * A search's map: its trials at the values that were searched, learning rate
 * against L2, say, or the units of two layers, coloured by what they came to.
 */
#include "color.h"
#include "control.h"
#include "draw.h"
#include "scale.h"
#include "search_view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 24, STOPS_MOST = 64, LABELS = 9 };

/* Where trials are along one direction. A range goes on; what has single values has a stop for
 * each, as long as there is room. */
struct axis {
    char name[BOARD_TEXT]; /* "learning_rate", "layer 2", of values of the trials "accuracy" */
    int parameter;         /* its index in a trial's; -1: the value */
    int layer;             /* of a parameter "90-60-25", from 0; -1: the whole of it */
    bool log, range;
    double low, high;
    int stops;
    char stop[STOPS_MOST][BOARD_TEXT];
};

struct map {
    const struct board *board;
    int count; /* of axes that there are */
    struct axis axis[AXES];
    const struct axis *x, *y;
};

/* ---- axes ---- */

/* The text of a trial's value there; false: it has none. */
static bool axis_text(const struct axis *axis, const struct trial *trial, char out[BOARD_TEXT])
{
    if (axis->parameter < 0 || axis->parameter >= trial->parameters)
        return false;
    text_copy(out, BOARD_TEXT, trial->parameter[axis->parameter].value);
    char *part = out;
    for (int i = 0; i < axis->layer; i++) {
        part = strchr(part, '-');
        if (part == NULL)
            return false;
        part++;
    }
    if (axis->layer < 0)
        return true;
    part[strcspn(part, "-")] = '\0';
    memmove(out, part, strlen(part) + 1);
    return true;
}

static double axis_number(const struct map *map, const struct axis *axis, const struct trial *trial)
{
    char text[BOARD_TEXT];
    double number;
    if (axis->parameter < 0)
        return map->board->now.loss || isnan(trial->value) ? trial->value : 100 * trial->value;
    return axis_text(axis, trial, text) && number_parse_double(text, &number) == 0 ? number : NAN;
}

static int compare_stops(const void *a, const void *b)
{
    double x, y;
    if (number_parse_double(a, &x) == 0 && number_parse_double(b, &y) == 0)
        return (x > y) - (x < y);
    return strcmp(a, b);
}

/* All that is told apart, in its order. */
static void find_stops(const struct map *map, struct axis *axis)
{
    char text[BOARD_TEXT];
    for (size_t i = 0; i < map->board->count && axis->stops <= STOPS_MOST; i++) {
        if (!axis_text(axis, &map->board->trials[i], text))
            continue;
        int at = 0;
        while (at < axis->stops && strcmp(axis->stop[at], text) != 0)
            at++;
        if (at < axis->stops)
            continue;
        if (axis->stops < STOPS_MOST)
            text_copy(axis->stop[axis->stops], BOARD_TEXT, text);
        axis->stops++;
    }
    if (axis->stops > STOPS_MOST) { /* too many to be told apart */
        axis->stops = 0;
        axis->range = true;
    }
    qsort(axis->stop, (size_t)axis->stops, BOARD_TEXT, compare_stops);
}

static void find_bounds(const struct map *map, struct axis *axis)
{
    for (size_t i = 0; i < map->board->count; i++) {
        const double number = axis_number(map, axis, &map->board->trials[i]);
        if (isfinite(number) && fabs(number) < SCALE_LARGEST) {
            axis->low = fmin(axis->low, number);
            axis->high = fmax(axis->high, number);
        }
    }
    axis->log = axis->log && axis->low > 0;
}

static const struct search_axis *searched(const struct board *board, const char *name)
{
    for (int i = 0; i < board->now.axis_count; i++)
        if (strcmp(board->now.axis[i].name, name) == 0)
            return &board->now.axis[i];
    return NULL;
}

static void add_axis(struct map *map, const struct trial *trial, int parameter, int layer)
{
    static const char layers[] = "network.hidden.";
    if (map->count == AXES)
        return;
    struct axis *axis = &map->axis[map->count++];
    *axis =
        (struct axis){.parameter = parameter, .layer = layer, .low = INFINITY, .high = -INFINITY};
    const char *name = parameter >= 0 ? trial->parameter[parameter].name : "";
    const char *dot = strchr(name, '.');
    const struct search_axis *known = searched(map->board, name);
    if (parameter < 0)
        text_copy(axis->name, sizeof axis->name, map->board->now.loss ? "loss" : "accuracy %");
    else if (layer >= 0)
        snprintf(axis->name, sizeof axis->name, "layer %d", layer + 1);
    else if (strncmp(name, layers, strlen(layers)) == 0)
        snprintf(axis->name, sizeof axis->name, "layer %.16s", name + strlen(layers));
    else
        text_copy(axis->name, sizeof axis->name, dot != NULL ? dot + 1 : name);
    axis->range = parameter < 0;
    if (known != NULL && known->range) {
        axis->range = true;
        axis->log = known->log;
        axis->low = known->low;
        axis->high = known->high;
    }
    if (!axis->range)
        find_stops(map, axis);
    find_bounds(map, axis);
}

/* A parameter that is an architecture has an axis for each layer. */
static int layers_of(const struct map *map, int parameter)
{
    int layers = 1;
    if (strcmp(map->board->trials[0].parameter[parameter].name, "network.hidden") != 0)
        return 0;
    for (size_t i = 0; i < map->board->count; i++) {
        int here = 1;
        for (const char *c = map->board->trials[i].parameter[parameter].value; *c != '\0'; c++)
            here += *c == '-';
        layers = here > layers ? here : layers;
    }
    return layers;
}

/* What the trials came to is the last one. */
static void make_axes(const struct board *board, struct map *map)
{
    *map = (struct map){.board = board};
    const struct trial *first = &board->trials[0];
    for (int i = 0; i < first->parameters; i++) {
        const int layers = layers_of(map, i);
        for (int layer = 0; layer < layers; layer++)
            add_axis(map, first, i, layer);
        if (layers == 0)
            add_axis(map, first, i, -1);
    }
    add_axis(map, first, -1, -1);
}

/* The pair that was asked for, of those there are: each axis with each after it. */
static int choose_pair(struct map *map, int pair)
{
    const int count = map->count, pairs = count * (count - 1) / 2;
    int at = pair % pairs;
    for (int x = 0; x < count; x++)
        for (int y = x + 1; y < count; y++)
            if (at-- == 0) {
                map->x = &map->axis[x];
                map->y = &map->axis[y];
            }
    return pairs;
}

/* ---- places ---- */

/* From 0 to 1; NaN: it is not on the map. */
static double share_of(const struct map *map, const struct axis *axis, const struct trial *trial)
{
    char text[BOARD_TEXT];
    if (axis->stops > 0) {
        for (int i = 0; axis_text(axis, trial, text) && i < axis->stops; i++)
            if (strcmp(axis->stop[i], text) == 0)
                return (i + 0.5) / axis->stops;
        return NAN;
    }
    const double number = axis_number(map, axis, trial);
    if (!scale_shows(axis->log, number))
        return NAN;
    const struct scale scale = scale_around(axis->low, axis->high, axis->log);
    return fmin(fmax(scale_fraction(&scale, number), 0), 1);
}

/* From dark blue over green to yellow, the lighter the better, as eyes with few colours see too. */
static uint32_t color_of(double share)
{
    static const uint32_t palette[] = {0x30123b, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725};
    const int last = sizeof palette / sizeof *palette - 1;
    const double place = fmin(fmax(share, 0), 1) * last;
    const int at = place >= last ? last - 1 : (int)place;
    uint32_t rgb = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double from = palette[at] >> shift & 255, to = palette[at + 1] >> shift & 255;
        rgb |= (uint32_t)lround(from + (place - at) * (to - from)) << shift;
    }
    return rgb;
}

/* Without colours a digit, 9 the best. */
static void put_tile(struct grid *grid, struct rect tile, const struct map *map,
                     const struct trial *trial, bool chosen, bool paint)
{
    const double share = board_share(map->board, trial);
    const bool best = trial->number == map->board->now.best;
    const enum style style = best ? STYLE_GOOD : board_style(trial);
    char text[BOARD_TEXT] = "";
    if (tile.width >= 6)
        board_value(map->board, trial->value, text);
    else if (!paint && !isnan(share))
        snprintf(text, sizeof text, "%d", (int)fmin(floor(10 * share), 9));
    if (isnan(share))
        text_copy(text, sizeof text, trial->state == TRIAL_FAILED ? "x" : "?");
    for (int y = tile.y; y < tile.y + tile.height; y++)
        for (int x = tile.x; x < tile.x + tile.width; x++)
            grid_put(grid, x, y, style, ' ');
    const int middle = tile.y + tile.height / 2, used = grid_text_columns(text);
    grid_text(grid, tile.x + (tile.width - used) / 2, middle, tile.width,
              chosen ? STYLE_BOLD : style, text);
    const bool frame = tile.width >= used + 2;
    if (chosen && frame) {
        grid_put(grid, tile.x, middle, STYLE_EDIT, '[');
        grid_put(grid, tile.x + tile.width - 1, middle, STYLE_EDIT, ']');
    } else if (chosen) {
        grid_put(grid, tile.x, middle, STYLE_EDIT, '@');
    } else if (best && used == 0) {
        grid_put(grid, tile.x, middle, style, '*');
    }
    if (!paint || isnan(share))
        return;
    const uint32_t ground = color_of(share);
    for (int y = tile.y; y < tile.y + tile.height; y++)
        for (int x = tile.x; x < tile.x + tile.width; x++)
            grid_paint(grid, x, y, color_luminance(ground) > 110 ? 0x000000 : 0xffffff, ground);
}

/* Cells that a place takes in one direction: of stops as many as fit, else one. */
static int tile_size(const struct axis *axis, int cells, int most)
{
    const int size = axis->stops > 0 ? cells / axis->stops : 1;
    return size < 1 ? 1 : size > most ? most : size;
}

static int tile_start(const struct axis *axis, double share, int cells, int size)
{
    if (axis->stops > 0 && axis->stops * size <= cells)
        return (int)(share * axis->stops) * size;
    const int at = (int)(share * cells);
    return at > cells - size ? cells - size : at;
}

/* ---- drawing ---- */

struct plot {
    struct rect where;
    int width, height; /* of a tile */
};

/* The worst first, so that the best of a place is seen; the chosen one last. */
static void draw_tiles(struct grid *grid, const struct plot *plot, const struct map *map,
                       const struct trial *chosen, bool paint)
{
    const struct board *board = map->board;
    for (size_t i = board->count + 1; i-- > 0;) {
        const struct trial *trial = i > 0 ? &board->trials[board->order[i - 1]] : chosen;
        const double x = share_of(map, map->x, trial), y = share_of(map, map->y, trial);
        if (isnan(x) || isnan(y))
            continue;
        struct rect tile = {tile_start(map->x, x, plot->where.width, plot->width),
                            tile_start(map->y, y, plot->where.height, plot->height), plot->width,
                            plot->height};
        tile.x += plot->where.x;
        tile.y = plot->where.y + plot->where.height - tile.y - plot->height;
        if (tile.width >= 3) /* a gap between two */
            tile.width--;
        put_tile(grid, tile, map, trial, trial == chosen, paint);
    }
}

struct tick {
    double share;
    char text[BOARD_TEXT];
};

static int make_ticks(const struct axis *axis, int cells, int gap, struct tick *out, int most)
{
    if (axis->stops > 0) {
        const int step = (axis->stops * gap + cells - 1) / cells;
        int count = 0;
        for (int i = 0; i < axis->stops && count<most; i += step> 0 ? step : 1) {
            out[count].share = (i + 0.5) / axis->stops;
            text_copy(out[count++].text, BOARD_TEXT, axis->stop[i]);
        }
        return count;
    }
    const struct scale scale = scale_around(axis->low, axis->high, axis->log);
    struct ticks ticks;
    scale_ticks(&scale, cells, gap, cells / gap, &ticks);
    for (int i = 0; i < ticks.count && i < most; i++) {
        out[i].share = scale_fraction(&scale, ticks.at[i]);
        scale_label(out[i].text, ticks.at[i], ticks.step, false);
    }
    return ticks.count < most ? ticks.count : most;
}

static void draw_axes(struct grid *grid, const struct plot *plot, const struct map *map)
{
    struct tick ticks[STOPS_MOST];
    const struct rect where = plot->where;
    const int foot = where.y + where.height;
    for (int y = where.y; y < foot; y++)
        grid_put(grid, where.x - 1, y, STYLE_AXIS, 0x2502);
    for (int x = where.x; x < where.x + where.width; x++)
        grid_put(grid, x, foot, STYLE_AXIS, 0x2500);
    grid_put(grid, where.x - 1, foot, STYLE_AXIS, 0x2514);
    int count = make_ticks(map->y, where.height, 2, ticks, STOPS_MOST);
    for (int i = 0; i < count; i++) {
        const int at = tile_start(map->y, fmin(ticks[i].share, 1), where.height, plot->height);
        const int y = foot - at - plot->height + plot->height / 2;
        const int columns = grid_text_columns(ticks[i].text);
        grid_text(grid, columns < LABELS ? where.x - 2 - columns : where.x - 1 - LABELS, y,
                  LABELS - 1, STYLE_AXIS, ticks[i].text);
        grid_put(grid, where.x - 1, y, STYLE_AXIS, 0x2524);
    }
    count = make_ticks(map->x, where.width, LABELS, ticks, STOPS_MOST);
    for (int i = 0; i < count; i++) {
        const int at = tile_start(map->x, fmin(ticks[i].share, 1), where.width, plot->width);
        const int columns = grid_text_columns(ticks[i].text);
        int x = where.x + at + (plot->width - 1) / 2;
        grid_put(grid, x, foot, STYLE_AXIS, 0x252c);
        x -= columns / 2;
        x = x < where.x ? where.x : x;
        if (x + columns > where.x + where.width)
            x = where.x + where.width - columns;
        grid_text(grid, x, foot + 1, columns, STYLE_AXIS, ticks[i].text);
    }
}

/* What the colours, or the digits, mean: the values of the worst and of the best. */
static void draw_legend(struct grid *grid, struct rect row, const struct map *map, bool paint)
{
    enum { STEPS = 10 };
    const struct board *board = map->board;
    char worst[BOARD_TEXT], best[BOARD_TEXT];
    int x = row.x;
    if (isnan(board->best))
        return;
    board_value(board, board->worst, worst);
    board_value(board, board->best, best);
    x += grid_print(grid, x, row.y, row.width, STYLE_DIM, "%s ", worst);
    for (int i = 0; i < STEPS && x < row.x + row.width; i++, x++) {
        grid_put(grid, x, row.y, STYLE_DIM, paint ? ' ' : (uint32_t)('0' + i));
        if (paint)
            grid_paint(grid, x, row.y, 0, color_of(i / (STEPS - 1.0)));
    }
    grid_print(grid, x, row.y, row.x + row.width - x, STYLE_DIM, " %s", best);
}

static void draw_chosen(struct grid *grid, struct rect row, const struct map *map,
                        const struct trial *chosen)
{
    char value[BOARD_TEXT], text[1024], values[512], standing[BOARD_TEXT];
    board_value(map->board, chosen->value, value);
    board_state(map->board, chosen, false, standing);
    board_parameters(chosen, values, sizeof values);
    snprintf(text, sizeof text, "trial %d  %s  %s  %s", chosen->number, value, standing, values);
    grid_text(grid, row.x, row.y, row.width, STYLE_PLAIN, text);
}

void map_draw(struct grid *grid, const struct layout *layout, struct state *state,
              const struct history *history)
{
    const struct board *board = &history->board;
    const struct trial *chosen = board_chosen(board, state->search.chosen);
    const struct rect body = layout->body;
    if (chosen == NULL) {
        draw_centered(grid, body, STYLE_DIM,
                      board->feed != NULL ? "no trial has begun yet" : "this is no search");
        return;
    }
    struct map *map = mem_alloc(sizeof *map);
    make_axes(board, map);
    choose_pair(map, state->search.pair);
    struct plot plot = {
        .where = {body.x + 1 + LABELS + 1, body.y + 1, body.width - LABELS - 4, body.height - 4}};
    plot.width = tile_size(map->x, plot.where.width, 12);
    plot.height = tile_size(map->y, plot.where.height, 4);
    grid_print(grid, body.x + 1, body.y, body.width / 2, STYLE_BOLD, "%s", map->y->name);
    struct rect row = {body.x + body.width / 2, body.y, body.width / 2 - 1, 1};
    draw_legend(grid, row, map, state->paints);
    draw_axes(grid, &plot, map);
    const int columns = grid_text_columns(map->x->name);
    grid_text(grid, body.x + 1, plot.where.y + plot.where.height + 1, LABELS, STYLE_BOLD,
              columns > LABELS ? "" : map->x->name);
    draw_tiles(grid, &plot, map, chosen, state->paints);
    row = (struct rect){body.x + 1, body.y + body.height - 1, body.width - 2, 1};
    if (columns > LABELS) {
        grid_text(grid, row.x + row.width - columns, row.y, columns, STYLE_BOLD, map->x->name);
        row.width -= columns + 2;
    }
    draw_chosen(grid, row, map, chosen);
    mem_free(map);
}
