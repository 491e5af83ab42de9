/* The commands of the charts' screen. */
#include "charts.h"
#include "axis.h"
#include "control.h"
#include "screens.h"

#include <math.h>
#include <string.h>

#define ZOOM_FACTOR 2
/* A key that is held: presses that follow within this many seconds. */
#define HELD_SECONDS 0.2
#define PAN_SHARE 0.5
enum { SLOW_PRESSES = 8, MOST_COLUMNS = 16, USUAL_COLUMNS = 70 };

struct range charts_range(const struct charts *charts, const struct history *history)
{
    struct window_bounds bounds;
    axis_bounds(history, &charts->window, &bounds);
    return window_range(&charts->window, &bounds);
}

void charts_steps(const struct charts *charts, const struct history *history, int64_t *first,
                  int64_t *last)
{
    *first = 0;
    *last = INT64_MAX;
    if (!charts->window.part)
        return;
    struct range range = charts_range(charts, history);
    axis_steps(history, charts->window.unit, &range, first, last);
    if (charts->window.follow)
        *last = INT64_MAX;
}

/* ---- the window ---- */

static void show_window(struct control *control)
{
    const struct window *window = &control->state->charts.window;
    static const char *const units[WINDOW_UNITS] = {"epochs", "steps", "seconds"};
    news_say(control->state, STYLE_PLAIN, "x axis: %s%s%s", units[window->unit],
             window->log ? ", logarithmic" : "",
             !window->part    ? ""
             : window->follow ? ", a part that follows the newest; 0 shows everything"
                              : ", a part; 0 shows everything");
}

static void set_unit(struct control *control, const char *word)
{
    static const char *const words[WINDOW_UNITS] = {"epochs", "steps", "seconds"};
    struct charts *charts = &control->state->charts;
    struct window *window = &charts->window;
    enum window_unit from = window->unit, to = (from + 1) % WINDOW_UNITS;
    if (word != NULL) {
        for (to = 0; to < WINDOW_UNITS && strcmp(words[to], word) != 0;)
            to++;
        if (to == WINDOW_UNITS) {
            news_say(control->state, STYLE_WARN,
                     "refused: x-axis: '%.40s' is none of epochs, "
                     "steps, seconds",
                     word);
            return;
        }
    }
    if (window->part) {
        struct range range = charts_range(charts, control->history);
        window->first = axis_convert(control->history, from, to, range.first);
        window->last = axis_convert(control->history, from, to, range.last);
        if (!(window->first < window->last))
            window_everything(window);
    }
    charts->x = axis_convert(control->history, from, to, charts->x);
    window->unit = to;
    show_window(control);
}

static void turn_log(struct control *control)
{
    struct charts *charts = &control->state->charts;
    struct range range = charts_range(charts, control->history);
    charts->window.log = !charts->window.log;
    if (charts->window.part) {
        struct window_bounds bounds;
        axis_bounds(control->history, &charts->window, &bounds);
        charts->window.first = fmax(range.first, bounds.first);
        charts->window.last = range.last;
        if (!(charts->window.first < charts->window.last))
            window_everything(&charts->window);
    }
    show_window(control);
}

static bool zoom(struct control *control, const char *word)
{
    struct charts *charts = &control->state->charts;
    struct window_bounds bounds;
    axis_bounds(control->history, &charts->window, &bounds);
    double pivot = charts->cursor ? charts->x : NAN;
    if (strcmp(word, "in") == 0)
        window_zoom(&charts->window, &bounds, ZOOM_FACTOR, pivot);
    else if (strcmp(word, "out") == 0)
        window_zoom(&charts->window, &bounds, 1.0 / ZOOM_FACTOR, pivot);
    else if (strcmp(word, "all") == 0)
        window_everything(&charts->window);
    else
        return false;
    show_window(control);
    return true;
}

/* ---- the cursor ---- */

/* Inside what there is, and visible. */
static void put_cursor(struct control *control, double x)
{
    struct charts *charts = &control->state->charts;
    struct window_bounds bounds;
    axis_bounds(control->history, &charts->window, &bounds);
    charts->x = fmin(fmax(x, bounds.first), fmax(bounds.newest, bounds.first));
    charts->cursor = true;
    charts->chosen = 0;
    if (charts->window.follow) { /* what is being read stands still */
        charts->followed = true;
        window_hold(&charts->window, &bounds);
    }
    window_reveal(&charts->window, &bounds, charts->x);
}

static void take_cursor_away(struct charts *charts)
{
    charts->cursor = false;
    if (charts->followed)
        window_follow(&charts->window);
    charts->followed = false;
}

/* Where the newest is, or what is the last one shown. */
static double last_shown(const struct control *control)
{
    const struct charts *charts = &control->state->charts;
    struct range range = charts_range(charts, control->history);
    return fmin(range.last, axis_newest(control->history, charts->window.unit));
}

int charts_columns(const struct charts *charts)
{
    return charts->plots[charts->plots[0].width > 0 ? 0 : 1].width;
}

/* Columns that a press moves by: more while the key is held. */
static int stride(struct control *control)
{
    struct charts *charts = &control->state->charts;
    double now = control->state->now;
    charts->pressed = now - charts->pressed_clock <= HELD_SECONDS ? charts->pressed + 1 : 1;
    charts->pressed_clock = now;
    int columns = 1 << (charts->pressed / SLOW_PRESSES);
    return charts->pressed > 4 * SLOW_PRESSES || columns > MOST_COLUMNS ? MOST_COLUMNS : columns;
}

static void move_cursor(struct control *control, int direction)
{
    struct charts *charts = &control->state->charts;
    const int drawn = charts_columns(charts);
    const int columns = drawn > 1 ? drawn : USUAL_COLUMNS;
    if (!charts->cursor) {
        charts->pressed = 0;
        put_cursor(control, last_shown(control));
        return;
    }
    struct range range = charts_range(charts, control->history);
    double share = window_share(&charts->window, &range, charts->x);
    share += (double)(direction * stride(control)) / columns;
    put_cursor(control, window_at(&charts->window, &range, share));
}

bool charts_click(struct control *control, int x, int y)
{
    const struct charts *charts = &control->state->charts;
    const struct range range = charts_range(charts, control->history);
    for (int i = 0; i < 2; i++) {
        const struct rect plot = charts->plots[i];
        if (x < plot.x || x >= plot.x + plot.width || y < plot.y || y >= plot.y + plot.height)
            continue;
        const double share = (x - plot.x + 0.5) / plot.width;
        put_cursor(control, window_at(&charts->window, &range, share));
        return true;
    }
    return false;
}

static bool cursor(struct control *control, const char *word)
{
    struct charts *charts = &control->state->charts;
    if (strcmp(word, "left") == 0)
        move_cursor(control, -1);
    else if (strcmp(word, "right") == 0)
        move_cursor(control, 1);
    else if (strcmp(word, "first") == 0)
        put_cursor(control, 0);
    else if (strcmp(word, "last") == 0) {
        put_cursor(control, axis_newest(control->history, charts->window.unit));
        window_follow(&charts->window);
    } else if (strcmp(word, "off") == 0)
        take_cursor_away(charts);
    else
        return false;
    return true;
}

static bool pan(struct control *control, const char *word)
{
    struct charts *charts = &control->state->charts;
    double share = strcmp(word, "left") == 0    ? -PAN_SHARE
                   : strcmp(word, "right") == 0 ? PAN_SHARE
                                                : 0;
    if (share == 0)
        return false;
    struct window_bounds bounds;
    axis_bounds(control->history, &charts->window, &bounds);
    struct range range = window_range(&charts->window, &bounds);
    double at = window_share(&charts->window, &range, charts->x);
    if (!charts->window.part) {
        news_say(control->state, STYLE_PLAIN, "everything is shown; z zooms in");
        return true;
    }
    window_pan(&charts->window, &bounds, share);
    charts->followed = false;
    range = window_range(&charts->window, &bounds);
    if (charts->cursor) /* it stays where it is on the screen */
        put_cursor(control, window_at(&charts->window, &range, fmin(fmax(at, 0), 1)));
    return true;
}

/* ---- changes ---- */

size_t charts_edit(const struct charts *charts, const struct history *history)
{
    if (charts->chosen > 0 && charts->chosen <= history->edit_count)
        return charts->chosen - 1;
    size_t nearest = history->edit_count;
    double least = INFINITY;
    for (size_t i = 0; i < history->edit_count; i++) {
        double away = fabs(axis_of_edit(charts->window.unit, &history->edits[i]) - charts->x);
        if (away <= least) {
            least = away;
            nearest = i;
        }
    }
    return nearest;
}

/* The one before or after the one that is chosen, in the order of time; else the nearest. */
static bool change(struct control *control, const char *word)
{
    struct charts *charts = &control->state->charts;
    const struct history *history = control->history;
    bool back = strcmp(word, "previous") == 0;
    if (!back && strcmp(word, "next") != 0)
        return false;
    if (history->edit_count == 0) {
        news_say(control->state, STYLE_PLAIN, "nothing was changed yet");
        return true;
    }
    size_t at = history->edit_count - 1;
    if (charts->cursor)
        at = charts_edit(charts, history);
    if (charts->cursor && charts->chosen > 0 && back)
        at -= at > 0;
    else if (charts->cursor && charts->chosen > 0)
        at += at + 1 < history->edit_count;
    put_cursor(control, axis_of_edit(charts->window.unit, &history->edits[at]));
    charts->chosen = at + 1;
    return true;
}

void charts_back(struct control *control)
{
    struct charts *charts = &control->state->charts;
    if (charts->cursor)
        take_cursor_away(charts);
    else
        charts->list = false;
}

/* On large screens the list is there in any case. */
static void turn_list(struct control *control)
{
    struct charts *charts = &control->state->charts;
    charts->list = !charts->list;
    if (!charts->list)
        take_cursor_away(charts);
    else if (!charts->cursor && control->history->edit_count > 0)
        change(control, "previous");
}

static bool is_ours(enum command_id id)
{
    return id == COMMAND_X_AXIS || id == COMMAND_LOG_X || id == COMMAND_ZOOM || id == COMMAND_PAN ||
           id == COMMAND_CURSOR || id == COMMAND_CHANGE || id == COMMAND_CHANGES;
}

bool charts_command(struct control *control, const struct command *command,
                    enum command_source source)
{
    if (!is_ours(command->id))
        return false;
    if (source == SOURCE_KEY && control->state->screen != SCREEN_CHARTS) {
        news_say(control->state, STYLE_PLAIN, "%.40s is for the charts; 1 shows them",
                 command->line);
        return true;
    }
    const char *word = command->words > 0 ? command->word[0] : "";
    bool known = true;
    switch (command->id) {
    case COMMAND_X_AXIS:
        set_unit(control, command->words > 0 ? word : NULL);
        break;
    case COMMAND_LOG_X:
        turn_log(control);
        break;
    case COMMAND_ZOOM:
        known = zoom(control, word);
        break;
    case COMMAND_PAN:
        known = pan(control, word);
        break;
    case COMMAND_CURSOR:
        known = cursor(control, word);
        break;
    case COMMAND_CHANGE:
        known = change(control, word);
        break;
    default:
        turn_list(control);
        break;
    }
    if (!known)
        news_say(control->state, STYLE_WARN, "refused: %s takes %s, not '%.40s'",
                 command_info(command->id)->name, command_info(command->id)->arguments, word);
    else
        control->state->screen = SCREEN_CHARTS;
    return true;
}
