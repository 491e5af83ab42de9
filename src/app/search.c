/* The subcommand search; see search.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "kdt/run.h"
#include "kdt/search.h"
#include "load.h"
#include "places.h"
#include "signals.h"

/* ---- which search ---- */

/* The directory of a search that exists: DIR of --join, -n, or the newest. */
static char *find_search(const struct options *options, const char *runs, struct err *err)
{
    if (options->join) {
        if (search_exists(options->join))
            return mem_text(options->join);
        char *below = file_path(runs, options->join);
        if (search_exists(below))
            return below;
        mem_free(below);
        err_set(err, ERR_FILE, "%s: no such search; a directory with search.ini is expected",
                options->join);
        return NULL;
    }
    if (!options->name)
        return places_last(runs, "search.ini", "search", err);
    char *directory = file_path(runs, options->name);
    if (search_exists(directory))
        return directory;
    err_set(err, ERR_FILE, "%s: no search of this name in %s", options->name, runs);
    mem_free(directory);
    return NULL;
}

/* A new one, or the one of this name with the settings that may have changed. */
static int make_or_change(const struct options *options, const char *runs, struct search **out,
                          struct err *err)
{
    struct settings settings;
    char name[128];
    if (options->name)
        text_copy(name, sizeof name, options->name);
    else
        run_name_choose(runs, options->preset ? options->preset : "search", name, sizeof name);
    char *directory = file_path(runs, options->name ? options->name : name);
    int result;
    if (search_exists(directory)) {
        result = search_open(directory, out, err);
        if (result == 0) {
            settings = *search_settings(*out);
            result = load_given(options, &settings, err);
        }
        if (result == 0)
            result = search_change(*out, &settings, err);
    } else {
        result = run_name_check(runs, name, err);
        if (result == 0)
            result = load_settings(options, &settings, err);
        if (result == 0)
            result = search_make(directory, &settings, err);
        if (result == 0)
            result = search_open(directory, out, err);
    }
    mem_free(directory);
    return result;
}

/* ---- training ---- */

struct session {
    struct search *search;
    bool quiet;
    int64_t printed; /* trials that have ended */
    int end_signal;  /* the signal that asked to save and leave; 0 none */
};

static void take_signals(struct session *session)
{
    for (int number; (number = signals_next()) != 0;) {
        if (number != SIGINT && number != SIGTERM && number != SIGUSR1)
            continue;
        if (session->end_signal)
            _exit(128 + number);
        session->end_signal = number;
        fprintf(stderr, "kdtui: %s: saving\n", strsignal(number));
        search_stop(session->search, strsignal(number));
    }
}

static void print_new(struct session *session)
{
    struct trial trial;
    for (; search_finished(session->search, session->printed, &trial); session->printed++)
        if (!session->quiet)
            board_trial(session->search, &trial, session->printed + 1);
    fflush(stdout);
}

static void print_head(struct search *search)
{
    const struct settings *settings = search_settings(search);
    struct search_snapshot now;
    char method[32];
    search_snapshot(search, &now);
    settings_format(settings, settings_find("search.method", NULL), method, sizeof method);
    fprintf(stderr, "data     %s\n", now.dataset_why);
    fprintf(stderr,
            "search   %s in %s: %s, %" PRId64 " trial%s of %" PRId64 " epochs, %d at a time\n",
            now.name, now.directory, method, now.planned, now.planned == 1 ? "" : "s",
            settings->search.epochs, now.workers);
    if (now.trials)
        fprintf(stderr, "search   goes on: %" PRId64 " have ended\n", now.finished);
}

/* Until the workers have ended. */
static void watch(struct session *session, struct search_snapshot *now)
{
    do {
        struct pollfd fds[] = {{.fd = signals_fd(), .events = POLLIN},
                               {.fd = search_fd(session->search), .events = POLLIN}};
        uint64_t count;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return; /* both descriptors are ours */
        take_signals(session);
        ssize_t got = read(search_fd(session->search), &count, sizeof count);
        (void)got; /* nothing to read is fine */
        search_snapshot(session->search, now);
        print_new(session);
    } while (now->state == SEARCH_RUNNING);
}

static int end(struct session *session, const struct search_snapshot *now, struct err *err)
{
    switch (now->state) {
    case SEARCH_FAILED:
        return err_set(err, ERR_FILE, "%s", now->error);
    case SEARCH_STOPPED:
        fprintf(stderr,
                "kdtui: left with %" PRId64 " of %" PRId64
                " trials; "
                "kdtui search -n %s goes on\n",
                now->finished, now->planned, now->name);
        return 128 + session->end_signal;
    default:
        board_print(session->search);
        if (now->best < 0)
            return err_set(err, ERR_SYSTEM, "no trial was trained to its end");
        return 0;
    }
}

static int search_train_all(const struct options *options, struct search *search, struct err *err)
{
    struct session session = {.search = search, .quiet = options->quiet};
    struct search_snapshot now;
    int64_t workers = 0;
    if (options->join)
        for (size_t i = 0; i < options->set_count; i++)
            if (sscanf(options->set[i], "search.workers=%" SCNd64, &workers) != 1)
                return err_set(err, ERR_USAGE,
                               "--set %s: a process that joins can set search.workers alone",
                               options->set[i]);
    math_init();
    search_snapshot(search, &now);
    session.printed = now.finished;
    if (signals_init(err) != 0 || search_start(search, (int)workers, err) != 0)
        return -1;
    if (!options->quiet)
        print_head(search);
    watch(&session, &now);
    return end(&session, &now, err);
}

int search_command(const struct options *options, struct err *err)
{
    const bool shows = options->table || options->csv;
    struct search *search = NULL;
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    int code;
    if (shows || options->join) {
        char *directory = find_search(options, runs, err);
        code = directory ? search_open(directory, &search, err) : -1;
        mem_free(directory);
    } else {
        code = make_or_change(options, runs, &search, err);
    }
    mem_free(runs);
    if (code == 0 && options->csv)
        board_csv(search);
    else if (code == 0 && options->table)
        board_print(search);
    else if (code == 0)
        code = search_train_all(options, search, err);
    search_destroy(search);
    return code;
}
