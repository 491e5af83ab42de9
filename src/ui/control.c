/* Keys to command lines; the view's own commands performed, the run's posted. */
#include "control.h"
#include "complete.h"
#include "rollback.h"
#include "screens.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void say(struct control *control, enum style style, const char *text)
{
    struct state *state = control->state;
    text_copy(state->message, sizeof(state->message), text);
    state->message_style = style;
    state->message_clock = state->now;
}

static uint64_t post_now(struct control *control, const char *line, enum command_source source)
{
    struct state *state = control->state;
    struct err err = {0};
    uint64_t id = control->feed->post(control->feed, line, source, &err);
    if (id == 0) {
        char text[sizeof(state->message)];
        snprintf(text, sizeof(text), "refused: %.*s", (int)sizeof(text) - 16, err.text);
        say(control, STYLE_WARN, text);
        return 0;
    }
    state->message[0] = '\0';
    state->posted_id = id;
    text_copy(state->posted, sizeof(state->posted), line);
    return id;
}

/* Posts the presses that were folded into one. */
static void post_folded(struct control *control)
{
    struct state *state = control->state;
    if (state->folded[0] == '\0')
        return;
    state->rate_id = post_now(control, state->folded, SOURCE_KEY);
    state->folded[0] = '\0';
}

/* In the order of the keys, so what was folded goes first. */
static uint64_t post(struct control *control, const char *line, enum command_source source)
{
    post_folded(control);
    return post_now(control, line, source);
}

/* The factor of "set train.learning_rate *F" and "/F"; 0 of any other command. */
static double rate_factor(const struct command *command)
{
    double factor;
    if (command->id != COMMAND_SET || command->words != 2 ||
        strcmp(command->word[0], "train.learning_rate") != 0 ||
        strchr("*/", command->word[1][0]) == NULL ||
        number_parse_double(command->word[1] + 1, &factor) != 0 || factor == 0)
        return 0;
    return command->word[1][0] == '*' ? factor : 1 / factor;
}

/* A held key must not fill the run's queue: while one factor is not answered, those that follow
 * become one command. */
static void post_factor(struct control *control, const char *line, double factor)
{
    struct state *state = control->state;
    if (state->rate_id == 0) {
        state->rate_id = post(control, line, SOURCE_KEY);
        return;
    }
    state->folded_factor = state->folded[0] != '\0' ? state->folded_factor * factor : factor;
    if (fabs(state->folded_factor - 1) < 1e-9) { /* they took each other back */
        state->folded[0] = '\0';
        return;
    }
    snprintf(state->folded, sizeof(state->folded), "set train.learning_rate *%.12g",
             state->folded_factor);
}

/* A second press must take the first back even before the run has answered it. */
static void pause_or_continue(struct control *control, enum command_source source)
{
    struct state *state = control->state;
    uint64_t id = post(control, state->paused ? "continue" : "pause", source);
    if (id != 0) {
        state->pause_id = id;
        state->paused = !state->paused;
    }
}

/* view.ini: every view setting that it had, and the new one. */
static void remember_glyphs(struct control *control, enum settings_glyphs glyphs)
{
    if (control->remember_path == NULL)
        return;
    struct err err = {0};
    struct settings *kept = mem_alloc(sizeof(*kept));
    struct text ini = {0};
    settings_init(kept);
    if (settings_load(kept, control->remember_path, true, &err) != 0)
        goto out;
    kept->view.glyphs = glyphs;
    text_print(&ini, "[view]\n");
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        char value[SETTINGS_TEXT];
        settings_format(kept, row, value, sizeof(value));
        if (row->change == SETTING_VIEW &&
            (strcmp(row->name, "view.glyphs") == 0 || strcmp(value, row->standard) != 0))
            text_print(&ini, "%s = %s\n", row->key, value);
    }
    char directory[1024];
    text_copy(directory, sizeof(directory), control->remember_path);
    char *slash = strrchr(directory, '/');
    if (slash != NULL && slash != directory) {
        *slash = '\0';
        if (file_make_directories(directory, &err) != 0)
            goto out;
    }
    file_write(control->remember_path, &(struct file_part){ini.bytes, ini.length}, 1, &err);
out:
    if (err.code != ERR_OK)
        say(control, STYLE_WARN, err.text);
    text_fini(&ini);
    mem_free(kept);
}

static void set_glyphs(struct control *control, const char *word)
{
    struct state *state = control->state;
    struct settings *trial = mem_alloc(sizeof(*trial));
    struct err err = {0};
    const struct setting *row = settings_find("view.glyphs", NULL);
    settings_init(trial);
    if (word == NULL) {
        static const enum settings_glyphs next[] = {
            [GLYPHS_AUTO] = GLYPHS_BRAILLE,
            [GLYPHS_BRAILLE] = GLYPHS_BLOCK,
            [GLYPHS_BLOCK] = GLYPHS_ASCII,
            [GLYPHS_ASCII] = GLYPHS_BRAILLE,
        };
        trial->view.glyphs = next[state->glyphs];
    } else if (settings_set(trial, row, word, &err) != 0) {
        say(control, STYLE_WARN, err.text);
        goto out;
    }
    if (!state->utf8 && trial->view.glyphs != GLYPHS_ASCII) {
        say(control, STYLE_WARN, "this locale is not UTF-8: only ASCII can be shown");
        goto out;
    }
    char value[64], text[128];
    settings_format(trial, row, value, sizeof(value));
    snprintf(text, sizeof(text), "glyphs: %s", value);
    say(control, STYLE_PLAIN, text);
    remember_glyphs(control, trial->view.glyphs);
    state->glyphs = trial->view.glyphs == GLYPHS_AUTO ? state->glyphs_auto : trial->view.glyphs;
    control->repaint = true;
out:
    mem_free(trial);
}

static void ask(struct control *control, const char *name)
{
    struct state *state = control->state;
    struct err err = {0};
    const struct setting *row = settings_find(name, &err);
    if (row == NULL) {
        say(control, STYLE_WARN, err.text);
        return;
    }
    if (row->change != SETTING_LIVE) {
        char text[sizeof(state->message)];
        snprintf(text, sizeof(text), "%s cannot change during a run", row->name);
        say(control, STYLE_WARN, text);
        return;
    }
    char value[SETTINGS_TEXT];
    if (strcmp(row->name, "train.learning_rate") == 0) /* the rate in force, not its base */
        snprintf(value, sizeof(value), "%.4g", control->history->snapshot.learning_rate);
    else
        settings_format(&control->history->snapshot.settings, row, value, sizeof(value));
    state->ask = row;
    state->mode = MODE_PROMPT;
    editor_start(&state->editor, value);
}

static void quit(struct control *control)
{
    if (run_state_ended(control->history->snapshot.state))
        control->outcome = VIEW_LEFT;
    else
        control->state->mode = MODE_MENU;
}

static void open_prompt(struct control *control, const char *line)
{
    struct state *state = control->state;
    state->ask = NULL;
    state->mode = MODE_PROMPT;
    editor_start(&state->editor, "");
    for (const char *at = line; *at != '\0'; at++)
        editor_key(&state->editor, *at == ' ' ? "space" : (const char[]){*at, '\0'});
}

static void open_rollback(struct control *control)
{
    if (run_state_ended(control->history->snapshot.state)) {
        say(control, STYLE_WARN, "the run has ended: kdtui resume goes on from any checkpoint");
        return;
    }
    control->state->rollback[0] = '\0'; /* the first that can be chosen */
    control->state->mode = MODE_ROLLBACK;
}

static void show_screen(struct state *state, enum view_screen screen)
{
    if (screen == SCREEN_HELP && state->screen != SCREEN_HELP) {
        state->before_help = state->screen;
        state->help.top = 0;
    }
    state->screen = screen;
}

/* The screen of that name; NULL: the next one. */
static void change_screen(struct control *control, const char *name)
{
    struct state *state = control->state;
    if (name == NULL) {
        show_screen(state, (state->screen + 1) % SCREEN_COUNT);
        return;
    }
    struct text known = {0};
    for (int i = 0; i < SCREEN_COUNT; i++) {
        const char *there = screen_info((enum view_screen)i)->name;
        if (strcmp(there, name) == 0) {
            show_screen(state, (enum view_screen)i);
            goto out;
        }
        text_print(&known, "%s%s", i > 0 ? ", " : "", there);
    }
    char text[sizeof(state->message)];
    snprintf(text, sizeof(text), "no screen is named %.64s: %.160s", name, known.bytes);
    say(control, STYLE_WARN, text);
out:
    text_fini(&known);
}

static void perform(struct control *control, const char *line, enum command_source source)
{
    struct state *state = control->state;
    struct command command;
    struct err err = {0};
    if (command_parse(line, &command, &err) != 0) {
        char text[sizeof(state->message)];
        snprintf(text, sizeof(text), "refused: %.*s", (int)sizeof(text) - 16, err.text);
        say(control, STYLE_WARN, text);
        return;
    }
    double factor = source == SOURCE_KEY ? rate_factor(&command) : 0;
    if (factor > 0) {
        post_factor(control, line, factor);
        return;
    }
    if (command_info(command.id)->scope != COMMAND_SCOPE_VIEW) {
        post(control, line, source);
        return;
    }
    switch (command.id) {
    case COMMAND_PAUSE_OR_CONTINUE:
        pause_or_continue(control, source);
        break;
    case COMMAND_ASK:
        ask(control, command.word[0]);
        break;
    case COMMAND_PROMPT:
        open_prompt(control, "");
        break;
    case COMMAND_ROLLBACK_MENU:
        open_rollback(control);
        break;
    case COMMAND_GLYPHS:
        set_glyphs(control, command.words > 0 ? command.word[0] : NULL);
        break;
    case COMMAND_LOG_Y:
        state->log_y = !state->log_y;
        say(control, STYLE_PLAIN, state->log_y ? "loss axis: logarithmic" : "loss axis: linear");
        break;
    case COMMAND_SCREEN:
        change_screen(control, command.words > 0 ? command.word[0] : NULL);
        break;
    case COMMAND_HELP:
        show_screen(state, SCREEN_HELP);
        break;
    case COMMAND_REPAINT:
        control->repaint = true;
        break;
    case COMMAND_SUSPEND:
        control->stop_process = true;
        break;
    case COMMAND_QUIT:
        quit(control);
        break;
    default:
        say(control, STYLE_WARN, "this view does not know that command");
        break;
    }
}

static void complete(struct control *control)
{
    struct editor *editor = &control->state->editor;
    char rest[COMMAND_LINE];
    if (editor->cursor < editor->length)
        return;
    complete_rest(control->history, editor->text, rest, sizeof(rest));
    for (const char *at = rest; *at != '\0'; at++)
        editor_key(editor, (const char[]){*at, '\0'});
}

static void key_in_prompt(struct control *control, const char *key)
{
    struct state *state = control->state;
    if (strcmp(key, "enter") == 0) {
        char line[COMMAND_LINE];
        state->mode = MODE_MAIN;
        if (state->editor.length == 0)
            return;
        if (state->ask == NULL) {
            editor_remember(&state->editor);
            perform(control, state->editor.text, SOURCE_PROMPT);
        } else if (!state->editor.replace) { /* else the value was left as it is */
            snprintf(line, sizeof(line), "set %s %.*s", state->ask->name, COMMAND_LINE - 128,
                     state->editor.text);
            perform(control, line, SOURCE_PROMPT);
        }
    } else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 ||
               (strcmp(key, "backspace") == 0 && state->editor.length == 0)) {
        state->mode = MODE_MAIN;
    } else if (strcmp(key, "tab") == 0 && state->ask == NULL) {
        complete(control);
    } else {
        editor_key(&state->editor, key);
    }
}

static void leave(struct control *control, enum view_outcome outcome, const char *notice)
{
    post_folded(control);
    control->outcome = outcome;
    control->state->mode = MODE_LEAVING;
    text_copy(control->state->notice, sizeof(control->state->notice), notice);
}

static void key_in_menu(struct control *control, const char *key)
{
    if (strcmp(key, "s") == 0)
        leave(control, VIEW_SAVE, "saving a checkpoint and leaving …");
    else if (strcmp(key, "a") == 0)
        leave(control, VIEW_ABANDON, "leaving without saving …");
    else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0)
        control->state->mode = MODE_MAIN;
}

static void key_in_rollback(struct control *control, const char *key)
{
    struct state *state = control->state;
    struct rollback_entry list[ROLLBACK_MOST];
    size_t count = rollback_list(control->history, state->now, list);
    size_t chosen = rollback_find(list, count, state->rollback);
    bool up = strcmp(key, "up") == 0 || strcmp(key, "k") == 0;
    bool down = strcmp(key, "down") == 0 || strcmp(key, "j") == 0;
    if (up || down) {
        for (size_t i = chosen; i < count;) {
            i = up ? i - 1 : i + 1; /* before the first comes `count` or more */
            if (i >= count || list[i].command[0] == '\0')
                continue;
            text_copy(state->rollback, sizeof(state->rollback), list[i].command);
            return;
        }
        return;
    }
    if (strcmp(key, "s") == 0) {
        open_prompt(control, "rollback ");
        return;
    }
    if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0 ||
        strcmp(key, "r") == 0) {
        state->mode = MODE_MAIN;
        return;
    }
    size_t taken = strcmp(key, "enter") == 0 ? chosen : count;
    for (size_t i = 0; i < count; i++)
        if (list[i].key[0] != '\0' && strcmp(list[i].key, key) == 0)
            taken = i;
    if (taken == count || list[taken].command[0] == '\0')
        return;
    state->mode = MODE_MAIN;
    post(control, list[taken].command, SOURCE_KEY);
}

/* Seconds in which keys do nothing after the menu has opened by itself: they were meant for what
 * was there before. */
#define DIVERGED_GUARD 0.5

static void key_when_diverged(struct control *control, const char *key)
{
    struct state *state = control->state;
    if (state->now < state->diverged_clock + DIVERGED_GUARD)
        return;
    const char *mend = strcmp(key, "h") == 0 ? "set train.learning_rate /2"
                       : strcmp(key, "u") == 0 && control->history->snapshot.undo_step >= 0 ? "undo"
                                                                                            : NULL;
    if (mend != NULL) {
        state->mode = MODE_MAIN;
        if (post(control, mend, SOURCE_KEY) != 0)
            post(control, "continue", SOURCE_KEY);
    } else if (strcmp(key, "s") == 0) {
        state->mode = MODE_MAIN;
        post(control, "stop", SOURCE_KEY);
    } else if (strcmp(key, "r") == 0) {
        open_rollback(control);
    } else if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0) {
        state->mode = MODE_MAIN;
    }
}

/* A divergence opens its menu once, over the main screen. The next one may come before the view
 * has seen the run go on; but it is a return of its own. */
static void show_divergence(struct control *control)
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

static void key_on_screen(struct control *control, const char *key, bool anywhere)
{
    struct state *state = control->state;
    const struct screen_info *screen = screen_info(state->screen);
    const struct key_info *row = key_find(key);
    if (!anywhere && screen->key != NULL && screen->key(control, key))
        return;
    if (row != NULL) {
        perform(control, row->command, SOURCE_KEY);
    } else if (strcmp(key, "esc") == 0) {
        state->message[0] = '\0';
        state->screen = SCREEN_CHARTS;
    } else if (strcmp(key, "enter") == 0 && control->history->snapshot.diverged) {
        state->diverged_clock = 0;
        state->mode = MODE_DIVERGED;
    }
}

void control_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct key_info *row = key_find(key);
    bool anywhere = row != NULL &&
                    (strcmp(row->command, "suspend") == 0 || strcmp(row->command, "repaint") == 0);
    switch (anywhere ? MODE_MAIN : state->mode) {
    case MODE_MAIN:
        key_on_screen(control, key, anywhere);
        break;
    case MODE_PROMPT:
        key_in_prompt(control, key);
        break;
    case MODE_MENU:
        key_in_menu(control, key);
        break;
    case MODE_ROLLBACK:
        key_in_rollback(control, key);
        break;
    case MODE_DIVERGED:
        key_when_diverged(control, key);
        break;
    case MODE_LEAVING:
        break;
    }
    show_divergence(control); /* where it waited for another menu to close */
}

static bool answered(struct control *control, uint64_t id)
{
    struct answer answer;
    if (id == 0)
        return false;
    control->feed->answer(control->feed, id, &answer);
    return answer.state != ANSWER_REQUESTED;
}

bool control_update(struct control *control)
{
    struct state *state = control->state;
    /* The answers before the snapshot, which then is at least as new. */
    if (answered(control, state->pause_id))
        state->pause_id = 0;
    if (answered(control, state->rate_id)) {
        state->rate_id = 0;
        post_folded(control);
    }
    if (state->screen == SCREEN_LAYERS)
        history_look_at_layers(control->history, control->feed);
    if (!history_update(control->history, control->feed))
        return false;
    enum run_state now = control->history->snapshot.state;
    /* An evaluation during a pause is still a pause. */
    if (state->pause_id == 0 && (now == RUN_PAUSED || now == RUN_RUNNING))
        state->paused = now == RUN_PAUSED;
    /* The menu's choices are those of a run that goes on. */
    if ((state->mode == MODE_MENU || state->mode == MODE_ROLLBACK) && run_state_ended(now))
        state->mode = MODE_MAIN;
    show_divergence(control);
    return true;
}
