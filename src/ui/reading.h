/*
 * What there is to be read at the cursor.
 */
#ifndef KDT_UI_READING_H
#define KDT_UI_READING_H

#include "charts.h"
#include "history.h"

enum { READING_SETTINGS = 16 };

/* A setting that was edited, as it was there; names and values are those of labels. */
struct reading_setting {
    char name[48], value[48];
};
struct reading {
    int64_t step;
    double seconds;
    bool abandoned; /* a place on no present curve; only where x is in seconds */
    /* Of the column, or where it is empty of the nearest bucket. */
    bool losses;
    double mean, minimum, maximum, learning_rate;
    bool noise;
    const struct evaluation *evaluation; /* the nearest; NULL: none */
    struct reading_setting settings[READING_SETTINGS];
    size_t setting_count;
    const struct edit_mark *edit; /* the nearest; NULL: none */
};
void reading_take(const struct charts *charts, const struct history *history, struct reading *out);

#endif
