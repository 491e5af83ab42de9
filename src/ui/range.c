/*
 * The screen of the learning-rate range test: the loss over the rate, what that
 * suggests, and a cursor that takes a rate for the run. Shows the newest test,
 * also while it is under way.
 */
#include "chart.h"
#include "control.h"
#include "draw.h"
#include "post.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the cursor ---- */

static size_t nearest(const struct range_test *test, double rate)
{
    size_t best = 0;
    for (size_t i = 1; i < test->count; i++)
        if (fabs(log(test->points[i].rate / rate)) < fabs(log(test->points[best].rate / rate)))
            best = i;
    return best;
}

/* The point where the cursor is: at what the test suggests, until it is moved. */
static size_t cursor_at(const struct state *state, const struct range_test *test)
{
    if (test->running)
        return test->count - 1;
    if (state->range.number == test->number)
        return nearest(test, state->range.rate);
    if (isfinite(test->steepest))
        return nearest(test, test->steepest);
    return test->rate > 0 ? nearest(test, test->rate) : 0;
}

static void move_cursor(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct range_test *test = &control->history->range;
    size_t at = cursor_at(state, test), last = test->count - 1;
    if (strcmp(key, "left") == 0 || strcmp(key, "h") == 0)
        at -= at > 0;
    else if (strcmp(key, "right") == 0 || strcmp(key, "l") == 0)
        at += at < last;
    else
        at = strcmp(key, "home") == 0 ? 0 : last;
    state->range.number = test->number;
    state->range.rate = test->points[at].rate;
}

/* ---- keys ---- */

void range_start(struct control *control, const char *line, enum command_source source)
{
    struct state *state = control->state;
    uint64_t id = post_line(control, line, source);
    if (id == 0 || control->feed->range == NULL)
        return;
    state->range.id = id;
    if (state->screen != SCREEN_RANGE)
        state->range.before = state->screen;
    screens_show(state, SCREEN_RANGE);
}

void range_update(struct control *control)
{
    if (post_answered(control, control->state->range.id))
        control->state->range.id = 0;
}

static void take(struct control *control)
{
    struct state *state = control->state;
    const struct range_test *test = &control->history->range;
    char line[64];
    snprintf(line, sizeof(line), "set train.learning_rate %.2g",
             test->points[cursor_at(state, test)].rate);
    if (post_line(control, line, SOURCE_KEY) != 0)
        state->screen = state->range.before;
}

/* Whether the key chooses among the rates of a test, or takes one. */
static bool is_choice(const char *key)
{
    static const char *const keys[] = {"left", "right", "h", "l", "home", "end", "enter"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

bool range_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct range_test *test = &control->history->range;
    if (strcmp(key, "esc") == 0) {
        if (state->range.id != 0)
            post_line(control, "range-test stop", SOURCE_KEY);
        state->screen = state->range.before;
        return true;
    }
    if (!is_choice(key))
        return false;
    if (test->running || state->range.id != 0)
        news_say(state, STYLE_PLAIN, "a rate can be chosen when the test is through");
    else if (test->count == 0)
        news_say(state, STYLE_PLAIN, "there is no test yet; f begins one");
    else if (strcmp(key, "enter") == 0)
        take(control);
    else
        move_cursor(control, key);
    return true;
}

/* ---- drawing ---- */

/* How many points the smoothed line shows: a loss that rises out of sight must not leave what
 * comes before it flat. */
static size_t shown(const struct range_test *test)
{
    double low = INFINITY, high = 0;
    size_t lowest = 0;
    for (size_t i = 0; i < test->count; i++)
        if (test->points[i].smooth < test->points[lowest].smooth)
            lowest = i;
    for (size_t i = 0; i <= lowest; i++) {
        low = fmin(low, test->points[i].smooth);
        high = fmax(high, test->points[i].smooth);
    }
    double limit = fmax(2 * high - low, 1.5 * low);
    size_t i = lowest;
    while (i < test->count && test->points[i].smooth <= limit)
        i++;
    return i;
}

static void add_mark(struct chart_mark *marks, size_t *count, double rate, const char *label,
                     enum style style)
{
    size_t at = (*count)++;
    for (; at > 0 && marks[at - 1].x > rate; at--)
        marks[at] = marks[at - 1];
    marks[at] = (struct chart_mark){.x = rate, .label = label, .style = style};
}

static void draw_chart(struct grid *grid, struct rect where, const struct state *state,
                       const struct range_test *test)
{
    struct chart_point losses[RANGE_POINTS], smooth[RANGE_POINTS];
    for (size_t i = 0; i < test->count; i++) {
        const struct range_point *point = &test->points[i];
        losses[i] = (struct chart_point){point->rate, point->loss, point->loss, point->loss};
        smooth[i] = (struct chart_point){point->rate, point->smooth, point->smooth, point->smooth};
    }
    struct chart_mark marks[3];
    size_t mark_count = 0;
    if (test->rate > 0)
        add_mark(marks, &mark_count, test->rate, "in force", STYLE_EDIT);
    if (!test->running && isfinite(test->steepest)) {
        add_mark(marks, &mark_count, test->steepest, "fastest", STYLE_GOOD);
        add_mark(marks, &mark_count, test->lowest, "lowest", STYLE_GOOD);
    }
    const struct chart_series line = {.name = "smoothed",
                                      .style = STYLE_TRAIN,
                                      .band = STYLE_TRAIN,
                                      .points = smooth,
                                      .count = shown(test)};
    const struct chart_series batches = {.name = "each mini-batch",
                                         .style = STYLE_GHOST,
                                         .band = STYLE_GHOST,
                                         .ghost = true,
                                         .points = losses,
                                         .count = test->count};
    const double cursor = test->points[cursor_at(state, test)].rate;
    const struct chart chart = {
        .title = "loss",
        .log_y = state->log_y,
        .log_x = true,
        .x_first = test->low,
        .x_last = test->running ? test->high : test->points[test->count - 1].rate,
        .x_scale = 1,
        .x_label = "rate",
        .cursor = test->running ? NULL : &cursor,
        .series = &line,
        .series_count = 1,
        .ghosts = &batches,
        .ghost_count = 1,
        .marks = marks,
        .mark_count = mark_count,
        .glyphs = state->glyphs,
    };
    chart_draw(grid, where, &chart);
}

/* "rate 0.0019   loss 1.4301   smoothed 1.4012   0.056 of the rate in force" */
static void draw_reading(struct grid *grid, struct rect row, const struct state *state,
                         const struct range_test *test)
{
    const struct range_point *point = &test->points[cursor_at(state, test)];
    int x = row.x, right = row.x + row.width;
    x += grid_print(grid, x, row.y, right - x, STYLE_BOLD, "rate %.2g   ", point->rate);
    x += grid_print(grid, x, row.y, right - x, STYLE_TRAIN, "smoothed %.4f   ", point->smooth);
    char loss[32], part[64];
    snprintf(loss, sizeof(loss), "mini-batch %.4f   ", point->loss);
    if (x + grid_text_columns(loss) - 3 <= right)
        x += grid_text(grid, x, row.y, right - x, STYLE_DIM, loss);
    const double times = point->rate / test->rate;
    snprintf(part, sizeof(part), times < 10 ? "%.2g × that in force" : "%.0f × that in force",
             times);
    if (test->rate > 0 && x + grid_text_columns(part) <= right)
        grid_text(grid, x, row.y, right - x, STYLE_DIM, part);
}

/* What it does and costs. */
static void draw_cost(struct grid *grid, struct rect row, const struct range_test *test)
{
    char texts[3][160];
    const char *state = test->running ? "will be" : "was";
    snprintf(texts[0], sizeof(texts[0]),
             "Steps with growing rates on the coming mini-batches, from step %" PRId64
             "; then that state %s put back exactly.",
             test->step, state);
    snprintf(texts[1], sizeof(texts[1]),
             "Trained on from step %" PRId64 "; then that state %s put back exactly.", test->step,
             state);
    snprintf(texts[2], sizeof(texts[2]), "The state %s put back exactly.", state);
    draw_fitting(grid, row, STYLE_DIM, (const char *const[]){texts[0], texts[1], texts[2]}, 3);
}

/* How far it is, and then what came of it, without the last parts where there is no room. */
static void draw_result(struct grid *grid, struct rect row, const struct range_test *test)
{
    char text[sizeof(test->text)];
    if (test->running)
        snprintf(text, sizeof(text), "testing rate %.2g: %zu of at most %zu steps, Esc stops it",
                 test->points[test->count - 1].rate, test->count, test->planned);
    else
        text_copy(text, sizeof(text), test->text);
    for (char *part; grid_text_columns(text) > row.width && (part = strrchr(text, ',')) != NULL;)
        *part = '\0';
    grid_text(grid, row.x, row.y, row.width, test->running ? STYLE_EDIT : STYLE_GOOD, text);
}

void range_draw(struct grid *grid, const struct layout *layout, struct state *state,
                const struct history *history)
{
    const struct range_test *test = &history->range;
    struct rect body = layout->body;
    if (test->count == 0 || (state->range.id != 0 && !test->running)) {
        draw_centered(grid, body, STYLE_DIM,
                      state->range.id != 0 ? "The range test begins …"
                      : test->number != 0  ? test->text
                                           : "No range test was made yet: f begins one.");
        return;
    }
    body.x++;
    body.width -= 2;
    struct rect row = {body.x, body.y, body.width, 1};
    if (body.height >= 6) {
        draw_result(grid, row, test);
        body.y++;
        body.height--;
    }
    row.y = body.y + body.height - 1;
    if (body.height >= 9) {
        draw_cost(grid, row, test);
        row.y--;
        body.height--;
    }
    draw_reading(grid, row, state, test);
    body.height--;
    draw_chart(grid, body, state, test);
}
