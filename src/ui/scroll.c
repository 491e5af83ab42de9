/* Scrolling. */
#include "scroll.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

bool scroll_key(struct scroll *scroll, const char *key)
{
    const int page = scroll->page > 1 ? scroll->page - 1 : 1;
    if (strcmp(key, "down") == 0 || strcmp(key, "j") == 0)
        scroll->top++;
    else if (strcmp(key, "up") == 0 || strcmp(key, "k") == 0)
        scroll->top--;
    else if (strcmp(key, "page-down") == 0)
        scroll->top += page;
    else if (strcmp(key, "page-up") == 0)
        scroll->top -= page;
    else if (strcmp(key, "home") == 0)
        scroll->top = 0;
    else if (strcmp(key, "end") == 0)
        scroll->top = INT_MAX / 2; /* scroll_fit knows the last line */
    else
        return false;
    if (scroll->top < 0)
        scroll->top = 0;
    return true;
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
