/*
 * What a watching client knows of a run: the lines that have come, put together
 * again. Evaluations, edits and lines of the journal are put in place as they come;
 * everything else that comes in several lines is put together beside what is shown,
 * and shown when the last of them is there.
 *
 * Under the owner's lock.
 */
#ifndef KDT_CTL_MIRROR_H
#define KDT_CTL_MIRROR_H

#include "kdt/feed.h"

enum { MIRROR_ANSWERS = 64, MIRROR_POSTS = 16 };

/* A matrix with the pixels of its wrong guesses, [wrong_count][bytes of an image]. */
struct mirror_confusion {
    struct confusion confusion; /* count NULL: none */
    uint8_t *pixels;
};

struct mirror {
    bool begun; /* a frame was shown */
    uint64_t version;
    struct snapshot next, shown;
    char (*names)[FEED_CLASS_NAME]; /* [classes] */
    struct evaluation *evaluations;
    size_t evaluation_count, evaluation_room;
    struct edit_mark *edits;
    size_t edit_count, edit_room;
    struct kept_state *states, *next_states;
    size_t state_count, next_state_count, next_state_at;
    struct journal_record *journal; /* the newest lines */
    size_t journal_count, journal_room;
    struct range_test range, next_range;

    struct loss_bucket *losses, *next_losses; /* FEED_MAX_BUCKETS each */
    size_t loss_count, next_loss_count, next_loss_at;
    int64_t first, last, next_first, next_last; /* the steps that they are fine at */
    uint64_t losses_come;                       /* how often they have */

    struct layers layers, next_layers;
    struct layer_point trend[FEED_MAX_LAYERS][FEED_TREND];
    size_t trend_count[FEED_MAX_LAYERS];
    uint64_t layers_come;

    struct mirror_confusion confusion, next_confusion;
    uint64_t confusions_come;

    /* Commands: those that were posted, in their order, and what became of them. */
    char posts[MIRROR_POSTS][COMMAND_LINE]; /* post n is at n % MIRROR_POSTS */
    uint64_t posted, taken;                 /* how many were, and were told an id or refused */
    uint64_t taken_id;                      /* of the newest of those; 0: refused */
    char taken_text[256];                   /* and why */
    struct answer answers[MIRROR_ANSWERS];  /* id is at id % MIRROR_ANSWERS */

    bool interrupted; /* the server has taken that to heart */
    char why[512];    /* the server's last word, where it sent the client away; "" none */
};
void mirror_init(struct mirror *mirror);
void mirror_fini(struct mirror *mirror);
/* A line without its end, which is cut into words. 1: a reader should look; 0: not yet; -1: it is
 * malformed. */
int mirror_take(struct mirror *mirror, char *line);
size_t mirror_image_bytes(const struct mirror *mirror);

#endif
