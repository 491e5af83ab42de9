/*
 * The grid of cells: runes and styles in memory, clipped at its edges. Owns
 * what a text becomes in cells: one column a character, ASCII where asked for.
 */
#include "grid.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void grid_init(struct grid *grid, int width, int height)
{
    *grid = (struct grid){.width = width > 0 ? width : 0, .height = height > 0 ? height : 0};
    grid->cells = mem_alloc((size_t)grid->width * (size_t)grid->height * sizeof *grid->cells);
    grid_clear(grid);
}

void grid_fini(struct grid *grid)
{
    mem_free(grid->cells);
    *grid = (struct grid){0};
}

void grid_clear(struct grid *grid)
{
    size_t count = (size_t)grid->width * (size_t)grid->height;
    for (size_t i = 0; i < count; i++)
        grid->cells[i] = (struct cell){.rune = ' ', .style = STYLE_PLAIN};
}

void grid_set_ascii(struct grid *grid, bool ascii)
{
    grid->ascii = ascii;
}

/* The characters that every terminal shows one column wide. wcwidth() would
 * depend on the locale, and what it says of newer ones differs between systems. */
static bool one_column(uint32_t rune)
{
    static const struct {
        uint16_t first, last;
    } ranges[] = {
        {0x0020, 0x007e}, {0x00a1, 0x00ac}, {0x00ae, 0x02ff}, {0x0370, 0x0482}, {0x048a, 0x058f},
        {0x1e00, 0x1fff}, {0x2010, 0x2027}, {0x2030, 0x205e}, {0x2070, 0x20bf}, {0x2100, 0x2319},
        {0x231c, 0x23e8}, {0x2460, 0x25fc}, {0x25ff, 0x2613}, {0x2713, 0x2727}, {0x2800, 0x28ff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (rune >= ranges[i].first && rune <= ranges[i].last)
            return true;
    return false;
}

static uint32_t to_ascii(uint32_t rune)
{
    static const struct {
        uint16_t rune;
        char ascii;
    } pairs[] = {
        {0x00b1, '~'},  {0x00b5, 'u'}, {0x00b7, '.'}, {0x00d7, 'x'}, {0x00f7, '/'}, {0x03b1, 'a'},
        {0x03b7, 'n'},  {0x03bb, 'l'}, {0x03c1, 'p'}, {0x2013, '-'}, {0x2014, '-'}, {0x2018, '\''},
        {0x2019, '\''}, {0x201c, '"'}, {0x201d, '"'}, {0x2022, 'o'}, {0x2026, '~'}, {0x2190, '<'},
        {0x2191, '^'},  {0x2192, '>'}, {0x2193, 'v'}, {0x2212, '-'}, {0x2264, '<'}, {0x2265, '>'},
        {0x2500, '-'},  {0x2501, '-'}, {0x2502, '|'}, {0x2503, '|'}, {0x2504, '-'}, {0x2506, ':'},
        {0x250a, ':'},  {0x2550, '='}, {0x2551, '|'}, {0x25a0, '#'}, {0x25b2, '^'}, {0x25b6, '>'},
        {0x25b8, '>'},  {0x25bc, 'v'}, {0x25c0, '<'}, {0x25cb, 'o'}, {0x25cf, 'o'}, {0x2605, '*'},
        {0x2713, '+'},  {0x2717, 'x'},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].rune == rune)
            return (uint32_t)pairs[i].ascii;
    if (rune >= 0x2500 && rune <= 0x257f) /* corners and crossings of lines */
        return '+';
    if (rune >= 0x2591 && rune <= 0x2592) /* shades */
        return '.';
    if (rune >= 0x2580 && rune <= 0x259f) /* blocks */
        return '#';
    if (rune > 0x2800 && rune <= 0x28ff)
        return '*';
    return rune == 0x2800 ? ' ' : '?';
}

void grid_put(struct grid *grid, int x, int y, enum style style, uint32_t rune)
{
    if (x < 0 || x >= grid->width || y < 0 || y >= grid->height)
        return;
    if (rune == 0xa0)
        rune = ' ';
    if (!one_column(rune))
        rune = '?';
    else if (grid->ascii && rune > 0x7e)
        rune = to_ascii(rune);
    struct cell *cell = &grid->cells[(size_t)y * (size_t)grid->width + (size_t)x];
    *cell = (struct cell){.rune = rune, .style = (uint8_t)style};
}

void grid_paint(struct grid *grid, int x, int y, uint32_t ink, uint32_t ground)
{
    if (x < 0 || x >= grid->width || y < 0 || y >= grid->height)
        return;
    struct cell *cell = &grid->cells[(size_t)y * (size_t)grid->width + (size_t)x];
    cell->painted = true;
    cell->ink = ink & 0xffffff;
    cell->ground = ground & 0xffffff;
}

/* Takes one character off the text; what is not UTF-8 goes byte by byte as '?'. */
static uint32_t next_rune(const char **text)
{
    const unsigned char *bytes = (const unsigned char *)*text;
    int more = bytes[0] < 0x80                        ? 0
               : bytes[0] >= 0xc2 && bytes[0] < 0xe0  ? 1
               : bytes[0] >= 0xe0 && bytes[0] < 0xf0  ? 2
               : bytes[0] >= 0xf0 && bytes[0] <= 0xf4 ? 3
                                                      : -1;
    if (more < 0) {
        *text += 1;
        return '?';
    }
    uint32_t rune = more ? bytes[0] & (0x3fu >> more) : bytes[0];
    for (int i = 1; i <= more; i++) {
        if ((bytes[i] & 0xc0) != 0x80) { /* this also stops at the final zero */
            *text += 1;
            return '?';
        }
        rune = rune << 6 | (bytes[i] & 0x3fu);
    }
    *text += more + 1;
    return rune;
}

int grid_text_columns(const char *text)
{
    int columns = 0;
    for (; *text; columns++)
        next_rune(&text);
    return columns;
}

int grid_text(struct grid *grid, int x, int y, int width, enum style style, const char *text)
{
    int used = 0;
    for (; *text && used < width; used++) {
        uint32_t rune = next_rune(&text);
        if (used == width - 1 && *text)
            rune = 0x2026;
        grid_put(grid, x + used, y, style, rune);
    }
    return used;
}

int grid_print(struct grid *grid, int x, int y, int width, enum style style, const char *format,
               ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return grid_text(grid, x, y, width, style, text);
}

static void append_rune(struct text *out, uint32_t rune)
{
    char bytes[3];
    size_t length = 0;
    if (rune < 0x80) {
        bytes[length++] = (char)rune;
    } else if (rune < 0x800) {
        bytes[length++] = (char)(0xc0 | rune >> 6);
        bytes[length++] = (char)(0x80 | (rune & 0x3f));
    } else {
        assert(rune < 0x10000); /* one_column() has none above */
        bytes[length++] = (char)(0xe0 | rune >> 12);
        bytes[length++] = (char)(0x80 | (rune >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (rune & 0x3f));
    }
    text_append(out, bytes, length);
}

/* A cell in a dump of styles; an empty plain one stays empty. */
static uint32_t style_letter(struct cell cell)
{
    static const char letters[STYLE_COUNT] = {
        [STYLE_PLAIN] = '.',      [STYLE_DIM] = 'd',        [STYLE_BOLD] = 'b',
        [STYLE_TITLE] = 't',      [STYLE_AXIS] = 'a',       [STYLE_TRAIN] = 'T',
        [STYLE_TRAIN_BAND] = 'B', [STYLE_VALIDATION] = 'V', [STYLE_EDIT] = 'E',
        [STYLE_GOOD] = 'G',       [STYLE_WARN] = 'W',       [STYLE_BAD] = 'R',
        [STYLE_KEY] = 'K',        [STYLE_BAR] = '=',        [STYLE_GHOST] = 'g',
        [STYLE_AUGMENTED] = 'N',  [STYLE_EARLIER] = 'e',    [STYLE_BAR_EDIT] = '~',
        [STYLE_BAR_GOOD] = '+',   [STYLE_BAR_WARN] = '?',   [STYLE_BAR_BAD] = '!',
    };
    assert(cell.style < STYLE_COUNT);
    if (cell.rune == ' ' && cell.style == STYLE_PLAIN)
        return ' ';
    return (uint32_t)letters[cell.style];
}

static void dump_rows(const struct grid *grid, bool styles, struct text *out)
{
    for (int y = 0; y < grid->height; y++) {
        const struct cell *row = grid->cells + (size_t)y * (size_t)grid->width;
        int end = grid->width;
        while (end > 0 && (styles ? style_letter(row[end - 1]) : row[end - 1].rune) == ' ')
            end--;
        for (int x = 0; x < end; x++)
            append_rune(out, styles ? style_letter(row[x]) : row[x].rune);
        text_append(out, "\n", 1);
    }
}

static char color_letter(uint32_t rgb)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return digits[(rgb >> 22 & 3) << 4 | (rgb >> 14 & 3) << 2 | (rgb >> 6 & 3)];
}

static void dump_colors(const struct grid *grid, struct text *out)
{
    for (int y = 0; y < grid->height; y++) {
        const struct cell *row = grid->cells + (size_t)y * (size_t)grid->width;
        int end = grid->width;
        while (end > 0 && !row[end - 1].painted)
            end--;
        for (int ground = 0; end > 0 && ground < 2; ground++) {
            for (int x = 0; x < end; x++) {
                char letter =
                    row[x].painted ? color_letter(ground ? row[x].ground : row[x].ink) : ' ';
                text_append(out, &letter, 1);
            }
            text_append(out, "\n", 1);
        }
    }
}

void grid_dump(const struct grid *grid, bool styles, struct text *out)
{
    dump_rows(grid, false, out);
    if (styles) {
        dump_rows(grid, true, out);
        dump_colors(grid, out);
    }
}
