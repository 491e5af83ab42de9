/* Command lines on their way to the run. */
#include "post.h"
#include "screens.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t post_now(struct control *control, const char *line, enum command_source source)
{
    struct state *state = control->state;
    struct err err = {0};
    uint64_t id = control->feed->post(control->feed, line, source, &err);
    if (id == 0) {
        news_say(state, STYLE_WARN, "%s%s", err.code == ERR_SYSTEM ? "" : "refused: ", err.text);
        return 0;
    }
    state->message[0] = '\0';
    state->posted_id = id;
    text_copy(state->posted, sizeof(state->posted), line);
    return id;
}

void post_waiting(struct control *control)
{
    struct state *state = control->state;
    if (state->folded[0] == '\0')
        return;
    state->rate_id = post_now(control, state->folded, SOURCE_KEY);
    state->folded[0] = '\0';
}

/* In the order of the keys, so what was folded goes first. */
uint64_t post_line(struct control *control, const char *line, enum command_source source)
{
    post_waiting(control);
    return post_now(control, line, source);
}

double post_rate_factor(const struct command *command)
{
    double factor;
    if (command->id != COMMAND_SET || command->words != 2 ||
        strcmp(command->word[0], "train.learning_rate") != 0 ||
        strchr("*/", command->word[1][0]) == NULL ||
        number_parse_double(command->word[1] + 1, &factor) != 0 || factor == 0)
        return 0;
    return command->word[1][0] == '*' ? factor : 1 / factor;
}

void post_factor(struct control *control, const char *line, double factor)
{
    struct state *state = control->state;
    if (state->rate_id == 0) {
        state->rate_id = post_line(control, line, SOURCE_KEY);
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
void post_pause_or_continue(struct control *control, enum command_source source)
{
    struct state *state = control->state;
    uint64_t id = post_line(control, state->paused ? "continue" : "pause", source);
    if (id != 0) {
        state->pause_id = id;
        state->paused = !state->paused;
    }
}

bool post_answered(struct control *control, uint64_t id)
{
    struct answer answer;
    if (id == 0)
        return false;
    control->feed->answer(control->feed, id, &answer);
    return answer.state != ANSWER_REQUESTED;
}

bool post_waits(const struct control *control)
{
    const struct board *board = &control->history->board;
    const struct answer *newest =
        board->feed != NULL ? &board->now.answer : &control->history->snapshot.answer;
    uint64_t id = control->state->posted_id;
    return id > newest->id || (id == newest->id && newest->state == ANSWER_REQUESTED);
}

void post_update(struct control *control)
{
    struct state *state = control->state;
    if (post_answered(control, state->pause_id))
        state->pause_id = 0;
    if (post_answered(control, state->rate_id)) {
        state->rate_id = 0;
        post_waiting(control);
    }
}
