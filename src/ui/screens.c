/* The table of screens, which of them is shown, and when it changes by itself. */
#include "control.h"
#include "draw.h"
#include "screens.h"
#include "search_view.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Seconds between looks at the layers, where nothing else has the view draw: a look must not end
 * while their screen is shown. */
#define LAYERS_LOOK (FEED_LAYERS_SECONDS / 3)

static const struct screen_key help_keys[] = {{"up down", "scroll"}, {"Esc", "back"}, {NULL, NULL}};

static const struct screen_key layers_keys[] = {{"up down", "layer"}, {NULL, NULL}};

static const struct screen_key range_keys[] = {
    {"left right", "move"}, {"enter", "take"}, {"Esc", "back"}, {"f", "again"}, {NULL, NULL}};
static const struct screen_key settings_keys[] = {
    {"up down", "choose"}, {"Enter", "change"}, {"space", "next"}, {NULL, NULL}};
static const struct screen_key journal_keys[] = {
    {"up down", "choose"}, {"Enter", "all of it"}, {NULL, NULL}};
static const struct screen_key confusion_keys[] = {
    {"i", "images"}, {"%", "counts"}, {"arrows", "scroll"}, {NULL, NULL}};

static const struct screen_key trials_keys[] = {
    {"Enter", "look"}, {"?", "help"}, {"q", "quit"}, {"t", "take over"}, {"x", "stop"},
    {"f", "freeze"},   {"a", "add"},  {"m", "map"},  {":", "command"},   {NULL, NULL}};
static const struct screen_key map_keys[] = {
    {"m", "other axes"}, {"?", "help"},   {"q", "quit"}, {"Enter", "look"}, {"t", "take over"},
    {"x", "stop"},       {"f", "freeze"}, {"a", "add"},  {"Esc", "trials"}, {NULL, NULL}};

static const struct screen_info table[SCREEN_COUNT] = {
    [SCREEN_CHARTS] = {.name = "charts", .number = "1", .draw = dashboard_draw},
    [SCREEN_LAYERS] =
        {
            .name = "layers",
            .number = "2",
            .draw = layers_draw,
            .key = layers_key,
            .keys = layers_keys,
        },
    [SCREEN_CONFUSION] =
        {
            .name = "confusion",
            .number = "3",
            .draw = confusion_draw,
            .key = confusion_key,
            .keys = confusion_keys,
        },
    [SCREEN_SETTINGS] =
        {
            .name = "settings",
            .number = "4",
            .draw = settings_draw,
            .key = settings_key,
            .keys = settings_keys,
        },
    [SCREEN_JOURNAL] =
        {
            .name = "journal",
            .number = "5",
            .draw = journal_draw,
            .key = journal_key,
            .keys = journal_keys,
        },
    [SCREEN_HELP] =
        {
            .name = "help",
            .number = "6",
            .draw = help_draw,
            .key = help_key,
            .keys = help_keys,
            .keys_alone = true,
        },
    [SCREEN_RANGE] =
        {
            .name = "range",
            .draw = range_draw,
            .key = range_key,
            .keys = range_keys,
            .keys_alone = true,
        },
    [SCREEN_TRIALS] =
        {
            .name = "trials",
            .draw = trials_draw,
            .key = search_key,
            .keys = trials_keys,
            .keys_alone = true,
            .of_search = true,
        },
    [SCREEN_MAP] =
        {
            .name = "map",
            .draw = map_draw,
            .key = search_key,
            .keys = map_keys,
            .keys_alone = true,
            .of_search = true,
        },
};

const struct screen_info *screen_info(enum view_screen screen)
{
    assert(screen < SCREEN_COUNT);
    return &table[screen];
}

/* What the frame needs of the grid's size. */
static void compute_layout(const struct grid *grid, const struct state *state,
                           const struct snapshot *snapshot, struct layout *out)
{
    char banner[sizeof(snapshot->error) + 128];
    frame_banner(snapshot, state->read_only, banner, sizeof(banner));
    int lines = draw_wrapped_lines(banner, grid->width - 4), warnings = 0;
    lines = lines > 3 ? 3 : lines;
    if (snapshot->warning[0] != '\0')
        warnings = grid_text_columns(snapshot->warning) + 9 > grid->width - 2 ? 2 : 1;
    if (state->screen == SCREEN_CHARTS)
        layout_compute(grid->width, grid->height, warnings, lines, out);
    else
        layout_compute_body(grid->width, grid->height, warnings, lines, out);
    if (state->screen == SCREEN_CHARTS && state->charts.list)
        layout_show_changes(out);
}

static void draw_line_only(struct grid *grid, const struct state *state,
                           const struct snapshot *snapshot, struct layout *layout)
{
    int last = grid->height > 0 ? grid->height - 1 : 0;
    frame_line(grid, snapshot, layout->head);
    layout->keys = (struct rect){0, last, grid->width, 1};
    if (state->screen != SCREEN_CHARTS && last > 0)
        grid_print(grid, 0, last, grid->width, STYLE_PLAIN, "no room for %s: Esc back",
                   screen_info(state->screen)->name);
}

void screens_draw(struct grid *grid, struct state *state, const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    struct layout layout;
    if (search_shown(state, history))
        search_layout(grid, history, &layout);
    else
        compute_layout(grid, state, snapshot, &layout);
    if (layout.line_only && search_shown(state, history)) {
        search_line(grid, history, layout.head);
        layout.keys = (struct rect){0, grid->height - 1, grid->width, 1};
    } else if (search_shown(state, history)) {
        search_frame(grid, state, history, &layout);
        screen_info(state->screen)->draw(grid, &layout, state, history);
        frame_news(grid, state, history, &layout);
    } else if (layout.line_only) {
        draw_line_only(grid, state, snapshot, &layout);
    } else {
        frame_draw(grid, state, history, &layout);
        screen_info(state->screen)->draw(grid, &layout, state, history);
        frame_news(grid, state, history, &layout);
    }
    if (state->mode == MODE_PROMPT)
        prompt_draw(grid, state, history, layout.news, layout.keys);
    else if (state->mode == MODE_MENU)
        menu_draw(grid, state, snapshot);
    else if (state->mode == MODE_ROLLBACK)
        rollback_draw(grid, state, history);
    else if (state->mode == MODE_DIVERGED)
        diverged_draw(grid, snapshot);
    else if (state->mode == MODE_SEARCH)
        search_menu_draw(grid, state, history);
}

double screens_next_change(const struct state *state, const struct history *history)
{
    struct news news;
    news_choose(state, history, &news);
    double after = news.until - state->now;
    if (history->snapshot.checkpoint_step >= 0) {
        double age = fmax(state->now - history->snapshot.checkpoint_clock, 0);
        after = fmin(after, age < 60 ? 1 - (age - floor(age)) : 60 - fmod(age, 60));
    }
    if (state->screen == SCREEN_LAYERS)
        after = fmin(after, LAYERS_LOOK);
    if (search_shown(state, history)) /* the time that it takes */
        after = fmin(after, 1);
    return fmax(after, 0.01);
}

void screens_show(struct state *state, enum view_screen screen)
{
    if (screen == SCREEN_HELP && state->screen != SCREEN_HELP) {
        state->before_help = state->screen;
        state->help.top = 0;
    }
    state->screen = screen;
}

/* Of a search, or of the trial that is chosen there. */
static void show_named(struct control *control, enum view_screen screen)
{
    struct state *state = control->state;
    const bool in_search = control->history->board.feed != NULL;
    if (screen_info(screen)->of_search && in_search)
        search_show(control, screen);
    else if (screen_info(screen)->of_search)
        news_say(state, STYLE_WARN, "%s is a screen of a search", screen_info(screen)->name);
    else if (in_search && !state->search.looks && screen != SCREEN_HELP) {
        search_show_trial(control);
        if (state->search.looks)
            screens_show(state, screen);
    } else
        screens_show(state, screen);
}

void screens_change(struct control *control, const char *name)
{
    struct state *state = control->state;
    if (name == NULL) {
        enum view_screen next = state->screen;
        do
            next = (next + 1) % SCREEN_COUNT;
        while (screen_info(next)->number == NULL);
        screens_show(state, next);
        return;
    }
    struct text known = {0};
    for (int i = 0; i < SCREEN_COUNT; i++) {
        const char *there = screen_info((enum view_screen)i)->name;
        if (strcmp(there, name) == 0) {
            if (state->screen == (enum view_screen)i)
                news_say(state, STYLE_PLAIN, "this is the screen %s already", name);
            show_named(control, (enum view_screen)i);
            goto out;
        }
        text_print(&known, "%s%s", i > 0 ? ", " : "", there);
    }
    news_say(state, STYLE_WARN, "no screen is named %.64s: %s", name, known.bytes);
out:
    text_fini(&known);
}
