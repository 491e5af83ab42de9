/*
 * The subcommand bench: trains for some seconds, writes nothing, and says how
 * fast each phase of a step is and how near to what the machine can do.
 * bench.c measures, bench_print.c prints.
 */
#ifndef KDT_APP_BENCH_H
#define KDT_APP_BENCH_H

#include "kdt/run.h"
#include "options.h"

/* Of some measurements, in order of size. */
struct spread {
    size_t count;                             /* 0: the rest is NaN */
    double least, lower, median, upper, most; /* lower and upper: quartiles */
};

/* How quickly the machine passed a cache line between two threads. */
enum bench_mode {
    BENCH_FAST,
    BENCH_MIXED,
    BENCH_SLOW,
    BENCH_UNKNOWN, /* there is but one thread */
};
const char *bench_mode_name(enum bench_mode mode);

/* The phases of a step, in order, and what is between them. */
enum { BENCH_WAITING = NET_PHASES, BENCH_PHASES };
extern const char *const bench_phase_name[BENCH_PHASES];

/* What was done, and in how much time with all threads at it. */
struct pace {
    double samples, operations, bytes, seconds; /* operations, bytes: 0 where not counted */
};

struct bench {
    const struct data_info *data;
    const struct settings *settings;
    struct net_shape shape;
    size_t parameters;
    int threads;
    double seconds; /* asked for */

    struct spread float32, bfloat16; /* operations per second; bfloat16.most 0: has none */
    struct spread reading, exchange; /* bytes per second; seconds */
    double exchange_slow;            /* share of them */
    enum bench_mode mode;
    bool disturbed; /* by something else that computes */

    struct spread step; /* seconds, where the phases' clock was off */
    struct pace training;
    double epoch_seconds;
    struct pace phase[BENCH_PHASES]; /* where it was on */
    double clocked_seconds;          /* all of them */
    double clock_cost;               /* what the clock adds to a step, a share of it */
    struct pace evaluation;
};

int bench_command(const struct options *options, struct err *err);

void bench_print(const struct bench *bench);
void bench_print_json(const struct bench *bench);

#endif
