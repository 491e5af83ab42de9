/* A search that is made up; see fake_search.h. */
#include "fake_search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct fake_search *fake_of(struct search_feed *feed)
{
    return (struct fake_search *)feed;
}

static void copy_snapshot(struct search_feed *feed, struct search_snapshot *out)
{
    *out = fake_of(feed)->now;
}

static size_t copy_trials(struct search_feed *feed, size_t first, struct trial *out, size_t most)
{
    struct fake_search *fake = fake_of(feed);
    size_t count = 0;
    for (; count < most && first + count < (size_t)fake->now.trials; count++)
        out[count] = fake->trials[first + count];
    return count;
}

static size_t copy_curve(struct search_feed *feed, int number, double *out, size_t most)
{
    struct fake_search *fake = fake_of(feed);
    const size_t count = (size_t)fake->trials[number].epochs;
    memcpy(out, fake->curves[number], (count < most ? count : most) * sizeof *out);
    return count < most ? count : most;
}

/* Complete ones first, then by epochs and value. */
static double rank_of(const struct trial *trial)
{
    return (trial->state == TRIAL_COMPLETE ? 1000 : 0) + (double)trial->epochs +
           (isnan(trial->value) ? 0 : trial->value);
}

static size_t copy_ranking(struct search_feed *feed, int *out, size_t most)
{
    struct fake_search *fake = fake_of(feed);
    size_t count = (size_t)fake->now.trials < most ? (size_t)fake->now.trials : most;
    for (int i = 0; i < (int)count; i++) {
        int at = i;
        for (; at > 0 && rank_of(&fake->trials[i]) > rank_of(&fake->trials[out[at - 1]]); at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return count;
}

static uint64_t post(struct search_feed *feed, const char *line, enum command_source source,
                     struct err *err)
{
    struct fake_search *fake = fake_of(feed);
    (void)source;
    if (strstr(line, "refuse")) {
        err_set(err, ERR_USAGE, "no");
        return 0;
    }
    text_copy(fake->posted, sizeof fake->posted, line);
    fake->now.answer = (struct answer){.id = fake->now.answer.id + 1, .state = ANSWER_APPLIED};
    fake->now.answer.clock = fake->clock;
    text_copy(fake->now.answer.line, sizeof fake->now.answer.line, line);
    snprintf(fake->now.answer.text, sizeof fake->now.answer.text, "done: %.200s", line);
    fake->now.version++;
    return fake->now.answer.id;
}

static void copy_answer(struct search_feed *feed, uint64_t id, struct answer *out)
{
    *out = fake_of(feed)->now.answer;
    out->id = id;
}

static struct feed *look(struct search_feed *feed, int number)
{
    fake_of(feed)->looked = number;
    return fake_of(feed)->run;
}

static void set_parameter(struct fake_search *fake, int i, int j, const char *name, double value)
{
    struct trial_parameter *parameter = &fake->parameters[i][j];
    text_copy(parameter->name, sizeof parameter->name, name);
    number_format_double(parameter->value, sizeof parameter->value, value);
    fake->trials[i].parameters = j + 1;
}

static void make_trial(struct fake_search *fake, int i, bool architectures)
{
    struct trial *trial = &fake->trials[i];
    const double a = fmod(i * 0.618034, 1), b = fmod(i * 0.754878 + 0.3, 1);
    const double height = 0.44 - 0.3 * (a - 0.6) * (a - 0.6) - 0.2 * (b - 0.4) * (b - 0.4);
    *trial = (struct trial){.number = i,
                            .state = TRIAL_COMPLETE,
                            .epochs = FAKE_TRIAL_EPOCHS,
                            .test_accuracy = height - 0.01,
                            .seconds = 12,
                            .parameter = fake->parameters[i]};
    if (architectures) {
        set_parameter(fake, i, 0, "network.hidden", 0);
        snprintf(fake->parameters[i][0].value, sizeof fake->parameters[i][0].value, "%d-%d",
                 55 + 5 * (i / 3 % 6), 35 + 5 * (i % 3));
    } else {
        set_parameter(fake, i, 0, "train.learning_rate", 0.005 * pow(1.8, a));
        set_parameter(fake, i, 1, "train.l2", 1e-6 * pow(10, b));
    }
    for (int e = 0; e < FAKE_TRIAL_EPOCHS; e++)
        fake->curves[i][e] = height * (1 - exp(-(e + 1) / (2 + 2 * a))) + 0.002 * ((e * 7 + i) % 5);
}

static void end_at(struct fake_search *fake, int i, enum trial_state state, int64_t epochs)
{
    fake->trials[i].state = state;
    fake->trials[i].epochs = epochs;
    fake->trials[i].test_accuracy = NAN;
}

/* What follows from the curves. */
static void sum_up(struct fake_search *fake)
{
    fake->now.best = -1;
    for (int i = 0; i < fake->now.trials; i++) {
        struct trial *trial = &fake->trials[i];
        trial->value = NAN;
        for (int e = 0; e < trial->epochs; e++)
            if (!(fake->curves[i][e] <= trial->value)) {
                trial->value = fake->curves[i][e];
                trial->best_epoch = e + 1;
            }
        trial->progress = (double)trial->epochs + (trial->state == TRIAL_RUNNING ? 0.4 : 0);
        fake->now.running += trial->state == TRIAL_RUNNING;
        fake->now.frozen += trial->frozen;
        fake->now.failed += trial->state == TRIAL_FAILED;
        fake->now.pruned += trial->state == TRIAL_PRUNED;
        fake->now.complete += trial->state == TRIAL_COMPLETE;
        fake->now.finished += trial_ended(trial->state);
        if (trial->state == TRIAL_COMPLETE &&
            (fake->now.best < 0 || trial->value > fake->trials[fake->now.best].value))
            fake->now.best = i;
    }
}

void fake_search_init(struct fake_search *fake, bool architectures, struct feed *run)
{
    *fake = (struct fake_search){
        .feed = {copy_snapshot, copy_trials, copy_curve, copy_ranking, post, copy_answer, look, -1},
        .run = run,
        .looked = -1,
        .now = {.version = 1,
                .name = "srch1",
                .dataset = "cifar10",
                .method = "random",
                .workers = 2,
                .epochs = FAKE_TRIAL_EPOCHS,
                .planned = 22,
                .trials = 16,
                .round = 1,
                .rounds = 1,
                .seconds = 131,
                .eta = 74,
                .axis_count = architectures ? 1 : 2,
                .axis = {{"train.learning_rate", true, true, 0.005, 0.009},
                         {"train.l2", true, true, 1e-6, 1e-5}}},
    };
    if (architectures) {
        fake->now.axis[0] = (struct search_axis){.name = "network.hidden"};
        text_copy(fake->now.name, sizeof fake->now.name, "tab1");
        text_copy(fake->now.method, sizeof fake->now.method, "grid");
    }
    for (int i = 0; i < fake->now.trials; i++)
        make_trial(fake, i, architectures);
    end_at(fake, 15, TRIAL_RUNNING, 2);
    end_at(fake, 14, TRIAL_RUNNING, 6);
    end_at(fake, 11, TRIAL_WAITING, 4);
    fake->trials[11].frozen = true;
    end_at(fake, 9, TRIAL_PRUNED, 3);
    fake->trials[9].stopped = true;
    text_copy(fake->trials[9].why, sizeof fake->trials[9].why, "stopped by hand");
    end_at(fake, 7, TRIAL_PRUNED, 5);
    fake->trials[7].stopped = true;
    text_copy(fake->trials[7].why, sizeof fake->trials[7].why, "taken over as srch1-trial-7");
    end_at(fake, 4, TRIAL_FAILED, 0);
    text_copy(fake->trials[4].why, sizeof fake->trials[4].why, "loss inf at step 41");
    fake->trials[13].added = true;
    sum_up(fake);
}
