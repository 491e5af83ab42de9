/*
 * The window on the x axis. A part is kept as its two ends; of one that follows
 * the newest they say how much of the axis that is.
 */
#include "window.h"

#include <math.h>

/* A part that follows moves on by such shares of itself, so that curves stand still meanwhile. */
#define FOLLOW_STEP 0.0625
/* The smallest part has so many of the bounds' smallest distances. */
#define FEWEST 8
#define LARGEST 1e15

static double along(bool log_axis, double x)
{
    return log_axis ? log(x) : x;
}

static double back(bool log_axis, double u)
{
    return log_axis ? exp(u) : u;
}

/* Bounds that can be reckoned with. */
static struct window_bounds tame(const struct window *window, const struct window_bounds *bounds)
{
    struct window_bounds out = *bounds;
    double least_first = window->log ? 1e-9 : 0;
    out.least = isfinite(out.least) && out.least > 1e-9 ? out.least : 1e-9;
    out.first = out.first >= least_first && out.first <= LARGEST ? out.first : least_first;
    out.newest = out.newest >= out.first && out.newest <= LARGEST ? out.newest : out.first;
    out.last = out.last >= out.newest && out.last <= LARGEST ? out.last : out.newest;
    double narrowest = out.first + FEWEST * fmax(out.least, out.first * 1e-9);
    if (out.last < narrowest)
        out.last = narrowest;
    return out;
}

static struct range everything(const struct window_bounds *bounds)
{
    return (struct range){bounds->first, bounds->last};
}

/* As it is kept, but for a part that is no range, or has no room for numbers. */
static bool kept_part(const struct window *window, struct range *out)
{
    *out = (struct range){window->first, window->last};
    return window->part && isfinite(window->first) && isfinite(window->last) &&
           (window->last - window->first) > window->last * (window->log ? 1e-9 : 1e-12) &&
           (!window->log || window->first > 0);
}

struct range window_range(const struct window *window, const struct window_bounds *given)
{
    const struct window_bounds bounds = tame(window, given);
    struct range part;
    if (!kept_part(window, &part))
        return everything(&bounds);
    double first = along(window->log, part.first), last = along(window->log, part.last);
    if (window->follow) {
        double size = last - first, step = size * FOLLOW_STEP;
        last = ceil(along(window->log, bounds.newest) / step) * step;
        first = fmax(last - size, along(window->log, bounds.first));
        if (last - first < size)
            last = first + size;
    }
    struct range out = {back(window->log, first), back(window->log, last)};
    if (!(out.first < out.last))
        return everything(&bounds);
    return out;
}

double window_share(const struct window *window, const struct range *range, double x)
{
    double first = along(window->log, range->first), last = along(window->log, range->last);
    if (window->log && x <= 0)
        return -INFINITY;
    return (along(window->log, x) - first) / (last - first);
}

double window_at(const struct window *window, const struct range *range, double share)
{
    double first = along(window->log, range->first), last = along(window->log, range->last);
    return back(window->log, first + share * (last - first));
}

/* Shows the range, inside the bounds; everything where it has everything. */
static void show(struct window *window, const struct window_bounds *bounds, double first,
                 double size)
{
    double low = along(window->log, bounds->first), high = along(window->log, bounds->last);
    if (size >= (high - low) * (1 - 1e-9)) {
        window_everything(window);
        return;
    }
    if (first < low)
        first = low;
    if (first > high - size)
        first = high - size;
    window->part = true;
    window->first = back(window->log, first);
    window->last = back(window->log, first + size);
}

void window_zoom(struct window *window, const struct window_bounds *given, double factor,
                 double pivot)
{
    const struct window_bounds bounds = tame(window, given);
    const struct range range = window_range(window, &bounds);
    double first = along(window->log, range.first), last = along(window->log, range.last);
    double newest = window_share(window, &range, bounds.newest);
    bool newest_shown = newest >= 0 && newest <= 1;
    double share = isnan(pivot) ? 0.5 : window_share(window, &range, pivot);
    bool follow = isnan(pivot) && (newest_shown || (window->part && window->follow));
    if (follow)
        share = newest_shown ? newest : 1;
    share = fmin(fmax(share, 0), 1);
    double size = (last - first) / factor;
    double at = first + share * (last - first);
    /* The pivot's surroundings must still be told apart. */
    double narrowest = FEWEST * bounds.least;
    if (window->log)
        narrowest = log1p(narrowest / back(true, at));
    narrowest = fmax(narrowest, fabs(at) * 1e-9);
    if (size < narrowest && factor > 1)
        size = fmin(narrowest, last - first);
    window->follow = false;
    show(window, &bounds, at - share * size, size);
    window->follow = window->part && follow;
}

void window_pan(struct window *window, const struct window_bounds *given, double share)
{
    const struct window_bounds bounds = tame(window, given);
    if (!window->part)
        return;
    const struct range range = window_range(window, &bounds);
    double first = along(window->log, range.first), last = along(window->log, range.last);
    double by = share * (last - first);
    window->follow = false;
    show(window, &bounds, first + by, last - first);
    const struct range now = window_range(window, &bounds);
    /* To the right end is to follow again. */
    if (share > 0 && window->part && now.last >= bounds.newest)
        window->follow = true;
}

void window_reveal(struct window *window, const struct window_bounds *given, double x)
{
    const struct window_bounds bounds = tame(window, given);
    if (!window->part || isnan(x))
        return;
    x = fmin(fmax(x, bounds.first), bounds.last);
    const struct range range = window_range(window, &bounds);
    double share = window_share(window, &range, x);
    if (share >= 0 && share <= 1)
        return;
    double first = along(window->log, range.first), last = along(window->log, range.last);
    double by = (share < 0 ? share : share - 1) * (last - first);
    window->follow = false;
    show(window, &bounds, first + by, last - first);
}

void window_hold(struct window *window, const struct window_bounds *bounds)
{
    const struct range range = window_range(window, bounds);
    window->follow = false;
    window->first = range.first;
    window->last = range.last;
}

void window_follow(struct window *window)
{
    window->follow = window->part;
}

void window_everything(struct window *window)
{
    window->part = window->follow = false;
}
