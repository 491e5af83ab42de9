/*
 * search: a search's directory, and the workers that train its trials.
 *
 * Each worker is a thread that asks the plan what is to be done, trains a trial
 * and asks again. What to do is decided under the journal's lock, and who is to
 * train a trial takes its run.lock before that lock is given back. So a trial
 * that the journal has as running and whose run.lock is free was left by a
 * process that died; the next worker goes on with it.
 *
 * Where nothing is to be done until others have come further a worker waits: for
 * those of this process at a condition, and since other processes cannot signal
 * it, for a while at most.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kdt/run.h"

enum { LOOK_NANOSECONDS = 300000000, WORKERS_MOST = 1024 };

/* ---- making and opening ---- */

bool search_exists(const char *directory)
{
    char *path = file_path(directory, "search.ini");
    bool exists = file_exists(path);
    mem_free(path);
    return exists;
}

static int write_settings(const char *directory, const struct settings *settings, struct err *err)
{
    struct text text = {0};
    char *path = file_path(directory, "search.ini");
    settings_print(settings, false, &text);
    struct file_part part = {text.bytes, text.length};
    int result = file_write(path, &part, 1, err);
    mem_free(path);
    text_fini(&text);
    return result;
}

int search_make(const char *directory, const struct settings *settings, struct err *err)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    char *run = file_path(directory, "settings.ini");
    int result = plan_make(settings, plan, err);
    if (result == 0 && file_exists(run))
        result = err_set(err, ERR_USAGE, "%s is a run; another name begins a search", directory);
    if (result == 0 && file_make_directories(directory, err) != 0)
        result = -1;
    if (result == 0)
        result = write_settings(directory, settings, err);
    mem_free(run);
    mem_free(plan);
    return result;
}

static int load_settings(struct search *search, struct err *err)
{
    char *path = file_path(search->directory, "search.ini");
    settings_init(&search->settings);
    int result = settings_load(&search->settings, path, false, err);
    if (result == 0)
        result = plan_make(&search->settings, &search->plan, err);
    if (result != 0 && err)
        err->code = ERR_FILE; /* nobody typed these */
    mem_free(path);
    return result;
}

int search_open(const char *directory, struct search **out, struct err *err)
{
    char *absolute = realpath(directory, NULL);
    if (!absolute)
        return err_set_errno(err, ERR_FILE, errno, "%s", directory);
    struct search *search = mem_alloc(sizeof *search);
    search->directory = mem_text(absolute);
    free(absolute);
    text_copy(search->name, sizeof search->name, strrchr(search->directory, '/') + 1);
    pthread_mutex_init(&search->lock, NULL);
    pthread_mutex_init(&search->top_lock, NULL);
    pthread_cond_init(&search->changed, NULL);
    clerk_init(&search->clerk);
    search->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    search->view_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = 0;
    if (search->wake_fd < 0 || search->view_fd < 0)
        result = err_set_errno(err, ERR_SYSTEM, errno, "eventfd");
    books_open(&search->books, search->directory);
    search_feed_init(search);
    look_init(&search->look, search);
    if (result != 0 || load_settings(search, err) != 0 || books_read(&search->books, err) != 0) {
        search_destroy(search);
        return -1;
    }
    *out = search;
    return 0;
}

const struct settings *search_settings(const struct search *search)
{
    return &search->settings;
}

/* Whether another value of a setting leaves the trials that there are as they are. */
static bool may_change(const struct settings *settings, const char *name)
{
    if (strcmp(name, "search.workers") == 0 || strcmp(name, "search.top") == 0 ||
        strcmp(name, "search.reference") == 0 || strncmp(name, "view.", 5) == 0)
        return true;
    return strcmp(name, "search.trials") == 0 && settings->search.method != METHOD_HALVING &&
           settings->search.refine == 0;
}

int search_change(struct search *search, const struct settings *given, struct err *err)
{
    bool changed = false;
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        char own[SETTINGS_TEXT], other[SETTINGS_TEXT];
        settings_format(&search->settings, row, own, sizeof own);
        settings_format(given, row, other, sizeof other);
        if (strcmp(own, other) == 0)
            continue;
        if (!may_change(&search->settings, row->name))
            return err_set(err, ERR_USAGE,
                           "%s = %.200s: the search %s was begun with %.200s; another name begins "
                           "a new one",
                           row->name, other, search->name, own);
        changed = true;
        (void)settings_set(&search->settings, row, other, NULL); /* it was printed from one */
    }
    if (strcmp(search->settings.search_lists, given->search_lists) != 0)
        return err_set(err, ERR_USAGE,
                       "the search %s was begun with other lists of settings; another name begins "
                       "a new one",
                       search->name);
    if (!changed)
        return 0;
    if (plan_make(&search->settings, &search->plan, err) != 0)
        return -1;
    return write_settings(search->directory, &search->settings, err);
}

/* ---- what workers share ---- */

static void wake(int fd)
{
    const uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* a full counter wakes as well */
}

void search_tell(struct search *search)
{
    pthread_mutex_lock(&search->lock);
    search->version++;
    pthread_cond_broadcast(&search->changed);
    pthread_mutex_unlock(&search->lock);
    wake(search->wake_fd);
    wake(search->view_fd);
}

void search_came_on(struct search *search, int number)
{
    pthread_mutex_lock(&search->lock);
    const bool shown = search->watched && number >= 0;
    search->version += shown; /* it has come further */
    pthread_mutex_unlock(&search->lock);
    if (shown)
        wake(search->view_fd);
}

bool search_wants_no(struct search *search, int64_t number)
{
    pthread_mutex_lock(&search->books.lock);
    const struct trial *trial = &search->books.table.entries[number].trial;
    bool no = trial_ended(trial->state) || trial->frozen || trial->stopped;
    pthread_mutex_unlock(&search->books.lock);
    return no;
}

/* What a person has said meanwhile is in the journal before the run can be found here. */
void search_train(struct worker *worker, struct run *run, int number)
{
    struct search *search = worker->search;
    pthread_mutex_lock(&search->lock);
    worker->run = run;
    worker->number = run ? number : -1;
    if (run && search->stopping)
        run_interrupt(run, search->why);
    pthread_mutex_unlock(&search->lock);
    if (run && number >= 0 && search_wants_no(search, number))
        run_interrupt(run, "by hand");
}

void search_leave_trial(struct search *search, int number)
{
    pthread_mutex_lock(&search->lock);
    for (int i = 0; i < search->worker_count; i++)
        if (search->workers[i].run && search->workers[i].number == number)
            run_interrupt(search->workers[i].run, "by hand");
    pthread_mutex_unlock(&search->lock);
}

void search_watched(struct search *search, bool watched)
{
    pthread_mutex_lock(&search->lock);
    search->watched = watched;
    pthread_cond_broadcast(&search->changed);
    pthread_mutex_unlock(&search->lock);
}

bool search_leaving(struct search *search)
{
    pthread_mutex_lock(&search->lock);
    bool leaving = search->stopping;
    pthread_mutex_unlock(&search->lock);
    return leaving;
}

void search_stop(struct search *search, const char *why)
{
    pthread_mutex_lock(&search->lock);
    search->stopping = true;
    text_copy(search->why, sizeof search->why, why);
    for (int i = 0; i < search->worker_count; i++)
        if (search->workers[i].run)
            run_interrupt(search->workers[i].run, why);
    pthread_cond_broadcast(&search->changed);
    pthread_mutex_unlock(&search->lock);
}

void search_hold(struct search *search, bool held)
{
    pthread_mutex_lock(&search->lock);
    for (int i = 0; i < search->worker_count; i++)
        if (search->workers[i].run)
            (held ? run_hold : run_release)(search->workers[i].run);
    pthread_mutex_unlock(&search->lock);
}

static void fail(struct search *search, const struct err *err)
{
    pthread_mutex_lock(&search->lock);
    if (!search->failed)
        search->error = *err;
    search->failed = true;
    pthread_mutex_unlock(&search->lock);
    search_stop(search, "the search cannot go on");
}

/* Until something has changed here, or may have elsewhere. */
static int wait_for_others(struct search *search, struct err *err)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_NANOSECONDS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&search->lock);
    if (!search->stopping)
        pthread_cond_timedwait(&search->changed, &search->lock, &until);
    pthread_mutex_unlock(&search->lock);
    return books_read(&search->books, err);
}

/* ---- workers ---- */

struct dataset *search_top_data(struct search *search, struct err *err)
{
    struct settings settings;
    struct data_options options;
    const bool same =
        search->settings.search.train_size == 0 && search->settings.search.validation_size == 0;
    if (same)
        return search->dataset;
    pthread_mutex_lock(&search->top_lock);
    if (!search->top_dataset && trial_settings(search, NULL, true, &settings, err) == 0) {
        run_data_options(&settings, &options);
        if (data_open(&options, &search->top_dataset, err) != 0)
            search->top_dataset = NULL;
    }
    struct dataset *dataset = search->top_dataset;
    pthread_mutex_unlock(&search->top_lock);
    return dataset;
}

/* It has something to train. */
static void be_busy(struct worker *worker)
{
    struct search *search = worker->search;
    pthread_mutex_lock(&search->lock);
    worker->idle = search->done = search->frozen = false;
    pthread_mutex_unlock(&search->lock);
}

/* Until all trials have ended or are frozen (*left), or it is to leave. */
static int work(struct worker *worker, enum task_kind *left, struct err *err)
{
    struct search *search = worker->search;
    while (!search_leaving(search)) {
        struct claim claim = {.search = search};
        if (claim_next(&claim, err) != 0)
            return -1;
        *left = claim.task.kind;
        if (claim.lock_fd >= 0)
            be_busy(worker);
        if (claim.task.kind == TASK_NONE || claim.task.kind == TASK_FROZEN)
            return 0;
        int result =
            claim.task.kind == TASK_WAIT
                ? wait_for_others(search, err)
                : trial_train(worker, claim.task.number, claim.task.epochs, claim.lock_fd, err);
        if (claim.lock_fd >= 0)
            close(claim.lock_fd);
        if (result != 0)
            return -1;
    }
    return 0;
}

/* *done: nothing is left to do. */
static int work_on_top(struct worker *worker, bool *done, struct err *err)
{
    struct search *search = worker->search;
    while (!search_leaving(search)) {
        int lock_fd, number, left = claim_top(search, &lock_fd, &number, err);
        *done = left == 0;
        if (left <= 0)
            return left;
        be_busy(worker);
        int result = number < 0 ? wait_for_others(search, err)
                                : trial_train_top(worker, number, lock_fd, err);
        if (lock_fd >= 0)
            close(lock_fd);
        if (result != 0)
            return -1;
    }
    return 0;
}

/* Nothing is to be done now. True: somebody looks, and something may have changed. */
static bool rest(struct worker *worker, bool done, bool frozen, struct err *err, int *result)
{
    struct search *search = worker->search;
    pthread_mutex_lock(&search->lock);
    const bool stays = search->watched && !search->stopping;
    const bool news = !worker->idle || search->done != done || search->frozen != frozen;
    worker->idle = stays;
    search->done = done;
    search->frozen = frozen;
    pthread_mutex_unlock(&search->lock);
    if (stays && news) /* else those who rest would wake each other for ever */
        search_tell(search);
    if (stays)
        *result = wait_for_others(search, err);
    return stays && *result == 0;
}

static void *worker_main(void *of)
{
    struct worker *worker = of;
    struct search *search = worker->search;
    struct err err = {.code = ERR_OK};
    enum task_kind left = TASK_WAIT;
    bool done;
    int result;
    do {
        done = false;
        result = work(worker, &left, &err);
        if (result == 0 && left == TASK_NONE)
            result = work_on_top(worker, &done, &err);
    } while (result == 0 && !search_leaving(search) &&
             rest(worker, done, left == TASK_FROZEN, &err, &result));
    if (result != 0)
        fail(search, &err);
    pthread_mutex_lock(&search->lock);
    search->active--;
    pthread_mutex_unlock(&search->lock);
    search_tell(search);
    return NULL;
}

/* ---- start and end ---- */

/* Trials that a process has left are running no longer. */
static int release_left(struct search *search, struct text *lines, struct err *err)
{
    const struct table *table = &search->books.table;
    for (int64_t i = 0; i < table->count; i++) {
        int lock_fd = -1;
        if (table->entries[i].trial.state != TRIAL_RUNNING)
            continue;
        int taken = claim_lock(search, "trial", i, &lock_fd, err);
        if (taken < 0)
            return -1;
        if (taken == 0) {
            books_state(&search->books, lines, i, TRIAL_WAITING);
            close(lock_fd);
        }
    }
    return 0;
}

/* The head of a new journal, or that of this search; and what was left is put right. */
static int begin(struct search *search, struct err *err)
{
    struct books *books = &search->books;
    const uint32_t digest = data_info(search->dataset)->digest;
    const bool maximize = search->settings.search.metric == METRIC_ACCURACY;
    struct text lines = {0};
    int result = 0;
    if (books_lock(books, err) != 0)
        return -1;
    if (!books->table.begun)
        books_study(books, &lines, search->name, maximize, digest);
    else if (books->table.data_digest != digest)
        result = err_set(err, ERR_FILE, "%s: the search was begun on other data", books->path);
    else
        result = release_left(search, &lines, err);
    if (result == 0)
        result = books_append(books, &lines, err);
    books_unlock(books);
    text_fini(&lines);
    return result;
}

/* As many as the process may use. */
static int count_workers(const struct search *search, int asked)
{
    cpu_set_t cpus;
    if (asked <= 0)
        asked = (int)search->settings.search.workers;
    if (asked <= 0)
        asked = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return asked < WORKERS_MOST ? asked : WORKERS_MOST;
}

static int start_workers(struct search *search, int count, struct err *err)
{
    search->workers = mem_alloc((size_t)count * sizeof *search->workers);
    for (int i = 0; i < count; i++) {
        struct worker *worker = &search->workers[i];
        worker->search = search;
        worker->number = -1;
        pthread_mutex_lock(&search->lock);
        int failed = thread_start(&worker->thread, "kdtui-search", worker_main, worker, err);
        search->active += !failed;
        search->worker_count += !failed;
        pthread_mutex_unlock(&search->lock);
        if (failed) {
            search_stop(search, "the search cannot go on");
            return -1;
        }
    }
    return 0;
}

int search_start(struct search *search, int workers, struct err *err)
{
    struct settings settings;
    struct data_options options;
    if (trial_settings(search, NULL, false, &settings, err) != 0)
        return -1;
    run_data_options(&settings, &options);
    if (data_open(&options, &search->dataset, err) != 0)
        return -1;
    if (books_write(&search->books, search->directory, err) != 0 || begin(search, err) != 0 ||
        clerk_start(search, err) != 0)
        return -1;
    search->started = clock_seconds();
    search->epochs_at_start = table_epochs(&search->books.table);
    return start_workers(search, count_workers(search, workers), err);
}

void search_destroy(struct search *search)
{
    if (!search)
        return;
    for (int i = 0; i < search->worker_count; i++)
        pthread_join(search->workers[i].thread, NULL);
    clerk_fini(&search->clerk);
    look_fini(&search->look);
    books_fini(&search->books);
    data_close(search->top_dataset);
    data_close(search->dataset);
    if (search->wake_fd >= 0)
        close(search->wake_fd);
    if (search->view_fd >= 0)
        close(search->view_fd);
    pthread_cond_destroy(&search->changed);
    pthread_mutex_destroy(&search->top_lock);
    pthread_mutex_destroy(&search->lock);
    mem_free(search->workers);
    mem_free(search->directory);
    mem_free(search);
}
