/* The copy of a feed that the view draws from. */
#include "history.h"

void history_init(struct history *history)
{
    *history = (struct history){.fine_last = INT64_MAX, .layers.step = -1};
    history->buckets = mem_alloc(FEED_MAX_BUCKETS * sizeof(*history->buckets));
}

void history_fini(struct history *history)
{
    mem_free(history->buckets);
    mem_free(history->evaluations);
    mem_free(history->edits);
    mem_free(history->states);
    mem_free(history->earlier.evaluations);
    board_fini(&history->board);
    guesses_fini(&history->guesses);
    mem_free(history->journal);
    mem_free(history->journal_abandoned);
    *history = (struct history){0};
}

/* Room for one more element at least. */
static void *make_room(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room < 32 ? 64 : 2 * *room;
    return mem_resize(array, *room * size);
}

static void read_evaluations(struct history *history, struct feed *feed)
{
    size_t *count = &history->evaluation_count;
    do {
        history->evaluations = make_room(history->evaluations, *count, &history->evaluation_room,
                                         sizeof(*history->evaluations));
        *count += feed->evaluations(feed, *count, &history->evaluations[*count],
                                    history->evaluation_room - *count);
    } while (*count == history->evaluation_room);
}

static void read_edits(struct history *history, struct feed *feed)
{
    size_t *count = &history->edit_count;
    do {
        history->edits =
            make_room(history->edits, *count, &history->edit_room, sizeof(*history->edits));
        *count += feed->edits(feed, *count, &history->edits[*count], history->edit_room - *count);
    } while (*count == history->edit_room);
}

static void read_states(struct history *history, struct feed *feed)
{
    size_t *count = &history->state_count;
    do {
        history->states =
            make_room(history->states, *count, &history->state_room, sizeof(*history->states));
        *count +=
            feed->states(feed, *count, &history->states[*count], history->state_room - *count);
    } while (*count == history->state_room);
}

static void read_losses(struct history *history, struct feed *feed)
{
    history->bucket_count = feed->buckets(feed, history->fine_first, history->fine_last,
                                          history->buckets, FEED_MAX_BUCKETS);
}

void history_look_at(struct history *history, struct feed *feed, int64_t first, int64_t last)
{
    if (history->fine_first == first && history->fine_last == last)
        return;
    history->fine_first = first;
    history->fine_last = last;
    read_losses(history, feed);
}

/* From the newest line back: what a return passed over is abandoned. */
static void mark_journal(struct history *history)
{
    uint64_t live = UINT64_MAX; /* lines up to this one */
    history->journal_abandoned = mem_resize(history->journal_abandoned, history->journal_room);
    for (size_t i = history->journal_count; i-- > 0;) {
        const struct journal_record *record = &history->journal[i];
        history->journal_abandoned[i] = record->seq > live;
        if (record->seq <= live && record->back_to > 0)
            live = record->back_to;
    }
}

static void read_journal(struct history *history, struct feed *feed)
{
    size_t *count = &history->journal_count;
    uint64_t newest = *count > 0 ? history->journal[*count - 1].seq : 0;
    if (feed->journal == NULL || history->snapshot.journal == newest)
        return;
    if (*count > FEED_JOURNAL_LINES) { /* those that the feed still has */
        *count = 0;
        newest = 0;
    }
    do {
        history->journal =
            make_room(history->journal, *count, &history->journal_room, sizeof(*history->journal));
        if (*count > 0)
            newest = history->journal[*count - 1].seq;
        *count += feed->journal(feed, newest + 1, &history->journal[*count],
                                history->journal_room - *count);
    } while (*count == history->journal_room);
    mark_journal(history);
}

/* Not again once it has ended. */
static void read_range(struct history *history, struct feed *feed)
{
    const struct snapshot *snapshot = &history->snapshot;
    const struct range_test *range = &history->range;
    bool ended = range->number == snapshot->range_tests && !range->running;
    if (feed->range != NULL && (snapshot->state == RUN_RANGE_TEST || !ended))
        feed->range(feed, &history->range);
}

/* At once where the run rests, was changed or went back. */
static void read_curves(struct history *history, struct feed *feed, bool changed)
{
    const struct snapshot *snapshot = &history->snapshot;
    const double now = clock_seconds();
    const bool moves = snapshot->state == RUN_RUNNING || snapshot->state == RUN_EVALUATING;
    if (moves && !changed && now < history->curves_due)
        return;
    read_losses(history, feed);
    read_evaluations(history, feed);
    history->curves_read = now;
    history->curves_step = snapshot->step;
    history->curves_seconds = snapshot->seconds;
}

bool history_update(struct history *history, struct feed *feed)
{
    uint64_t version = history->snapshot.version;
    feed->snapshot(feed, &history->snapshot);
    if (history->snapshot.version == version)
        return false;
    const bool returned = history->snapshot.returns != history->returns;
    /* A return marks anew what is abandoned; else evaluations and edits only grow. */
    if (returned)
        history->evaluation_count = history->edit_count = 0;
    history->returns = history->snapshot.returns;
    history->state_count = 0;
    read_curves(history, feed,
                returned || history->snapshot.edits != history->edit_count ||
                    (history->evaluation_count == 0 && history->snapshot.evaluations > 0));
    read_edits(history, feed);
    read_states(history, feed);
    read_range(history, feed);
    read_journal(history, feed);
    return true;
}

void history_look_at_layers(struct history *history, struct feed *feed)
{
    history->has_layers = feed->layers != NULL;
    if (!history->has_layers)
        return;
    struct layers *layers = &history->layers;
    feed->layers(feed, layers);
    /* Between the two calls the trend may have become another. */
    history->trend_points = FEED_TREND;
    for (int l = 0; l < layers->count; l++) {
        struct layer_point *trend = history->layer_trend[l];
        const size_t count = feed->layer_trend(feed, l, trend, FEED_TREND);
        if (count < history->trend_points)
            history->trend_points = count;
    }
    for (int l = 0; l < layers->count; l++) {
        const struct layer_measure *layer = &layers->layer[l];
        size_t count = history->trend_points;
        while (count > 0 && history->layer_trend[l][count - 1].step >= layers->step)
            count--;
        history->layer_trend[l][count] =
            (struct layer_point){layers->step, layer->gradient_norm, layer->update_ratio};
        if (l == layers->count - 1)
            history->trend_points = count + 1;
    }
}

double snapshot_epochs(const struct snapshot *snapshot, int64_t step)
{
    return snapshot->steps_per_epoch > 0 ? (double)step / (double)snapshot->steps_per_epoch : 0;
}

const struct evaluation *history_last_evaluation(const struct history *history)
{
    for (size_t i = history->evaluation_count; i-- > 0;)
        if (!history->evaluations[i].abandoned)
            return &history->evaluations[i];
    return NULL;
}

const struct evaluation *history_best_evaluation(const struct history *history)
{
    const struct evaluation *best = NULL;
    for (size_t i = 0; i < history->evaluation_count; i++) {
        const struct evaluation *row = &history->evaluations[i];
        if (best == NULL || !(row->validation_accuracy <= best->validation_accuracy))
            best = row;
    }
    return best;
}
