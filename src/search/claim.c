/*
 * claim: which trial a worker takes on. Decided under the journal's lock, and
 * who is to train a trial takes its run.lock before that lock is given back.
 */
#include "internal.h"

#include <string.h>
#include <unistd.h>

int claim_lock(struct search *search, const char *kind, int64_t number, int *lock_fd,
               struct err *err)
{
    struct text directory = {0};
    trial_directory(search, kind, number, &directory);
    int result = file_make_directories(directory.bytes, err);
    if (result == 0 && run_lock(directory.bytes, lock_fd, err) != 0) {
        if (*lock_fd >= 0)
            close(*lock_fd);
        *lock_fd = -1;
        result = err->code == ERR_USAGE ? 1 : -1;
    }
    text_fini(&directory);
    return result;
}

/* For plan_next: whether somebody is at that trial; else it is ours now. */
static bool skip_taken(int64_t number, void *of)
{
    struct claim *claim = of;
    int result = claim_lock(claim->search, "trial", number, &claim->lock_fd, &claim->err);
    claim->failed = claim->failed || result < 0;
    return result != 0;
}

static void prune_files(const struct search *search, int64_t number)
{
    struct text directory = {0};
    trial_directory(search, "trial", number, &directory);
    run_prune(directory.bytes);
    text_fini(&directory);
}

/* The task's line in the journal. TASK_PRUNE is done by it. */
static int note(struct claim *claim, struct err *err)
{
    struct search *search = claim->search;
    struct books *books = &search->books;
    const struct task *task = &claim->task;
    struct text lines = {0};
    struct proposal proposal;
    int result = 0;
    if (task->kind == TASK_CREATE) {
        result = claim_lock(search, "trial", task->number, &claim->lock_fd, err);
        if (result == 0) {
            plan_propose(&search->plan, &books->table, task->slot, &proposal);
            books_create(books, &lines, &search->plan, &proposal, NULL);
        }
    } else if (task->kind == TASK_GO_ON) {
        if (books->table.entries[task->number].trial.state != TRIAL_RUNNING)
            books_state(books, &lines, task->number, TRIAL_RUNNING);
    } else if (task->kind == TASK_PRUNE) {
        books_state(books, &lines, task->number, TRIAL_PRUNED);
    }
    if (result == 0)
        result = books_append(books, &lines, err);
    text_fini(&lines);
    if (result == 0 && task->kind == TASK_PRUNE)
        prune_files(search, task->number);
    return result == 0 ? 0 : -1;
}

int claim_next(struct claim *claim, struct err *err)
{
    struct search *search = claim->search;
    int result = 0;
    claim->lock_fd = -1;
    if (books_lock(&search->books, err) != 0)
        return -1;
    do {
        claim->task = plan_next(&search->plan, &search->books.table, skip_taken, claim);
        if (claim->failed) {
            *err = claim->err;
            result = -1;
        }
        if (result == 0)
            result = note(claim, err);
    } while (result == 0 && claim->task.kind == TASK_PRUNE);
    books_unlock(&search->books);
    if (result != 0 && claim->lock_fd >= 0)
        close(claim->lock_fd);
    /* Who waits looks again, and would wake others for nothing. */
    if (claim->task.kind == TASK_CREATE || claim->task.kind == TASK_GO_ON)
        search_tell(search);
    return result;
}

/* ---- the best, again ---- */

static bool has_top(const struct table *table, int number)
{
    for (int64_t i = 0; i < table->top_count; i++)
        if (table->tops[i].number == number)
            return true;
    return false;
}

int claim_top(struct search *search, int *lock_fd, int *number, struct err *err)
{
    const size_t most = (size_t)search->settings.search.top;
    int left = 0, result = 0;
    *lock_fd = *number = -1;
    if (books_lock(&search->books, err) != 0)
        return -1;
    int *best = mem_alloc(most * sizeof *best);
    size_t count = search_ranking(search, best, most);
    for (size_t i = 0; i < count && result == 0 && *number < 0; i++) {
        const struct table *table = &search->books.table;
        if (has_top(table, best[i]) || table->entries[best[i]].trial.state != TRIAL_COMPLETE)
            continue;
        left++;
        int taken = claim_lock(search, "top", best[i], lock_fd, err);
        if (taken < 0)
            result = -1;
        if (taken == 0)
            *number = best[i];
    }
    books_unlock(&search->books);
    mem_free(best);
    return result == 0 ? left : -1;
}
