/*
 * A feed without a run: a made-up training whose numbers depend on its step
 * alone. For tests of the view and for looking at it.
 */
#ifndef KDT_TESTS_FAKE_FEED_H
#define KDT_TESTS_FAKE_FEED_H

#include "kdt/feed.h"

#include <pthread.h>

enum {
    FAKE_EVALUATIONS = 4096,
    FAKE_EDITS = 256,
    FAKE_POSTS = 256,
    FAKE_STATES = 64,
    FAKE_STRETCHES = 128,
    FAKE_CLASSES = 10,
    FAKE_SIDE = 28,
    FAKE_JOURNAL = 300,
};

/* Between two returns: where it grew out of its parent, in counts of the parent's time. */
struct fake_stretch {
    int parent; /* -1: the first */
    int64_t step;
    size_t evaluations, edits;
};

/* All that a return restores. */
struct fake_state {
    struct kept_state kept;
    struct settings settings;
    struct evaluation last;
    int64_t step, epoch;
    double learning_rate, loss, strain;
    uint64_t seq;             /* of the journal's newest line in it */
    struct fake_stretch here; /* a stretch that would begin here */
};

struct fake_feed {
    struct feed feed;
    pthread_mutex_t lock; /* held by the functions below, not by tests that are alone */
    struct snapshot now;  /* tests change it, then publish */
    double clock;         /* of answers and checkpoints */
    struct loss_bucket buckets[FEED_MAX_BUCKETS];
    int64_t bucket_steps;
    struct evaluation evaluations[FAKE_EVALUATIONS];
    struct edit_mark edits[FAKE_EDITS];
    struct answer answers[FAKE_POSTS];           /* answers[id - 1] */
    enum command_source sources[FAKE_POSTS];     /* of posts[id - 1] */
    uint64_t posted, applied;                    /* ids up to these */
    int64_t to_step;                             /* of `step N`; -1: none */
    struct journal_record journal[FAKE_JOURNAL]; /* journal[seq - 1] */
    uint64_t journal_oldest;                     /* the first line that is still told; 0: all are */
    uint64_t back_to;                            /* of the command that is performed */
    double strain;                               /* how much a rate above 0.04 has done harm */

    struct layers layers;
    struct layer_point trend[FEED_TREND][FEED_MAX_LAYERS];
    size_t trend_points;
    int looks; /* at the layers */

    struct fake_stretch stretches[FAKE_STRETCHES];
    int stretch; /* the present one; the others are before it */
    uint8_t bucket_stretch[FEED_MAX_BUCKETS], evaluation_stretch[FAKE_EVALUATIONS],
        edit_stretch[FAKE_EDITS];
    struct fake_state undo[FAKE_STATES], redo[FAKE_STATES], best, saved;
    int undos, redos;
    struct range_test range;
    bool no_confusion; /* as after a resume, until the next evaluation */
};

/* A run of 60 epochs of 469 steps that has just begun. */
void fake_feed_init(struct fake_feed *fake);
void fake_feed_fini(struct fake_feed *fake);
/* Trains some steps, evaluating at ends of epochs. */
void fake_feed_train(struct fake_feed *fake, int64_t steps);
/* Performs the next command that was posted; false where there is none. */
bool fake_feed_apply(struct fake_feed *fake);
/* The loss explodes: the run returns to the last checkpoint, and waits for a choice. */
void fake_feed_diverge(struct fake_feed *fake);
/* A range test comes to so many of its steps; a first one of this run, or after the last has
 * ended, begins. At RANGE_POINTS it is through. */
void fake_feed_range(struct fake_feed *fake, size_t steps);
/* Ends the run: tested, finished. */
void fake_feed_finish(struct fake_feed *fake);
/* Makes the present state a new publication. */
void fake_feed_publish(struct fake_feed *fake);

/* fake_layers.c: at the present step. Tests that are alone may change what it gives. */
void fake_measure(struct fake_feed *fake);
void fake_take_layers(struct feed *feed, struct layers *out);
size_t fake_take_layer_trend(struct feed *feed, int layer, struct layer_point *out, size_t most);

/* Between fake_feed.c and fake_commands.c, under the lock. */
struct fake_state fake_state_now(const struct fake_feed *fake);
void fake_evaluate(struct fake_feed *fake);
void fake_range(struct fake_feed *fake, size_t steps);
void fake_save(struct fake_feed *fake, const char *name);
/* Adds a line to the journal. */
void fake_note(struct fake_feed *fake, int64_t step, const char *source, const char *command,
               const char *text);
void fake_perform(struct fake_feed *fake, struct answer *answer);
size_t fake_states(const struct fake_feed *fake, struct kept_state out[FAKE_STATES + 2]);

/* fake_images.c, under the lock. */
bool fake_confusion(const struct fake_feed *fake, struct confusion *out);
void fake_class_name(const struct fake_feed *fake, int class, char out[FEED_CLASS_NAME]);
void fake_image(const struct fake_feed *fake, uint32_t image, uint8_t *out);

#endif
