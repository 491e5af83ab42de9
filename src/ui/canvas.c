/*
 * Dots to runes.
 *
 * The block glyphs are only those of WGL4 (the halves, the shades, the middle
 * dot), since quadrants are missing from the same fonts that lack braille.
 */
#include "canvas.h"

#include <stdlib.h>

enum { MIDDLE_DOT = 0xb7, BULLET = 0x2022, WHITE_BULLET = 0x25e6, LIGHT_SHADE = 0x2591 };

int canvas_dots_across(enum settings_glyphs glyphs)
{
    return glyphs == GLYPHS_BRAILLE ? 2 : 1;
}

int canvas_dots_down(enum settings_glyphs glyphs)
{
    return glyphs == GLYPHS_BRAILLE ? 4 : glyphs == GLYPHS_BLOCK ? 2 : 1;
}

void canvas_init(struct canvas *canvas, int width, int height, enum settings_glyphs glyphs)
{
    *canvas = (struct canvas){.width = width,
                              .height = height,
                              .across = canvas_dots_across(glyphs),
                              .down = canvas_dots_down(glyphs),
                              .glyphs = glyphs};
    canvas->cells = mem_alloc((size_t)width * (size_t)height * sizeof *canvas->cells);
}

void canvas_fini(struct canvas *canvas)
{
    mem_free(canvas->cells);
    *canvas = (struct canvas){0};
}

/* The cell around a dot, NULL outside. */
static struct canvas_cell *cell_at(struct canvas *canvas, int x, int y)
{
    if (x < 0 || x >= canvas->width * canvas->across || y < 0 || y >= canvas->height * canvas->down)
        return NULL;
    size_t row = (size_t)(y / canvas->down), column = (size_t)(x / canvas->across);
    return &canvas->cells[row * (size_t)canvas->width + column];
}

static void put_dot(struct canvas *canvas, int x, int y, enum style style)
{
    struct canvas_cell *cell = cell_at(canvas, x, y);
    if (!cell)
        return;
    cell->dots |= (uint8_t)(1u << (y % canvas->down * canvas->across + x % canvas->across));
    cell->style = (uint8_t)style;
}

void canvas_rune(struct canvas *canvas, int x, int y, enum style style, uint32_t rune)
{
    struct canvas_cell *cell = cell_at(canvas, x, y);
    if (!cell)
        return;
    cell->rune = rune;
    cell->style = (uint8_t)style;
}

void canvas_marker(struct canvas *canvas, int x, int y, enum style style)
{
    if (canvas->glyphs != GLYPHS_BRAILLE) {
        canvas_rune(canvas, x, y, style, canvas->glyphs == GLYPHS_BLOCK ? BULLET : 'o');
        return;
    }
    /* A bullet would move the point to the middle of its cell. */
    for (int i = -1; i <= 1; i++) {
        put_dot(canvas, x + i, y, style);
        put_dot(canvas, x, y + i, style);
    }
}

void canvas_shade(struct canvas *canvas, int x, int top, int bottom, enum style style)
{
    int end = canvas->height * canvas->down - 1;
    for (int y = top > 0 ? top : 0; y <= bottom && y <= end; y++) {
        if (canvas->glyphs != GLYPHS_BRAILLE)
            canvas_rune(canvas, x, y, style, canvas->glyphs == GLYPHS_BLOCK ? LIGHT_SHADE : '.');
        else if ((x + y) % 2 == 0)
            put_dot(canvas, x, y, style);
    }
}

/* What a line leaves out is counted along its longer side. */
static void put_line_dot(struct canvas *canvas, int x, int y, enum style style, enum stroke stroke,
                         bool steep)
{
    static const int every[] = {
        [STROKE_SOLID] = 1, [STROKE_DOTTED] = 2, [STROKE_FAINT] = 1, [STROKE_FAINT_DOTTED] = 3};
    bool block = canvas->glyphs == GLYPHS_BLOCK;
    if (stroke == STROKE_DASHED) {
        if (canvas->glyphs == GLYPHS_ASCII)
            canvas_rune(canvas, x, y, style, '=');
        else if ((steep ? y : x) % (block ? 3 : 4) != (block ? 2 : 3))
            put_dot(canvas, x, y, style);
        return;
    }
    if (stroke == STROKE_SOLID ||
        (canvas->glyphs == GLYPHS_BRAILLE && (steep ? y : x) % every[stroke] == 0))
        put_dot(canvas, x, y, style);
    else if (canvas->glyphs == GLYPHS_BRAILLE)
        return;
    else if (stroke == STROKE_DOTTED)
        canvas_rune(canvas, x, y, style, block ? MIDDLE_DOT : '-');
    else if (stroke == STROKE_FAINT || x % 2 == 0)
        canvas_rune(canvas, x, y, style, block ? WHITE_BULLET : '~');
}

void canvas_line(struct canvas *canvas, int x_from, int y_from, int x_to, int y_to,
                 enum style style, enum stroke stroke)
{
    int64_t wide = (int64_t)x_to - x_from, high = (int64_t)y_to - y_from;
    bool steep = llabs(high) > llabs(wide);
    int last_x = canvas->width * canvas->across - 1, last_y = canvas->height * canvas->down - 1;
    int first = x_from > 0 ? x_from : 0, last = x_to < last_x ? x_to : last_x;
    for (int x = first; x <= last; x++) {
        /* Each column holds the part of the line that is nearest to it. */
        double at = wide ? (double)(x - x_from) / (double)wide : 0;
        double half = wide ? 0.5 / (double)wide : 0;
        double from = at - half > 0 ? at - half : 0;
        double to = !wide || at + half > 1 ? 1 : at + half;
        double begin = y_from + 0.5 + from * (double)high;
        double end = y_from + 0.5 + to * (double)high;
        double top = begin < end ? begin : end, bottom = begin < end ? end : begin;
        if (bottom < 0 || top > last_y + 1)
            continue;
        int y = top < 0 ? 0 : (int)top;
        int y_last = bottom > last_y ? last_y : (int)bottom;
        if (y_last > y && !steep)
            y_last = y = (int)(y_from + 0.5 + at * (double)high);
        for (; y <= y_last; y++)
            put_line_dot(canvas, x, y, style, stroke, steep);
    }
}

static uint32_t braille(uint8_t dots)
{
    /* Unicode numbers them down the left column, then the right, then the fourth row. */
    static const uint8_t bits[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    uint32_t rune = 0x2800;
    for (int i = 0; i < 8; i++)
        if (dots & 1u << i)
            rune |= bits[i];
    return rune;
}

static uint32_t cell_rune(const struct canvas *canvas, const struct canvas_cell *cell)
{
    if (cell->rune)
        return cell->rune;
    static const uint32_t halves[4] = {' ', 0x2580, 0x2584, 0x2588};
    switch (canvas->glyphs) {
    case GLYPHS_BRAILLE:
        return braille(cell->dots);
    case GLYPHS_BLOCK:
        return halves[cell->dots & 3];
    default:
        return '*';
    }
}

void canvas_draw(const struct canvas *canvas, struct grid *grid, int x, int y)
{
    for (int row = 0; row < canvas->height; row++) {
        for (int column = 0; column < canvas->width; column++) {
            const struct canvas_cell *cell =
                &canvas->cells[(size_t)row * (size_t)canvas->width + (size_t)column];
            if (cell->rune || cell->dots)
                grid_put(grid, x + column, y + row, cell->style, cell_rune(canvas, cell));
        }
    }
}
