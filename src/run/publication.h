/*
 * Inside of the room run: what readers see.
 */
#ifndef KDT_RUN_PUBLICATION_H
#define KDT_RUN_PUBLICATION_H

#include <pthread.h>

#include "history.h"

/* ---- series.c: the losses of all steps, in bounded memory ---- */

enum { SERIES_ROOM = FEED_MAX_BUCKETS, SERIES_LAST = SERIES_ROOM / 4, SERIES_LEVELS = 26 };
struct series_bucket {
    struct loss_bucket loss;
    int branch;
    int64_t tick, ticks; /* losses before it, and in it, in the order of time */
};
struct series_level {
    int64_t width;                 /* steps in a full bucket */
    struct series_bucket *buckets; /* [SERIES_ROOM], a ring that begins at `first` */
    size_t first, count;
    bool open; /* the newest is not full */
};
struct series {
    struct series_level levels[SERIES_LEVELS];
    int level_count;
    int64_t ticks;
};
void series_init(struct series *series);
void series_fini(struct series *series);
/* Some steps in one, after those that are there, or of another branch. */
void series_add(struct series *series, const struct loss_bucket *loss, int branch);
/* What comes next is not merged with what is there. */
void series_close(struct series *series);
/* Marks what is from limits[branch] on, of those branches. */
void series_mark(struct series *series, const int64_t *limits);
/* feed.h's `buckets`. */
size_t series_copy(const struct series *series, int64_t first, int64_t last,
                   struct loss_bucket *out, size_t most);

/* ---- publish.c: what readers see ---- */

enum { PUBLISH_ANSWERS = 64 };
/* One warning for each thing that can go wrong and get well again. */
enum warning {
    WARNING_CHECKPOINT,
    WARNING_BEST,
    WARNING_JOURNAL,
    WARNING_METRICS,
    WARNING_SCRIPT,
    WARNINGS
};
/* A stretch of a run from one return to an earlier state to the next. */
struct branch {
    int parent;     /* the branch that it leaves; -1 for the first */
    int64_t step;   /* the state at which it does: */
    uint64_t seq;   /* this step, and the newest journal line in it */
    uint64_t first; /* line that began it */
};
/* Where on a branch something is. */
struct place {
    int branch;
    uint64_t seq; /* newest journal line before it */
};
/* What is measured of the layers; layers.c. */
struct layers_shown {
    double looked; /* clock_seconds() of a reader's last look */
    struct layers newest;
    /* Of all layers the same steps. */
    struct layer_point trend[FEED_MAX_LAYERS][FEED_TREND];
    size_t points;
    uint64_t measured, apart; /* every so many of them are points */
};
struct publication {
    int wake_fd, control_fd; /* immutable */
    pthread_mutex_t lock;
    /* Under lock. */
    uint64_t version;
    struct snapshot snapshot; /* as the run thread put it */
    /* Everything in the order of time, each with the branch it is on. */
    struct series losses;
    struct evaluation *evaluations;
    struct place *evaluation_place;
    size_t evaluation_count, evaluation_capacity, evaluation_place_capacity;
    struct confusion confusion; /* its count NULL: none yet */
    size_t confusion_of;        /* index of its evaluation */
    struct edit_mark *edits;
    struct place *edit_place;
    size_t edit_count, edit_capacity, edit_place_capacity;
    struct branch *branches; /* the first is the run as it began */
    size_t branch_count, branch_capacity;
    uint64_t returns;
    struct journal_record *journal; /* the newest lines */
    size_t journal_count, journal_capacity;
    struct answer answers[PUBLISH_ANSWERS]; /* id is at id % PUBLISH_ANSWERS */
    uint64_t newest;                        /* id */
    int64_t checkpoint_step;
    double checkpoint_clock;
    char warnings[WARNINGS][512];
    struct layers_shown layers;
    struct range_test range; /* the newest */
    int viewers;
};
int publication_init(struct publication *publication, struct err *err);
void publication_fini(struct publication *publication);
void publication_put(struct publication *publication, const struct snapshot *snapshot);
void publication_loss(struct publication *publication, int64_t step, double seconds, double loss,
                      double learning_rate);
/* Some steps in one. */
void publication_losses(struct publication *publication, const struct loss_bucket *some);
/* `seq`: of the newest line of the journal before it. confusion: NULL where it is not known. */
void publication_evaluation(struct publication *publication, const struct evaluation *evaluation,
                            uint64_t seq, const struct confusion *confusion);
void publication_edit(struct publication *publication, const struct edit_mark *edit);
/* A jump: what follows is on a new branch, and what is not on its way is abandoned. */
void publication_return(struct publication *publication, const struct edit_mark *mark,
                        const struct jump *jump);
/* A line of the journal that is on disk. */
void publication_journal(struct publication *publication, const struct journal_record *record);
/* `present`: it was the run's state when it was queued; the best may be written late. */
void publication_checkpoint(struct publication *publication, int64_t step, bool present);
void publication_warn(struct publication *publication, enum warning which, const char *text);
void publication_viewers(struct publication *publication, int viewers);
void publication_range(struct publication *publication, const struct range_test *test);
uint64_t publication_request(struct publication *publication, const char *line);
void publication_answer(struct publication *publication, uint64_t id, enum answer_state state,
                        int64_t step, const char *text);
void publication_feed(struct feed *feed); /* sets the functions that read */

#endif
