/*
 * Runs that train in one process on one copy of the data, and how fast each is.
 *
 *   runs_together RUNS SECONDS [SECTION.KEY=VALUE]...
 *
 * One line, the samples per second of each run, evaluation included. The time
 * begins when every run has its first epoch behind it; after it they go on for
 * half as long, so that other processes that began later are not alone yet. The
 * runs' files are written below TMPDIR and removed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kdt/run.h"

enum { RUNS_MAX = 64 };

static _Noreturn void fail(const char *text)
{
    fprintf(stderr, "runs_together: %s\n", text);
    exit(1);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void sleep_for(double seconds)
{
    const struct timespec time = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&time, NULL);
}

static void look(struct run *run, struct snapshot *now)
{
    struct feed *feed = run_feed(run);

    feed->snapshot(feed, now);
    if (now->error[0] != '\0')
        fail(now->error);
    if (run_state_ended(now->state))
        fail("a run has ended: give it more train.epochs");
}

static void measure(struct run *const *runs, int count, double seconds)
{
    static struct snapshot before[RUNS_MAX], after;

    for (int i = 0; i < count; i++)
        for (look(runs[i], &before[i]); before[i].last.step < 0; look(runs[i], &before[i]))
            sleep_for(0.005);
    for (int i = 0; i < count; i++)
        look(runs[i], &before[i]);
    sleep_for(seconds);
    for (int i = 0; i < count; i++) {
        look(runs[i], &after);
        printf("%.0f%c",
               (double)((after.step - before[i].step) * after.settings.train.batch_size) /
                   (after.seconds - before[i].seconds),
               i < count - 1 ? ' ' : '\n');
    }
}

int main(int argc, char **argv)
{
    struct run_options options = {0};
    struct run *runs[RUNS_MAX];
    struct data_options data_options;
    struct dataset *dataset;
    struct err err;
    const int count = argc > 2 ? atoi(argv[1]) : 0;
    const double seconds = argc > 2 ? atof(argv[2]) : 0;

    if (count < 1 || count > RUNS_MAX || !(seconds > 0))
        fail("RUNS (1 to 64) and SECONDS are expected");
    settings_init(&options.settings);
    for (int i = 3; i < argc; i++)
        if (settings_set_line(&options.settings, argv[i], &err) != 0)
            fail(err.text);

    math_init();
    run_data_options(&options.settings, &data_options);
    if (data_open(&data_options, &dataset, &err) != 0)
        fail(err.text);
    const char *temporary = getenv("TMPDIR");
    snprintf(options.runs_directory, sizeof options.runs_directory, "%s/kdtui-bench-XXXXXX",
             temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
    if (mkdtemp(options.runs_directory) == NULL)
        fail("no directory for the runs can be made");
    for (int i = 0; i < count; i++) {
        snprintf(options.name, sizeof options.name, "run-%d", i);
        options.settings.train.seed = i + 1;
        if (run_create(&options, dataset, &runs[i], &err) != 0)
            fail(err.text);
    }
    measure(runs, count, seconds);
    fflush(stdout);
    sleep_for(seconds / 2);
    for (int i = 0; i < count; i++)
        run_abandon(runs[i]);
    for (int i = 0; i < count; i++)
        run_destroy(runs[i]);
    nftw(options.runs_directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    data_close(dataset);
    return 0;
}
