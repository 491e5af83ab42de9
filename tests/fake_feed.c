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
const char *trial_state_name(enum trial_state state)
{
    static const char *const names[] = {"waiting", "running", "complete", "pruned", "failed"};
    return names[state];
}

bool trial_ended(enum trial_state state)
{
    return state >= TRIAL_COMPLETE;
}

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {"starting",   "running", "paused",   "evaluating",
                                        "range test", "testing", "finished", "interrupted",
                                        "diverged",   "failed"};
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

/* All that there are, wherever they are to be fine. */
static size_t take_buckets(struct feed *feed, int64_t first, int64_t last, struct loss_bucket *out,
                           size_t most)
{
    struct fake_feed *fake = of(feed);
    (void)first, (void)last;
    pthread_mutex_lock(&fake->lock);
    size_t got = copy(out, fake->buckets, sizeof(*out), fake->now.buckets, 0, most);
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
    struct fake_feed *fake = of(feed);
    struct kept_state all[FAKE_STATES + 2];
    pthread_mutex_lock(&fake->lock);
    size_t got = copy(out, all, sizeof(*out), fake_states(fake, all), first, most);
    pthread_mutex_unlock(&fake->lock);
    return got;
}

static size_t take_journal(struct feed *feed, uint64_t seq, struct journal_record *out, size_t most)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    if (seq < fake->journal_oldest)
        seq = fake->journal_oldest;
    size_t got = copy(out, fake->journal, sizeof(*out), fake->now.journal, (size_t)seq - 1, most);
    pthread_mutex_unlock(&fake->lock);
    return got;
}

static void take_range(struct feed *feed, struct range_test *out)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    *out = fake->range;
    pthread_mutex_unlock(&fake->lock);
}

static bool take_confusion(struct feed *feed, struct confusion *out)
{
    struct fake_feed *fake = of(feed);
    pthread_mutex_lock(&fake->lock);
    bool there = fake_confusion(fake, out);
    pthread_mutex_unlock(&fake->lock);
    return there;
}

static void take_class_name(struct feed *feed, int class, char out[FEED_CLASS_NAME])
{
    fake_class_name(of(feed), class, out);
}

static void take_image(struct feed *feed, uint32_t image, uint8_t *out)
{
    fake_image(of(feed), image, out);
}

static void publish(struct fake_feed *fake)
{
    uint64_t one = 1;
    fake->now.version++;
    ssize_t written = write(fake->feed.wake_fd, &one, sizeof(one));
    written = write(fake->feed.control_fd, &one, sizeof(one));
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
        .feed = {.snapshot = take_snapshot,
                 .buckets = take_buckets,
                 .evaluations = take_evaluations,
                 .edits = take_edits,
                 .states = take_states,
                 .confusion = take_confusion,
                 .class_name = take_class_name,
                 .image = take_image,
                 .journal = take_journal,
                 .post = post,
                 .answer = find_answer,
                 .layers = fake_take_layers,
                 .layer_trend = fake_take_layer_trend,
                 .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                 .range = take_range},
        .layers.step = -1,
        .clock = 1000,
        .bucket_steps = 1,
        .to_step = -1,
        .stretches = {{.parent = -1}},
    };
    fake->feed.control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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
    now->classes = FAKE_CLASSES;
    now->image_width = now->image_height = FAKE_SIDE;
    now->image_channels = 1;
    now->threads = 2;
    now->steps_per_epoch = STEPS_PER_EPOCH;
    now->epochs = 60;
    now->total_steps = 60 * STEPS_PER_EPOCH;
    now->learning_rate = now->settings.train.learning_rate;
    now->eta = now->loss = now->test_loss = now->test_accuracy = NAN;
    now->best_validation_accuracy = now->best_validation_loss = NAN;
    now->last.step = -1;
    now->checkpoint_step = now->undo_step = now->redo_step = -1;
    now->version = 1;
    fake_note(fake, 0, "start", "start", "kdtui 0.1.0, OpenBLAS 0.3.21 SkylakeX, data 1c291ca3");
}

void fake_feed_fini(struct fake_feed *fake)
{
    close(fake->feed.wake_fd);
    close(fake->feed.control_fd);
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

/* Falls around 0.004, and rises steeply from 1 on. */
static double range_loss(double rate)
{
    double decade = log10(rate);
    return 0.62 - 0.2 / (1 + exp(-3 * (decade + 2.4))) + 0.12 * exp(4.5 * (decade - 0.1));
}

void fake_range(struct fake_feed *fake, size_t steps)
{
    enum { STEPS = 151 };
    struct range_test *test = &fake->range;
    if (!test->running)
        *test = (struct range_test){
            .number = test->number + 1,
            .running = true,
            .step = fake->now.step,
            .rate = fake->now.learning_rate,
            .low = 1e-5,
            .high = 10,
            .planned = STEPS,
            .steepest = NAN,
            .lowest = NAN,
        };
    while (test->count < steps && test->running) {
        struct range_point *point = &test->points[test->count++];
        point->rate = 1e-5 * pow(10, (double)(test->count - 1) / 25);
        point->smooth = range_loss(point->rate);
        point->loss = point->smooth * (1 + 0.08 * jitter((int64_t)test->count, 6));
        test->running = point->smooth < 1.7;
    }
    fake->now.state = RUN_RANGE_TEST;
    fake->now.evaluation_progress = (double)test->count / STEPS;
    if (test->running)
        return;
    fake->now.state = RUN_RUNNING;
    fake->now.range_tests = test->number;
    test->steepest = test->points[65].rate;
    test->lowest = test->points[103].rate;
    text_copy(test->text, sizeof(test->text),
              "the loss falls fastest at 0.004, is lowest at 0.13, rises from 0.58 on");
}

/* Two neighbours of the same stretch become one. */
static void merge_pairs(struct fake_feed *fake)
{
    size_t count = 0;
    for (size_t i = 0; i < FEED_MAX_BUCKETS; i++, count++) {
        struct loss_bucket a = fake->buckets[i];
        uint8_t stretch = fake->bucket_stretch[i];
        if (i + 1 < FEED_MAX_BUCKETS && fake->bucket_stretch[i + 1] == stretch) {
            struct loss_bucket b = fake->buckets[++i];
            a.last = b.last;
            a.mean = (a.mean + b.mean) / 2;
            a.minimum = fmin(a.minimum, b.minimum);
            a.maximum = fmax(a.maximum, b.maximum);
            a.seconds = b.seconds;
            a.learning_rate = b.learning_rate;
            a.noise = b.noise;
            a.augmented = b.augmented;
        }
        fake->buckets[count] = a;
        fake->bucket_stretch[count] = stretch;
    }
    fake->now.buckets = count;
    fake->bucket_steps *= 2;
}

static void add_step(struct fake_feed *fake)
{
    struct snapshot *now = &fake->now;
    double strain = fmax(log2(now->learning_rate / 0.04), 0);
    fake->strain += (0.7 * strain - fake->strain) / 300;
    double loss = loss_at(now->step) * (1 + 0.22 * jitter(now->step, 1)) * (1 + fake->strain);
    struct loss_bucket *last = now->buckets > 0 ? &fake->buckets[now->buckets - 1] : NULL;
    if (last == NULL || fake->bucket_stretch[now->buckets - 1] != fake->stretch ||
        last->last - last->first + 1 >= fake->bucket_steps) {
        if (now->buckets == FEED_MAX_BUCKETS)
            merge_pairs(fake);
        fake->bucket_stretch[now->buckets] = (uint8_t)fake->stretch;
        last = &fake->buckets[now->buckets++];
        *last = (struct loss_bucket){
            .first = now->step, .last = now->step - 1, .minimum = loss, .maximum = loss};
    }
    double count = (double)(now->step - last->first);
    last->last = now->step;
    last->seconds = now->seconds;
    last->learning_rate = now->learning_rate;
    last->noise = now->settings.augment.noise;
    last->augmented = last->noise || now->settings.augment.flip;
    last->mean = (last->mean * count + loss) / (count + 1);
    last->minimum = fmin(last->minimum, loss);
    last->maximum = fmax(last->maximum, loss);
    now->loss = loss_at(now->step) * (1 + fake->strain);
    now->step++;
    now->seconds += 100.0 / 142000;
    now->samples_per_second = 142000 + 900 * jitter(now->step / 500, 2);
    now->eta = (double)(now->total_steps - now->step) * 100 / now->samples_per_second;
}

void fake_evaluate(struct fake_feed *fake)
{
    struct snapshot *now = &fake->now;
    if (now->evaluations == FAKE_EVALUATIONS)
        return;
    double loss = loss_at(now->step) * (1 + fake->strain),
           t = (double)now->step / (double)now->total_steps;
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
    fake->evaluation_stretch[now->evaluations] = (uint8_t)fake->stretch;
    fake->evaluations[now->evaluations++] = row;
    now->last = row;
    if (!(row.validation_accuracy <= now->best_validation_accuracy)) {
        now->best_validation_accuracy = row.validation_accuracy;
        now->best_validation_loss = row.validation_loss;
        now->best_epoch = row.epoch;
        now->best_step = row.step;
        fake->best = fake_state_now(fake);
        text_copy(fake->best.kept.name, sizeof(fake->best.kept.name), "best");
    }
}

struct fake_state fake_state_now(const struct fake_feed *fake)
{
    const struct snapshot *now = &fake->now;
    return (struct fake_state){
        .kept.step = now->step,
        .settings = now->settings,
        .last = now->last,
        .step = now->step,
        .epoch = now->epoch,
        .learning_rate = now->learning_rate,
        .loss = now->loss,
        .strain = fake->strain,
        .seq = now->journal,
        .here = {fake->stretch, now->step, now->evaluations, now->edits},
    };
}

void fake_note(struct fake_feed *fake, int64_t step, const char *source, const char *command,
               const char *text)
{
    if (fake->now.journal == FAKE_JOURNAL)
        return;
    struct journal_record *record = &fake->journal[fake->now.journal++];
    const int seconds = 12 * 3600 + (int)(step / 100);
    *record =
        (struct journal_record){.seq = fake->now.journal, .step = step, .back_to = fake->back_to};
    fake->back_to = 0;
    snprintf(record->time, sizeof(record->time), "2026-03-01T%02d:%02d:%02d.000Z", seconds / 3600,
             seconds / 60 % 60, seconds % 60);
    text_copy(record->source, sizeof(record->source), source);
    text_copy(record->command, sizeof(record->command), command);
    text_copy(record->text, sizeof(record->text), text);
}

void fake_save(struct fake_feed *fake, const char *name)
{
    struct kept_state *kept = &fake->saved.kept;
    fake->now.checkpoint_step = fake->now.step;
    fake->now.checkpoint_clock = fake->clock;
    fake->saved = fake_state_now(fake);
    if (name != NULL)
        text_copy(kept->name, sizeof(kept->name), name);
    else
        snprintf(kept->name, sizeof(kept->name), "step-%d", (int)fake->now.step);
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
            fake_evaluate(fake);
            fake_save(fake, NULL);
        }
        if (now->step == fake->to_step) {
            fake->to_step = -1;
            now->state = RUN_PAUSED;
            break;
        }
    }
    fake_measure(fake);
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}

bool fake_feed_apply(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    bool any = fake->applied < fake->posted;
    if (any) {
        struct answer *answer = &fake->answers[fake->applied++];
        fake_perform(fake, answer);
        fake->now.answer = *answer;
        publish(fake);
    }
    pthread_mutex_unlock(&fake->lock);
    return any;
}

void fake_feed_range(struct fake_feed *fake, size_t steps)
{
    pthread_mutex_lock(&fake->lock);
    fake_range(fake, steps);
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}

void fake_feed_finish(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->now.state = RUN_FINISHED;
    fake->now.test_loss = 0.3312;
    fake->now.test_accuracy = 0.8952;
    fake->now.eta = 0;
    fake_save(fake, NULL);
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}

void fake_feed_publish(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    publish(fake);
    pthread_mutex_unlock(&fake->lock);
}
