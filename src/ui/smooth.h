/*
 * Smoothing of a series of means: at each step the mean of all that were before
 * and its own, each weighted by exp(-how many steps ago / `over`). A mean of some
 * steps counts as each of them having it, so the result does not depend on how
 * they were put together, nor on what is shown.
 */
#ifndef KDT_UI_SMOOTH_H
#define KDT_UI_SMOOTH_H

/* Zeroed: nothing yet. */
struct smooth {
    double sum, weight;
};
/* What is not a number is left out. */
void smooth_add(struct smooth *smooth, double mean, double steps, double over);
double smooth_value(const struct smooth *smooth); /* NaN: nothing yet */

#endif
