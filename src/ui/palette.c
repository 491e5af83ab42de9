/* See palette.h. */
#include "palette.h"
#include "color.h"

#include <stdlib.h>
#include <string.h>

/* Numbers of curses' pairs: the styles', then those of painted cells. */
enum { PAIR_FIRST = STYLE_COUNT + 1, PAIR_LAST = 32767, PAIR_LEAST = 4096 };

/* What each style looks like; -1: the terminal's own colour. */
static const struct look {
    short full, full_ground; /* of 256 */
    short basic;             /* of 8 */
    attr_t colored, mono;    /* attributes besides, or instead */
} looks[STYLE_COUNT] = {
    [STYLE_PLAIN] = {-1, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_DIM] = {245, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_BOLD] = {-1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_TITLE] = {-1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_AXIS] = {242, -1, -1, A_NORMAL, A_DIM},
    [STYLE_TRAIN] = {32, -1, COLOR_CYAN, A_NORMAL, A_NORMAL},
    [STYLE_TRAIN_BAND] = {24, -1, COLOR_BLUE, A_NORMAL, A_DIM},
    [STYLE_AUGMENTED] = {110, -1, COLOR_CYAN, A_BOLD, A_NORMAL},
    [STYLE_VALIDATION] = {208, -1, COLOR_YELLOW, A_NORMAL, A_BOLD},
    [STYLE_GHOST] = {248, -1, -1, A_NORMAL, A_DIM},
    [STYLE_EARLIER] = {137, -1, -1, A_NORMAL, A_DIM},
    [STYLE_EDIT] = {170, -1, COLOR_MAGENTA, A_NORMAL, A_BOLD},
    [STYLE_GOOD] = {71, -1, COLOR_GREEN, A_BOLD, A_BOLD},
    [STYLE_WARN] = {178, -1, COLOR_YELLOW, A_BOLD, A_BOLD},
    [STYLE_BAD] = {196, -1, COLOR_RED, A_BOLD, A_BOLD | A_REVERSE},
    [STYLE_KEY] = {-1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_BAR] = {252, 236, -1, A_NORMAL, A_REVERSE},
    [STYLE_BAR_EDIT] = {177, 236, COLOR_MAGENTA, A_BOLD, A_BOLD | A_REVERSE},
    [STYLE_BAR_GOOD] = {77, 236, COLOR_GREEN, A_BOLD, A_BOLD | A_REVERSE},
    [STYLE_BAR_WARN] = {178, 236, COLOR_YELLOW, A_BOLD, A_BOLD | A_REVERSE},
    [STYLE_BAR_BAD] = {203, 236, COLOR_RED, A_BOLD, A_BOLD | A_REVERSE},
};

static void prepare_pairs(struct palette *palette, int colors)
{
    palette->paints = colors >= 256 && COLOR_PAIRS >= PAIR_LEAST;
    if (!palette->paints || palette->pairs != NULL)
        return;
    palette->pairs = mem_alloc(256 * 256 * sizeof *palette->pairs);
    palette->next = PAIR_FIRST;
    palette->end = COLOR_PAIRS < PAIR_LAST ? COLOR_PAIRS : PAIR_LAST;
}

static void prepare_style(struct palette *palette, enum style style, int colors)
{
    const struct look *look = &looks[style];
    const bool full = colors >= 256, ground = full && look->full_ground >= 0;
    const short color = full ? look->full : look->basic;
    attr_t attributes = colors >= 8 && (full || color >= 0) ? look->colored : look->mono;
    short pair = 0;
    if (colors >= 8 && (color >= 0 || ground)) {
        pair = (short)(style + 1);
        init_pair(pair, color, full ? look->full_ground : -1);
    }
    if (!full && look->full_ground >= 0)
        attributes = look->mono;
    palette->look[style].attributes = attributes;
    palette->look[style].pair = pair;
    palette->look[style].ground = ground || (attributes & (A_REVERSE | A_UNDERLINE)) != 0;
}

void palette_set_colors(struct palette *palette, enum settings_colors colors)
{
    const char *no_color = getenv("NO_COLOR");
    bool mono =
        colors == COLORS_MONO || (colors == COLORS_AUTO && no_color != NULL && *no_color != '\0');
    int most = 0;
    if (!mono && has_colors() && start_color() == OK && use_default_colors() == OK)
        most = COLORS;
    if (colors == COLORS_16 && most > 16)
        most = 16;
    for (int i = 0; i < STYLE_COUNT; i++)
        prepare_style(palette, (enum style)i, most);
    prepare_pairs(palette, most);
}

void palette_fini(struct palette *palette)
{
    mem_free(palette->pairs);
}

/* Where there is no room, all pairs are forgotten. A number that gets other colours is drawn anew
 * by curses wherever it still is. */
bool palette_fit(struct palette *palette, const struct grid *grid)
{
    int painted = 0;
    for (int i = 0; i < grid->width * grid->height; i++)
        painted += grid->cells[i].painted;
    if (!palette->paints || painted <= palette->end - palette->next)
        return false;
    memset(palette->pairs, 0, 256 * 256 * sizeof *palette->pairs);
    palette->next = PAIR_FIRST;
    return true;
}

/* 0: there are no more. */
static short pair_of(struct palette *palette, const struct cell *cell)
{
    const int ink = color_nearest(cell->ink), ground = color_nearest(cell->ground);
    short *number = &palette->pairs[256 * ink + ground];
    if (*number == 0 && palette->next < palette->end) {
        *number = (short)palette->next++;
        init_pair(*number, (short)ink, (short)ground);
    }
    return *number;
}

bool palette_blank(const struct palette *palette, struct cell cell)
{
    return cell.rune == ' ' && !cell.painted && !palette->look[cell.style].ground;
}

void palette_put(struct palette *palette, const struct cell *cell, cchar_t *out)
{
    wchar_t text[2] = {(wchar_t)cell->rune, L'\0'};
    attr_t attributes = palette->look[cell->style].attributes;
    short pair = cell->painted && palette->paints ? pair_of(palette, cell) : 0;
    if (pair != 0)
        attributes &= ~A_REVERSE;
    else
        pair = palette->look[cell->style].pair;
    setcchar(out, text, attributes, pair, NULL);
}
