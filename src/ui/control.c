/* Keys to command lines; the view's own commands performed, the run's posted. */
#include "control.h"
#include "look.h"
#include "mouse.h"
#include "post.h"
#include "screens.h"
#include "search_view.h"

#include <string.h>

/* Commands of the view that lead to changes of a run: of a trial they are the run's answer, which
 * is no. */
static bool leads_to_change(const struct control *control, const struct command *command)
{
    static const enum command_id ids[] = {COMMAND_PAUSE_OR_CONTINUE, COMMAND_ROLLBACK_MENU,
                                          COMMAND_MARK, COMMAND_ASK};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids) && control->history->board.feed != NULL; i++)
        if (ids[i] == command->id)
            return true;
    return false;
}

void control_perform(struct control *control, const char *line, enum command_source source)
{
    struct state *state = control->state;
    struct command command;
    struct err err = {0};
    if (command_parse(line, &command, &err) != 0) {
        news_say(state, STYLE_WARN, "refused: %s", err.text);
        return;
    }
    double factor = source == SOURCE_KEY ? post_rate_factor(&command) : 0;
    if (factor > 0) {
        post_factor(control, line, factor);
        return;
    }
    if (command.id == COMMAND_DETACH) {
        menu_detach(control);
        return;
    }
    if (command.id == COMMAND_TRIAL) {
        search_view_command(control, &command, source);
        return;
    }
    if (command_info(command.id)->scope != COMMAND_SCOPE_VIEW ||
        leads_to_change(control, &command)) {
        if (command.id == COMMAND_RANGE_TEST && command.words == 0 &&
            control->history->board.feed == NULL)
            range_start(control, line, source);
        else if (!look_command(control, &command))
            post_line(control, line, source);
        return;
    }
    if (charts_command(control, &command, source))
        return;
    switch (command.id) {
    case COMMAND_PAUSE_OR_CONTINUE:
        post_pause_or_continue(control, source);
        break;
    case COMMAND_ASK:
        prompt_ask(control, command.word[0]);
        break;
    case COMMAND_PROMPT:
        prompt_open(control, "");
        break;
    case COMMAND_ROLLBACK_MENU:
        rollback_open(control);
        break;
    case COMMAND_GLYPHS:
        look_choose(control, "view.glyphs", command.words > 0 ? command.word[0] : NULL);
        break;
    case COMMAND_COLORS:
        look_choose(control, "view.colors", command.words > 0 ? command.word[0] : NULL);
        break;
    case COMMAND_SMOOTHING:
        look_choose(control, "view.smoothing", command.words > 0 ? command.word[0] : NULL);
        break;
    case COMMAND_MARK:
        prompt_open(control, "note ");
        break;
    case COMMAND_LOG_Y:
        state->log_y = !state->log_y;
        news_say(state, STYLE_PLAIN, "loss axis: %s", state->log_y ? "logarithmic" : "linear");
        break;
    case COMMAND_SCREEN:
        screens_change(control, command.words > 0 ? command.word[0] : NULL);
        break;
    case COMMAND_HELP:
        screens_show(state, SCREEN_HELP);
        break;
    case COMMAND_REPAINT:
        control->repaint = true;
        break;
    case COMMAND_SUSPEND:
        control->stop_process = true;
        break;
    case COMMAND_QUIT:
        menu_open(control);
        break;
    default:
        news_say(state, STYLE_WARN, "this view does not know that command");
        break;
    }
}

static void key_on_screen(struct control *control, const char *key, bool anywhere)
{
    struct state *state = control->state;
    const struct screen_info *screen = screen_info(state->screen);
    const struct key_info *row = key_find(key);
    const bool looks = control->history->board.feed != NULL && state->search.looks;
    if (!anywhere && screen->key != NULL && screen->key(control, key))
        return;
    if (looks && search_look_key(control, key))
        return;
    if (row != NULL) {
        control_perform(control, row->command, SOURCE_KEY);
    } else if (strcmp(key, "esc") == 0) {
        state->message[0] = '\0';
        if (state->screen == SCREEN_CHARTS)
            charts_back(control);
        state->screen = search_shown(state, control->history) ? SCREEN_TRIALS : SCREEN_CHARTS;
    } else if (strcmp(key, "enter") == 0 && control->history->snapshot.diverged &&
               !state->read_only) {
        state->diverged_clock = 0;
        state->mode = MODE_DIVERGED;
    } else {
        news_say(state, STYLE_PLAIN, "%s does nothing here; ? lists the keys", key);
    }
}

void control_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    if (mouse_key(control, key))
        return;
    const struct key_info *row = key_find(key);
    bool anywhere = row != NULL &&
                    (strcmp(row->command, "suspend") == 0 || strcmp(row->command, "repaint") == 0);
    switch (anywhere ? MODE_MAIN : state->mode) {
    case MODE_MAIN:
        key_on_screen(control, key, anywhere);
        break;
    case MODE_PROMPT:
        prompt_key(control, key);
        break;
    case MODE_MENU:
        menu_key(control, key);
        break;
    case MODE_ROLLBACK:
        rollback_key(control, key);
        break;
    case MODE_DIVERGED:
        diverged_key(control, key);
        break;
    case MODE_SEARCH:
        search_menu_key(control, key);
        break;
    case MODE_LEAVING:
        break;
    }
    diverged_update(control); /* where it waited for another menu to close */
}

bool control_update(struct control *control)
{
    struct state *state = control->state;
    /* The answers before the snapshot, which then is at least as new. */
    post_update(control);
    if (state->screen == SCREEN_LAYERS)
        history_look_at_layers(control->history, control->feed);
    range_update(control);
    const bool searched = search_update(control);
    const bool newer = history_update(control->history, control->feed);
    int64_t first, last;
    charts_steps(&state->charts, control->history, &first, &last);
    history_look_at(control->history, control->feed, first, last);
    if (state->screen == SCREEN_CONFUSION)
        guesses_update(&control->history->guesses, control->feed, &control->history->snapshot);
    if (!newer)
        return searched;
    const struct snapshot *snapshot = &control->history->snapshot;
    if (control->outcome == VIEW_OPEN && snapshot->detaches != state->detaches)
        control->outcome = VIEW_SENT;
    enum run_state now = snapshot->state;
    /* An evaluation during a pause is still a pause. */
    if (state->pause_id == 0 && (now == RUN_PAUSED || now == RUN_RUNNING))
        state->paused = now == RUN_PAUSED;
    /* The menu's choices are those of a run that goes on. */
    if ((state->mode == MODE_MENU || state->mode == MODE_ROLLBACK) && run_state_ended(now))
        state->mode = MODE_MAIN;
    diverged_update(control);
    return true;
}
