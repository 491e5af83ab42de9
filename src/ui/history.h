/*
 * The view's copy of what its feed shows: the newest snapshot and the run's
 * history. Screens are drawn from this and from struct state alone.
 */
#ifndef KDT_UI_HISTORY_H
#define KDT_UI_HISTORY_H

#include "kdt/ui.h"

struct history {
    struct snapshot snapshot;
    struct loss_bucket *buckets; /* FEED_MAX_BUCKETS of room */
    size_t bucket_count;
    /* Steps ascend: what was abandoned by going back is left out. */
    struct evaluation *evaluations;
    size_t evaluation_count, evaluations_read, evaluation_room;
    struct edit_mark *edits;
    size_t edit_count, edit_room;
};
void history_init(struct history *history);
void history_fini(struct history *history);
/* Copies what is new in the feed; whether anything was. */
bool history_update(struct history *history, struct feed *feed);

#endif
