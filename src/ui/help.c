/* The help screen, from the tables of keys, commands and settings. */
#include "draw.h"
#include "screens.h"

#include <stdio.h>
#include <string.h>

/* A long text, of which the lines from `top` on are shown. */
struct page {
    struct grid *grid;
    struct rect where;
    int top, line; /* line: the next one to be written */
    int left;      /* columns of the terms, before their meanings */
};

/* The row of the next line, outside the grid where it is not shown. */
static int page_row(struct page *page)
{
    int row = page->line++ - page->top;
    return row >= 0 && row < page->where.height ? page->where.y + row : -1;
}

static void page_title(struct page *page, const char *title)
{
    if (page->line > 0)
        page_row(page);
    grid_text(page->grid, page->where.x, page_row(page), page->where.width, STYLE_TITLE, title);
}

static void page_entry(struct page *page, const char *term, const char *meaning)
{
    int y = page_row(page), left = page->left;
    grid_text(page->grid, page->where.x + 2, y, page->where.width - 2, STYLE_KEY, term);
    if (grid_text_columns(term) + 2 >= left)
        y = page_row(page);
    for (bool first = true; *meaning != '\0'; first = false) {
        const char *next;
        size_t length = draw_line_break(meaning, page->where.width - left, &next);
        if (!first)
            y = page_row(page);
        grid_print(page->grid, page->where.x + left, y, page->where.width - left, STYLE_PLAIN,
                   "%.*s", (int)length, meaning);
        meaning = next;
    }
}

static void page_keys(struct page *page)
{
    page_title(page, "Keys");
    for (size_t i = 0; i < key_count(); i++)
        page_entry(page, key_row(i)->keys, key_row(i)->meaning);
}

static void page_commands(struct page *page)
{
    page_title(page, "Commands, after :");
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command_info *info = command_info((enum command_id)i);
        char term[128];
        snprintf(term, sizeof(term), "%s %s", info->name, info->arguments);
        page_entry(page, term, info->meaning);
    }
}

static void page_settings(struct page *page)
{
    page_title(page, "Settings that change during a run, by set KEY VALUE");
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        if (row->change != SETTING_LIVE)
            continue;
        char accepted[256], meaning[512];
        settings_accepted(row, accepted, sizeof(accepted));
        snprintf(meaning, sizeof(meaning), "%s Accepted: %s.", row->meaning, accepted);
        page_entry(page, row->name, meaning);
    }
}

static int page_draw(struct page *page)
{
    page->line = 0;
    page_keys(page);
    page_commands(page);
    page_settings(page);
    return page->line;
}

void help_draw(struct grid *grid, struct state *state)
{
    int rows = grid->height >= 4 ? grid->height - 2 : 0;
    struct page page = {
        .grid = grid,
        .where = {1, 1, grid->width - 2, rows},
        .left = grid->width >= 72 ? 24 : 12,
    };
    if (page.where.width < page.left + 8 || rows == 0) {
        grid_text(grid, 0, 0, grid->width, STYLE_PLAIN, "too small for help; Esc goes back");
        return;
    }
    /* Once beyond the end, to know how many lines there are. */
    page.top = 1 << 20;
    int lines = page_draw(&page);
    int last = lines > rows ? lines - rows : 0;
    state->help_top = state->help_top > last ? last : state->help_top;
    state->help_page = rows;
    page.top = state->help_top;
    page_draw(&page);

    draw_fill(grid, (struct rect){0, 0, grid->width, 1}, STYLE_BAR);
    grid_text(grid, 1, 0, grid->width - 2, STYLE_BAR, "help");
    char place[64];
    int shown = state->help_top + rows < lines ? state->help_top + rows : lines;
    snprintf(place, sizeof(place), "%d-%d of %d", state->help_top + 1, shown, lines);
    int columns = grid_text_columns(place);
    grid_text(grid, grid->width - 1 - columns, 0, columns, STYLE_BAR, place);
    static const char *const foot[] = {"up down page-up page-down scroll   Esc or ? back",
                                       "up down scroll   Esc or ? back", "Esc or ? back"};
    draw_fitting(grid, (struct rect){1, grid->height - 1, grid->width - 2, 1}, STYLE_DIM,
                 last > 0 ? foot : &foot[2], last > 0 ? 3 : 1);
}
