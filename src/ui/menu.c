/* The menus of choices, each with what it does and costs: ways to leave, and what to do after a
 * divergence. */
#include "control.h"
#include "draw.h"
#include "menu.h"
#include "post.h"
#include "screens.h"
#include "search_view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEY_WIDTH = 5, WIDEST = 66 };

/* The rows that it takes, with empty ones between the choices or without. */
static int menu_height(const struct menu *menu, int inner, bool spaced)
{
    int height = 3, gap = spaced ? 1 : 0; /* frame, and Esc */
    if (menu->head[0] != '\0')
        height += draw_wrapped_lines(menu->head, inner + KEY_WIDTH) + gap;
    for (size_t i = 0; i < menu->count; i++)
        height += 1 + draw_wrapped_lines(menu->choices[i].text, inner) + gap;
    return height + 2 * gap;
}

static void draw_brief(struct grid *grid, const struct menu *menu)
{
    struct rect row = {0, 0, grid->width, 1};
    draw_fill(grid, row, STYLE_PLAIN);
    size_t count = 0;
    while (count < MENU_BRIEFS && menu->brief[count] != NULL)
        count++;
    draw_fitting(grid, row, STYLE_WARN, menu->brief, count);
}

void menu_show(struct grid *grid, struct menu *menu)
{
    int width = grid->width - 4 < WIDEST ? grid->width - 4 : WIDEST;
    int inner = width - KEY_WIDTH - 6;
    /* The line of news stays in sight, where it can: it says what a key did not do. */
    bool spaced = menu_height(menu, inner, true) + 3 <= grid->height;
    bool texts = menu_height(menu, inner, spaced) <= grid->height;
    if (!texts) /* the names say it, too */
        for (size_t i = 0; i < menu->count; i++)
            menu->choices[i].text[0] = '\0';
    int height = menu_height(menu, inner, spaced), gap = spaced ? 1 : 0;
    if (inner < 20 || height > grid->height) {
        draw_brief(grid, menu);
        return;
    }
    struct rect box = {(grid->width - width) / 2, (grid->height - height) / 2, width, height};
    draw_frame(grid, box, menu->style, menu->title);
    int x = box.x + 3, y = box.y + 1 + gap;
    if (menu->head[0] != '\0')
        y += gap + draw_wrapped(grid, (struct rect){x, y, inner + KEY_WIDTH, grid->height},
                                menu->style, menu->head);
    for (size_t i = 0; i < menu->count; i++) {
        const struct choice *choice = &menu->choices[i];
        grid_text(grid, x, y, KEY_WIDTH, STYLE_KEY, choice->key);
        grid_text(grid, x + KEY_WIDTH, y++, inner, STYLE_BOLD, choice->name);
        y += gap + draw_wrapped(grid, (struct rect){x + KEY_WIDTH, y, inner, grid->height},
                                STYLE_PLAIN, choice->text);
    }
    grid_text(grid, x, y, KEY_WIDTH, STYLE_KEY, "Esc");
    draw_fitting(grid, (struct rect){x + KEY_WIDTH, y, inner, 1}, STYLE_PLAIN,
                 (const char *const[]){menu->back, "back"}, 2);
}

struct choice *menu_add(struct menu *menu, const char *key, const char *name)
{
    assert(menu->count < MENU_CHOICES);
    struct choice *choice = &menu->choices[menu->count++];
    choice->key = key;
    choice->name = name;
    return choice;
}

/* What a checkpoint comes to: each weight and its velocity, or two moments. */
static void print_checkpoint_size(const struct snapshot *snapshot, char *out, size_t size)
{
    const enum settings_optimizer optimizer = snapshot->settings.train.optimizer;
    const bool adam = optimizer == OPTIMIZER_ADAM || optimizer == OPTIMIZER_ADAMW;
    draw_bytes((adam ? 3.0 : 2.0) * sizeof(float) * (double)snapshot->parameters, out, size);
}

/* How long steps take to train, as fast as it is now: " (about 12 s of training)"; "" where
 * that is not known. */
static void print_effort(const struct snapshot *snapshot, int64_t steps, char *out, size_t size)
{
    const double images = (double)steps * snapshot->settings.train.batch_size;
    const double seconds = images / snapshot->samples_per_second;
    char duration[32];
    out[0] = '\0';
    if (!(snapshot->samples_per_second > 0))
        return;
    if (seconds < 10)
        snprintf(duration, sizeof(duration), "%.1f s", seconds);
    else
        draw_duration(seconds, duration, sizeof(duration));
    snprintf(out, size, " (about %s of training)", duration);
}

static void save_text(const struct snapshot *snapshot, bool brief, struct choice *choice)
{
    const bool warned = snapshot->warning[0] != '\0';
    char bytes[32];
    print_checkpoint_size(snapshot, bytes, sizeof(bytes));
    char *out = choice->text;
    const size_t size = sizeof(choice->text);
    if (warned && brief)
        snprintf(out, size, "Tries to save step %" PRId64 " (%s), says if it is.", snapshot->step,
                 bytes);
    else if (warned)
        snprintf(out, size,
                 "Tries to save step %" PRId64
                 " (about %s), in spite of the warning, then leaves and says whether it is saved.",
                 snapshot->step, bytes);
    else if (brief)
        snprintf(out, size, "Saves step %" PRId64 " (%s); nothing is lost.", snapshot->step, bytes);
    else
        snprintf(out, size,
                 "Saves step %" PRId64
                 " (about %s) and leaves. Nothing is lost: kdtui resume goes on from there.",
                 snapshot->step, bytes);
}

static void detach_text(const struct state *state, bool brief, struct choice *choice)
{
    const char *without = state->attached ? " in its own process" : " without a view";
    snprintf(choice->text, sizeof(choice->text), "%s%s%s",
             state->paused ? "The run waits, paused" : "Training goes on", brief ? "" : without,
             brief ? "." : "; kdtui attach comes back to it.");
}

static void abandon_text(const struct snapshot *snapshot, bool brief, struct choice *choice)
{
    const int64_t step = snapshot->step, saved = snapshot->checkpoint_step;
    char effort[64] = "", text[160];
    if (!brief)
        print_effort(snapshot, saved < 0 ? step : step - saved, effort, sizeof(effort));
    if (saved < 0 && step == 0)
        snprintf(text, sizeof(text), "Nothing is trained yet, so nothing is lost.");
    else if (saved < 0)
        snprintf(text, sizeof(text), "Nothing is saved yet, so all is lost: %" PRId64 " step%s%s.",
                 step, step == 1 ? "" : "s", effort);
    else if (saved == step)
        snprintf(text, sizeof(text), "Nothing is lost: the last checkpoint is of step %" PRId64 ".",
                 step);
    else if (saved > step)
        snprintf(text, sizeof(text),
                 "What was trained since the last return is lost; the last checkpoint, of step "
                 "%" PRId64 ", is older.",
                 saved);
    else if (brief)
        snprintf(text, sizeof(text), "Steps %" PRId64 " to %" PRId64 " are lost.", saved, step);
    else
        snprintf(text, sizeof(text),
                 "Steps %" PRId64 " to %" PRId64 "%s are lost; the checkpoint of step %" PRId64
                 " stays.",
                 saved, step, effort, saved);
    snprintf(choice->text, sizeof(choice->text), "Leaves at once. %s", text);
}

void menu_draw(struct grid *grid, const struct state *state, const struct snapshot *snapshot)
{
    bool brief = grid->width < 59;
    struct menu menu = {
        .title = "leave?",
        .head = "",
        .style = STYLE_TITLE,
        .back = state->paused ? "back: it stays paused" : "back: training goes on",
        .brief = {"s save and stop  d leave it training  a abandon  Esc back",
                  "s save  d leave training  a abandon  Esc", "s save d leave a abandon Esc",
                  "s save d leave a Esc"},
    };
    if (state->attached) {
        menu.title = "leave the view?";
        menu.brief[0] = state->read_only ? "d leave it training  Esc back"
                                         : "s save and stop  d leave it training  Esc back";
        menu.brief[1] =
            state->read_only ? "d leave training  Esc" : "s save  d leave training  Esc";
        menu.brief[2] = state->read_only ? "d leave Esc" : "s save d leave Esc";
        menu.brief[3] = NULL;
    }
    if (!state->attached || !state->read_only)
        save_text(snapshot, brief, menu_add(&menu, "s", "save and stop"));
    detach_text(state, brief, menu_add(&menu, "d", "leave it training"));
    if (!state->attached)
        abandon_text(snapshot, brief, menu_add(&menu, "a", "abandon"));
    menu_show(grid, &menu);
}

static void undo_text(const struct snapshot *snapshot, struct choice *choice)
{
    const int64_t to = snapshot->undo_step, back = snapshot->step - to;
    if (back > 0)
        snprintf(choice->text, sizeof(choice->text),
                 "Undoes %s and trains on from step %" PRId64 ", %" PRId64 " step%s back.",
                 snapshot->undo_label, to, back, back == 1 ? "" : "s");
    else
        snprintf(choice->text, sizeof(choice->text),
                 "Undoes %s and trains on from step %" PRId64 ".", snapshot->undo_label, to);
}

/* What was edited last is the likeliest cause, so taking it back comes first. */
void diverged_draw(struct grid *grid, const struct snapshot *snapshot)
{
    bool undo = snapshot->undo_step >= 0;
    struct menu menu = {
        .title = "the loss exploded",
        .head = snapshot->pause_reason,
        .style = STYLE_BAD,
        .back = "look first: it stays paused, Enter asks again",
        .brief = {undo ? "u undo  h half the rate  r roll back  s stop  Esc look first"
                       : "h half the rate  r roll back  s stop  Esc look first",
                  undo ? "u undo  h half rate  r back  s stop  Esc"
                       : "h half the rate  r roll back  s stop  Esc",
                  undo ? "u undo h half r back s stop" : "h half r back s stop"},
    };
    char bytes[32];
    print_checkpoint_size(snapshot, bytes, sizeof(bytes));
    if (undo)
        undo_text(snapshot, menu_add(&menu, "u", "take the last edit back"));
    struct choice *choice = menu_add(&menu, "h", "go on at half the rate");
    snprintf(choice->text, sizeof(choice->text),
             "Sets the learning rate from %.4g to %.4g and trains on from step %" PRId64 ".",
             snapshot->learning_rate, snapshot->learning_rate / 2, snapshot->step);
    choice = menu_add(&menu, "r", "roll back further");
    snprintf(choice->text, sizeof(choice->text),
             "Offers the kept states and says what each costs.");
    choice = menu_add(&menu, "s", "stop here");
    snprintf(choice->text, sizeof(choice->text),
             "Saves about %s, tests the best weights, and ends.", bytes);
    menu_show(grid, &menu);
}

void menu_open(struct control *control)
{
    if (control->history->board.feed != NULL)
        search_leave_open(control);
    else if (run_state_ended(control->history->snapshot.state))
        control->outcome = VIEW_LEFT;
    else
        control->state->mode = MODE_MENU;
}

static void leave(struct control *control, enum view_outcome outcome, const char *notice)
{
    post_waiting(control);
    control->outcome = outcome;
    control->state->mode = MODE_LEAVING;
    text_copy(control->state->notice, sizeof(control->state->notice), notice);
}

/* Once the run has ended there is nothing that would go on. */
void menu_detach(struct control *control)
{
    if (control->history->board.feed != NULL)
        search_detach(control);
    else if (run_state_ended(control->history->snapshot.state))
        control->outcome = VIEW_LEFT;
    else
        leave(control, VIEW_DETACH, "leaving it training …");
}

void menu_key(struct control *control, const char *key)
{
    const struct state *state = control->state;
    if (strcmp(key, "s") == 0 && !state->read_only)
        leave(control, VIEW_SAVE, "saving a checkpoint and leaving …");
    else if (strcmp(key, "d") == 0)
        menu_detach(control);
    else if (strcmp(key, "a") == 0 && !state->attached)
        leave(control, VIEW_ABANDON, "leaving without saving …");
    else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0)
        control->state->mode = MODE_MAIN;
    else
        news_no_choice(control->state, key);
}

/* Seconds in which keys do nothing after the menu has opened by itself: they were meant for what
 * was there before. */
#define DIVERGED_GUARD 0.5

void diverged_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    if (state->now < state->diverged_clock + DIVERGED_GUARD) {
        news_say(state, STYLE_PLAIN, "the menu has just opened: press %s again to choose", key);
        return;
    }
    const bool undo = strcmp(key, "u") == 0;
    if (undo && control->history->snapshot.undo_step < 0) {
        news_say(state, STYLE_PLAIN, "there is no edit to take back");
        return;
    }
    const char *mend = strcmp(key, "h") == 0 ? "set train.learning_rate /2" : undo ? "undo" : NULL;
    if (mend != NULL) {
        state->mode = MODE_MAIN;
        if (post_line(control, mend, SOURCE_KEY) != 0)
            post_line(control, "continue", SOURCE_KEY);
    } else if (strcmp(key, "s") == 0) {
        state->mode = MODE_MAIN;
        post_line(control, "stop", SOURCE_KEY);
    } else if (strcmp(key, "r") == 0) {
        rollback_open(control);
    } else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0) {
        state->mode = MODE_MAIN;
    } else {
        news_no_choice(state, key);
    }
}

/* A divergence opens its menu once, over the main screen. The next one may come before the view
 * has seen the run go on; but it is a return of its own. */
void diverged_update(struct control *control)
{
    struct state *state = control->state;
    const struct snapshot *snapshot = &control->history->snapshot;
    if (!snapshot->diverged) {
        state->diverged_shown = 0;
        if (state->mode == MODE_DIVERGED)
            state->mode = MODE_MAIN;
    } else if (state->diverged_shown != snapshot->returns + 1 && state->mode == MODE_MAIN &&
               !state->read_only) {
        state->diverged_shown = snapshot->returns + 1;
        state->diverged_clock = state->now;
        state->mode = MODE_DIVERGED;
    }
}
