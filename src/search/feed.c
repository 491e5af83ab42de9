/* A search as a viewer sees it: copies of the table, and of what workers are at. */
#include "internal.h"

#include <math.h>
#include <string.h>

static struct search *search_of(struct search_feed *feed)
{
    return (struct search *)((char *)feed - offsetof(struct search, feed));
}

static void copy_snapshot(struct search_feed *feed, struct search_snapshot *out)
{
    search_snapshot(search_of(feed), out);
}

/* How far the runs have come that are trained here. */
static void add_progress(struct search *search, size_t first, struct trial *out, size_t count)
{
    struct snapshot *now = mem_alloc(sizeof *now);
    pthread_mutex_lock(&search->lock);
    for (int i = 0; i < search->worker_count; i++) {
        const struct worker *worker = &search->workers[i];
        if (!worker->run || worker->number < (int)first || worker->number >= (int)(first + count))
            continue;
        struct feed *run = run_feed(worker->run);
        struct trial *trial = &out[(size_t)worker->number - first];
        run->snapshot(run, now);
        if (now->steps_per_epoch > 0)
            trial->progress =
                fmax(trial->progress, (double)now->step / (double)now->steps_per_epoch);
    }
    pthread_mutex_unlock(&search->lock);
    mem_free(now);
}

static size_t copy_trials(struct search_feed *feed, size_t first, struct trial *out, size_t most)
{
    struct search *search = search_of(feed);
    size_t count = 0;
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    for (; count < most && first + count < (size_t)table->count; count++)
        out[count] = table->entries[first + count].trial;
    pthread_mutex_unlock(&search->books.lock);
    add_progress(search, first, out, count);
    return count;
}

static size_t copy_curve(struct search_feed *feed, int number, double *out, size_t most)
{
    struct search *search = search_of(feed);
    size_t count = 0;
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    if (number >= 0 && number < table->count) {
        const struct entry *entry = &table->entries[number];
        count = (size_t)entry->trial.epochs < most ? (size_t)entry->trial.epochs : most;
        if (count)
            memcpy(out, entry->curve, count * sizeof *out);
    }
    pthread_mutex_unlock(&search->books.lock);
    return count;
}

static size_t copy_ranking(struct search_feed *feed, int *out, size_t most)
{
    return search_ranking(search_of(feed), out, most);
}

static uint64_t post(struct search_feed *feed, const char *line, enum command_source source,
                     struct err *err)
{
    return clerk_post(search_of(feed), line, source, err);
}

static void copy_answer(struct search_feed *feed, uint64_t id, struct answer *out)
{
    clerk_answer(&search_of(feed)->clerk, id, out);
}

static struct feed *look(struct search_feed *feed, int number)
{
    struct search *search = search_of(feed);
    look_at(&search->look, number);
    return &search->look.feed;
}

void search_feed_init(struct search *search)
{
    search->feed = (struct search_feed){
        .snapshot = copy_snapshot,
        .trials = copy_trials,
        .curve = copy_curve,
        .ranking = copy_ranking,
        .post = post,
        .answer = copy_answer,
        .look = look,
        .wake_fd = search->view_fd,
    };
}

struct search_feed *search_feed(struct search *search)
{
    return &search->feed;
}
