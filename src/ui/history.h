/*
 * The view's copy of what its feed shows: the newest snapshot and the run's
 * history. Screens are drawn from this and from struct state alone.
 */
#ifndef KDT_UI_HISTORY_H
#define KDT_UI_HISTORY_H

#include "board.h"
#include "guesses.h"

/* In the order of time, with what was abandoned by going back. */
struct history {
    struct snapshot snapshot;
    struct loss_bucket *buckets; /* FEED_MAX_BUCKETS of room */
    size_t bucket_count;
    /* While the run goes on, losses and evaluations are read from this moment on; 0: each time.
     * Numbers move at every frame, but whole curves would be most of what a slow line is sent. */
    double curves_due;
    double curves_read;            /* clock_seconds() when they were, */
    int64_t curves_step;           /* and how far the run was then, so that the */
    double curves_seconds;         /* axes stand still as long as the curves do */
    int64_t fine_first, fine_last; /* the steps that are read as finely as there is room for */
    struct evaluation *evaluations;
    size_t evaluation_count, evaluation_room;
    struct edit_mark *edits;
    size_t edit_count, edit_room;
    struct kept_state *states; /* that rollback can return to, newest first */
    size_t state_count, state_room;
    uint64_t returns; /* as the arrays were read */
    struct range_test range;
    struct board board;         /* of a search; no feed: the view is on a run */
    struct earlier_run earlier; /* to compare with; no evaluation: there is none */
    struct guesses guesses;     /* read where they are shown */
    /* As they were when the screen of the layers was last shown. */
    bool has_layers; /* the feed tells of them */
    struct layers layers;
    struct layer_point layer_trend[FEED_MAX_LAYERS][FEED_TREND + 1]; /* up to the newest */
    size_t trend_points;
    struct journal_record *journal; /* the newest lines */
    bool *journal_abandoned;        /* of each: the run went back to before it */
    size_t journal_count, journal_room;
};
void history_init(struct history *history);
void history_fini(struct history *history);
/* Copies what is new in the feed; whether anything was. */
bool history_update(struct history *history, struct feed *feed);
/* Losses of these steps are wanted as finely as can be; read anew where they are others. */
void history_look_at(struct history *history, struct feed *feed, int64_t first, int64_t last);
/* Looks at the layers, which makes the run measure them. */
void history_look_at_layers(struct history *history, struct feed *feed);

/* How many epochs the first `step` steps are; 0 while nothing is known of the run. */
double snapshot_epochs(const struct snapshot *snapshot, int64_t step);
/* The newest that is not abandoned, or NULL. */
const struct evaluation *history_last_evaluation(const struct history *history);
/* The run's best by validation accuracy, the earliest of equals, abandoned or not; NULL: none. */
const struct evaluation *history_best_evaluation(const struct history *history);

#endif
