/* The help screen, from the tables of keys, commands and settings. */
#include "control.h"
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
    for (size_t i = 0; i < key_count(); i++) {
        if (i == 0 || key_group(i) != key_group(i - 1))
            page_title(page, key_group(i));
        page_entry(page, key_row(i)->keys, key_row(i)->meaning);
    }
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

void help_draw(struct grid *grid, const struct layout *layout, struct state *state,
               const struct history *history)
{
    const struct rect body = layout->body;
    struct page page = {
        .grid = grid,
        .where = {body.x + 1, body.y, body.width - 2, body.height},
        .left = body.width >= 72 ? 24 : 12,
    };
    (void)history;
    /* Once beyond the end, to know how many lines there are. */
    page.top = 1 << 20;
    scroll_fit(&state->help, page_draw(&page), body.height);
    page.top = state->help.top;
    page_draw(&page);
    scroll_draw(&state->help, grid, layout->screens);
}

bool help_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct key_info *row = key_find(key);
    if (scroll_key(&state->help, key))
        return true;
    if (strcmp(key, "enter") == 0)
        return scroll_key(&state->help, "down");
    if (strcmp(key, "space") == 0)
        return scroll_key(&state->help, "page-down");
    if (strcmp(key, "backspace") == 0)
        return scroll_key(&state->help, "page-up");
    if (strcmp(key, "esc") == 0 || strcmp(key, "q") == 0 || strcmp(key, "?") == 0) {
        state->screen = state->before_help;
        return true;
    }
    /* A key that is read about here shall not act, but to leave it does. */
    if (row != NULL && (strncmp(row->command, "screen", 6) == 0 || strcmp(key, "ctrl-c") == 0))
        return false;
    news_say(state, STYLE_PLAIN, "%s does nothing on this screen; Esc goes back", key);
    return true;
}
