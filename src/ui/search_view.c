/*
 * A search in the view: what is around its screens, its keys and commands, and
 * the way to the screens of a trial and back.
 */
#include "control.h"
#include "draw.h"
#include "post.h"
#include "search_view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool search_shown(const struct state *state, const struct history *history)
{
    return history->board.feed != NULL && !state->search.looks;
}

/* ---- what is around its screens ---- */

static void best_text(const struct board *board, char *out, size_t size)
{
    char value[BOARD_TEXT], values[512], test[BOARD_TEXT] = "";
    out[0] = '\0';
    if (board->now.best < 0 || (size_t)board->now.best >= board->count)
        return;
    const struct trial *best = &board->trials[board->now.best];
    board_value(board, best->value, value);
    board_parameters(best, values, sizeof values);
    if (!isnan(best->test_accuracy))
        snprintf(test, sizeof test, ", test %.2f%%", 100 * best->test_accuracy);
    snprintf(out, size, "best %s%s: trial %d, %s", value, test, best->number, values);
}

/* How it ended, or why nothing is trained; "" while it goes on. */
static void banner_text(const struct board *board, char *out, size_t size)
{
    char best[700];
    best_text(board, best, sizeof best);
    out[0] = '\0';
    switch (board->now.state) {
    case SEARCH_FINISHED:
        snprintf(out, size, "finished: %s", best[0] != '\0' ? best : "no trial came to its end");
        break;
    case SEARCH_FROZEN:
        snprintf(out, size, "what is left is frozen (%" PRId64 "): f lets a trial go on, x ends it",
                 board->now.frozen);
        break;
    case SEARCH_FAILED:
        snprintf(out, size, "failed: %s", board->now.error);
        break;
    case SEARCH_STOPPED:
        snprintf(out, size, "stopped: every trial is saved");
        break;
    case SEARCH_RUNNING:
        break;
    }
}

void search_layout(const struct grid *grid, const struct history *history, struct layout *layout)
{
    char text[1200];
    banner_text(&history->board, text, sizeof text);
    int lines = draw_wrapped_lines(text, grid->width - 4);
    layout_compute_body(grid->width, grid->height, 0, lines > 2 ? 2 : lines, layout);
    if (layout->line_only)
        return;
    layout->progress = (struct rect){layout->body.x, layout->body.y, layout->body.width, 1};
    layout->body.y++;
    layout->body.height--;
}

/* Whole parts only, the first ones first. */
static void draw_head(struct grid *grid, const struct board *board, struct rect row)
{
    const struct search_snapshot *now = &board->now;
    enum style style;
    const char *word = board_standing(board, &style);
    const int room = row.width - grid_text_columns(word) - 5;
    const char *dot = grid->ascii ? "|" : "·";
    char parts[4][160], left[640];
    snprintf(parts[0], sizeof parts[0], "%s", now->name);
    snprintf(parts[1], sizeof parts[1], "  %s  %s", dot, now->dataset);
    snprintf(parts[2], sizeof parts[2], "  %s  %s, %" PRId64 " trials of %" PRId64 " epochs", dot,
             now->method, now->planned, now->epochs);
    snprintf(parts[3], sizeof parts[3], "  %s  round %d of %d", dot, now->round, now->rounds);
    for (int count = now->rounds > 1 ? 4 : 3; count > 0; count--) {
        left[0] = '\0';
        for (int i = 0; i < count; i++)
            strncat(left, parts[i], sizeof left - strlen(left) - 1);
        if (grid_text_columns(left) <= room)
            break;
    }
    draw_fill(grid, row, STYLE_BAR);
    grid_text(grid, row.x + 1, row.y, room, STYLE_BAR, left);
    grid_print(grid, row.x + row.width - grid_text_columns(word) - 4, row.y, row.width,
               frame_bar_style(style), " %s %s ", grid->ascii ? "*" : "●", word);
}

/* "  1 frozen  2 failed", or how far the best are that are trained again. */
static void extra_text(const struct search_snapshot *now, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    if (now->top > 0 && now->finished == now->planned && now->state == SEARCH_RUNNING) {
        snprintf(out, size, "  the best again: %" PRId64 "/%" PRId64, now->tops, now->top);
        return;
    }
    if (now->frozen > 0)
        used = (size_t)snprintf(out, size, "  %" PRId64 " frozen", now->frozen);
    if (now->failed > 0)
        snprintf(out + used, size - used, "  %" PRId64 " failed", now->failed);
}

static void draw_progress(struct grid *grid, const struct board *board, struct rect row)
{
    const struct search_snapshot *now = &board->now;
    const bool goes_on = now->state == SEARCH_RUNNING;
    char elapsed[32], left[32], tails[3][192], extra[96];
    double done = 0;
    for (size_t i = 0; i < board->count; i++)
        done += trial_ended(board->trials[i].state)
                    ? 1
                    : board->trials[i].progress / (double)now->epochs;
    extra_text(now, extra, sizeof extra);
    draw_duration(now->seconds, elapsed, sizeof elapsed);
    draw_duration(now->eta, left, sizeof left);
    if (goes_on) {
        snprintf(tails[0], sizeof tails[0], "%s elapsed  %s left  %" PRId64 " in training%s",
                 elapsed, left, now->running, extra);
        snprintf(tails[1], sizeof tails[1], "%s left%s", left, extra);
        snprintf(tails[2], sizeof tails[2], "%s left", left);
    } else {
        for (int i = 0; i < 3; i++)
            text_copy(tails[i], sizeof tails[i], extra);
    }
    int x = row.x + 1;
    x += grid_text(grid, x, row.y, row.width, STYLE_DIM, "trials ");
    x += grid_print(grid, x, row.y, row.width, STYLE_BOLD, "%" PRId64, now->finished);
    x += grid_print(grid, x, row.y, row.width, STYLE_PLAIN, "/%" PRId64 " ", now->planned);
    const int right = row.x + row.width - 1;
    int tail = 0;
    while (tail < 2 && right - x - 1 - grid_text_columns(tails[tail]) < 8)
        tail++;
    int bar = right - x - 1 - grid_text_columns(tails[tail]);
    bar = bar > 60 ? 60 : bar < 0 ? 0 : bar;
    draw_bar(grid, x, row.y, bar, done / (double)now->planned);
    grid_text(grid, x + bar + 1, row.y, right - x - bar - 1, STYLE_PLAIN, tails[tail]);
}

static void draw_screens(struct grid *grid, enum view_screen shown, struct rect row)
{
    static const struct {
        enum view_screen screen;
        const char *number;
    } screens[] = {{SCREEN_TRIALS, "1"}, {SCREEN_MAP, "2"}, {SCREEN_HELP, "?"}};
    int x = row.x + 1;
    for (size_t i = 0; i < sizeof screens / sizeof *screens; i++) {
        const bool here = screens[i].screen == shown;
        x +=
            grid_text(grid, x, row.y, row.width, here ? STYLE_TITLE : STYLE_KEY, screens[i].number);
        x += grid_print(grid, x, row.y, row.width, here ? STYLE_TITLE : STYLE_DIM, " %s",
                        screen_info(screens[i].screen)->name) +
             2;
    }
}

static void draw_banner(struct grid *grid, const struct board *board, struct rect where)
{
    char text[1200];
    enum style style;
    (void)board_standing(board, &style);
    banner_text(board, text, sizeof text);
    if (where.height >= 3) {
        draw_frame(grid, where, style, "");
        where = (struct rect){where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    }
    draw_wrapped(grid, where, style, text);
}

void search_frame(struct grid *grid, const struct state *state, const struct history *history,
                  const struct layout *layout)
{
    const struct board *board = &history->board;
    draw_head(grid, board, layout->head);
    if (layout->banner.height > 0)
        draw_banner(grid, board, layout->banner);
    draw_screens(grid, state->screen, layout->screens);
    draw_progress(grid, board, layout->progress);
    frame_keys(grid, screen_info(state->screen)->keys, layout->keys);
}

void search_line(struct grid *grid, const struct history *history, struct rect row)
{
    const struct board *board = &history->board;
    char best[700], text[800];
    enum style style;
    const char *word = board_standing(board, &style);
    best_text(board, best, sizeof best);
    snprintf(text, sizeof text, "%s  %" PRId64 "/%" PRId64 "  %s", word, board->now.finished,
             board->now.planned, best);
    grid_text(grid, row.x, row.y, row.width, style, text);
}

void search_title(const struct board *board, char *out, size_t size)
{
    char value[BOARD_TEXT] = "";
    enum style style;
    const char *word = board_standing(board, &style);
    const int best = board->now.best;
    const bool any = best >= 0 && (size_t)best < board->count;
    if (any)
        board_value(board, board->trials[best].value, value);
    snprintf(out, size, "%s%s%" PRId64 "/%" PRId64 " trials%s%s - %s",
             board->now.state == SEARCH_RUNNING ? "" : word,
             board->now.state == SEARCH_RUNNING ? "" : ", ", board->now.finished,
             board->now.planned, any ? ", best " : "", value, board->now.name);
}

/* ---- a trial ---- */

/* The feed becomes that trial's, and what the view knows of another is forgotten. */
static void look_at(struct control *control, int number)
{
    struct history *history = control->history;
    struct board *board = &history->board;
    const struct board kept = *board;
    if (control->state->search.seen == number)
        return;
    *board = (struct board){0};
    history_fini(history);
    history_init(history);
    *board = kept;
    control->state->search.seen = number;
    control->feed = board->feed->look(board->feed, number);
    (void)history_update(history, control->feed);
}

void search_show_trial(struct control *control)
{
    const struct trial *trial =
        board_chosen(&control->history->board, control->state->search.chosen);
    if (trial == NULL) {
        news_say(control->state, STYLE_PLAIN, "no trial has begun yet");
        return;
    }
    control->state->search.chosen = trial->number;
    control->state->charts = (struct charts){0};
    look_at(control, trial->number);
    control->state->search.looks = true;
    control->state->screen = SCREEN_CHARTS;
}

void search_show(struct control *control, enum view_screen screen)
{
    control->state->search.looks = false;
    control->state->screen = screen;
}

/* ---- commands ---- */

static void post(struct control *control, const char *line, enum command_source source)
{
    struct state *state = control->state;
    struct search_feed *feed = control->history->board.feed;
    struct err err = {0};
    uint64_t id = feed->post(feed, line, source, &err);
    if (id == 0) {
        news_say(state, STYLE_WARN, "refused: %s", err.text);
        return;
    }
    state->message[0] = '\0';
    state->posted_id = id;
    text_copy(state->posted, sizeof state->posted, line);
}

static void ask(struct control *control, enum search_menu menu, const struct trial *trial)
{
    control->state->search.menu = menu;
    control->state->search.subject = trial->number;
    control->state->mode = MODE_SEARCH;
}

/* Of a trial that has only just begun there is nothing on disk yet that could be taken. */
static void ask_take(struct control *control, const struct trial *trial)
{
    if (trial->epochs == 0)
        news_say(control->state, STYLE_WARN, "refused: trial %d has not trained an epoch yet",
                 trial->number);
    else
        ask(control, SEARCH_MENU_TAKE, trial);
}

static void take(struct control *control, const struct command *command)
{
    const struct board *board = &control->history->board;
    int64_t number;
    if (command->words != 2 || number_parse_integer(command->word[1], &number) != 0)
        news_say(control->state, STYLE_WARN, "refused: \"trial take N\" is expected");
    else if (number < 0 || number >= (int64_t)board->count)
        news_say(control->state, STYLE_WARN, "refused: there is no trial %" PRId64, number);
    else
        ask_take(control, &board->trials[number]);
}

void search_view_command(struct control *control, const struct command *command,
                         enum command_source source)
{
    if (control->history->board.feed == NULL)
        news_say(control->state, STYLE_WARN, "refused: 'trial' is a command of a search");
    else if (strcmp(command->word[0], "take") == 0)
        take(control, command);
    else
        post(control, command->line, source);
}

/* ---- keys ---- */

/* What is done to a trial (NULL: there is none); whether it was such a key. */
static bool trial_key(struct control *control, const struct trial *trial, const char *key)
{
    static const char *const keys[] = {"f", "space", "p", "x", "t"};
    char line[64];
    bool known = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        known = known || strcmp(key, keys[i]) == 0;
    if (known && trial == NULL) {
        news_say(control->state, STYLE_PLAIN, "no trial has begun yet");
        return true;
    }
    if (strcmp(key, "f") == 0 || strcmp(key, "space") == 0 || strcmp(key, "p") == 0) {
        snprintf(line, sizeof line, "trial freeze %d", trial->number);
        post(control, line, SOURCE_KEY);
    } else if (strcmp(key, "x") == 0 && trial_ended(trial->state)) {
        news_say(control->state, STYLE_PLAIN, "trial %d has ended", trial->number);
    } else if (strcmp(key, "x") == 0) {
        ask(control, SEARCH_MENU_STOP, trial);
    } else if (strcmp(key, "t") == 0) {
        ask_take(control, trial);
    } else {
        return false;
    }
    return true;
}

static bool choose(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct board *board = &control->history->board;
    const struct trial *trial = board_chosen(board, state->search.chosen);
    if (trial == NULL)
        return false;
    int place = board_place(board, trial->number);
    if (!scroll_choose(&state->search.rows, &place, (int)board->count, key))
        return false;
    state->search.chosen = board->order[place];
    return true;
}

bool search_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct board *board = &control->history->board;
    const struct trial *trial = board_chosen(board, state->search.chosen);
    if (board->feed == NULL)
        return false;
    if (choose(control, key) || trial_key(control, trial, key))
        return true;
    if (strcmp(key, "enter") == 0)
        search_show_trial(control);
    else if (strcmp(key, "a") == 0)
        prompt_open(control, "trial add ");
    else if (strcmp(key, "1") == 0)
        search_show(control, SCREEN_TRIALS);
    else if (strcmp(key, "2") == 0)
        search_show(control, SCREEN_MAP);
    else if (strcmp(key, "tab") == 0)
        search_show(control, state->screen == SCREEN_MAP ? SCREEN_TRIALS : SCREEN_MAP);
    else if (strcmp(key, "m") == 0 && state->screen == SCREEN_MAP)
        state->search.pair++;
    else if (strcmp(key, "m") == 0)
        search_show(control, SCREEN_MAP);
    else if (strcmp(key, "esc") == 0) {
        state->message[0] = '\0';
        search_show(control, SCREEN_TRIALS);
    } else
        return false;
    return true;
}

bool search_look_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct trial *trial = board_chosen(&control->history->board, state->search.chosen);
    const bool plain =
        state->screen == SCREEN_CHARTS && !state->charts.cursor && !state->charts.list;
    if (strcmp(key, "t") == 0 && trial != NULL)
        return trial_key(control, trial, key);
    if (strcmp(key, "esc") == 0 && plain) {
        search_show(control, SCREEN_TRIALS);
        return true;
    }
    return false;
}

bool search_update(struct control *control)
{
    struct state *state = control->state;
    struct board *board = &control->history->board;
    if (board->feed == NULL)
        return false;
    const bool newer = board_update(board);
    const bool open = board->now.state == SEARCH_RUNNING || board->now.state == SEARCH_FROZEN;
    if (state->mode == MODE_SEARCH && state->search.menu == SEARCH_MENU_LEAVE && !open)
        state->mode = MODE_MAIN;
    return newer;
}
