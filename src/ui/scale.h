/*
 * From values to fractions of an axis, linear or logarithmic, and the ticks of
 * that axis: round numbers that keep their distance.
 */
#ifndef KDT_UI_SCALE_H
#define KDT_UI_SCALE_H

#include <stdbool.h>
#include <stddef.h>

enum { SCALE_TICKS = 32, SCALE_LABEL = 24 };

/* What an axis can show: finite, with room for arithmetic. */
#define SCALE_LARGEST 1e300

struct scale {
    double low, high; /* low < high; on a logarithmic one 0 < low */
    bool log;
};
struct ticks {
    int count;
    double at[SCALE_TICKS];
    double step; /* the smallest distance between two; labels tell that much apart */
};

bool scale_shows(bool log, double value); /* finite, and positive on a logarithmic axis */
/* A scale for values from `low` to `high`, widened a little and always valid. */
struct scale scale_around(double low, double high, bool log);
/* 0 at low, 1 at high, beyond them outside; ±infinity gives ±infinity. */
double scale_fraction(const struct scale *scale, double value);

/* The roundest ticks in `scale`, about `wanted` of them and none nearer than
 * `gap` to its neighbour, where the whole axis is `dots` long. */
void scale_ticks(const struct scale *scale, int dots, int gap, int wanted, struct ticks *ticks);
/* The same, but widens the scale, inside `floor` and `ceiling`, until it has three
 * ticks; where `gap` would cost too much room for that, they may come as near as
 * `smallest_gap`. */
void scale_fit_ticks(struct scale *scale, double floor, double ceiling, int dots, int gap,
                     int smallest_gap, int wanted, struct ticks *ticks);

/* A linear scale for values from `low` to `high` on an axis of `rows`, each of `down` dots, whose
 * ticks are in the middle of rows and the same number of rows apart, so that a curve is above a
 * tick's line exactly where its values are. No tick is beyond `floor` or `ceiling`. False where
 * there are no three of them that leave the curves most of the rows. */
bool scale_fit_rows(struct scale *scale, double low, double high, double floor, double ceiling,
                    int rows, int down, int wanted, struct ticks *ticks);

/* "0.5", "2.3k", "1e-05", "50%"; as many digits as tell ticks `step` apart. */
void scale_label(char out[SCALE_LABEL], double value, double step, bool percent);

#endif
