/*
 * clerk: what a person asks of a search, `trial add|stop|freeze`, put into the
 * journal. A thread of its own does it, since the journal's lock may be another
 * process's for a while, and a view waits for nothing.
 *
 * The line in the journal comes first. The worker that trains the trial is told
 * after it, and finds there what to do; so does another process at its trial's
 * next epoch.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void clerk_init(struct clerk *clerk)
{
    pthread_mutex_init(&clerk->lock, NULL);
    pthread_cond_init(&clerk->changed, NULL);
}

/* ---- one act ---- */

/* Who trains the trial prunes its files at the end; else it is done here. */
static void prune_left(const struct search *search, int number)
{
    struct text directory = {0};
    int lock_fd = -1;
    trial_directory(search, "trial", number, &directory);
    if (run_lock(directory.bytes, &lock_fd, NULL) == 0)
        run_prune(directory.bytes);
    if (lock_fd >= 0)
        close(lock_fd);
    text_fini(&directory);
}

static int find_trial(const struct books *books, const struct command *command, int *number,
                      struct err *err)
{
    const struct table *table = &books->table;
    int64_t given;
    if (command->words != 2 || number_parse_integer(command->word[1], &given) != 0)
        return err_set(err, ERR_USAGE, "\"trial %s N\" is expected", command->word[0]);
    if (given < 0 || given >= table->count)
        return err_set(err, ERR_USAGE, "there is no trial %" PRId64 "%s", given,
                       table->count ? "" : " yet");
    *number = (int)given;
    if (trial_ended(table->entries[given].trial.state))
        return err_set(err, ERR_USAGE, "trial %d has ended: it is %s", *number,
                       trial_state_name(table->entries[given].trial.state));
    return 0;
}

static int stop(struct books *books, const struct act *act, int number, struct text *lines,
                char *told, size_t size)
{
    books_act(books, lines, number, "stopped", act->line, act->source);
    books_state(books, lines, number, TRIAL_PRUNED);
    snprintf(told, size, "trial %d stopped; it keeps its %" PRId64 " epochs", number,
             books->table.entries[number].trial.epochs);
    return 0;
}

static int freeze(struct books *books, const struct act *act, int number, struct text *lines,
                  char *told, size_t size)
{
    const bool frozen = !books->table.entries[number].trial.frozen;
    books_freeze(books, lines, number, frozen, act->source);
    snprintf(told, size, "trial %d %s", number,
             frozen ? "frozen: its state is kept, others train" : "goes on when a worker is free");
    return 0;
}

static int add(struct search *search, const struct act *act, const struct command *command,
               struct text *lines, char *told, size_t size, struct err *err)
{
    struct proposal proposal;
    struct books *books = &search->books;
    if (command->words % 2 == 0)
        return err_set(err, ERR_USAGE, "\"trial add [KEY VALUE ...]\" is expected");
    if (plan_add(&search->plan, &books->table, command->word + 1, command->words / 2, &proposal,
                 err) != 0)
        return -1;
    books_create(books, lines, &search->plan, &proposal, act);
    snprintf(told, size, "trial %" PRId64 " added; it is next", books->table.count);
    return 0;
}

/* With the journal locked. *number: whose training is to end; -1: of none. */
static int perform_locked(struct search *search, const struct act *act, int *number, char *told,
                          size_t size, struct err *err)
{
    struct books *books = &search->books;
    struct command command;
    struct text lines = {0};
    *number = -1;
    int result = command_parse(act->line, &command, err);
    if (result == 0 && strcmp(command.word[0], "add") == 0)
        result = add(search, act, &command, &lines, told, size, err);
    else if (result == 0 && find_trial(books, &command, number, err) != 0)
        result = -1;
    else if (result == 0)
        result = (strcmp(command.word[0], "stop") == 0 ? stop : freeze)(books, act, *number, &lines,
                                                                        told, size);
    if (result == 0)
        result = books_append(books, &lines, err);
    text_fini(&lines);
    return result;
}

static int perform(struct search *search, const struct act *act, char *told, size_t size,
                   struct err *err)
{
    int number;
    if (books_lock(&search->books, err) != 0)
        return -1;
    int result = perform_locked(search, act, &number, told, size, err);
    books_unlock(&search->books);
    if (result != 0 || number < 0)
        return result;
    const bool gone = search_wants_no(search, number);
    if (gone)
        search_leave_trial(search, number);
    if (gone && strstr(act->line, "stop"))
        prune_left(search, number);
    return 0;
}

/* ---- the thread ---- */

static void set_answer(struct clerk *clerk, const struct act *act, enum answer_state state,
                       const char *text)
{
    struct answer *answer = &clerk->answers[act->id % ACTS];
    *answer = (struct answer){.id = act->id, .state = state, .clock = clock_seconds()};
    text_copy(answer->line, sizeof answer->line, act->line);
    text_copy(answer->text, sizeof answer->text, text);
}

static bool next(struct clerk *clerk, struct act *act)
{
    pthread_mutex_lock(&clerk->lock);
    while (!clerk->count && !clerk->closing)
        pthread_cond_wait(&clerk->changed, &clerk->lock);
    const bool any = clerk->count > 0;
    if (any) {
        *act = clerk->waiting[clerk->first];
        clerk->first = (clerk->first + 1) % ACTS;
        clerk->count--;
    }
    pthread_mutex_unlock(&clerk->lock);
    return any;
}

static void *clerk_main(void *of)
{
    struct search *search = of;
    struct clerk *clerk = &search->clerk;
    struct act act;
    while (next(clerk, &act)) {
        struct err err = {.code = ERR_OK};
        char told[256];
        int result = perform(search, &act, told, sizeof told, &err);
        pthread_mutex_lock(&clerk->lock);
        set_answer(clerk, &act, result == 0 ? ANSWER_APPLIED : ANSWER_REFUSED,
                   result == 0 ? told : err.text);
        pthread_mutex_unlock(&clerk->lock);
        search_tell(search);
    }
    return NULL;
}

int clerk_start(struct search *search, struct err *err)
{
    struct clerk *clerk = &search->clerk;
    if (thread_start(&clerk->thread, "kdtui-clerk", clerk_main, search, err) != 0)
        return -1;
    clerk->started = true;
    return 0;
}

void clerk_fini(struct clerk *clerk)
{
    pthread_mutex_lock(&clerk->lock);
    clerk->closing = true;
    pthread_cond_signal(&clerk->changed);
    pthread_mutex_unlock(&clerk->lock);
    if (clerk->started)
        pthread_join(clerk->thread, NULL);
    pthread_cond_destroy(&clerk->changed);
    pthread_mutex_destroy(&clerk->lock);
}

/* ---- any thread ---- */

static int check(const char *line, struct err *err)
{
    static const char *const words[] = {"add", "stop", "freeze"};
    struct command command;
    if (command_parse(line, &command, err) != 0)
        return -1;
    if (command.id != COMMAND_TRIAL)
        return err_set(err, ERR_USAGE,
                       "a search has no such command; trial take N makes a run of trial N, which "
                       "has");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(command.word[0], words[i]) == 0)
            return 0;
    return err_set(err, ERR_USAGE, "trial %.64s: add, stop or freeze is expected", command.word[0]);
}

uint64_t clerk_post(struct search *search, const char *line, enum command_source source,
                    struct err *err)
{
    struct clerk *clerk = &search->clerk;
    uint64_t id = 0;
    if (check(line, err) != 0)
        return 0;
    pthread_mutex_lock(&clerk->lock);
    if (!clerk->started || clerk->closing) {
        err_set(err, ERR_USAGE, "the search does not run");
    } else if (clerk->count == ACTS) {
        err_set(err, ERR_USAGE, "%d commands are waiting already", ACTS);
    } else {
        struct act *act = &clerk->waiting[(clerk->first + clerk->count++) % ACTS];
        id = act->id = ++clerk->posted;
        act->source = source;
        text_copy(act->line, sizeof act->line, line);
        set_answer(clerk, act, ANSWER_REQUESTED, "");
        pthread_cond_signal(&clerk->changed);
    }
    pthread_mutex_unlock(&clerk->lock);
    return id;
}

void clerk_answer(struct clerk *clerk, uint64_t id, struct answer *out)
{
    pthread_mutex_lock(&clerk->lock);
    id = id ? id : clerk->posted;
    *out = clerk->answers[id % ACTS];
    if (out->id != id)
        *out = (struct answer){.id = id};
    pthread_mutex_unlock(&clerk->lock);
}
