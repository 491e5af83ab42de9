/*
 * What readers see of a run: the newest snapshot, the history of losses,
 * evaluations and edits, and the answers to commands. All of it is under one
 * lock that is held for a copy and nothing else, so the run never waits for a
 * reader. An eventfd tells one reader that there is something new.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int publication_init(struct publication *publication, struct err *err)
{
    publication->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (publication->wake_fd < 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "eventfd");
    pthread_mutex_init(&publication->lock, NULL);
    publication->buckets = mem_alloc(FEED_MAX_BUCKETS * sizeof *publication->buckets);
    publication->bucket_width = 1;
    publication->checkpoint_step = -1;
    return 0;
}

void publication_fini(struct publication *publication)
{
    mem_free(publication->buckets);
    mem_free(publication->evaluations);
    mem_free(publication->edits);
    pthread_mutex_destroy(&publication->lock);
    close(publication->wake_fd);
}

/* The end of a change that readers are told of. */
static void unlock_and_wake(struct publication *publication)
{
    publication->version++;
    pthread_mutex_unlock(&publication->lock);
    uint64_t one = 1;
    /* It fails only where 2^64 - 1 wake-ups are unread. */
    ssize_t written = write(publication->wake_fd, &one, sizeof one);
    (void)written;
}

void publication_put(struct publication *publication, const struct snapshot *snapshot)
{
    pthread_mutex_lock(&publication->lock);
    publication->snapshot = *snapshot;
    unlock_and_wake(publication);
}

/* Two neighbours become one; the mean is weighted by their steps. */
static struct loss_bucket merge(const struct loss_bucket *a, const struct loss_bucket *b)
{
    double a_steps = (double)(a->last - a->first + 1), b_steps = (double)(b->last - b->first + 1);
    struct loss_bucket both = *b;
    both.first = a->first;
    both.mean = (a->mean * a_steps + b->mean * b_steps) / (a_steps + b_steps);
    both.minimum = fmin(a->minimum, b->minimum);
    both.maximum = fmax(a->maximum, b->maximum);
    return both;
}

/* Under the lock. */
static void add_losses(struct publication *publication, const struct loss_bucket *one)
{
    struct loss_bucket *buckets = publication->buckets;
    size_t count = publication->bucket_count;
    struct loss_bucket *open = count ? &buckets[count - 1] : NULL;
    if (open && open->last - open->first + 1 < publication->bucket_width) {
        *open = merge(open, one);
        return;
    }
    if (count == FEED_MAX_BUCKETS) {
        count /= 2;
        for (size_t i = 0; i < count; i++)
            buckets[i] = merge(&buckets[2 * i], &buckets[2 * i + 1]);
        publication->bucket_width *= 2;
    }
    buckets[count] = *one;
    publication->bucket_count = count + 1;
}

void publication_loss(struct publication *publication, int64_t step, double seconds, double loss,
                      double learning_rate)
{
    struct loss_bucket one = {
        .first = step,
        .last = step,
        .seconds = seconds,
        .mean = loss,
        .minimum = loss,
        .maximum = loss,
        .learning_rate = learning_rate,
    };
    pthread_mutex_lock(&publication->lock);
    one.noise = publication->snapshot.settings.augment.noise;
    add_losses(publication, &one);
    pthread_mutex_unlock(&publication->lock);
}

void publication_losses(struct publication *publication, const struct loss_bucket *some)
{
    pthread_mutex_lock(&publication->lock);
    add_losses(publication, some);
    pthread_mutex_unlock(&publication->lock);
}

/* Room for one more element. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 64;
    return mem_resize(array, *capacity * size);
}

void publication_evaluation(struct publication *publication, const struct evaluation *evaluation)
{
    pthread_mutex_lock(&publication->lock);
    publication->evaluations = grow(publication->evaluations, publication->evaluation_count,
                                    &publication->evaluation_capacity, sizeof *evaluation);
    publication->evaluations[publication->evaluation_count++] = *evaluation;
    pthread_mutex_unlock(&publication->lock);
}

void publication_edit(struct publication *publication, const struct edit_mark *edit)
{
    pthread_mutex_lock(&publication->lock);
    publication->edits = grow(publication->edits, publication->edit_count,
                              &publication->edit_capacity, sizeof *edit);
    publication->edits[publication->edit_count++] = *edit;
    pthread_mutex_unlock(&publication->lock);
}

void publication_checkpoint(struct publication *publication, int64_t step)
{
    pthread_mutex_lock(&publication->lock);
    /* Best weights that could not be written at first may come later. */
    if (step >= publication->checkpoint_step) {
        publication->checkpoint_step = step;
        publication->checkpoint_clock = clock_seconds();
    }
    unlock_and_wake(publication);
}

void publication_warn(struct publication *publication, enum warning which, const char *text)
{
    pthread_mutex_lock(&publication->lock);
    if (strcmp(publication->warnings[which], text) == 0) {
        pthread_mutex_unlock(&publication->lock);
        return;
    }
    text_copy(publication->warnings[which], sizeof publication->warnings[which], text);
    unlock_and_wake(publication);
}

uint64_t publication_request(struct publication *publication, const char *line)
{
    pthread_mutex_lock(&publication->lock);
    uint64_t id = ++publication->newest;
    struct answer *answer = &publication->answers[id % PUBLISH_ANSWERS];
    *answer = (struct answer){.id = id, .state = ANSWER_REQUESTED, .clock = clock_seconds()};
    answer->step = publication->snapshot.step;
    text_copy(answer->line, sizeof answer->line, line);
    unlock_and_wake(publication);
    return id;
}

void publication_answer(struct publication *publication, uint64_t id, enum answer_state state,
                        int64_t step, const char *text)
{
    pthread_mutex_lock(&publication->lock);
    struct answer *answer = &publication->answers[id % PUBLISH_ANSWERS];
    if (answer->id == id) {
        answer->state = state;
        answer->step = step;
        answer->clock = clock_seconds();
        text_copy(answer->text, sizeof answer->text, text);
    }
    unlock_and_wake(publication);
}

/* ---- the feed's side ---- */

static struct publication *of(struct feed *feed)
{
    return &((struct run *)feed)->publication;
}

/* All that there are, under the lock. */
static void join_warnings(const struct publication *publication, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (int i = 0; i < WARNINGS; i++) {
        if (!publication->warnings[i][0])
            continue;
        snprintf(out + length, size - length, "%s%s", length ? "; " : "", publication->warnings[i]);
        length = strlen(out);
    }
    utf8_trim(out);
}

static void feed_snapshot(struct feed *feed, struct snapshot *out)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    *out = publication->snapshot;
    out->version = publication->version;
    out->buckets = publication->bucket_count;
    out->evaluations = publication->evaluation_count;
    out->edits = publication->edit_count;
    out->answer = publication->answers[publication->newest % PUBLISH_ANSWERS];
    out->checkpoint_step = publication->checkpoint_step;
    out->checkpoint_clock = publication->checkpoint_clock;
    join_warnings(publication, out->warning, sizeof out->warning);
    pthread_mutex_unlock(&publication->lock);
}

/* Elements first … of an array of `count`, at most `most`. */
static size_t copy_range(void *out, const void *array, size_t count, size_t size, size_t first,
                         size_t most)
{
    size_t copied = first < count ? count - first : 0;
    if (copied > most)
        copied = most;
    if (copied)
        memcpy(out, (const char *)array + first * size, copied * size);
    return copied;
}

static size_t feed_buckets(struct feed *feed, size_t first, struct loss_bucket *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    size_t copied =
        copy_range(out, publication->buckets, publication->bucket_count, sizeof *out, first, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

static size_t feed_evaluations(struct feed *feed, size_t first, struct evaluation *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    size_t copied = copy_range(out, publication->evaluations, publication->evaluation_count,
                               sizeof *out, first, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

static size_t feed_edits(struct feed *feed, size_t first, struct edit_mark *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    size_t copied =
        copy_range(out, publication->edits, publication->edit_count, sizeof *out, first, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

/* None are kept yet. */
static size_t feed_states(struct feed *feed, size_t first, struct kept_state *out, size_t most)
{
    (void)feed, (void)first, (void)out, (void)most;
    return 0;
}

static uint64_t feed_post(struct feed *feed, const char *line, enum command_source source,
                          struct err *err)
{
    struct run *run = (struct run *)feed;
    struct command command;
    if (command_parse(line, &command, err) != 0)
        return 0;
    if (command_info(command.id)->scope == COMMAND_SCOPE_VIEW) {
        err_set(err, ERR_USAGE, "'%s' is a command of the view", command_info(command.id)->name);
        return 0;
    }
    if (!utf8_valid(command.line)) {
        err_set(err, ERR_USAGE, "the command is not valid UTF-8");
        return 0;
    }
    /* Requested before it is queued: the run thread may answer at once. */
    uint64_t id = publication_request(&run->publication, command.line);
    struct err refused;
    if (queue_push(&run->queue, id, command.line, source, &refused) != 0) {
        publication_answer(&run->publication, id, ANSWER_REFUSED, 0, refused.text);
        err_set(err, refused.code, "%s", refused.text);
        return 0;
    }
    return id;
}

static void feed_answer(struct feed *feed, uint64_t id, struct answer *out)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    *out = publication->answers[id % PUBLISH_ANSWERS];
    pthread_mutex_unlock(&publication->lock);
    if (out->id != id || id == 0)
        *out = (struct answer){.id = id, .state = ANSWER_NONE};
}

void publication_feed(struct feed *feed)
{
    feed->snapshot = feed_snapshot;
    feed->buckets = feed_buckets;
    feed->evaluations = feed_evaluations;
    feed->edits = feed_edits;
    feed->states = feed_states;
    feed->post = feed_post;
    feed->answer = feed_answer;
    feed->wake_fd = of(feed)->wake_fd;
}
