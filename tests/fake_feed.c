/* The made-up training behind tests of the view. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fake_feed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STEPS_PER_EPOCH 469

/* feed.h's, which the run implements in the program. */
const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {"starting",    "running",  "paused",
                                        "evaluating",  "testing",  "finished",
                                        "interrupted", "diverged", "failed"};
    return names[state];
}

bool run_state_ended(enum run_state state)
{
    return state >= RUN_FINISHED;
}

static struct fake_feed *of(struct feed *feed)
{
    return (struct fake_feed *)feed; /* its first member */
}

static void take_snapshot(struct feed *feed, struct snapshot *out)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    *out = fake->now;
    pthread_mutex_unlock(&fake->lock);
}

static size_t copy(void *out, const void *from, size_t size, size_t count, size_t first,
                   size_t most)
{
    size_t got = first < count ? count - first : 0;
    got = got < most ? got : most;
    if (got > 0)
        memcpy(out, (const char *)from + first * size, got * size);
    return got;
}

static size_t take_buckets(struct feed *feed, size_t first, struct loss_bucket *out, size_t most)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    size_t got = copy(out, fake->buckets, sizeof(*out), fake->now.buckets, first, most);
    pthread_mutex_unlock(&fake->lock);
    return got;
}

static size_t take_evaluations(struct feed *feed, size_t first, struct evaluation *out, size_t most)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    size_t got = copy(out, fake->evaluations, sizeof(*out), fake->now.evaluations, first, most);
    pthread_mutex_unlock(&fake->lock);
    return got;
}

static size_t take_edits(struct feed *feed, size_t first, struct edit_mark *out, size_t most)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    size_t got = copy(out, fake->edits, sizeof(*out), fake->now.edits, first, most);
    pthread_mutex_unlock(&fake->lock);
    return got;
}

static size_t take_states(struct feed *feed, size_t first, struct kept_state *out, size_t most)
{
    (void)feed, (void)first, (void)out, (void)most;
    return 0;
}

static void publish(struct fake_feed *fake)
{
    uint64_t one = 1;
    fake->now.version++;
    ssize_t written = write(fake->feed.wake_fd, &one, sizeof(one));
    (void)written;
}

static uint64_t post(struct feed *feed, const char *line, enum command_source source,
                     struct err *err)
{
    struct fake_feed *fake = of(feed);
    struct command command;
    if (command_parse(line, &command, err) != 0)
        return 0;
    if (command_info(command.id)->scope == COMMAND_SCOPE_VIEW) {
        err_set(err, ERR_USAGE, "%s is a command of the view", command_info(command.id)->name);
        return 0;
    }
    pthread_mutex_lock(&fake->lock);
    uint64_t id = 0;
    if (run_state_ended(fake->now.state) || fake->posted == FAKE_POSTS) {
        err_set(err, ERR_USAGE, "the run has ended");
    } else {
        id = ++fake->posted;
        struct answer *answer = &fake->answers[id - 1];
        *answer = (struct answer){.id = id, .state = ANSWER_REQUESTED, .clock = fake->clock};
        text_copy(answer->line, sizeof(answer->line), line);
        fake->sources[id - 1] = source;
        fake->now.answer = *answer;
        publish(fake);
    }
    pthread_mutex_unlock(&fake->lock);
    return id;
}

static void find_answer(struct feed *feed, uint64_t id, struct answer *out)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    *out = id > 0 && id <= fake->posted ? fake->answers[id - 1] : (struct answer){0};
    pthread_mutex_unlock(&fake->lock);
}

void fake_feed_init(struct fake_feed *fake)
{
    *fake = (struct fake_feed){
        .feed = {take_snapshot, take_buckets, take_evaluations, take_edits, take_states, post,
                 find_answer, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
        .clock = 1000,
        .bucket_steps = 1,
        .to_step = -1,
    };
    pthread_mutex_init(&fake->lock, NULL);
    struct snapshot *now = &fake->now;
    settings_init(&now->settings);
    now->settings.train.learning_rate = 0.02;
    now->settings.train.schedule = SCHEDULE_DECAY;
    now->settings.train.l2 = 1e-5;
    now->state = RUN_STARTING;
    text_copy(now->name, sizeof(now->name), "fashion-mnist-20260301-120000");
    text_copy(now->dataset, sizeof(now->dataset), "fashion-mnist");
    text_copy(now->network, sizeof(now->network), "784-100-50-10 relu, batch norm before");
    now->parameters = 84060;
    now->train_count = 46900;
    now->validation_count = 5000;
    now->test_count = 10000;
    now->classes = 10;
    now->threads = 2;
    now->steps_per_epoch = STEPS_PER_EPOCH;
    now->epochs = 60;
    now->total_steps = 60 * STEPS_PER_EPOCH;
    now->learning_rate = now->settings.train.learning_rate;
    now->eta = now->loss = now->test_loss = now->test_accuracy = NAN;
    now->best_validation_accuracy = now->best_validation_loss = NAN;
    now->last.step = -1;
    now->checkpoint_step = -1;
    now->version = 1;
}

void fake_feed_fini(struct fake_feed *fake)
{
    close(fake->feed.wake_fd);
    pthread_mutex_destroy(&fake->lock);
}

/* In [-1, 1], the same for the same step. */
static double jitter(int64_t step, int stream)
{
    uint64_t x = (uint64_t)step * 0x9e3779b97f4a7c15u + (uint64_t)stream * 0xbf58476d1ce4e5b9u;
    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    x ^= x >> 29;
    return (double)(x >> 11) / (double)(1ull << 52) - 1;
}

static double loss_at(int64_t step)
{
    double t = (double)step;
    return 0.24 + 1.3 * exp(-t / 300) + 0.75 * exp(-t / 4000);
}

static void merge_pairs(struct fake_feed *fake)
{
    for (size_t i = 0; i < FEED_MAX_BUCKETS / 2; i++) {
        struct loss_bucket a = fake->buckets[2 * i], b = fake->buckets[2 * i + 1];
        a.last = b.last;
        a.mean = (a.mean + b.mean) / 2;
        a.minimum = fmin(a.minimum, b.minimum);
        a.maximum = fmax(a.maximum, b.maximum);
        fake->buckets[i] = a;
    }
    fake->now.buckets = FEED_MAX_BUCKETS / 2;
    fake->bucket_steps *= 2;
}

static void add_step(struct fake_feed *fake)
{
    struct snapshot *now = &fake->now;
    double loss = loss_at(now->step) * (1 + 0.22 * jitter(now->step, 1));
    struct loss_bucket *last = now->buckets > 0 ? &fake->buckets[now->buckets - 1] : NULL;
    if (last == NULL || last->last - last->first + 1 >= fake->bucket_steps) {
        if (now->buckets == FEED_MAX_BUCKETS)
            merge_pairs(fake);
        last = &fake->buckets[now->buckets++];
        *last = (struct loss_bucket){
            .first = now->step, .last = now->step - 1, .minimum = loss, .maximum = loss};
    }
    double count = (double)(now->step - last->first);
    last->last = now->step;
    last->noise = now->settings.augment.noise;
    last->mean = (last->mean * count + loss) / (count + 1);
    last->minimum = fmin(last->minimum, loss);
    last->maximum = fmax(last->maximum, loss);
    now->loss = loss_at(now->step);
    now->step++;
    now->seconds = (double)now->step * 100 / 142000;
    now->samples_per_second = 142000 + 900 * jitter(now->step / 500, 2);
    now->eta = (double)(now->total_steps - now->step) * 100 / now->samples_per_second;
}

static void evaluate(struct fake_feed *fake)
{
    struct snapshot *now = &fake->now;
    if (now->evaluations == FAKE_EVALUATIONS)
        return;
    double loss = loss_at(now->step), t = (double)now->step / (double)now->total_steps;
    struct evaluation row = {
        .epoch = now->step / now->steps_per_epoch,
        .step = now->step,
        .seconds = now->seconds,
        .learning_rate = now->learning_rate,
        .train_loss = loss - 0.01,
        .train_accuracy = 1 - 0.34 * loss + 0.002 * jitter(now->step, 3),
        .validation_loss = loss + 0.05 + 0.12 * t + 0.01 * jitter(now->step, 4),
        .validation_accuracy = 0.985 - 0.34 * loss - 0.02 * t + 0.004 * jitter(now->step, 5),
    };
    fake->evaluations[now->evaluations++] = row;
    now->last = row;
    if (!(row.validation_accuracy <= now->best_validation_accuracy)) {
        now->best_validation_accuracy = row.validation_accuracy;
        now->best_validation_loss = row.validation_loss;
        now->best_epoch = row.epoch;
        now->best_step = row.step;
    }
}

static void save(struct fake_feed *fake)
{
    fake->now.checkpoint_step = fake->now.step;
    fake->now.checkpoint_clock = fake->clock;
}

void fake_feed_train(struct fake_feed *fake, int64_t steps)
{
    pthread_mutex_lock(&fake->lock);
    struct snapshot *now = &fake->now;
    if (now->state == RUN_STARTING)
        now->state = RUN_RUNNING;
    for (; steps > 0 && now->step < now->total_steps; steps--) {
        add_step(fake);
        if (now->step % now->steps_per_epoch == 0) {
            now->epoch++;
            now->learning_rate *= now->settings.train.decay;
            evaluate(fake);
            save(fake);
        }
        if (now->step == fake->to_step) {
            fake->to_step = -1;
            now->state = RUN_PAUSED;
            break;
        }
    }
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}

static void add_edit(struct fake_feed *fake, struct answer *answer)
{
    if (fake->now.edits == FAKE_EDITS)
        return;
    struct edit_mark *edit = &fake->edits[fake->now.edits++];
    *edit = (struct edit_mark){
        .seq = (int64_t)answer->id + 1,
        .step = fake->now.step,
        .source = fake->sources[answer->id - 1],
    };
    text_copy(edit->label, sizeof(edit->label), answer->text);
}

static void refuse(struct answer *answer, const char *why)
{
    answer->state = ANSWER_REFUSED;
    text_copy(answer->text, sizeof(answer->text), why);
}

static void set(struct fake_feed *fake, const struct command *command, struct answer *answer)
{
    struct snapshot *now = &fake->now;
    struct settings trial = now->settings;
    struct err err = {0};
    size_t used = 0;
    trial.train.learning_rate = now->learning_rate;
    for (int i = 0; i + 1 < command->words; i += 2) {
        const struct setting *row = settings_find(command->word[i], &err);
        char before[128], after[128], refused[256];
        if (row == NULL) {
            refuse(answer, err.text);
            return;
        }
        if (row->change != SETTING_LIVE) {
            snprintf(refused, sizeof(refused), "%s cannot change during a run", row->name);
            refuse(answer, refused);
            return;
        }
        settings_format(&trial, row, before, sizeof(before));
        if (settings_set_relative(&trial, row, command->word[i + 1], &err) != 0) {
            refuse(answer, err.text);
            return;
        }
        settings_format(&trial, row, after, sizeof(after));
        if (row->type == SETTING_NUMBER) {
            snprintf(before, sizeof(before), "%.4g", strtod(before, NULL));
            snprintf(after, sizeof(after), "%.4g", strtod(after, NULL));
        }
        const char *name = strcmp(row->key, "learning_rate") == 0 ? "learning rate" : row->key;
        used += (size_t)snprintf(answer->text + used, sizeof(answer->text) - used,
                                 "%s%s %.32s → %.32s", used > 0 ? ", " : "", name, before, after);
    }
    now->settings = trial;
    now->learning_rate = trial.train.learning_rate;
    add_edit(fake, answer);
}

static void perform(struct fake_feed *fake, struct answer *answer)
{
    struct snapshot *now = &fake->now;
    struct command command;
    struct err err = {0};
    answer->state = ANSWER_APPLIED;
    answer->step = now->step;
    answer->clock = fake->clock;
    if (command_parse(answer->line, &command, &err) != 0) {
        refuse(answer, err.text);
        return;
    }
    switch (command.id) {
    case COMMAND_PAUSE:
        now->state = RUN_PAUSED;
        text_copy(answer->text, sizeof(answer->text), "paused");
        break;
    case COMMAND_CONTINUE:
        now->state = RUN_RUNNING;
        text_copy(answer->text, sizeof(answer->text), "running");
        break;
    case COMMAND_STEP:
        if (now->state == RUN_PAUSED) {
            now->state = RUN_RUNNING;
            fake->to_step = now->step + command.number;
        } else {
            refuse(answer, "step: the run is not paused");
        }
        break;
    case COMMAND_SET:
        set(fake, &command, answer);
        break;
    case COMMAND_TOGGLE:
        now->settings.augment.noise = !now->settings.augment.noise;
        snprintf(answer->text, sizeof(answer->text), "noise %s",
                 now->settings.augment.noise ? "off → on" : "on → off");
        add_edit(fake, answer);
        break;
    case COMMAND_CHECKPOINT:
        save(fake);
        snprintf(answer->text, sizeof(answer->text), "checkpoint step-%d.safetensors",
                 (int)now->step);
        break;
    case COMMAND_EVALUATE:
        evaluate(fake);
        text_copy(answer->text, sizeof(answer->text), "evaluated");
        break;
    default:
        break;
    }
}

bool fake_feed_apply(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    bool any = fake->applied < fake->posted;
    if (any) {
        struct answer *answer = &fake->answers[fake->applied++];
        perform(fake, answer);
        fake->now.answer = *answer;
        publish(fake);
    }
    pthread_mutex_unlock(&fake->lock);
    return any;
}

void fake_feed_finish(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->now.state = RUN_FINISHED;
    fake->now.test_loss = 0.3312;
    fake->now.test_accuracy = 0.8952;
    fake->now.eta = 0;
    save(fake);
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}

void fake_feed_publish(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}
