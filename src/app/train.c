/*
 * The subcommand run. Main's loop polls the signal pipe and either the view or
 * the run itself; it never touches the terminal and never blocks elsewhere.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "train.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kdt/ctl.h"
#include "kdt/run.h"
#include "kdt/ui.h"
#include "compare.h"
#include "launcher.h"
#include "lines.h"
#include "load.h"
#include "places.h"
#include "signals.h"
#include "terminal.h"

/* A stalled line may hold the view's last write; training has ended by then. */
#define VIEW_CLOSE_SECONDS 1.0

/* Who watches and reads gets the end of the run well within this. */
#define FINISH_SECONDS 0.5

struct session {
    struct run *run;
    struct feed *feed;
    struct compare *compare; /* looks for a run to show beside this one; NULL: none */
    struct view *view;       /* NULL: plain lines, or the terminal went away */
    struct lines lines;
    struct ctl_server *server; /* NULL: there is no control socket */
    int viewers, able;         /* as the run was told */
    bool plain;                /* plain lines are printed as it goes: there is no view */
    bool by_name;              /* a command finds the run by its name alone */
    bool tell;                 /* the result is printed at the end: somebody is there to read it */
    int end_signal;            /* the signal that asked to save and leave; 0 none */
};

static void count_viewers(struct session *session)
{
    const int own = session->view != NULL;
    int able = 0;
    const int watchers = session->server ? ctl_server_watchers(session->server, &able) : 0;
    if (own + watchers != session->viewers || own + able != session->able)
        run_viewers(session->run, own + watchers, own + able);
    session->viewers = own + watchers;
    session->able = own + able;
}

static void close_view(struct session *session)
{
    if (!session->view)
        return;
    compare_stop(session->compare);
    session->compare = NULL;
    view_close(session->view, VIEW_CLOSE_SECONDS);
    session->view = NULL;
    count_viewers(session);
    signals_catch_stop(false);
}

static bool ended(struct session *session)
{
    struct snapshot now;
    session->feed->snapshot(session->feed, &now);
    return run_state_ended(now.state);
}

/* Leaves the terminal to the shell, and trains on: what would be printed goes into a file of the
 * run's from now on. */
static void leave_terminal(struct session *session)
{
    struct snapshot now;
    struct text line = {0};
    const bool had_view = session->view != NULL;
    close_view(session);
    session->feed->snapshot(session->feed, &now);
    if (run_state_ended(now.state))
        return;
    if (had_view) {
        lines_goodbye(&now, session->by_name, &line);
        lines_skip(&session->lines, &now);
        session->plain = session->tell = true;
    }
    char *log = file_path(now.directory, "output.log");
    terminal_leave(log, line.bytes);
    mem_free(log);
    text_fini(&line);
}

/* For the journal, where the view was left from here. */
static void note_detach(struct session *session, enum command_source source)
{
    struct err refused; /* where the run has just ended, say */
    if (session->view)
        session->feed->post(session->feed, "detach", source, &refused);
}

static void hang_up(struct session *session)
{
    note_detach(session, SOURCE_SIGNAL);
    leave_terminal(session);
}

static void take_signal(struct session *session, int number)
{
    switch (number) {
    case SIGWINCH:
        if (session->view)
            view_resized(session->view);
        break;
    case SIGTSTP:
        if (session->view) {
            view_suspend(session->view);
            run_hold(session->run);
            signals_stop_self();
            run_release(session->run);
        }
        break;
    case SIGCONT: /* also without a SIGTSTP before, and in the background, where it stays away */
        if (session->view)
            view_resume(session->view);
        break;
    case SIGHUP: /* the terminal went away */
        hang_up(session);
        break;
    case SIGINT:
    case SIGTERM:
    case SIGUSR1:
        if (session->end_signal) {
            view_emergency_restore();
            _exit(128 + number);
        }
        session->end_signal = number;
        run_interrupt(session->run, strsignal(number));
        if (session->view) {
            close_view(session);
            fprintf(stderr, "kdtui: %s: saving\n", strsignal(number));
        }
        break;
    }
}

/* Chosen here, or in a view that is attached. */
static void save_and_leave(struct session *session)
{
    close_view(session);
    session->tell = true;
    run_interrupt(session->run, "saved and stopped");
}

/* What the person chose in the view. */
static void take_outcome(struct session *session)
{
    switch (view_outcome(session->view)) {
    case VIEW_SAVE:
        save_and_leave(session);
        break;
    case VIEW_ABANDON:
        close_view(session);
        session->tell = true;
        run_abandon(session->run);
        break;
    case VIEW_LEFT:
        close_view(session);
        session->tell = true;
        break;
    case VIEW_DETACH:
        note_detach(session, SOURCE_KEY);
        leave_terminal(session);
        break;
    case VIEW_SENT:
        leave_terminal(session);
        break;
    case VIEW_LOST:
        hang_up(session);
        break;
    case VIEW_OPEN:
    case VIEW_TAKE: /* of a search's */
        break;
    }
}

static void serve(struct session *session)
{
    ctl_server_turn(session->server);
    count_viewers(session);
    if (ctl_server_interrupted(session->server))
        save_and_leave(session);
}

/* Until the run has ended and, where there is a view, the person has left it. */
static void session_loop(struct session *session)
{
    for (;;) {
        if (!session->view) {
            if (session->plain)
                lines_update(&session->lines, session->feed);
            if (ended(session))
                return;
        }
        struct pollfd fds[] = {
            {.fd = signals_fd(), .events = POLLIN},
            {.fd = session->view ? view_fd(session->view) : session->feed->wake_fd,
             .events = POLLIN},
            {.fd = session->server ? ctl_server_fd(session->server) : -1, .events = POLLIN},
            {.fd = launcher_fd()},
        };
        if (poll(fds, 4, -1) < 0 && errno != EINTR)
            abort(); /* the descriptors are ours */
        if (session->server)
            serve(session);
        for (int number; (number = signals_next()) != 0;)
            take_signal(session, number);
        if (launcher_gone()) /* it was killed, and the shell has the terminal */
            hang_up(session);
        if (session->view) {
            take_outcome(session);
        } else {
            uint64_t count;
            ssize_t got = read(session->feed->wake_fd, &count, sizeof count);
            (void)got; /* nothing to read is fine: the state is asked for anyway */
        }
    }
}

static int exit_code(struct session *session)
{
    struct snapshot now;
    session->feed->snapshot(session->feed, &now);
    return now.state == RUN_INTERRUPTED && session->end_signal ? 128 + session->end_signal
                                                               : lines_exit_code(&now);
}

/* Everything of the run's options that does not need the data: a name that is taken, say, is
 * told before they take their time. */
static int fill_run_options(const struct options *options, const struct settings *settings,
                            struct run_options *out, struct err *err)
{
    *out = (struct run_options){.settings = *settings, .watched = terminal_has_view(options)};
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    bool fits = strlen(runs) < sizeof out->runs_directory;
    text_copy(out->runs_directory, sizeof out->runs_directory, runs);
    mem_free(runs);
    if (!fits)
        return err_set(err, ERR_USAGE, "--runs-dir: a path of at most %zu bytes is expected",
                       sizeof out->runs_directory - 1);
    if (!options->name)
        return 0;
    text_copy(out->name, sizeof out->name, options->name);
    return run_name_check(out->runs_directory, options->name, err);
}

/* Without one the run goes on; it can only not be reached from other terminals. */
static void open_socket(struct session *session)
{
    struct snapshot now;
    struct err err;
    char *sockets = places_sockets();
    session->feed->snapshot(session->feed, &now);
    if (ctl_server_open(sockets, now.directory, session->feed, &session->server, &err) != 0)
        fprintf(stderr, "kdtui: no control socket: %s\n", err.text);
    mem_free(sockets);
}

int train_watch(const struct options *options, const struct settings *settings, struct run *run,
                struct err *err)
{
    struct session session = {
        .run = run, .by_name = options->runs_directory == NULL, .lines = {.quiet = options->quiet}};
    run_past(run, &session.lines.evaluations, &session.lines.edits);
    session.feed = run_feed(session.run);
    open_socket(&session);
    if (terminal_has_view(options)) {
        char *remember = places_view_settings();
        struct view_options view_options = {.settings = *settings, .remember_path = remember};
        view_options.settings.view.mouse |= options->mouse;
        signals_catch_stop(true);
        struct err why;
        if (view_open(session.feed, &view_options, &session.view, &why) != 0) {
            signals_catch_stop(false);
            fprintf(stderr, "kdtui: no view: %s\n", why.text);
        }
        mem_free(remember);
        if (session.view)
            session.compare = compare_start(session.feed, session.view);
    }
    session.viewers = -1; /* run_options.watched was a guess */
    count_viewers(&session);
    session.plain = session.tell = !session.view;
    session_loop(&session);
    if (session.server)
        ctl_server_finish(session.server, FINISH_SECONDS);
    ctl_server_close(session.server);
    session.server = NULL;
    const bool told = session.tell || session.end_signal;
    if (told && !session.plain && !options->quiet)
        lines_summary(session.feed, session.by_name);
    if (told)
        lines_end(&session.lines, session.feed);
    int code = exit_code(&session);
    if (code == 0 && *run_verified(run))
        printf("%s\n", run_verified(run));
    run_destroy(session.run);
    /* A reader that went away is no failure: the terminal may have, while training went on. */
    int lost = session.lines.output_errno;
    if (code == 0 && lost && lost != EPIPE && lost != EIO)
        return err_set_errno(err, ERR_FILE, lost, "standard output");
    return code;
}

static int train_on(const struct options *options, const struct run_options *run_options,
                    const struct dataset *dataset, struct err *err)
{
    struct run *run;
    /* Until here a signal ends the program at once: there was nothing to save. */
    if (signals_init(err) != 0 || run_create(run_options, dataset, &run, err) != 0)
        return -1;
    return train_watch(options, &run_options->settings, run, err);
}

static int train(const struct options *options, struct run_options *run_options, struct err *err)
{
    math_init();
    struct data_options data_options;
    run_data_options(&run_options->settings, &data_options);
    struct dataset *dataset;
    if (data_open(&data_options, &dataset, err) != 0)
        return -1;
    if (!options->name)
        run_name_choose(run_options->runs_directory, data_info(dataset)->name, run_options->name,
                        sizeof run_options->name);
    int code = train_on(options, run_options, dataset, err);
    data_close(dataset);
    return code;
}

int train_command(const struct options *options, struct err *err)
{
    struct settings settings;
    struct run_options run_options;
    struct script *script = NULL;
    if (load_settings(options, &settings, err) != 0 ||
        fill_run_options(options, &settings, &run_options, err) != 0 ||
        (options->script && script_load(options->script, &script, err) != 0))
        return -1;
    run_options.script = script;
    int code = train(options, &run_options, err);
    script_free(script);
    return code;
}
