/*
 * Pauses that were asked for in advance: `pause when …` and `run N …`. They only
 * pace the run, so they are no part of its state: a checkpoint does not have
 * them, and they end with the process. A condition holds once.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1000000000 };

static bool words_are(const struct command *command, int first, const char *const *words, int count)
{
    if (command->words < first + count)
        return false;
    for (int i = 0; i < count; i++)
        if (strcmp(command->word[first + i], words[i]) != 0)
            return false;
    return true;
}

static int parse(const struct command *command, struct condition *out, struct err *err)
{
    static const char *const never[] = {"when", "never"}, *const end[] = {"when", "epoch", "end"},
                             *const up[] = {"when", "validation", "loss", "up"},
                             *const above[] = {"when", "loss", "above"}, *const times[] = {"times"};
    const int words = command->words;
    *out = (struct condition){.previous = NAN};
    if (words == 2 && words_are(command, 0, never, 2))
        return 0;
    if (words == 3 && words_are(command, 0, end, 3)) {
        out->kind = PAUSE_EPOCH_END;
        return 0;
    }
    if ((words == 5 || (words == 6 && words_are(command, 5, times, 1))) &&
        words_are(command, 0, up, 4) && number_parse_integer(command->word[4], &out->times) == 0 &&
        out->times >= 1 && out->times <= MOST) {
        out->kind = PAUSE_LOSS_UP;
        return 0;
    }
    if (words == 4 && words_are(command, 0, above, 3) &&
        number_parse_double(command->word[3], &out->above) == 0) {
        out->kind = PAUSE_LOSS_ABOVE;
        return 0;
    }
    return err_set(err, ERR_USAGE,
                   "\"pause when epoch end\", \"pause when validation loss up K\", \"pause when "
                   "loss above X\" or \"pause when never\" is expected");
}

int run_condition_check(const struct command *command, struct err *err)
{
    struct condition condition;
    return command->words ? parse(command, &condition, err) : 0;
}

void run_condition_set(struct run *run, const struct command *command, struct text *text)
{
    struct err err;
    (void)parse(command, &run->condition, &err); /* it was checked */
    if (run->condition.kind == PAUSE_NEVER) {
        text_print(text, "no condition");
        return;
    }
    text_print(text, "it will %s", command->line);
}

void run_conditions_reset(struct run *run)
{
    run->condition.seen = 0;
    run->condition.previous = NAN;
}

static void fulfil(struct run *run, const char *reason)
{
    run->condition.kind = PAUSE_NEVER;
    run_pause(run, reason);
}

void run_condition_evaluated(struct run *run, const struct evaluation *row)
{
    struct condition *condition = &run->condition;
    char reason[64];
    if (condition->kind == PAUSE_LOSS_UP) {
        condition->seen = row->validation_loss > condition->previous ? condition->seen + 1 : 0;
        condition->previous = row->validation_loss;
    }
    if (condition->kind != PAUSE_LOSS_UP || condition->seen < condition->times)
        return;
    snprintf(reason, sizeof reason, "validation loss up %" PRId64 " %s", condition->times,
             condition->times == 1 ? "time" : "times");
    fulfil(run, reason);
}

void run_condition_stepped(struct run *run, double loss)
{
    struct condition *condition = &run->condition;
    char reason[64];
    if (condition->kind == PAUSE_EPOCH_END && run->step % run->schedule.steps_per_epoch == 0) {
        fulfil(run, "epoch end");
    } else if (condition->kind == PAUSE_LOSS_ABOVE && loss > condition->above) {
        snprintf(reason, sizeof reason, "loss %.4g above %.4g", loss, condition->above);
        fulfil(run, reason);
    }
    if (run->steps_left && --run->steps_left == 0)
        run_pause(run, run->limit);
}

/* ---- run N ---- */

static bool is_epochs(const char *word)
{
    return strcmp(word, "epochs") == 0 || strcmp(word, "epoch") == 0;
}

static bool is_steps(const char *word)
{
    return strcmp(word, "steps") == 0 || strcmp(word, "step") == 0;
}

int run_limit_check(const struct command *command, struct err *err)
{
    int64_t number;
    if (number_parse_integer(command->word[0], &number) == 0 && number >= 1 && number <= MOST &&
        (is_epochs(command->word[1]) || is_steps(command->word[1])))
        return 0;
    return err_set(err, ERR_USAGE, "\"run N steps\" or \"run N epochs\" is expected");
}

void run_limit_set(struct run *run, const struct command *command, struct text *text)
{
    int64_t number = 0;
    (void)number_parse_integer(command->word[0], &number); /* it was checked */
    const char *unit = command->word[1];
    snprintf(run->limit, sizeof run->limit, "%" PRId64 " %s done", number, unit);
    text_print(text, "%" PRId64 " %s, then a pause", number, unit);
    run->steps_left = number * (is_epochs(unit) ? run->schedule.steps_per_epoch : 1);
    run->paused = true;
    run_go(run);
}
