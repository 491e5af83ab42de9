/* What a search shows of itself: copies of the table and of its state. */
#include "internal.h"

#include <math.h>
#include <string.h>

#include "kdt/data.h"

int search_refresh(struct search *search, struct err *err)
{
    return books_read(&search->books, err);
}

int search_fd(const struct search *search)
{
    return search->wake_fd;
}

static void count_trials(const struct table *table, struct search_snapshot *out)
{
    for (int64_t i = 0; i < table->count; i++) {
        const struct trial *trial = &table->entries[i].trial;
        out->running += trial->state == TRIAL_RUNNING;
        out->frozen += trial->frozen;
        out->complete += trial->state == TRIAL_COMPLETE;
        out->pruned += trial->state == TRIAL_PRUNED;
        out->failed += trial->state == TRIAL_FAILED;
        out->planned += trial->added;
    }
    out->trials = table->count;
    out->finished = table->finished_count;
    out->tops = table->top_count;
    out->best = table_best(table);
}

static void describe_axes(const struct search *search, struct search_snapshot *out)
{
    const struct spaces *spaces = &search->plan.spaces;
    for (int i = 0; i < spaces->count && i < SEARCH_AXES; i++)
        dimension_axis(&spaces->dimension[i], &out->axis[out->axis_count++]);
}

static enum search_state state_of(const struct search *search)
{
    int busy = search->active;
    for (int i = 0; i < search->worker_count; i++)
        busy -= search->workers[i].idle;
    return busy > 0           ? SEARCH_RUNNING
           : search->done     ? SEARCH_FINISHED
           : search->failed   ? SEARCH_FAILED
           : search->stopping ? SEARCH_STOPPED
           : search->frozen   ? SEARCH_FROZEN
                              : SEARCH_STOPPED;
}

void search_snapshot(struct search *search, struct search_snapshot *out)
{
    const struct plan *plan = &search->plan;
    double started = 0;
    int64_t epochs_at_start;
    *out = (struct search_snapshot){
        .planned = plan->first[plan->rounds],
        .loss = search->settings.search.metric == METRIC_LOSS,
        .epochs = plan->epochs,
        .top = search->settings.search.top,
        .rounds = plan->rounds,
        .eta = NAN,
    };
    text_copy(out->name, sizeof out->name, search->name);
    text_copy(out->directory, sizeof out->directory, search->directory);
    settings_format(&search->settings, settings_find("search.method", NULL), out->method,
                    sizeof out->method);
    describe_axes(search, out);
    if (search->dataset) {
        text_copy(out->dataset_why, sizeof out->dataset_why, data_info(search->dataset)->why);
        text_copy(out->dataset, sizeof out->dataset, data_info(search->dataset)->name);
    }
    pthread_mutex_lock(&search->lock);
    out->version = search->version;
    out->workers = search->worker_count;
    out->state = state_of(search);
    out->stopping = search->stopping;
    text_copy(out->error, sizeof out->error, search->failed ? search->error.text : "");
    started = search->started;
    epochs_at_start = search->epochs_at_start;
    pthread_mutex_unlock(&search->lock);
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    count_trials(table, out);
    out->round = plan_round(plan, table) + 1;
    const double trained = (double)(table_epochs(table) - epochs_at_start);
    const double left = (double)plan_epochs_left(plan, table);
    pthread_mutex_unlock(&search->books.lock);
    out->seconds = started > 0 ? clock_seconds() - started : 0;
    if (out->state == SEARCH_RUNNING && trained > 0 && left > 0)
        out->eta = left * out->seconds / trained;
    clerk_answer(&search->clerk, 0, &out->answer);
}

bool search_trial(struct search *search, int64_t number, struct trial *out)
{
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    bool exists = number >= 0 && number < table->count;
    if (exists)
        *out = table->entries[number].trial;
    pthread_mutex_unlock(&search->books.lock);
    return exists;
}

bool search_finished(struct search *search, int64_t i, struct trial *out)
{
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    bool exists = i >= 0 && i < table->finished_count;
    if (exists)
        *out = table->entries[table->finished[i]].trial;
    pthread_mutex_unlock(&search->books.lock);
    return exists;
}

bool search_top(struct search *search, int64_t i, struct top_trial *out)
{
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    bool exists = i >= 0 && i < table->top_count;
    if (exists)
        *out = table->tops[i];
    pthread_mutex_unlock(&search->books.lock);
    return exists;
}

/* Complete trials, then those that got further, each of them by value and number. */
static bool ranks_before(const struct table *table, int a, int b)
{
    const struct trial *x = &table->entries[a].trial, *y = &table->entries[b].trial;
    bool x_complete = x->state == TRIAL_COMPLETE, y_complete = y->state == TRIAL_COMPLETE;
    bool x_failed = x->state == TRIAL_FAILED, y_failed = y->state == TRIAL_FAILED;
    if (x_complete != y_complete)
        return x_complete;
    if (x_failed != y_failed)
        return y_failed;
    if (!x_complete && x->epochs != y->epochs)
        return x->epochs > y->epochs;
    if (table_better(table, x->value, y->value) || table_better(table, y->value, x->value))
        return table_better(table, x->value, y->value);
    return a < b;
}

/* The first `most` of the order, by insertion: most trials find no place. */
size_t search_ranking(struct search *search, int *out, size_t most)
{
    size_t count = 0;
    pthread_mutex_lock(&search->books.lock);
    const struct table *table = &search->books.table;
    for (int i = 0; i < table->count; i++) {
        size_t at = count;
        while (at > 0 && ranks_before(table, i, out[at - 1]))
            at--;
        if (at == most)
            continue;
        size_t moved = (count < most ? count : most - 1) - at;
        memmove(&out[at + 1], &out[at], moved * sizeof *out);
        out[at] = i;
        count += count < most;
    }
    pthread_mutex_unlock(&search->books.lock);
    return count;
}
