/* Scrolling. */
#include "scroll.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Moves *at within 0 … last. */
static bool move(int *at, int last, int page, const char *key)
{
    page = page > 1 ? page - 1 : 1;
    if (strcmp(key, "down") == 0 || strcmp(key, "j") == 0)
        ++*at;
    else if (strcmp(key, "up") == 0 || strcmp(key, "k") == 0)
        --*at;
    else if (strcmp(key, "page-down") == 0)
        *at += page;
    else if (strcmp(key, "page-up") == 0)
        *at -= page;
    else if (strcmp(key, "home") == 0)
        *at = 0;
    else if (strcmp(key, "end") == 0)
        *at = last;
    else
        return false;
    *at = *at > last ? last : *at;
    *at = *at < 0 ? 0 : *at;
    return true;
}

bool scroll_key(struct scroll *scroll, const char *key)
{
    return move(&scroll->top, INT_MAX / 2, scroll->page, key); /* scroll_fit knows the last line */
}

bool scroll_choose(const struct scroll *scroll, int *chosen, int count, const char *key)
{
    return move(chosen, count - 1, scroll->page, key);
}

void scroll_to(struct scroll *scroll, int line)
{
    if (line < scroll->top)
        scroll->top = line;
    if (line >= scroll->top + scroll->page)
        scroll->top = line - scroll->page + 1;
}

void scroll_fit(struct scroll *scroll, int lines, int page)
{
    const int last = lines > page ? lines - page : 0;
    scroll->page = page;
    scroll->lines = lines;
    if (scroll->top > last)
        scroll->top = last;
}

void scroll_draw(const struct scroll *scroll, struct grid *grid, struct rect row)
{
    char place[64];
    const int end = scroll->top + scroll->page;
    if (scroll->lines <= scroll->page)
        return;
    snprintf(place, sizeof(place), "%d-%d of %d", scroll->top + 1,
             end < scroll->lines ? end : scroll->lines, scroll->lines);
    const int columns = grid_text_columns(place);
    grid_text(grid, row.x + row.width - 1 - columns, row.y, columns, STYLE_DIM, place);
}
