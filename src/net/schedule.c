/*
 * The learning rate as a function of the step.
 */
#include "kdt/net.h"

#include <assert.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

static double scheduled(const struct net_schedule *schedule, int64_t step)
{
    const int64_t epoch = step / schedule->steps_per_epoch;

    switch (schedule->kind) {
    case NET_CONSTANT:
        break;
    case NET_DECAY:
        return schedule->rate * pow(schedule->decay, (double)epoch);
    case NET_STEP:
        return schedule->rate * pow(schedule->decay, (double)(epoch / schedule->step_epochs));
    case NET_COSINE: {
        const double done =
            step < schedule->total_steps ? (double)step / (double)schedule->total_steps : 1;
        return schedule->rate_min +
               (schedule->rate - schedule->rate_min) * (1 + cos(PI * done)) / 2;
    }
    case NET_CYCLICAL: {
        /* Half a cycle up, half a cycle down. */
        const double phase =
            2 * (double)(step % schedule->cycle_steps) / (double)schedule->cycle_steps;
        return schedule->rate_min +
               (schedule->rate_max - schedule->rate_min) * (phase <= 1 ? phase : 2 - phase);
    }
    }
    return schedule->rate;
}

double net_schedule_rate(const struct net_schedule *schedule, int64_t step)
{
    assert(step >= 0 && schedule->steps_per_epoch > 0);
    const double rate = scheduled(schedule, step);
    if (step < schedule->warmup_steps)
        return rate * (double)(step + 1) / (double)schedule->warmup_steps;
    return rate;
}
