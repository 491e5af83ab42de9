/*
 * The view's copy of what the newest evaluation took the validation images for:
 * the confusion matrix, names, the pairs that are confused most, and the images
 * that are wrong most confidently.
 */
#ifndef KDT_UI_GUESSES_H
#define KDT_UI_GUESSES_H

#include "kdt/ui.h"

/* A class and what it is taken for. */
struct confused_pair {
    uint8_t truth, guess;
    uint32_t count;
    double share; /* of the class's images */
};

struct guesses {
    bool offered; /* the feed tells of them */
    bool known;   /* there has been an evaluation */
    struct confusion confusion;
    uint32_t *total;               /* [classes]: images of each class */
    char (*name)[FEED_CLASS_NAME]; /* [classes] */
    struct confused_pair *pair;    /* by share, of equals the first class */
    int pair_count;
    int width, height, channels; /* of each image */
    uint8_t *pixels;             /* [confusion.wrong_count] images, as the feed has them */

    size_t evaluations; /* as snapshot had them when this was read */
    uint64_t returns;
};
void guesses_fini(struct guesses *guesses);
/* Copies them where there are new ones. */
void guesses_update(struct guesses *guesses, struct feed *feed, const struct snapshot *snapshot);
/* NaN where there is no image of the class. */
double guesses_share(const struct guesses *guesses, int truth, int guess);
/* A class in so few columns: its name, the first letters of it where they are no other's, or
 * its number. */
void guesses_name(const struct guesses *guesses, int class, int width, char out[FEED_CLASS_NAME]);
const uint8_t *guesses_image(const struct guesses *guesses, int wrong);

#endif
