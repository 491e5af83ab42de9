/*
 * The thread team: every piece once, whatever its size and the teams beside it; and the peaks that
 * a team is measured to reach.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/math.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

/* Each piece adds the job's number to its place; plain ints, so that a missing
 * happens-before shows under ThreadSanitizer. */
struct count_job {
    int number;
    int done[64];
};

static void count_piece(void *arg, int i)
{
    struct count_job *job = arg;
    job->done[i] += job->number;
}

static void every_piece_runs_once(void **state)
{
    static const int sizes[] = {1, 2, 3, 5};

    (void)state;
    for (int s = 0; s < 4; s++) {
        struct team *team;
        struct count_job job = {0};
        int expected[64] = {0};

        assert_int_equal(team_create(sizes[s], &team, NULL), 0);
        assert_int_equal(team_threads(team), sizes[s]);
        for (int n = 1; n <= 2000; n++) {
            const int pieces = n % 65;
            job.number = n;
            team_run(team, pieces, count_piece, &job);
            for (int i = 0; i < pieces; i++)
                expected[i] += n;
            if (n % 100 == 0) /* long enough for the workers to sleep */
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        assert_memory_equal(job.done, expected, sizeof expected);
        team_destroy(team);
    }
}

static void slow_piece(void *arg, int i)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    count_piece(arg, i);
}

static void caller_sleeps_until_the_last_piece(void **state)
{
    struct team *team;
    struct count_job job = {.number = 1};

    (void)state;
    assert_int_equal(team_create(3, &team, NULL), 0);
    for (int n = 0; n < 20; n++)
        team_run(team, 4, slow_piece, &job);
    for (int i = 0; i < 4; i++)
        assert_int_equal(job.done[i], 20);
    team_destroy(team);
}

static void denormal_piece(void *arg, int i)
{
    volatile float small = FLT_MIN;
    small /= 4;
    ((float *)arg)[i] = small;
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static void denormals_are_zero_in_every_thread(void **state)
{
    struct team *team;
    float results[64];

    (void)state;
    assert_int_equal(team_create(4, &team, NULL), 0);
    team_run(team, 64, denormal_piece, results);
    for (int i = 0; i < 64; i++)
        assert_true(results[i] == 0);
    team_destroy(team);
}

static void team_takes_the_whole_set_and_gives_it_back(void **state)
{
    cpu_set_t before, during, after;
    struct team *team;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(team_create(0, &team, NULL), 0);
    assert_int_equal(team_threads(team), CPU_COUNT(&before));
    assert_int_equal(sched_getaffinity(0, sizeof during, &during), 0);
    assert_int_equal(CPU_COUNT(&during), 1);
    team_destroy(team);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));

    const int others[] = {1, CPU_COUNT(&before) + 1};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(team_create(others[i], &team, NULL), 0);
        assert_int_equal(sched_getaffinity(0, sizeof during, &during), 0);
        assert_true(CPU_EQUAL(&before, &during));
        team_destroy(team);
    }
    team_destroy(NULL);
}

/* That they are measured; how much it is, is the machine's. */
static void peaks_are_measured(void **state)
{
    enum { BYTES = 1 << 20 };
    struct err err;

    (void)state;
    void *memory = mem_array(BYTES, 1, &err);
    assert_non_null(memory);
    for (int threads = 1; threads <= 3; threads++) {
        struct team *team;
        assert_int_equal(team_create(threads, &team, &err), 0);
        assert_true(math_peak_flops(team, MATH_PEAK_FLOAT32) > 0);
        assert_true(math_peak_flops(team, MATH_PEAK_BFLOAT16) >= 0);
        assert_true(math_peak_read(team, memory, BYTES) > 0);
        const double exchange = math_peak_exchange(team);
        assert_true(threads == 1 ? isnan(exchange) : isnan(exchange) || exchange > 0);
        team_destroy(team);
    }
    mem_free(memory);
}

/* One of several runs that compute side by side in one process. */
struct side {
    pthread_t thread;
    pthread_barrier_t *all; /* have a team, or have finished with it */
    int threads, processors, after;
    struct count_job job;
};

static int processors_allowed(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

static void *side_main(void *arg)
{
    struct side *side = arg;
    struct team *team;

    if (team_create(side->threads, &team, NULL) != 0)
        abort(); /* asserts are the main thread's */
    side->processors = processors_allowed();
    pthread_barrier_wait(side->all);
    for (side->job.number = 1; side->job.number <= 500; side->job.number++)
        team_run(team, 17, count_piece, &side->job);
    pthread_barrier_wait(side->all);
    team_destroy(team);
    side->after = processors_allowed();
    return NULL;
}

static void teams_work_side_by_side(void **state)
{
    enum { SIDES = 4 };
    static const int threads[SIDES] = {0, 0, 1, 2};
    struct side sides[SIDES] = {0};
    const int usable = processors_allowed();
    pthread_barrier_t all;
    int pinned = 0;

    (void)state;
    pthread_barrier_init(&all, NULL, SIDES);
    for (int i = 0; i < SIDES; i++) {
        sides[i].all = &all;
        sides[i].threads = threads[i];
        assert_int_equal(pthread_create(&sides[i].thread, NULL, side_main, &sides[i]), 0);
    }
    for (int i = 0; i < SIDES; i++) {
        pthread_join(sides[i].thread, NULL);
        pinned += sides[i].processors < usable;
        assert_int_equal(sides[i].after, usable);
        for (int n = 0; n < 17; n++)
            assert_int_equal(sides[i].job.done[n], 500 * 501 / 2);
    }
    pthread_barrier_destroy(&all);
    assert_int_equal(sides[2].processors, usable);
    assert_int_equal(pinned, usable > 1 ? 1 : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_runs_once),
        cmocka_unit_test(caller_sleeps_until_the_last_piece),
        cmocka_unit_test(denormals_are_zero_in_every_thread),
        cmocka_unit_test(team_takes_the_whole_set_and_gives_it_back),
        cmocka_unit_test(peaks_are_measured),
        cmocka_unit_test(teams_work_side_by_side),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
