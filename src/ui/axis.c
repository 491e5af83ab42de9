/* From steps and seconds to the x axis and back. */
#include "axis.h"

#include <math.h>

/* A round number a little ahead. */
static double round_ahead(double x)
{
    static const double round[] = {1, 1.5, 2, 3, 4, 6, 8, 10};
    double ten = pow(10, floor(log10(x)));
    for (size_t i = 0; i < sizeof(round) / sizeof(*round); i++) {
        double there = round[i] * ten;
        if (there >= 2)
            there = ceil(there);
        if (there >= x)
            return there;
    }
    return INFINITY;
}

/* The axis ends at a round number of epochs ahead of the run and of what it abandoned, so that
 * curves fill it and yet stand still for a while. */
static double end_of_steps(const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    int64_t last = history->curves_step;
    for (size_t i = 0; i < history->bucket_count; i++)
        if (history->buckets[i].last >= last)
            last = history->buckets[i].last + 1;
    double steps = (double)last, total = (double)snapshot->total_steps;
    double per_epoch = (double)snapshot->steps_per_epoch;
    if (run_state_ended(snapshot->state) || per_epoch <= 0)
        return fmax(steps, 1);
    double end = round_ahead(fmax(steps / per_epoch * 1.02, 0.01)) * per_epoch;
    return fmin(isfinite(end) ? end : total, fmax(total, steps));
}

static double end_of_seconds(const struct history *history)
{
    double seconds = fmax(history->curves_seconds, 1e-3);
    return run_state_ended(history->snapshot.state) ? seconds : round_ahead(seconds * 1.02);
}

double axis_of_bucket(const struct history *history, enum window_unit unit, size_t i)
{
    const struct loss_bucket *bucket = &history->buckets[i];
    if (unit != WINDOW_SECONDS)
        return (double)(bucket->first + bucket->last + 1) / 2;
    double before = i > 0 ? bucket[-1].seconds : 0;
    return before < bucket->seconds ? (before + bucket->seconds) / 2 : bucket->seconds;
}

double axis_of_evaluation(enum window_unit unit, const struct evaluation *row)
{
    return unit == WINDOW_SECONDS ? row->seconds : (double)row->step;
}

double axis_of_edit(enum window_unit unit, const struct edit_mark *edit)
{
    return unit == WINDOW_SECONDS ? edit->seconds : (double)edit->step;
}

double axis_newest(const struct history *history, enum window_unit unit)
{
    return unit == WINDOW_SECONDS ? history->curves_seconds : (double)history->curves_step;
}

void axis_bounds(const struct history *history, const struct window *window,
                 struct window_bounds *out)
{
    bool seconds = window->unit == WINDOW_SECONDS;
    double steps = fmax((double)history->curves_step, 1);
    *out = (struct window_bounds){
        .newest = axis_newest(history, window->unit),
        .last = seconds ? end_of_seconds(history) : end_of_steps(history),
        .least = seconds ? fmax(history->curves_seconds / steps, 1e-6) : 1,
    };
    for (size_t i = 0; window->log && i < history->bucket_count && !(out->first > 0); i++)
        out->first = axis_of_bucket(history, window->unit, i);
}

static double step_at(const struct history *history, double seconds)
{
    double before = 0;
    for (size_t i = 0; i < history->bucket_count; i++) {
        const struct loss_bucket *bucket = &history->buckets[i];
        if (bucket->seconds >= seconds) {
            double span = bucket->seconds - before;
            double part = span > 0 ? (seconds - before) / span : 1;
            return (double)bucket->first +
                   fmax(part, 0) * (double)(bucket->last + 1 - bucket->first);
        }
        before = bucket->seconds;
    }
    return (double)history->curves_step;
}

static double seconds_at(const struct history *history, double step)
{
    double before = 0;
    for (size_t i = 0; i < history->bucket_count; i++) {
        const struct loss_bucket *bucket = &history->buckets[i];
        if (!bucket->abandoned && (double)(bucket->last + 1) >= step) {
            double steps = (double)(bucket->last + 1 - bucket->first);
            double part = fmax((step - (double)bucket->first) / steps, 0);
            return before + part * (bucket->seconds - before);
        }
        before = bucket->seconds;
    }
    return history->curves_seconds;
}

double axis_convert(const struct history *history, enum window_unit from, enum window_unit to,
                    double x)
{
    if ((from == WINDOW_SECONDS) == (to == WINDOW_SECONDS))
        return x;
    return to == WINDOW_SECONDS ? seconds_at(history, x) : step_at(history, x);
}

void axis_steps(const struct history *history, enum window_unit unit, const struct range *range,
                int64_t *first, int64_t *last)
{
    if (unit != WINDOW_SECONDS) {
        *first = (int64_t)floor(range->first) - 1;
        *last = (int64_t)ceil(range->last);
        return;
    }
    *first = INT64_MAX;
    *last = 0;
    double before = 0;
    for (size_t i = 0; i < history->bucket_count; i++) {
        const struct loss_bucket *bucket = &history->buckets[i];
        if (bucket->seconds >= range->first && before <= range->last) {
            *first = bucket->first < *first ? bucket->first : *first;
            *last = bucket->last > *last ? bucket->last : *last;
        }
        before = bucket->seconds;
    }
    if (range->last >= history->curves_seconds)
        *last = INT64_MAX; /* what comes meanwhile */
}
