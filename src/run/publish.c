/*
 * What readers see of a run: the newest snapshot, the history of losses (series.c),
 * evaluations and edits, and the answers to commands. All of it is under one
 * lock that is held for a copy and nothing else, so the run never waits for a
 * reader. An eventfd tells one reader that there is something new.
 *
 * History is in the order of time. Each return to an earlier state begins a
 * branch, which leaves the one that the state is on at its step:
 *
 *   branch 0  ──────o─────o───x     o  a kept state
 *   branch 1        │     └──────x  undo, to the newer one
 *   branch 2        └──────────>    rollback, to the older one
 *
 * What is on the way from the start to the present state is live, here branch 0
 * up to the older state and branch 2; everything else is abandoned.
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
    publication->control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (publication->wake_fd < 0 || publication->control_fd < 0) {
        err_set_errno(err, ERR_SYSTEM, errno, "eventfd");
        if (publication->wake_fd >= 0)
            close(publication->wake_fd);
        return -1;
    }
    pthread_mutex_init(&publication->lock, NULL);
    series_init(&publication->losses);
    publication->branches = mem_alloc(sizeof *publication->branches);
    publication->branches[0].parent = -1;
    publication->branch_count = publication->branch_capacity = 1;
    publication->checkpoint_step = -1;
    return 0;
}

void publication_fini(struct publication *publication)
{
    series_fini(&publication->losses);
    mem_free(publication->evaluations);
    mem_free(publication->evaluation_place);
    mem_free(publication->confusion.count);
    mem_free(publication->edits);
    mem_free(publication->edit_place);
    mem_free(publication->branches);
    mem_free(publication->journal);
    pthread_mutex_destroy(&publication->lock);
    close(publication->wake_fd);
    close(publication->control_fd);
}

/* The end of a change that readers are told of. */
static void unlock_and_wake(struct publication *publication)
{
    publication->version++;
    pthread_mutex_unlock(&publication->lock);
    uint64_t one = 1;
    /* It fails only where 2^64 - 1 wake-ups are unread. */
    ssize_t written = write(publication->wake_fd, &one, sizeof one);
    written = write(publication->control_fd, &one, sizeof one);
    (void)written;
}

void publication_put(struct publication *publication, const struct snapshot *snapshot)
{
    pthread_mutex_lock(&publication->lock);
    publication->snapshot = *snapshot;
    unlock_and_wake(publication);
}

static int present_branch(const struct publication *publication)
{
    return (int)publication->branch_count - 1;
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
    one.augmented = augments(&publication->snapshot.settings);
    series_add(&publication->losses, &one, present_branch(publication));
    pthread_mutex_unlock(&publication->lock);
}

void publication_losses(struct publication *publication, const struct loss_bucket *some)
{
    pthread_mutex_lock(&publication->lock);
    series_add(&publication->losses, some, present_branch(publication));
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

/* The counts go where `to` has room for them. */
static void copy_confusion(struct confusion *to, const struct confusion *from)
{
    uint32_t *count = to->count;
    *to = *from;
    to->count = count;
    memcpy(count, from->count, (size_t)from->classes * (size_t)from->classes * sizeof *from->count);
}

/* Of the evaluation that was added last, under the lock. */
static void put_confusion(struct publication *publication, const struct confusion *confusion)
{
    const size_t classes = (size_t)confusion->classes;
    if (!publication->confusion.count)
        publication->confusion.count = mem_alloc(classes * classes * sizeof *confusion->count);
    copy_confusion(&publication->confusion, confusion);
    publication->confusion_of = publication->evaluation_count - 1;
}

void publication_evaluation(struct publication *publication, const struct evaluation *evaluation,
                            uint64_t seq, const struct confusion *confusion)
{
    pthread_mutex_lock(&publication->lock);
    size_t count = publication->evaluation_count++;
    publication->evaluations = grow(publication->evaluations, count,
                                    &publication->evaluation_capacity, sizeof *evaluation);
    publication->evaluation_place =
        grow(publication->evaluation_place, count, &publication->evaluation_place_capacity,
             sizeof *publication->evaluation_place);
    publication->evaluations[count] = *evaluation;
    publication->evaluation_place[count] = (struct place){present_branch(publication), seq};
    if (confusion)
        put_confusion(publication, confusion);
    pthread_mutex_unlock(&publication->lock);
}

/* Under the lock. */
static void add_edit(struct publication *publication, const struct edit_mark *edit)
{
    size_t count = publication->edit_count++;
    publication->edits = grow(publication->edits, count, &publication->edit_capacity, sizeof *edit);
    publication->edit_place =
        grow(publication->edit_place, count, &publication->edit_place_capacity,
             sizeof *publication->edit_place);
    publication->edits[count] = *edit;
    publication->edit_place[count] =
        (struct place){present_branch(publication), (uint64_t)edit->seq};
    /* So that an undo of it cuts between two buckets. */
    series_close(&publication->losses);
}

void publication_edit(struct publication *publication, const struct edit_mark *edit)
{
    pthread_mutex_lock(&publication->lock);
    add_edit(publication, edit);
    pthread_mutex_unlock(&publication->lock);
}

/* Up to where the branches are on the way to the present state: nothing of those
 * that are not. */
static struct branch *find_limits(const struct publication *publication)
{
    struct branch *limits = mem_alloc(publication->branch_count * sizeof *limits);
    for (size_t i = 0; i < publication->branch_count; i++)
        limits[i].step = -1;
    int64_t step = INT64_MAX;
    uint64_t seq = UINT64_MAX;
    for (int i = present_branch(publication); i >= 0; i = publication->branches[i].parent) {
        limits[i].step = step;
        limits[i].seq = seq;
        /* A way may leave a branch before the state where its child's own began. */
        step = publication->branches[i].step;
        seq = publication->branches[i].seq;
    }
    return limits;
}

static void mark_abandoned(struct publication *publication)
{
    struct branch *limits = find_limits(publication);
    int64_t *steps = mem_alloc(publication->branch_count * sizeof *steps);
    for (size_t i = 0; i < publication->branch_count; i++)
        steps[i] = limits[i].step;
    series_mark(&publication->losses, steps);
    mem_free(steps);
    for (size_t i = 0; i < publication->evaluation_count; i++) {
        const struct place *place = &publication->evaluation_place[i];
        const struct branch *limit = &limits[place->branch];
        publication->evaluations[i].abandoned =
            publication->evaluations[i].step > limit->step || place->seq > limit->seq;
    }
    for (size_t i = 0; i < publication->edit_count; i++) {
        const struct place *place = &publication->edit_place[i];
        const struct branch *limit = &limits[place->branch];
        publication->edits[i].abandoned =
            publication->edits[i].step > limit->step || place->seq > limit->seq;
    }
    mem_free(limits);
}

void publication_return(struct publication *publication, const struct edit_mark *mark,
                        const struct jump *jump)
{
    pthread_mutex_lock(&publication->lock);
    int parent = present_branch(publication);
    while (parent > 0 && publication->branches[parent].first > jump->seq)
        parent--;
    publication->branches = grow(publication->branches, publication->branch_count,
                                 &publication->branch_capacity, sizeof *publication->branches);
    publication->branches[publication->branch_count++] =
        (struct branch){parent, jump->step, jump->seq, (uint64_t)mark->seq};
    add_edit(publication, mark);
    mark_abandoned(publication);
    layers_forget(&publication->layers);
    publication->returns++;
    unlock_and_wake(publication);
}

void publication_checkpoint(struct publication *publication, int64_t step, bool present)
{
    pthread_mutex_lock(&publication->lock);
    if (present || step >= publication->checkpoint_step) {
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

void publication_range(struct publication *publication, const struct range_test *test)
{
    pthread_mutex_lock(&publication->lock);
    publication->range = *test;
    pthread_mutex_unlock(&publication->lock);
}

void publication_viewers(struct publication *publication, int viewers)
{
    pthread_mutex_lock(&publication->lock);
    publication->viewers = viewers;
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

void publication_journal(struct publication *publication, const struct journal_record *record)
{
    pthread_mutex_lock(&publication->lock);
    size_t count = publication->journal_count;
    if (count == FEED_JOURNAL_LINES) { /* the oldest go, some at a time */
        count -= FEED_JOURNAL_LINES / 4;
        memmove(publication->journal, publication->journal + FEED_JOURNAL_LINES / 4,
                count * sizeof *record);
    }
    publication->journal =
        grow(publication->journal, count, &publication->journal_capacity, sizeof *record);
    publication->journal[count] = *record;
    publication->journal_count = count + 1;
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

/* The newest that was not abandoned. */
static struct evaluation last_evaluation(const struct publication *publication)
{
    for (size_t i = publication->evaluation_count; i-- > 0;)
        if (!publication->evaluations[i].abandoned)
            return publication->evaluations[i];
    return (struct evaluation){.step = -1};
}

static uint64_t newest_line(const struct publication *publication)
{
    const size_t count = publication->journal_count;
    return count ? publication->journal[count - 1].seq : 0;
}

static void feed_snapshot(struct feed *feed, struct snapshot *out)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    *out = publication->snapshot;
    out->version = publication->version;
    out->buckets = (size_t)publication->losses.ticks;
    out->evaluations = publication->evaluation_count;
    out->edits = publication->edit_count;
    out->returns = publication->returns;
    out->viewers = publication->viewers;
    out->journal = newest_line(publication);
    out->last = last_evaluation(publication);
    out->answer = publication->answers[publication->newest % PUBLISH_ANSWERS];
    out->checkpoint_step = publication->checkpoint_step;
    out->checkpoint_clock = publication->checkpoint_clock;
    join_warnings(publication, out->warning, sizeof out->warning);
    pthread_mutex_unlock(&publication->lock);
    out->states = states_count(&((struct run *)feed)->states);
}

static size_t feed_buckets(struct feed *feed, int64_t first, int64_t last, struct loss_bucket *out,
                           size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    size_t copied = series_copy(&publication->losses, first, last, out, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

static size_t feed_evaluations(struct feed *feed, size_t first, struct evaluation *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    size_t copied = mem_copy_range(out, publication->evaluations, publication->evaluation_count,
                                   sizeof *out, first, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

static size_t feed_edits(struct feed *feed, size_t first, struct edit_mark *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    size_t copied =
        mem_copy_range(out, publication->edits, publication->edit_count, sizeof *out, first, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

static size_t feed_journal(struct feed *feed, uint64_t seq, struct journal_record *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    const uint64_t oldest = newest_line(publication) + 1 - publication->journal_count;
    size_t copied = mem_copy_range(out, publication->journal, publication->journal_count,
                                   sizeof *out, seq > oldest ? (size_t)(seq - oldest) : 0, most);
    pthread_mutex_unlock(&publication->lock);
    return copied;
}

static size_t feed_states(struct feed *feed, size_t first, struct kept_state *out, size_t most)
{
    return states_list(&((struct run *)feed)->states, first, out, most);
}

static bool feed_confusion(struct feed *feed, struct confusion *out)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    bool there = publication->confusion.count != NULL;
    if (there) {
        copy_confusion(out, &publication->confusion);
        out->of = publication->evaluations[publication->confusion_of];
    }
    pthread_mutex_unlock(&publication->lock);
    return there;
}

/* The dataset never changes, so that it needs no lock. */
static void feed_class_name(struct feed *feed, int class, char out[FEED_CLASS_NAME])
{
    text_copy(out, FEED_CLASS_NAME, ((struct run *)feed)->info->class_name[class]);
}

static void feed_image(struct feed *feed, uint32_t image, uint8_t *out)
{
    data_pixels(((struct run *)feed)->dataset, DATA_VALIDATION, image, out);
}

static uint64_t feed_post(struct feed *feed, const char *line, enum command_source source,
                          struct err *err)
{
    struct run *run = (struct run *)feed;
    struct command command;
    if (command_parse(line, &command, err) != 0)
        return 0;
    if (command_owner(command.id)) {
        err_set(err, ERR_USAGE, "'%s' is a command of %s", command_info(command.id)->name,
                command_owner(command.id));
        return 0;
    }
    if (!utf8_valid(command.line)) {
        err_set(err, ERR_USAGE, "the command is not valid UTF-8");
        return 0;
    }
    /* Requested before it is queued: the run thread may answer at once. */
    uint64_t id = publication_request(&run->publication, command.line);
    struct err refused;
    if (queue_push(&run->queue, id, &command, source, &refused) != 0) {
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

static void feed_range(struct feed *feed, struct range_test *out)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    *out = publication->range;
    pthread_mutex_unlock(&publication->lock);
}

void publication_feed(struct feed *feed)
{
    feed->snapshot = feed_snapshot;
    feed->buckets = feed_buckets;
    feed->evaluations = feed_evaluations;
    feed->edits = feed_edits;
    feed->states = feed_states;
    feed->confusion = feed_confusion;
    feed->class_name = feed_class_name;
    feed->image = feed_image;
    feed->journal = feed_journal;
    feed->post = feed_post;
    feed->answer = feed_answer;
    layers_feed(feed);
    feed->range = feed_range;
    feed->wake_fd = of(feed)->wake_fd;
    feed->control_fd = of(feed)->control_fd;
}
