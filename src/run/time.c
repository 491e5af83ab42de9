/*
 * A run's time: a stopwatch that runs while the run does, on a clock that stands
 * still while the process is stopped. Any thread may hold and release.
 */
#include "internal.h"

void run_hold(struct run *run)
{
    struct hold *hold = &run->hold;
    pthread_mutex_lock(&hold->lock);
    if (!hold->held)
        hold->since = clock_seconds();
    hold->held = true;
    pthread_mutex_unlock(&hold->lock);
}

void run_release(struct run *run)
{
    struct hold *hold = &run->hold;
    pthread_mutex_lock(&hold->lock);
    if (hold->held)
        hold->total += clock_seconds() - hold->since;
    hold->held = false;
    pthread_mutex_unlock(&hold->lock);
}

double run_clock(struct run *run)
{
    struct hold *hold = &run->hold;
    pthread_mutex_lock(&hold->lock);
    double clock = (hold->held ? hold->since : clock_seconds()) - hold->total;
    pthread_mutex_unlock(&hold->lock);
    return clock;
}

double run_seconds(struct run *run)
{
    return run->watch.seconds + (run->watch.running ? run_clock(run) - run->watch.since : 0);
}

void run_watch_start(struct run *run)
{
    if (!run->watch.running)
        run->watch.since = run_clock(run);
    run->watch.running = true;
}

void run_watch_stop(struct run *run)
{
    run->watch.seconds = run_seconds(run);
    run->watch.running = false;
}
