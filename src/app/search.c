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
#include "kdt/ui.h"
#include "launcher.h"
#include "load.h"
#include "places.h"
#include "resume.h"
#include "signals.h"
#include "terminal.h"

/* A stalled line may hold the view's last write. */
#define VIEW_CLOSE_SECONDS 1.0

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
    const struct options *options;
    struct search *search;
    struct view *view; /* NULL: plain lines, or the terminal went away */
    bool plain;        /* lines are printed as it goes: there is no view */
    bool tell;         /* how it ended is printed: somebody is there to read it */
    int64_t printed;   /* trials that have ended */
    int end_signal;    /* the signal that asked to save and leave; 0 none */
    int taken;         /* the trial that the person takes over; -1: none */
};

static void close_view(struct session *session)
{
    if (!session->view)
        return;
    view_close(session->view, VIEW_CLOSE_SECONDS);
    session->view = NULL;
    search_watched(session->search, false);
    signals_catch_stop(false);
}

/* Leaves the terminal to the shell, and searches on: what would be printed goes into a file of the
 * search's from now on. */
static void leave_terminal(struct session *session)
{
    struct search_snapshot now;
    struct text line = {0};
    const bool had_view = session->view != NULL;
    search_snapshot(session->search, &now);
    close_view(session);
    session->tell = true;
    if (now.state != SEARCH_RUNNING)
        return;
    if (had_view) {
        text_print(&line,
                   "%s goes on: %" PRId64 " of %" PRId64
                   " trials have ended; kdtui search --table -n %s tells how it stands",
                   now.name, now.finished, now.planned, now.name);
        session->printed = now.finished;
        session->plain = true;
    }
    char *log = file_path(now.directory, "output.log");
    terminal_leave(log, line.bytes);
    mem_free(log);
    text_fini(&line);
}

static void suspend(struct session *session)
{
    view_suspend(session->view);
    search_hold(session->search, true);
    signals_stop_self();
    search_hold(session->search, false);
}

static void end_by(struct session *session, int number)
{
    if (session->end_signal) {
        view_emergency_restore();
        _exit(128 + number);
    }
    session->end_signal = number;
    close_view(session);
    session->tell = true;
    fprintf(stderr, "kdtui: %s: saving\n", strsignal(number));
    search_stop(session->search, strsignal(number));
}

static void take_signals(struct session *session)
{
    for (int number; (number = signals_next()) != 0;) {
        if (number == SIGINT || number == SIGTERM || number == SIGUSR1)
            end_by(session, number);
        else if (number == SIGHUP)
            leave_terminal(session);
        else if (session->view && number == SIGWINCH)
            view_resized(session->view);
        else if (session->view && number == SIGTSTP)
            suspend(session);
        else if (session->view && number == SIGCONT)
            view_resume(session->view);
    }
}

/* What the person chose in the view. */
static void take_outcome(struct session *session)
{
    switch (view_outcome(session->view)) {
    case VIEW_TAKE:
        session->taken = view_taken(session->view);
        close_view(session);
        search_stop(session->search, "a trial is taken over");
        break;
    case VIEW_SAVE:
    case VIEW_ABANDON:
        close_view(session);
        session->tell = true;
        search_stop(session->search, "saved and stopped");
        break;
    case VIEW_LEFT:
        close_view(session);
        session->tell = true;
        break;
    case VIEW_DETACH:
    case VIEW_SENT:
    case VIEW_LOST:
        leave_terminal(session);
        break;
    case VIEW_OPEN:
        break;
    }
}

static void print_new(struct session *session)
{
    struct trial trial;
    for (; search_finished(session->search, session->printed, &trial); session->printed++)
        if (!session->options->quiet)
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

/* Until the workers have ended and, where there is a view, the person has left it. */
static void watch(struct session *session, struct search_snapshot *now)
{
    for (;;) {
        search_snapshot(session->search, now);
        if (session->plain)
            print_new(session);
        if (!session->view && now->state != SEARCH_RUNNING)
            return;
        struct pollfd fds[] = {
            {.fd = signals_fd(), .events = POLLIN},
            {.fd = session->view ? view_fd(session->view) : search_fd(session->search),
             .events = POLLIN},
            {.fd = launcher_fd()},
        };
        uint64_t count;
        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            return; /* the descriptors are ours */
        take_signals(session);
        if (launcher_gone()) /* it was killed, and the shell has the terminal */
            leave_terminal(session);
        if (session->view) {
            take_outcome(session);
        } else {
            ssize_t got = read(search_fd(session->search), &count, sizeof count);
            (void)got; /* nothing to read is fine */
        }
    }
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
        return session->end_signal ? 128 + session->end_signal : 0;
    case SEARCH_FROZEN:
        return err_set(err, ERR_SYSTEM,
                       "what is left of the search is frozen (%" PRId64
                       " of its trials); in its view, kdtui search -n %s, f lets a trial go on",
                       now->frozen, now->name);
    default:
        board_print(session->search);
        if (now->best < 0)
            return err_set(err, ERR_SYSTEM, "no trial was trained to its end");
        return 0;
    }
}

static void open_view(struct session *session)
{
    struct view_options options = {.settings = *search_settings(session->search)};
    char *remember = places_view_settings();
    struct err why;
    options.remember_path = remember;
    options.settings.view.mouse |= session->options->mouse;
    signals_catch_stop(true);
    if (view_open_search(search_feed(session->search), &options, &session->view, &why) != 0) {
        signals_catch_stop(false);
        search_watched(session->search, false);
        fprintf(stderr, "kdtui: no view: %s\n", why.text);
    }
    mem_free(remember);
}

static int check_joined(const struct options *options, int64_t *workers, struct err *err)
{
    for (size_t i = 0; options->join && i < options->set_count; i++)
        if (sscanf(options->set[i], "search.workers=%" SCNd64, workers) != 1)
            return err_set(err, ERR_USAGE,
                           "--set %s: a process that joins can set search.workers alone",
                           options->set[i]);
    return 0;
}

/* *taken: the trial that the person wants as a run; -1: none. */
static int search_train_all(const struct options *options, struct search *search, int *taken,
                            struct err *err)
{
    struct session session = {.options = options, .search = search, .taken = -1};
    struct search_snapshot now;
    int64_t workers = 0;
    const bool with_view = terminal_has_view(options);
    *taken = -1;
    if (check_joined(options, &workers, err) != 0)
        return -1;
    math_init();
    search_snapshot(search, &now);
    session.printed = now.finished;
    search_watched(search, with_view);
    if (signals_init(err) != 0 || search_start(search, (int)workers, err) != 0)
        return -1;
    if (!options->quiet && !with_view)
        print_head(search);
    if (with_view)
        open_view(&session);
    session.plain = session.tell = !session.view;
    watch(&session, &now);
    *taken = session.taken;
    return session.tell ? end(&session, &now, err) : 0;
}

/* ---- a trial as a run ---- */

/* NAME-trial-7, or NAME-trial-7-2 and so on where that is taken. */
static char *free_directory(const char *runs, const char *name, int number)
{
    char text[200];
    for (int i = 1;; i++) {
        snprintf(text, sizeof text, i > 1 ? "%.100s-trial-%d-%d" : "%.100s-trial-%d", name, number,
                 i);
        if (run_name_check(runs, text, NULL) == 0)
            return file_path(runs, text);
    }
}

/* The search has stopped; it is gone when this returns. The run's exit code. */
static int train_taken(const struct options *options, const char *runs, struct search **search,
                       int number, struct err *err)
{
    const struct settings settings = *search_settings(*search);
    struct search_snapshot now;
    struct trial trial = {0};
    struct text note = {0};
    int code = -1;
    search_snapshot(*search, &now);
    search_trial(*search, number, &trial);
    char *directory = free_directory(runs, now.name, number);
    text_print(&note, "taken over from trial %d of the search %s", number, now.name);
    struct taken taken = {
        .directory = directory,
        .note = note.bytes,
        .threads = settings.train.threads,
        .epochs = settings.train.epochs > now.epochs ? settings.train.epochs : now.epochs,
    };
    if (taken.epochs <= trial.epochs)
        taken.epochs = trial.epochs + now.epochs;
    int result = search_take(*search, number, directory, SOURCE_KEY, err);
    search_destroy(*search);
    *search = NULL;
    if (result == 0)
        code = resume_taken(options, &taken, err);
    mem_free(directory);
    text_fini(&note);
    return code;
}

/* The search, and where the person takes trials over, those; as long as the terminal is there. */
static int search_with_takes(const struct options *options, const char *runs,
                             struct search **search, struct err *err)
{
    struct search_snapshot now;
    int taken, code;
    for (;;) {
        search_snapshot(*search, &now);
        code = search_train_all(options, *search, &taken, err);
        if (taken < 0)
            return code;
        code = train_taken(options, runs, search, taken, err);
        if (code != 0 && code != 3) /* a signal, or a failure; 3: it diverged */
            return code;
        if (!terminal_has_view(options)) {
            printf("the search %s waits; kdtui search -n %s goes on\n", now.name, now.name);
            return code;
        }
        if (search_open(now.directory, search, err) != 0)
            return -1;
    }
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
    if (code == 0 && options->csv)
        board_csv(search);
    else if (code == 0 && options->table)
        board_print(search);
    else if (code == 0)
        code = search_with_takes(options, runs, &search, err);
    search_destroy(search);
    mem_free(runs);
    return code;
}
