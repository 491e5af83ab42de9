/*
 * The one line that says what became of a command: requested, then applied at
 * step N or refused and why; later, what was last changed.
 */
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Seconds that it stays. */
#define MESSAGE_STAYS 8
#define APPLIED_STAYS 6
#define REFUSED_STAYS 15

static void last_change(const struct history *history, struct news *out)
{
    const struct snapshot *snapshot = &history->snapshot;
    out->until = INFINITY;
    out->style = STYLE_DIM;
    if (history->edit_count == 0) {
        if (snapshot->state == RUN_PAUSED)
            text_copy(out->text, sizeof(out->text), "paused: space goes on, . trains one step");
        return;
    }
    const struct edit_mark *edit = &history->edits[history->edit_count - 1];
    char epoch[32];
    draw_epoch(
        snapshot->steps_per_epoch > 0 ? (double)edit->step / (double)snapshot->steps_per_epoch : 0,
        epoch, sizeof(epoch));
    snprintf(out->text, sizeof(out->text), "last change: %s at step %" PRId64 " (epoch %s)",
             edit->label, edit->step, epoch);
}

static bool answer_news(const struct state *state, const struct snapshot *snapshot,
                        struct news *out)
{
    const struct answer *answer = &snapshot->answer;
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

void news_choose(const struct state *state, const struct history *history, struct news *out)
{
    *out = (struct news){.until = INFINITY};
    if (state->notice[0] != '\0') {
        text_copy(out->text, sizeof(out->text), state->notice);
        out->style = STYLE_WARN;
        return;
    }
    /* The newer of the two alone: an old answer does not come back after a message. */
    const struct answer *answer = &history->snapshot.answer;
    bool shown;
    if (state->message[0] != '\0' && state->message_clock >= answer->clock) {
        text_copy(out->text, sizeof(out->text), state->message);
        out->style = state->message_style;
        out->until = state->message_clock +
                     (state->message_style == STYLE_WARN ? REFUSED_STAYS : MESSAGE_STAYS);
        shown = state->now < out->until;
    } else {
        shown = answer_news(state, &history->snapshot, out);
    }
    if (!shown) {
        out->text[0] = '\0';
        last_change(history, out);
    }
}
