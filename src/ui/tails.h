/*
 * From the history's arrays, which are in the order of time, to the curve of
 * the present state and the tails that were abandoned by going back.
 */
#ifndef KDT_UI_TAILS_H
#define KDT_UI_TAILS_H

#include "history.h"

/* The abandoned end of the time between two returns: elements first … first + count - 1. */
struct tail {
    size_t first, count;
    size_t joint; /* the element that it grew out of; SIZE_MAX: none */
    int64_t step; /* the step at which it did */
};
struct tails {
    struct tail *list;
    size_t count;
};
void tails_of_losses(const struct history *history, struct tails *out);
void tails_of_evaluations(const struct history *history, struct tails *out);
void tails_fini(struct tails *tails);

#endif
