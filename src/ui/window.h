/*
 * What part of the x axis is shown: arithmetic alone. x is in steps or in
 * seconds; on a logarithmic axis all shares are of its logarithm.
 */
#ifndef KDT_UI_WINDOW_H
#define KDT_UI_WINDOW_H

#include <stdbool.h>

enum window_unit { WINDOW_EPOCHS, WINDOW_STEPS, WINDOW_SECONDS, WINDOW_UNITS };

/* Zeroed: everything, by epochs. */
struct window {
    enum window_unit unit;
    bool log;
    bool part;          /* not everything: what is between `first` and `last`, or, where it */
    bool follow;        /* follows the newest, as much up to there */
    double first, last; /* of a part */
};
struct range {
    double first, last; /* first < last */
};
/* All that there is to be shown. */
struct window_bounds {
    double first;  /* on a logarithmic axis above 0 */
    double newest; /* of what is there now */
    double last;   /* where the axis of everything ends, ahead of the newest */
    double least;  /* the smallest distance between two columns that makes sense */
};

/* Always valid, whatever the bounds. */
struct range window_range(const struct window *window, const struct window_bounds *bounds);
/* A share of the range, 0 at its left end, 1 at its right one; and back. */
double window_share(const struct window *window, const struct range *range, double x);
double window_at(const struct window *window, const struct range *range, double share);

/* Shows 1 / factor of what is shown; what is at `pivot` stays where it is. Without a pivot (NaN)
 * the newest stays, or the middle where the newest is not shown. */
void window_zoom(struct window *window, const struct window_bounds *bounds, double factor,
                 double pivot);
/* Moves by a share of what is shown, as far as there is anything. */
void window_pan(struct window *window, const struct window_bounds *bounds, double share);
/* Moves as little as makes x visible. */
void window_reveal(struct window *window, const struct window_bounds *bounds, double x);
/* Stays at what is shown now. */
void window_hold(struct window *window, const struct window_bounds *bounds);
/* The newest at the right end, and to stay there. */
void window_follow(struct window *window);
void window_everything(struct window *window);

#endif
