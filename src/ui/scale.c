/*
 * Axes as arithmetic. Ticks are found by trying every round step that could
 * do and keeping the one that costs least: round numbers are cheap, and so is
 * a count near the wanted one.
 */
#include "scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Narrower scales would need labels that nobody can read. */
static const double NARROWEST = 1e-5;

bool scale_shows(bool log, double value)
{
    return fabs(value) <= SCALE_LARGEST && (!log || value >= 1 / SCALE_LARGEST);
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* A little beyond what is shown at most. */
static struct scale log_scale(double low, double high)
{
    double largest = SCALE_LARGEST * 1e3;
    return (struct scale){fmax(low, 1 / largest), fmin(high, largest), true};
}

/* Lengthens a logarithmic scale by a share at both ends. */
static void widen_log(struct scale *scale, double share)
{
    double factor = exp(share * (log(scale->high) - log(scale->low)));
    *scale = log_scale(scale->low / factor, scale->high * factor);
}

/* Some twentieth of a span, and a round number. */
static double round_part(double span)
{
    double ten = pow(10, floor(log10(span / 12)));
    double part = span / 12 / ten;
    return (part >= 5 ? 5 : part >= 2 ? 2 : 1) * ten;
}

/* Outward to round numbers, so that a scale stands still while what it shows changes a little. */
static void round_ends(double *low, double *high)
{
    const double span = *high - *low, part = round_part(span), margin = 0.01 * span;
    *low = floor((*low - margin) / part) * part;
    *high = ceil((*high + margin) / part) * part;
}

/* Whether a scale from one to the other would have hardly any length. */
static bool is_narrow(double low, double high)
{
    const double size = fmax(fabs(low), fabs(high));
    return !(high - low > size * NARROWEST && high - low > 1 / SCALE_LARGEST);
}

struct scale scale_around(double low, double high, bool log)
{
    if (log && high <= low * (1 + NARROWEST))
        return (struct scale){low / 1.5, high * 1.5, true};
    if (log) {
        double ends[2] = {log10(low), log10(high)};
        round_ends(&ends[0], &ends[1]);
        return log_scale(pow(10, ends[0]), pow(10, ends[1]));
    }
    struct scale scale = {low, high, false};
    double size = fmax(fabs(low), fabs(high)), margin = 0.1 * size;
    if (!is_narrow(low, high)) {
        round_ends(&scale.low, &scale.high);
    } else {
        if (margin < 1 / SCALE_LARGEST)
            margin = size > 0 ? 1 / SCALE_LARGEST : 0.5;
        scale.low -= margin;
        scale.high += margin;
    }
    /* What is never negative does not look as if it could be. */
    if (low >= 0)
        scale.low = fmax(scale.low, 0);
    return scale;
}

double scale_fraction(const struct scale *scale, double value)
{
    if (!scale->log)
        return (value - scale->low) / (scale->high - scale->low);
    if (value <= 0)
        return -INFINITY;
    return (log(value) - log(scale->low)) / (log(scale->high) - log(scale->low));
}

/* A set of ticks that is being tried. */
struct trial {
    const struct scale *scale;
    int dots, gap;
    long last; /* dot of the newest tick */
    bool crowded;
    struct ticks ticks;
};

static void trial_add(struct trial *trial, double value)
{
    const struct scale *scale = trial->scale;
    double fraction = scale_fraction(scale, value);
    if (trial->crowded || fraction < -1e-9 || fraction > 1 + 1e-9)
        return;
    long dot = lround(fraction * (trial->dots - 1));
    struct ticks *ticks = &trial->ticks;
    if (ticks->count == SCALE_TICKS || (ticks->count && dot - trial->last < trial->gap)) {
        trial->crowded = true;
        return;
    }
    if (ticks->count) {
        double step = value - ticks->at[ticks->count - 1];
        if (ticks->count == 1 || step < ticks->step)
            ticks->step = step;
    }
    ticks->at[ticks->count++] = value;
    trial->last = dot;
}

/* The best set so far. */
struct choice {
    int wanted;
    double cost;
    struct ticks ticks;
};

static void choose(struct choice *choice, const struct trial *trial, double cost)
{
    int count = trial->ticks.count;
    if (trial->crowded || !count)
        return;
    cost += abs(count - choice->wanted) / (double)choice->wanted;
    if (count < 3)
        cost += 10 * (3 - count);
    if (cost >= choice->cost)
        return;
    choice->cost = cost;
    choice->ticks = trial->ticks;
}

static struct trial trial_begin(const struct scale *scale, int dots, int gap)
{
    return (struct trial){.scale = scale, .dots = dots, .gap = gap};
}

/* Round steps, within a decade. */
static const struct {
    double step, cost;
} steps[] = {{1, 0},   {2, 0.05},  {5, 0.05}, {2.5, 0.2}, {4, 0.35},
             {3, 0.4}, {1.5, 0.4}, {6, 0.5},  {8, 0.5},   {1.25, 0.75}};

/* Multiples of round steps. */
static void try_steps(struct choice *choice, const struct scale *scale, int dots, int gap,
                      double extra)
{
    int decade = (int)floor(log10(scale->high - scale->low));
    for (int power = decade - 2; power <= decade; power++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            double step = steps[i].step * pow(10, power);
            double first = ceil(scale->low / step - 1e-6), last = floor(scale->high / step + 1e-6);
            if (step == 0 || last - first > SCALE_TICKS)
                continue;
            struct trial trial = trial_begin(scale, dots, gap);
            for (double k = first; k <= last; k++)
                trial_add(&trial, k * step);
            trial.ticks.step = step;
            choose(choice, &trial, steps[i].cost + extra);
        }
    }
}

/* The same digits in every `stride`-th decade. */
static void try_decades(struct choice *choice, const struct scale *scale, int dots, int gap,
                        int stride, const char *digits, double cost)
{
    int first = (int)floor(log10(scale->low) / stride) * stride;
    int last = (int)ceil(log10(scale->high));
    struct trial trial = trial_begin(scale, dots, gap);
    for (int power = first; power <= last; power += stride)
        for (const char *digit = digits; *digit; digit++)
            trial_add(&trial, (*digit - '0') * pow(10, power));
    choose(choice, &trial, cost);
}

void scale_ticks(const struct scale *scale, int dots, int gap, int wanted, struct ticks *ticks)
{
    struct choice choice = {.wanted = wanted, .cost = INFINITY};
    if (scale->log) {
        static const int strides[] = {1, 2, 3, 5, 10, 20, 50, 100, 200};
        try_decades(&choice, scale, dots, gap, 1, "125", 0);
        try_decades(&choice, scale, dots, gap, 1, "13", 0.2);
        for (size_t i = 0; i < sizeof strides / sizeof *strides; i++)
            try_decades(&choice, scale, dots, gap, strides[i], "1", 0.05 * (double)i);
        if (scale->high / scale->low < 100)
            try_steps(&choice, scale, dots, gap, 0.3);
    } else {
        try_steps(&choice, scale, dots, gap, 0);
    }
    *ticks = choice.ticks;
}

/* Widens until there are three ticks; false where that takes more than `tries`. */
static bool widen_to_ticks(struct scale *scale, double floor, double ceiling, int dots, int gap,
                           int wanted, int tries, struct ticks *ticks)
{
    for (;;) {
        scale_ticks(scale, dots, gap, wanted, ticks);
        if (ticks->count >= 3)
            return true;
        if (tries-- == 0)
            return false;
        if (scale->log) {
            widen_log(scale, 0.03);
        } else {
            double margin = 0.03 * (scale->high - scale->low);
            scale->low = fmax(scale->low - margin, floor);
            scale->high = fmin(scale->high + margin, ceiling);
        }
    }
}

void scale_fit_ticks(struct scale *scale, double floor, double ceiling, int dots, int gap,
                     int smallest_gap, int wanted, struct ticks *ticks)
{
    struct scale tight = *scale;
    if (widen_to_ticks(scale, floor, ceiling, dots, gap, wanted, 4, ticks))
        return;
    *scale = tight;
    /* Where three ticks hardly fit, the curves are worth more than the third. */
    int tries = dots > 3 * smallest_gap ? 24 : dots > 2 * smallest_gap ? 4 : 0;
    widen_to_ticks(scale, floor, ceiling, dots, smallest_gap, wanted, tries, ticks);
}

/* An axis in rows: the middle of row r from the foot is (first + r) × unit, and every `apart`-th of
 * those numbers is a tick. */
struct rows {
    double unit, first, apart;
    int count, down;
};

/* Beyond the middle of the last row to its last dot, in rows. */
static double rows_edge(const struct rows *rows)
{
    return 0.5 - 0.5 / rows->down;
}

static int rows_ticks(const struct rows *rows)
{
    const double last = rows->first + rows->count - 1;
    return (int)(floor(last / rows->apart) - ceil(rows->first / rows->apart)) + 1;
}

/* Sets `first`, so that what is to be shown is in the middle; false where it does not fit. */
static bool rows_place(struct rows *rows, double low, double high, double least, double most)
{
    const double top = rows->count - 1 + rows_edge(rows);
    double highest = floor(low / rows->unit + rows_edge(rows) + 1e-9);
    double lowest = ceil(high / rows->unit - top - 1e-9);
    highest = fmin(highest, floor(most / rows->unit + 1e-9) - (rows->count - 1));
    lowest = fmax(lowest, ceil(least / rows->unit - 1e-9));
    rows->first = floor((lowest + highest) / 2);
    return lowest <= highest;
}

bool scale_fit_rows(struct scale *scale, double low, double high, double least, double most,
                    int count, int down, int wanted, struct ticks *ticks)
{
    if (is_narrow(low, high)) {
        const struct scale around = scale_around(low, high, false);
        low = around.low;
        high = around.high;
    }
    struct rows best = {0};
    double cheapest = INFINITY;
    const int decade = (int)floor(log10(high - low));
    for (int power = decade - 2; power <= decade; power++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            const double step = steps[i].step * pow(10, power);
            for (int apart = 1; apart <= count / 2; apart++) {
                struct rows rows = {step / apart, 0, apart, count, down};
                const double used = (high - low) / (rows.unit * count);
                if (!isnormal(rows.unit) || !(used > 0.6) ||
                    !rows_place(&rows, low, high, least, most))
                    continue;
                const int found = rows_ticks(&rows);
                if (found < 3 || found > SCALE_TICKS)
                    continue;
                const double cost = steps[i].cost + 2 * (1 - used) +
                                    abs(found - wanted) / (double)wanted +
                                    (apart == 1 && count > 4 ? 1 : 0);
                if (cost < cheapest) {
                    cheapest = cost;
                    best = rows;
                }
            }
        }
    }
    if (isinf(cheapest))
        return false;
    scale->low = (best.first - rows_edge(&best)) * best.unit;
    scale->high = scale->low + (count - 1.0 / down) * best.unit;
    scale->log = false;
    ticks->count = rows_ticks(&best);
    ticks->step = best.apart * best.unit;
    for (int i = 0; i < ticks->count; i++)
        ticks->at[i] = (ceil(best.first / best.apart) + i) * ticks->step;
    return true;
}

/* "1.50" to "1.5", "1.0e-05" to "1e-05": zeros that end a fraction. */
static void trim_zeros(char *text)
{
    char *point = strchr(text, '.');
    if (!point)
        return;
    char *end = point + strspn(point, ".0123456789");
    char *keep = end;
    while (keep[-1] == '0')
        keep--;
    if (keep[-1] == '.')
        keep--;
    memmove(keep, end, strlen(end) + 1);
}

/* Decimals that write a multiple of `step` exactly, or nearly. */
static int decimals_of(double step)
{
    int decimals = 0;
    for (; decimals < 12; decimals++, step *= 10)
        if (step >= 0.999 && fabs(step - round(step)) < 1e-6 * step)
            break;
    return decimals;
}

void scale_label(char out[SCALE_LABEL], double value, double step, bool percent)
{
    if (percent) {
        value *= 100;
        step *= 100;
    }
    if (!(step > 0))
        step = value != 0 ? fabs(value) / 1000 : 1;
    if (fabs(value) < step * 1e-6)
        value = 0;
    double size = fabs(value);
    const char *suffix = percent ? "%" : "";
    if (value != 0 && (size < 1e-4 || size >= 1e9)) {
        int digits = (int)clamp(floor(log10(size)) - floor(log10(step)) + 1, 0, 6);
        snprintf(out, SCALE_LABEL, "%.*e%s", digits, value, suffix);
    } else if (!percent && size >= 1000 && step >= 100) {
        double unit = size >= 1e6 ? 1e6 : 1e3;
        snprintf(out, SCALE_LABEL, "%.*f%s", decimals_of(step / unit), value / unit,
                 size >= 1e6 ? "M" : "k");
    } else {
        snprintf(out, SCALE_LABEL, "%.*f%s", decimals_of(step), value, suffix);
    }
    trim_zeros(out);
}
