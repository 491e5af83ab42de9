/*
 * Learning rate schedules against values worked out by hand.
 */
#include "kdt/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_rate(const struct net_schedule *schedule, int64_t step, double expected)
{
    const double rate = net_schedule_rate(schedule, step);
    if (!(fabs(rate - expected) <= 1e-12))
        fail_msg("step %d: %.15g instead of %.15g", (int)step, rate, expected);
}

static void schedules_have_the_values_worked_out_by_hand(void **state)
{
    struct net_schedule schedule = {
        .kind = NET_CONSTANT,
        .rate = 0.2,
        .decay = 0.5,
        .step_epochs = 2,
        .rate_min = 0.1,
        .rate_max = 0.5,
        .cycle_steps = 8,
        .steps_per_epoch = 10,
        .total_steps = 60,
    };

    (void)state;
    assert_rate(&schedule, 0, 0.2);
    assert_rate(&schedule, 1000, 0.2);

    schedule.kind = NET_DECAY;
    assert_rate(&schedule, 9, 0.2);
    assert_rate(&schedule, 10, 0.1);
    assert_rate(&schedule, 35, 0.025);

    schedule.kind = NET_STEP;
    assert_rate(&schedule, 19, 0.2);
    assert_rate(&schedule, 20, 0.1);
    assert_rate(&schedule, 59, 0.05);

    schedule.kind = NET_COSINE;
    assert_rate(&schedule, 0, 0.2);
    assert_rate(&schedule, 20, 0.175); /* cos 60° = 1/2 */
    assert_rate(&schedule, 30, 0.15);
    assert_rate(&schedule, 60, 0.1);
    assert_rate(&schedule, 90, 0.1); /* stays */

    schedule.kind = NET_CYCLICAL;
    assert_rate(&schedule, 0, 0.1);
    assert_rate(&schedule, 1, 0.2);
    assert_rate(&schedule, 4, 0.5);
    assert_rate(&schedule, 6, 0.3);
    assert_rate(&schedule, 8, 0.1);
    assert_rate(&schedule, 9, 0.2);
    schedule.cycle_steps = 5;
    assert_rate(&schedule, 2, 0.42);
    assert_rate(&schedule, 3, 0.42);

    schedule.kind = NET_CONSTANT;
    schedule.warmup_steps = 4;
    assert_rate(&schedule, 0, 0.05);
    assert_rate(&schedule, 2, 0.15);
    assert_rate(&schedule, 3, 0.2);
    assert_rate(&schedule, 4, 0.2);
    schedule.kind = NET_CYCLICAL;
    schedule.cycle_steps = 8;
    assert_rate(&schedule, 1, 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_have_the_values_worked_out_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
