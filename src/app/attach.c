/* The subcommand attach; see attach.h. Main reads what the run's process sends and hands on
 * signals; the view is the same as that process's own. Whatever becomes of this one, the run goes
 * on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kdt/ctl.h"
#include "kdt/run.h"
#include "kdt/ui.h"
#include "compare.h"
#include "lines.h"
#include "load.h"
#include "places.h"
#include "remote.h"
#include "signals.h"
#include "standing.h"
#include "terminal.h"

/* A stalled line may hold the view's last write. */
#define VIEW_CLOSE_SECONDS 1.0

struct visit {
    struct ctl_watch *watch;
    struct feed *feed;
    struct view *view; /* NULL: it was left */
    struct compare *compare;
    bool by_name;   /* a command finds the run by its name alone */
    int end_signal; /* the signal that ends the visit; 0 none */
};

static void close_view(struct visit *visit)
{
    if (!visit->view)
        return;
    compare_stop(visit->compare);
    ctl_watch_release(visit->watch);
    view_close(visit->view, VIEW_CLOSE_SECONDS);
    visit->view = NULL;
}

static void end_by(struct visit *visit, int number)
{
    visit->end_signal = number;
    close_view(visit);
}

static void take_signal(struct visit *visit, int number)
{
    switch (number) {
    case SIGWINCH:
        if (visit->view)
            view_resized(visit->view);
        break;
    case SIGTSTP:
        if (visit->view)
            view_suspend(visit->view);
        signals_stop_self();
        break;
    case SIGCONT:
        if (visit->view)
            view_resume(visit->view);
        break;
    default:
        end_by(visit, number);
        break;
    }
}

/* Waits for signals, for what the run's process sends, and for `fd`. */
static void wait_and_turn(struct visit *visit, int fd)
{
    struct pollfd fds[] = {
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = ctl_watch_fd(visit->watch), .events = POLLIN},
        {.fd = fd, .events = POLLIN},
    };
    if (poll(fds, 3, 1000) < 0 && errno != EINTR)
        abort(); /* the descriptors are ours */
    ctl_watch_turn(visit->watch);
    for (int number; (number = signals_next()) != 0;)
        take_signal(visit, number);
}

static bool ended(const struct visit *visit)
{
    struct snapshot now;
    visit->feed->snapshot(visit->feed, &now);
    return run_state_ended(now.state);
}

static void save_and_stop(struct visit *visit)
{
    close_view(visit);
    fprintf(stderr, "kdtui: saving\n");
    ctl_watch_interrupt(visit->watch);
    while (!ended(visit) && !visit->end_signal)
        wait_and_turn(visit, -1);
}

/* Until the view is left. */
static void visit_loop(struct visit *visit)
{
    while (visit->view) {
        wait_and_turn(visit, view_fd(visit->view));
        switch (visit->view ? view_outcome(visit->view) : VIEW_OPEN) {
        case VIEW_OPEN:
        case VIEW_TAKE: /* of a search's */
            break;
        case VIEW_SAVE:
            save_and_stop(visit);
            break;
        case VIEW_LOST:
            end_by(visit, SIGHUP);
            break;
        default:
            close_view(visit);
            break;
        }
    }
}

/* What there is to be said of the run, to who has left it. */
static int say_goodbye(const struct visit *visit, bool quiet)
{
    struct snapshot now;
    struct lines lines = {0};
    struct text line = {0};
    visit->feed->snapshot(visit->feed, &now);
    if (visit->end_signal == SIGHUP) /* nobody is there to read it */
        return 128 + SIGHUP;
    if (!run_state_ended(now.state)) {
        lines_goodbye(&now, visit->by_name, &line);
        printf("%s\n", line.bytes);
        text_fini(&line);
        return visit->end_signal ? 128 + visit->end_signal : 0;
    }
    if (!quiet)
        lines_summary(visit->feed, visit->by_name);
    lines_end(&lines, visit->feed);
    return visit->end_signal ? 128 + visit->end_signal : lines_exit_code(&now);
}

static int look(const struct options *options, const struct settings *settings,
                struct ctl_watch *watch, struct err *err)
{
    struct visit visit = {
        .watch = watch, .feed = ctl_watch_feed(watch), .by_name = options->runs_directory == NULL};
    char *remember = places_view_settings();
    struct view_options view_options = {
        .settings = *settings,
        .attached = true,
        .read_only = options->read_only,
        .remember_path = remember,
    };
    view_options.settings.view.mouse |= options->mouse;
    if (signals_init(err) != 0)
        return -1;
    signals_catch_stop(true);
    int code = view_open(visit.feed, &view_options, &visit.view, err);
    mem_free(remember);
    if (code != 0)
        return -1;
    visit.compare = compare_start(visit.feed, visit.view);
    visit_loop(&visit);
    return say_goodbye(&visit, options->quiet);
}

/* Why there is nothing to look at, and what to do instead. */
static int tell_standing(const char *directory, struct err *err)
{
    json_t *standing = standing_find(directory, err);
    if (!standing)
        return -1;
    const char *state = json_string_value(json_object_get(standing, "state"));
    const char *name = json_string_value(json_object_get(standing, "name"));
    const long long step = json_integer_value(json_object_get(standing, "step"));
    if (state && strcmp(state, "finished") == 0)
        err_set(err, ERR_FILE,
                "%s has finished, at step %lld; kdtui resume with --epochs trains it further, "
                "kdtui eval and kdtui plot show what it came to",
                name, step);
    else if (run_is_trained(directory))
        err_set(err, ERR_FILE, "%s: the process that trains this run has no control socket",
                directory);
    else
        err_set(err, ERR_FILE,
                "no process trains %s (%s at step %lld); kdtui resume goes on with it", name, state,
                step);
    json_decref(standing);
    return -1;
}

static int attach_to(const struct options *options, const char *directory, struct err *err)
{
    struct settings settings;
    struct ctl_client *client;
    struct ctl_watch *watch;
    if (load_view_settings(options, &settings, err) != 0)
        return -1;
    const int connected = remote_connect(directory, &client, err);
    if (connected == 0)
        return tell_standing(directory, err);
    if (connected < 0 ||
        ctl_watch_open(client, settings.view.fps, options->read_only, &watch, err) != 0)
        return -1;
    const int code = look(options, &settings, watch, err);
    ctl_watch_close(watch);
    return code;
}

int attach_command(const struct options *options, struct err *err)
{
    if (!terminal_has_view(options))
        return err_set(err, ERR_USAGE,
                       "attach: a terminal is expected; kdtui status and kdtui send need none");
    char *directory =
        remote_find_run(options, options->operand_count ? options->operands[0] : "last", err);
    const int code = directory ? attach_to(options, directory, err) : -1;
    mem_free(directory);
    return code;
}
