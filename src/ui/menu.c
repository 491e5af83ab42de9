/* The menus of choices: ways to leave, and what to do after a divergence. */
#include "control.h"
#include "draw.h"
#include "post.h"
#include "screens.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEY_WIDTH = 5, WIDEST = 66, CHOICES = 4 };

/* One way on: the key, what it is called, and what it does and costs. */
struct choice {
    const char *key, *name;
    char text[200];
};
struct menu {
    const char *title;
    const char *head; /* why it is there; "": it was asked for */
    enum style style; /* of frame and head */
    size_t count;
    struct choice choices[CHOICES];
    const char *back;  /* what Esc does */
    const char *brief; /* all in one line, where there is no room, … */
    const char *briefer;
};

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
    draw_fitting(grid, row, STYLE_WARN, (const char *const[]){menu->brief, menu->briefer}, 2);
}

static void draw_menu(struct grid *grid, struct menu *menu)
{
    int width = grid->width - 4 < WIDEST ? grid->width - 4 : WIDEST;
    int inner = width - KEY_WIDTH - 6;
    bool spaced = menu_height(menu, inner, true) <= grid->height;
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

static void save_text(const struct snapshot *snapshot, bool brief, char *out, size_t size)
{
    if (snapshot->warning[0] != '\0')
        snprintf(out, size,
                 brief ? "Tries to save step %" PRId64 ", then leaves and says whether it is."
                       : "Tries to save a checkpoint of step %" PRId64
                         ", in spite of the warning, then leaves and says whether it is saved.",
                 snapshot->step);
    else
        snprintf(out, size,
                 brief ? "Saves step %" PRId64 ", then leaves. Nothing is lost."
                       : "Saves a checkpoint, now step %" PRId64
                         ", and leaves. Nothing is lost: kdtui resume goes on from there.",
                 snapshot->step);
}

static void abandon_text(const struct snapshot *snapshot, bool brief, char *out, size_t size)
{
    int64_t lost = snapshot->step - snapshot->checkpoint_step;
    if (snapshot->checkpoint_step < 0)
        snprintf(out, size,
                 "Leaves at once. There is no checkpoint: all steps (%" PRId64 ") are lost.",
                 snapshot->step);
    else if (lost < 0)
        snprintf(out, size,
                 "Leaves at once. What was trained since the last return is lost: the last "
                 "checkpoint, of step %" PRId64 ", is older.",
                 snapshot->checkpoint_step);
    else if (lost == 0)
        snprintf(out, size,
                 "Leaves at once. Nothing is lost: step %" PRId64 " is the last checkpoint.",
                 snapshot->step);
    else
        snprintf(out, size,
                 brief ? "Leaves at once. The steps since the last checkpoint (%" PRId64
                         ") are lost."
                       : "Leaves at once. The steps since the last checkpoint (%" PRId64
                         ") are lost; what is on disk stays, up to step %" PRId64 ".",
                 lost, snapshot->checkpoint_step);
}

void menu_draw(struct grid *grid, const struct state *state, const struct snapshot *snapshot)
{
    bool brief = grid->width < 59;
    struct menu menu = {
        .title = "leave?",
        .head = "",
        .style = STYLE_TITLE,
        .count = 2,
        .choices = {{.key = "s", .name = "save and stop"}, {.key = "a", .name = "abandon"}},
        .back = state->paused ? "back: it stays paused" : "back: training goes on",
        .brief = grid->width < 36 ? "s save  a abandon  Esc back"
                                  : "s save and stop  a abandon  Esc back",
        .briefer = "s save a abandon Esc",
    };
    save_text(snapshot, brief, menu.choices[0].text, sizeof(menu.choices[0].text));
    abandon_text(snapshot, brief, menu.choices[1].text, sizeof(menu.choices[1].text));
    draw_menu(grid, &menu);
}

/* What was edited last is the likeliest cause, so taking it back comes first. */
void diverged_draw(struct grid *grid, const struct snapshot *snapshot)
{
    bool undo = snapshot->undo_step >= 0, narrow = grid->width < 64;
    struct menu menu = {
        .title = "the loss exploded",
        .head = snapshot->pause_reason,
        .style = STYLE_BAD,
        .back = "look first: it stays paused, Enter asks again",
        .brief = undo     ? narrow ? "u undo  h half rate  r back  s stop  Esc"
                                   : "u undo  h half the rate  r roll back  s stop  Esc look first"
                 : narrow ? "h half the rate  r roll back  s stop  Esc"
                          : "h half the rate  r roll back  s stop  Esc look first",
        .briefer = undo ? "u undo h half r back s stop" : "h half r back s stop",
    };
    if (undo) {
        struct choice *choice = &menu.choices[menu.count++];
        *choice = (struct choice){.key = "u", .name = "take the last edit back"};
        snprintf(choice->text, sizeof(choice->text),
                 "Undoes %s, and trains on from step %" PRId64 ".", snapshot->undo_label,
                 snapshot->undo_step);
    }
    struct choice *half = &menu.choices[menu.count++];
    *half = (struct choice){.key = "h", .name = "go on at half the rate"};
    snprintf(half->text, sizeof(half->text),
             "Sets the learning rate from %.4g to %.4g and trains on from step %" PRId64 ".",
             snapshot->learning_rate, snapshot->learning_rate / 2, snapshot->step);
    menu.choices[menu.count++] =
        (struct choice){.key = "r",
                        .name = "roll back further",
                        .text = "Offers the earlier states that are kept."};
    menu.choices[menu.count++] = (struct choice){
        .key = "s",
        .name = "stop here",
        .text = "Ends the run: saved, the best weights tested, the result written."};
    draw_menu(grid, &menu);
}

void menu_open(struct control *control)
{
    if (run_state_ended(control->history->snapshot.state))
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

void menu_key(struct control *control, const char *key)
{
    if (strcmp(key, "s") == 0)
        leave(control, VIEW_SAVE, "saving a checkpoint and leaving …");
    else if (strcmp(key, "a") == 0)
        leave(control, VIEW_ABANDON, "leaving without saving …");
    else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0)
        control->state->mode = MODE_MAIN;
}

/* Seconds in which keys do nothing after the menu has opened by itself: they were meant for what
 * was there before. */
#define DIVERGED_GUARD 0.5

void diverged_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    if (state->now < state->diverged_clock + DIVERGED_GUARD)
        return;
    const char *mend = strcmp(key, "h") == 0 ? "set train.learning_rate /2"
                       : strcmp(key, "u") == 0 && control->history->snapshot.undo_step >= 0 ? "undo"
                                                                                            : NULL;
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
    } else if (state->diverged_shown != snapshot->returns + 1 && state->mode == MODE_MAIN) {
        state->diverged_shown = snapshot->returns + 1;
        state->diverged_clock = state->now;
        state->mode = MODE_DIVERGED;
    }
}
