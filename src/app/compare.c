/* Looking for the run to compare with; see compare.h. */
#include "compare.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "kdt/run.h"

struct compare {
    struct view *view;
    char *runs_directory, *name;
    int64_t steps_per_epoch;
    atomic_bool stop;
    pthread_t thread;
};

static void *look(void *of)
{
    struct compare *compare = of;
    struct earlier_run found;
    if (run_earlier_find(compare->runs_directory, compare->name, compare->steps_per_epoch,
                         &compare->stop, &found))
        view_compare(compare->view, &found);
    return NULL;
}

static void release(struct compare *compare)
{
    mem_free(compare->runs_directory);
    mem_free(compare->name);
    mem_free(compare);
}

struct compare *compare_start(struct feed *feed, struct view *view)
{
    struct snapshot now;
    sigset_t all, before;
    feed->snapshot(feed, &now);
    char *slash = strrchr(now.directory, '/');
    if (!slash || slash == now.directory || now.steps_per_epoch <= 0)
        return NULL;
    struct compare *compare = mem_alloc(sizeof *compare);
    compare->name = mem_text(slash + 1);
    *slash = '\0';
    compare->runs_directory = mem_text(now.directory);
    compare->view = view;
    compare->steps_per_epoch = now.steps_per_epoch;
    /* Signals are main's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&compare->thread, NULL, look, compare);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return compare;
    release(compare);
    return NULL;
}

void compare_stop(struct compare *compare)
{
    if (!compare)
        return;
    compare->stop = true;
    pthread_join(compare->thread, NULL);
    release(compare);
}
