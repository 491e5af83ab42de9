/*
 * The one line that says what became of a command: requested, then applied at
 * step N or refused and why; later, what was last changed.
 */
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Seconds that it stays. */
#define MESSAGE_STAYS 8
#define APPLIED_STAYS 6
#define REFUSED_STAYS 15

/* "learning rate 0.02 → 0.01 (step 900, epoch 1.84)" */
static void print_change(const struct snapshot *snapshot, const char *label, int64_t step,
                         struct text *out)
{
    char epoch[32];
    draw_epoch(snapshot->steps_per_epoch > 0 ? (double)step / (double)snapshot->steps_per_epoch : 0,
               epoch, sizeof(epoch));
    text_print(out, "%s (step %" PRId64 ", epoch %s)", label, step, epoch);
}

/* What may be taken back, or else what was changed last; the most important part first. */
static void last_change(const struct history *history, bool read_only, struct news *out)
{
    const struct snapshot *snapshot = &history->snapshot;
    const struct edit_mark *edit = NULL;
    for (size_t i = 0; i < history->edit_count; i++)
        if (!history->edits[i].note)
            edit = &history->edits[i];
    struct text text = {0};
    out->until = INFINITY;
    out->style = STYLE_DIM;
    out->parts = true;
    const char *reason = snapshot->diverged ? "" : snapshot->pause_reason; /* the banner has it */
    if (snapshot->state == RUN_PAUSED && (edit == NULL || reason[0] != '\0'))
        text_print(&text, "paused%s%s%s; ", reason[0] != '\0' ? ", " : "", reason,
                   read_only ? "" : ": space goes on, . trains one step");
    const bool commands = !run_state_ended(snapshot->state) && !read_only;
    bool undo = snapshot->undo_step >= 0 && commands, redo = snapshot->redo_step >= 0 && commands;
    if (undo && redo) {
        text_print(&text, "u takes back %s; ", snapshot->undo_label);
    } else if (undo) {
        text_print(&text, "u takes back ");
        print_change(snapshot, snapshot->undo_label, snapshot->undo_step, &text);
    } else if (edit != NULL && !redo) {
        text_print(&text, "last change: ");
        print_change(snapshot, edit->label, edit->step, &text);
    }
    if (redo)
        text_print(&text, "Ctrl-R returns to step %" PRId64 "; ", snapshot->redo_step);
    if (text.length > 0 && strcmp(text.bytes + text.length - 2, "; ") == 0)
        text.bytes[text.length - 2] = '\0';
    text_copy(out->text, sizeof(out->text), text.length > 0 ? text.bytes : "");
    text_fini(&text);
}

/* The change that is nearest to the cursor. */
static void change_at_cursor(const struct state *state, const struct history *history,
                             struct news *out)
{
    size_t at = charts_edit(&state->charts, history);
    struct text text = {0};
    *out = (struct news){.until = INFINITY, .style = STYLE_EDIT, .parts = true};
    if (at == history->edit_count)
        return;
    const struct edit_mark *edit = &history->edits[at];
    if (edit->abandoned)
        out->style = STYLE_GHOST;
    text_print(&text, "%s: ", edit->note ? "note" : "change");
    print_change(&history->snapshot, edit->label, edit->step, &text);
    text_copy(out->text, sizeof(out->text), text.bytes);
    text_fini(&text);
}

/* A search's is of no step. */
static bool answer_news(const struct state *state, const struct answer *answer, bool of_search,
                        struct news *out)
{
    bool waiting = answer->state == ANSWER_REQUESTED;
    const char *line = answer->line;
    if (state->posted_id > answer->id) {
        waiting = true;
        line = state->posted;
    }
    if (state->folded[0] != '\0') {
        waiting = true;
        line = state->folded;
    }
    if (waiting) {
        snprintf(out->text, sizeof(out->text), "requested: %.200s …", line);
        out->style = STYLE_EDIT;
        out->until = INFINITY;
        return true;
    }
    switch (answer->state) {
    case ANSWER_APPLIED:
        if (of_search)
            text_copy(out->text, sizeof(out->text), answer->text);
        else
            snprintf(out->text, sizeof(out->text), "applied at step %" PRId64 ": %s", answer->step,
                     answer->text[0] != '\0' ? answer->text : line);
        out->style = STYLE_EDIT;
        out->until = answer->clock + APPLIED_STAYS;
        break;
    case ANSWER_REFUSED:
        snprintf(out->text, sizeof(out->text), "refused: %s", answer->text);
        out->style = STYLE_WARN;
        out->until = answer->clock + REFUSED_STAYS;
        break;
    default:
        return false;
    }
    return state->now < out->until;
}

void news_say(struct state *state, enum style style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state->message, sizeof(state->message), format, arguments);
    va_end(arguments);
    state->message_style = style;
    state->message_clock = state->now;
}

void news_no_choice(struct state *state, const char *key)
{
    news_say(state, STYLE_PLAIN, "%s is no choice here; Esc goes back", key);
}

void news_choose(const struct state *state, const struct history *history, struct news *out)
{
    *out = (struct news){.until = INFINITY};
    if (state->notice[0] != '\0') {
        text_copy(out->text, sizeof(out->text), state->notice);
        out->style = STYLE_WARN;
        return;
    }
    /* The newer of the two alone: an old answer does not come back after a message. */
    const bool of_search = history->board.feed != NULL;
    const struct answer *answer =
        of_search ? &history->board.now.answer : &history->snapshot.answer;
    bool shown;
    if (state->message[0] != '\0' && state->message_clock >= answer->clock) {
        text_copy(out->text, sizeof(out->text), state->message);
        out->style = state->message_style;
        out->until = state->message_clock +
                     (state->message_style == STYLE_WARN ? REFUSED_STAYS : MESSAGE_STAYS);
        shown = state->now < out->until;
    } else {
        shown = answer_news(state, answer, of_search, out);
    }
    if (!shown) {
        out->text[0] = '\0';
        if (state->charts.cursor && state->screen == SCREEN_CHARTS)
            change_at_cursor(state, history, out);
        else if (!of_search)
            last_change(history, state->read_only, out);
    }
}
