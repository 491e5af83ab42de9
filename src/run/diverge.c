/*
 * Divergence: what a run does when a step's loss is not finite or above the
 * limit. The step has changed nothing, but the state before it may be ruined
 * already, so the run goes back to the newest good one, by a line of the journal
 * as any rollback, and then pauses, goes on at half the rate, or stops.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Without an epoch in between; a rate a thousand times smaller helps, or nothing does. */
enum { MOST_HALVINGS = 10 };

static bool obey_rule(struct run *run, const char *line, const char *why)
{
    const struct order order = {.source = SOURCE_RULE, .line = line, .why = why};
    struct err err;
    return run_apply(run, &order, &err) == 0;
}

static enum settings_on_divergence choose(struct run *run, bool back)
{
    enum settings_on_divergence choice = run->settings.train.on_divergence;
    if (choice == ON_DIVERGENCE_AUTO)
        choice = queue_watched(&run->queue) ? ON_DIVERGENCE_PAUSE : ON_DIVERGENCE_STOP;
    /* The same state has the same loss at any rate. */
    if (choice == ON_DIVERGENCE_HALVE && (!back || run->halvings == MOST_HALVINGS))
        choice = ON_DIVERGENCE_STOP;
    return choice;
}

#define DIVERGED "diverged: "

enum run_state run_give_up(struct run *run)
{
    char what[sizeof run->now.pause_reason];
    text_copy(what, sizeof what, run->now.pause_reason + strlen(DIVERGED));
    return run_end_diverged(run, what, "nobody looks any more");
}

bool run_diverge(struct run *run, double loss, enum run_state *end)
{
    char what[64], why[128], text[256], line[64];
    const int64_t at = run->step;
    /* What rules did is in the journal, so they are silent while it is repeated. */
    const bool silent = tape_holds(run);
    const bool back = run->good.copy != NULL && !silent;
    const enum settings_on_divergence choice = silent ? ON_DIVERGENCE_STOP : choose(run, back);
    if (isfinite(loss)) {
        snprintf(what, sizeof what, "loss %.4g", loss);
        snprintf(why, sizeof why, "%s is above the limit %.4g", what, run->loss_limit);
    } else {
        snprintf(what, sizeof what, "the loss is not finite");
        snprintf(why, sizeof why, "%s", what);
    }
    run_drop_image(run, &run->candidate);
    snprintf(line, sizeof line, "rollback %" PRId64, run->good.about.step);
    if (silent)
        snprintf(text, sizeof text, "%s at step %" PRId64 ", which it did not before", what, at);
    else if (!back)
        snprintf(text, sizeof text, "%s at step %" PRId64 ", with no good state before it", what,
                 at);
    else if (obey_rule(run, line, why))
        snprintf(text, sizeof text, "%s at step %" PRId64 ", back at step %" PRId64, what, at,
                 run->step);
    else
        snprintf(text, sizeof text, "%s at step %" PRId64 ", which cannot be journalled", what, at);
    if (choice == ON_DIVERGENCE_HALVE) {
        run->halvings++;
        if (obey_rule(run, "set train.learning_rate /2", why))
            return true;
    }
    if (choice == ON_DIVERGENCE_PAUSE) {
        char reason[sizeof text + 16];
        snprintf(reason, sizeof reason, DIVERGED "%s", text);
        run_pause(run, reason);
        run->now.diverged = true;
        run_publish(run, true);
        return true;
    }
    *end = run_end_diverged(run, text, why);
    return false;
}
