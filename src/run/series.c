/*
 * The losses of all steps, of a run of any length, in bounded memory.
 *
 * Level k has buckets of 4^k steps. Each level but the last keeps the newest SERIES_ROOM of its
 * buckets, and the last has the whole run; when it gets more than SERIES_LAST of them, another one
 * is begun with them merged by fours. So the newest steps are there one by one, and what is before
 * them ever more coarsely:
 *
 *   level 2  [            ][            ][            ]        the whole run
 *   level 1         [  ][  ][  ][  ][  ][  ][  ][  ][  ][  ]
 *   level 0                                   ||||||||||||||    the newest
 *
 * 1. A bucket that is full, or closed, is merged into the open one of the next level, so what the
 *    levels above lack are at most three buckets of each level below.
 * 2. `tick` counts all losses in the order of time, also those of steps that were trained again. A
 *    bucket of level k has exactly the ticks of some neighbours in level k - 1, as far as those are
 *    kept.
 * 3. A bucket is of one branch, with noise or without, of augmented images or not. Edits and
 * returns close it on every level; only where there are too many to keep apart are those of one
 * branch merged again, and then the pieces of branches dropped.
 */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { FACTOR = 4 };

static int64_t steps_of(const struct loss_bucket *loss)
{
    return loss->last - loss->first + 1;
}

static struct series_bucket *bucket_at(const struct series_level *level, size_t i)
{
    return &level->buckets[(level->first + i) % SERIES_ROOM];
}

static struct series_bucket *newest(const struct series_level *level)
{
    return level->count ? bucket_at(level, level->count - 1) : NULL;
}

static struct series_level *last_level(struct series *series)
{
    return &series->levels[series->level_count - 1];
}

static void add_level(struct series *series)
{
    struct series_level *level = &series->levels[series->level_count++];
    level->width = series->level_count == 1 ? 1 : FACTOR * level[-1].width;
    level->buckets = mem_alloc(SERIES_ROOM * sizeof *level->buckets);
}

void series_init(struct series *series)
{
    *series = (struct series){0};
    add_level(series);
}

void series_fini(struct series *series)
{
    for (int k = 0; k < series->level_count; k++)
        mem_free(series->levels[k].buckets);
}

/* Two neighbours become one; the mean is weighted by their steps, and what is not a number leaves
 * the other's. */
static struct loss_bucket merge(const struct loss_bucket *a, const struct loss_bucket *b)
{
    double a_steps = (double)steps_of(a), b_steps = (double)steps_of(b);
    struct loss_bucket both = *b;
    both.first = a->first;
    if (isnan(b->mean))
        both.mean = a->mean;
    else if (!isnan(a->mean))
        both.mean = (a->mean * a_steps + b->mean * b_steps) / (a_steps + b_steps);
    both.minimum = fmin(a->minimum, b->minimum);
    both.maximum = fmax(a->maximum, b->maximum);
    return both;
}

static bool alike(const struct series_bucket *a, const struct series_bucket *b)
{
    return a->branch == b->branch && a->loss.noise == b->loss.noise &&
           a->loss.augmented == b->loss.augmented && a->loss.last + 1 == b->loss.first;
}

static void push(struct series_level *level, const struct series_bucket *bucket)
{
    if (level->count == SERIES_ROOM) {
        level->first = (level->first + 1) % SERIES_ROOM;
        level->count--;
    }
    level->count++;
    *newest(level) = *bucket;
}

/* The other of two neighbours that are not alike is dropped: the abandoned one, or the older. */
static void drop_pieces(struct series_level *level)
{
    size_t kept = 0;
    for (size_t i = 0; i < level->count; i += 2) {
        const struct series_bucket *bucket = bucket_at(level, i);
        const struct series_bucket *next = i + 1 < level->count ? bucket + 1 : bucket;
        level->buckets[kept++] = bucket->loss.abandoned || !next->loss.abandoned ? *next : *bucket;
    }
    level->count = kept;
}

/* What is in the last level, by fours, as another one. */
static void widen(struct series *series)
{
    const struct series_level *from = last_level(series);
    bool bounded = series->level_count == SERIES_LEVELS;
    struct series_level again = {.width = from->width};
    if (bounded) /* never in a life: it is merged into itself */
        again.buckets = mem_alloc(SERIES_ROOM * sizeof *again.buckets);
    else
        add_level(series);
    struct series_level *to = bounded ? &again : last_level(series);
    int merged = 0;
    for (size_t i = 0; i < from->count; i++) {
        const struct series_bucket *bucket = bucket_at(from, i);
        struct series_bucket *open = newest(to);
        if (open && merged < FACTOR && alike(open, bucket)) {
            open->loss = merge(&open->loss, &bucket->loss);
            open->ticks += bucket->ticks;
            merged++;
        } else {
            push(to, bucket);
            merged = 1;
        }
    }
    if (to->count > SERIES_LAST * 3 / 4)
        drop_pieces(to);
    to->open = steps_of(&newest(to)->loss) < to->width;
    if (bounded) {
        mem_free(last_level(series)->buckets);
        *last_level(series) = again;
    }
}

/* A bucket that will not change any more, to level k and those above it. */
static void add(struct series *series, int k, const struct series_bucket *bucket)
{
    for (struct series_bucket whole = *bucket; k < series->level_count; k++) {
        struct series_level *level = &series->levels[k];
        struct series_bucket *open = level->open ? newest(level) : NULL;
        if (open && alike(open, &whole)) {
            open->loss = merge(&open->loss, &whole.loss);
            open->ticks += whole.ticks;
        } else {
            push(level, &whole);
            open = newest(level);
        }
        level->open = steps_of(&open->loss) < level->width;
        if (level->open)
            return;
        whole = *open;
    }
    if (last_level(series)->count > SERIES_LAST)
        widen(series);
}

void series_close(struct series *series)
{
    for (int k = 0; k < series->level_count; k++) {
        struct series_level *level = &series->levels[k];
        if (!level->open)
            continue;
        level->open = false;
        const struct series_bucket whole = *newest(level);
        add(series, k + 1, &whole);
    }
}

void series_add(struct series *series, const struct loss_bucket *loss, int branch)
{
    const struct series_bucket bucket = {*loss, branch, series->ticks, steps_of(loss)};
    const struct series_bucket *before = newest(&series->levels[0]);
    if (before && !alike(before, &bucket))
        series_close(series);
    series->ticks += bucket.ticks;
    add(series, 0, &bucket);
}

void series_mark(struct series *series, const int64_t *limits)
{
    for (int k = 0; k < series->level_count; k++) {
        struct series_level *level = &series->levels[k];
        for (size_t i = 0; i < level->count; i++) {
            struct series_bucket *bucket = bucket_at(level, i);
            bucket->loss.abandoned = bucket->loss.last >= limits[bucket->branch];
        }
    }
}

/* ---- reading ---- */

struct reading {
    const struct series *series;
    int64_t first, last;
    int finest;
    size_t at[SERIES_LEVELS]; /* the next bucket of each level */
    struct loss_bucket *out;
    size_t count, most;
};

static bool emit(struct reading *reading, const struct series_bucket *bucket)
{
    if (reading->count == reading->most)
        return false;
    reading->out[reading->count++] = bucket->loss;
    return true;
}

/* A bucket of level k, or what it was made of. */
static bool read_bucket(struct reading *reading, int k, const struct series_bucket *bucket)
{
    const struct series_level *below = k > reading->finest ? &reading->series->levels[k - 1] : NULL;
    if (!below || bucket->loss.last < reading->first || bucket->loss.first > reading->last ||
        !below->count || bucket_at(below, 0)->tick > bucket->tick)
        return emit(reading, bucket);
    size_t *at = &reading->at[k - 1];
    while (*at < below->count && bucket_at(below, *at)->tick < bucket->tick)
        ++*at;
    for (; *at < below->count; ++*at) {
        const struct series_bucket *part = bucket_at(below, *at);
        if (part->tick >= bucket->tick + bucket->ticks)
            break;
        if (!read_bucket(reading, k - 1, part))
            return false;
    }
    return true;
}

/* False where there is not room for all. */
static bool read_all(struct reading *reading)
{
    const struct series *series = reading->series;
    int64_t tick = 0; /* what comes after is not yet in any level above */
    for (int k = series->level_count - 1; k >= 0; k--) {
        const struct series_level *level = &series->levels[k];
        size_t i = level->count;
        while (i && bucket_at(level, i - 1)->tick >= tick)
            i--;
        for (; i < level->count; i++) {
            const struct series_bucket *bucket = bucket_at(level, i);
            if (!read_bucket(reading, k, bucket))
                return false;
            tick = bucket->tick + bucket->ticks;
        }
    }
    return true;
}

size_t series_copy(const struct series *series, int64_t first, int64_t last,
                   struct loss_bucket *out, size_t most)
{
    struct reading reading = {.series = series, .first = first, .last = last, .out = out};
    int64_t steps = series->ticks;
    if (first > 0 || last < steps - 1)
        steps = (last < steps ? last : steps) - (first > 0 ? first : 0) + 1;
    /* Too fine is tried for nothing where steps were trained more than once. */
    int k = 0, top = series->level_count - 1;
    while (k < top && steps / series->levels[k].width > (int64_t)most)
        k++;
    for (reading.most = most; k <= top; k++) {
        reading.finest = k;
        reading.count = 0;
        memset(reading.at, 0, sizeof reading.at);
        if (read_all(&reading))
            break;
    }
    return reading.count;
}
