/*
 * Stretches of time between two returns, and what of each was abandoned.
 *
 * Buckets follow each other without a gap until the run returns to another
 * step, so that they tell the stretches apart; an evaluation belongs to the
 * first stretch, from that of the one before it on, that was at its step. What
 * a stretch grew out of is the newest one that had come to its first step.
 */
#include "tails.h"

struct stretch {
    int64_t step, end;                /* the step that it began at; that after its last bucket */
    struct tail buckets, evaluations; /* all of them at first, then what is abandoned */
};
struct stretches {
    struct stretch *list;
    size_t count;
};

static void split_buckets(const struct history *history, struct stretches *out)
{
    const struct loss_bucket *buckets = history->buckets;
    for (size_t i = 0; i < history->bucket_count; i++) {
        if (i == 0 || buckets[i].first != buckets[i - 1].last + 1)
            out->list[out->count++] =
                (struct stretch){.step = buckets[i].first, .buckets = {.first = i}};
        struct stretch *stretch = &out->list[out->count - 1];
        stretch->end = buckets[i].last + 1;
        stretch->buckets.count++;
    }
}

static void split_evaluations(const struct history *history, struct stretches *stretches)
{
    size_t at = 0;
    for (size_t i = 0; i < history->evaluation_count; i++) {
        int64_t step = history->evaluations[i].step;
        bool back = i > 0 && step < history->evaluations[i - 1].step;
        for (size_t next = at + back; next < stretches->count; next++) {
            if (step < stretches->list[next].step || step > stretches->list[next].end)
                continue;
            at = next;
            break;
        }
        struct tail *rows = &stretches->list[at].evaluations;
        if (rows->count == 0)
            rows->first = i;
        rows->count = i + 1 - rows->first;
    }
}

static void stretches_create(const struct history *history, struct stretches *out)
{
    *out = (struct stretches){
        .list = mem_alloc((history->bucket_count + 1) * sizeof(*out->list)),
    };
    split_buckets(history, out);
    if (out->count == 0)
        out->list[out->count++] = (struct stretch){0}; /* evaluated before any step */
    split_evaluations(history, out);
}

/* The newest stretch before `i` that had come to where it begins; `i`: none. */
static size_t parent_of(const struct stretches *stretches, size_t i)
{
    int64_t step = stretches->list[i].step;
    for (size_t at = i; at-- > 0;)
        if (stretches->list[at].step < step && step <= stretches->list[at].end)
            return at;
    return i;
}

static size_t last_bucket(const struct history *history, const struct tail *all, int64_t step)
{
    for (size_t i = all->first + all->count; i-- > all->first;)
        if (history->buckets[i].last < step)
            return i;
    return SIZE_MAX;
}

static size_t last_evaluation(const struct history *history, const struct tail *all, int64_t step)
{
    for (size_t i = all->first + all->count; i-- > all->first;)
        if (history->evaluations[i].step <= step)
            return i;
    return SIZE_MAX;
}

/* The element that stretch `i` grew out of: its parent's, or of those before. */
static size_t joint_of(const struct history *history, const struct stretches *stretches, size_t i,
                       bool losses)
{
    size_t joint = SIZE_MAX, parent;
    for (size_t at = i; joint == SIZE_MAX; at = parent) {
        parent = parent_of(stretches, at);
        if (parent == at)
            break;
        const struct stretch *stretch = &stretches->list[parent];
        joint = losses ? last_bucket(history, &stretch->buckets, stretches->list[at].step)
                       : last_evaluation(history, &stretch->evaluations, stretches->list[at].step);
    }
    return joint;
}

static bool abandoned(const struct history *history, size_t i, bool losses)
{
    return losses ? history->buckets[i].abandoned : history->evaluations[i].abandoned;
}

/* The first step of a stretch that was abandoned. */
static int64_t fork_of(const struct history *history, const struct stretch *stretch)
{
    size_t i = stretch->buckets.first + stretch->buckets.count;
    while (i > stretch->buckets.first && history->buckets[i - 1].abandoned)
        i--;
    bool whole = i == stretch->buckets.first;
    return whole ? stretch->step : history->buckets[i - 1].last + 1;
}

static void find_tails(const struct history *history, bool losses, struct tails *out)
{
    struct stretches stretches;
    stretches_create(history, &stretches);
    *out = (struct tails){.list = mem_alloc(stretches.count * sizeof(*out->list))};
    for (size_t i = 0; i < stretches.count; i++) {
        const struct stretch *stretch = &stretches.list[i];
        const struct tail *all = losses ? &stretch->buckets : &stretch->evaluations;
        size_t first = all->first + all->count, end = first;
        while (first > all->first && abandoned(history, first - 1, losses))
            first--;
        if (first == end)
            continue;
        size_t joint = first > all->first ? first - 1 : joint_of(history, &stretches, i, losses);
        out->list[out->count++] =
            (struct tail){first, end - first, joint, fork_of(history, stretch)};
    }
    mem_free(stretches.list);
}

void tails_of_losses(const struct history *history, struct tails *out)
{
    find_tails(history, true, out);
}

void tails_of_evaluations(const struct history *history, struct tails *out)
{
    find_tails(history, false, out);
}

void tails_fini(struct tails *tails)
{
    mem_free(tails->list);
    *tails = (struct tails){0};
}
