/* The copy of a feed that the view draws from. */
#include "history.h"

void history_init(struct history *history)
{
    *history = (struct history){0};
    history->buckets = mem_alloc(FEED_MAX_BUCKETS * sizeof(*history->buckets));
}

void history_fini(struct history *history)
{
    mem_free(history->buckets);
    mem_free(history->evaluations);
    mem_free(history->edits);
    *history = (struct history){0};
}

/* A row is abandoned when a later row's step is not above its own. */
static void evaluation_add(struct history *history, const struct evaluation *row)
{
    size_t count = history->evaluation_count;
    while (count > 0 && history->evaluations[count - 1].step >= row->step)
        count--;
    if (count == history->evaluation_room) {
        history->evaluation_room = count < 32 ? 64 : 2 * count;
        history->evaluations =
            mem_resize(history->evaluations, history->evaluation_room * sizeof(*row));
    }
    history->evaluations[count] = *row;
    history->evaluation_count = count + 1;
}

bool history_update(struct history *history, struct feed *feed)
{
    uint64_t version = history->snapshot.version;
    feed->snapshot(feed, &history->snapshot);
    if (history->snapshot.version == version)
        return false;
    /* Buckets merge in pairs, so they are read anew; the others only grow. */
    history->bucket_count = feed->buckets(feed, 0, history->buckets, FEED_MAX_BUCKETS);

    struct evaluation rows[64];
    size_t got;
    do {
        got = feed->evaluations(feed, history->evaluations_read, rows, 64);
        for (size_t i = 0; i < got; i++)
            evaluation_add(history, &rows[i]);
        history->evaluations_read += got;
    } while (got == 64);

    do {
        if (history->edit_count == history->edit_room) {
            history->edit_room = history->edit_room < 32 ? 64 : 2 * history->edit_room;
            history->edits =
                mem_resize(history->edits, history->edit_room * sizeof(*history->edits));
        }
        size_t room = history->edit_room - history->edit_count;
        got = feed->edits(feed, history->edit_count, &history->edits[history->edit_count], room);
        history->edit_count += got;
    } while (history->edit_count == history->edit_room);
    return true;
}
