/* The menus of a search: ways to leave, stopping a trial, taking one over. */
#include "control.h"
#include "draw.h"
#include "menu.h"
#include "search_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool goes_on(const struct board *board)
{
    return board->now.state == SEARCH_RUNNING || board->now.state == SEARCH_FROZEN;
}

static void leave_menu(const struct board *board, bool brief, struct menu *menu)
{
    struct choice *choice = menu_add(menu, "s", "save and stop");
    if (brief)
        snprintf(choice->text, sizeof choice->text, "Saves %" PRId64 " trials; nothing is lost.",
                 board->now.running);
    else
        snprintf(choice->text, sizeof choice->text,
                 "Saves the %" PRId64
                 " trials in training where they are, and leaves. Nothing is "
                 "lost: kdtui search -n %.80s goes on.",
                 board->now.running, board->now.name);
    choice = menu_add(menu, "d", "leave it searching");
    if (brief)
        snprintf(choice->text, sizeof choice->text, "It goes on without a view.");
    else
        snprintf(choice->text, sizeof choice->text,
                 "It goes on without a view, up to its end; kdtui search --table tells how it "
                 "stands.");
    menu->title = "leave?";
    menu->back = "back: the search goes on";
    menu->brief[0] = "s save and stop  d leave it searching  Esc back";
    menu->brief[1] = "s save  d leave searching  Esc";
    menu->brief[2] = "s save d leave Esc";
}

static void stop_menu(const struct trial *trial, struct menu *menu, char title[64])
{
    snprintf(title, 64, "stop trial %d?", trial->number);
    struct choice *choice = menu_add(menu, "s", "stop it");
    snprintf(choice->text, sizeof choice->text,
             "It ends with its %" PRId64
             " epochs and does not come back; its best weights stay. "
             "The worker takes the next trial.",
             trial->epochs);
    choice = menu_add(menu, "f", trial->frozen ? "let it go on" : "freeze it");
    snprintf(choice->text, sizeof choice->text, "%s",
             trial->frozen ? "It trains on from where it was when a worker is free."
                           : "It keeps its place and its state while others train; f again lets it "
                             "go on.");
    menu->title = title;
    menu->back = "back: it stays as it is";
    menu->brief[0] = "s stop it  f freeze it  Esc back";
    menu->brief[1] = "s stop  f freeze  Esc";
}

static void take_menu(const struct trial *trial, struct menu *menu, char title[64])
{
    const bool ended = trial_ended(trial->state);
    snprintf(title, 64, "take trial %d over?", trial->number);
    struct choice *choice = menu_add(menu, "t", "take it over");
    snprintf(choice->text, sizeof choice->text, "%s",
             ended
                 ? "A copy becomes a run of its own, which trains on from the trial's end; what it "
                   "did after its best state is trained again first."
                 : "Its state becomes a run of its own, to be steered; in the search it ends with "
                   "what it has.");
    menu->head =
        "The search waits meanwhile, all its trials saved, so that the run has every "
        "processor. When you leave the run it goes on, and you are back here.";
    menu->title = title;
    menu->back = "back: nothing changes";
    menu->brief[0] = "t take it over, the search waits  Esc back";
    menu->brief[1] = "t take over  Esc back";
}

void search_menu_draw(struct grid *grid, const struct state *state, const struct history *history)
{
    const struct board *board = &history->board;
    struct menu menu = {.head = "", .style = STYLE_TITLE};
    char title[64];
    const int subject = state->search.subject;
    if (board->feed == NULL)
        return;
    if (state->search.menu == SEARCH_MENU_LEAVE)
        leave_menu(board, grid->width < 59, &menu);
    else if ((size_t)subject >= board->count)
        return;
    else if (state->search.menu == SEARCH_MENU_STOP)
        stop_menu(&board->trials[subject], &menu, title);
    else
        take_menu(&board->trials[subject], &menu, title);
    menu_show(grid, &menu);
}

static void leave(struct control *control, enum view_outcome outcome, const char *notice)
{
    control->outcome = outcome;
    control->state->mode = MODE_LEAVING;
    text_copy(control->state->notice, sizeof(control->state->notice), notice);
}

void search_leave_open(struct control *control)
{
    if (!goes_on(&control->history->board)) {
        control->outcome = VIEW_LEFT;
        return;
    }
    control->state->search.menu = SEARCH_MENU_LEAVE;
    control->state->mode = MODE_SEARCH;
}

void search_detach(struct control *control)
{
    if (!goes_on(&control->history->board))
        control->outcome = VIEW_LEFT;
    else
        leave(control, VIEW_DETACH, "leaving it searching …");
}

static bool choose(struct control *control, const char *key)
{
    struct state *state = control->state;
    char line[64];
    switch (state->search.menu) {
    case SEARCH_MENU_LEAVE:
        if (strcmp(key, "s") == 0)
            leave(control, VIEW_SAVE, "saving every trial …");
        else if (strcmp(key, "d") == 0)
            search_detach(control);
        else
            return false;
        return true;
    case SEARCH_MENU_STOP:
        if (strcmp(key, "s") != 0 && strcmp(key, "f") != 0)
            return false;
        snprintf(line, sizeof line, "trial %s %d", key[0] == 's' ? "stop" : "freeze",
                 state->search.subject);
        state->mode = MODE_MAIN;
        control_perform(control, line, SOURCE_KEY);
        return true;
    case SEARCH_MENU_TAKE:
        if (strcmp(key, "t") != 0)
            return false;
        leave(control, VIEW_TAKE, "saving every trial, then the run begins …");
        return true;
    }
    return false;
}

void search_menu_key(struct control *control, const char *key)
{
    if (choose(control, key))
        return;
    if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0)
        control->state->mode = MODE_MAIN;
    else
        news_no_choice(control->state, key);
}
