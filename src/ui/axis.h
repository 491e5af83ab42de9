/*
 * Where the things of a history are on the x axis: at their step, or at the
 * seconds that the run had spent, which go on where it goes back.
 */
#ifndef KDT_UI_AXIS_H
#define KDT_UI_AXIS_H

#include "history.h"
#include "window.h"

/* The middle of bucket i. */
double axis_of_bucket(const struct history *history, enum window_unit unit, size_t i);
double axis_of_evaluation(enum window_unit unit, const struct evaluation *row);
double axis_of_edit(enum window_unit unit, const struct edit_mark *edit);
double axis_newest(const struct history *history, enum window_unit unit);
void axis_bounds(const struct history *history, const struct window *window,
                 struct window_bounds *out);
/* The same place of the present curve by another unit. */
double axis_convert(const struct history *history, enum window_unit from, enum window_unit to,
                    double x);
/* The steps that may be shown in a range, as far as is known. */
void axis_steps(const struct history *history, enum window_unit unit, const struct range *range,
                int64_t *first, int64_t *last);

#endif
