/*
 * The view's thread: waits for keys, for the feed and for main, and draws when
 * something has changed.
 *
 *   main ──requests, under the lock──▶ view thread ──▶ screen (curses)
 *        ◀──outcome, ended fd─────────             ──▶ feed (post, copy)
 *
 * 1. Only the thread touches the screen, from view_open's return to its end.
 * 2. It sleeps in poll until something happens, and blocks nowhere else: no more than view.fps
 *    frames a second for the feed, fewer when the terminal is slow; a key is shown at once.
 * 3. There is never more than one frame that the terminal has not taken; keys are read meanwhile.
 * 4. After its sleep it looks for main's requests first: once main has asked for the end, the feed
 *    may be gone.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "budget.h"
#include "control.h"
#include "post.h"
#include "look.h"
#include "screen.h"
#include "screens.h"
#include "search_view.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds between looks whether the terminal is this job's again. */
enum { FOREGROUND_LOOK = 500 };

/* Seconds between two titles of the window. */
#define TITLE_SECONDS 2
/* Between two looks at the curves of a run that goes on, where the budget allows that. */
#define CURVES_SECONDS 1.0
/* For a line that is taken to be slow, after a frame. */
#define LONGEST_LINE_WAIT 5.0

struct view {
    /* Immutable after view_open. */
    struct feed *feed;
    int feed_fd; /* its wake_fd */
    struct screen *screen;
    char *remember_path;
    int wake_fd;  /* main → thread: there are requests */
    int ended_fd; /* thread → main: there is an outcome */
    pthread_t thread;

    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* on the monotonic clock */
    bool resized, suspend, resume, close;
    bool suspended; /* the terminal is given back */
    bool done;      /* the thread has given the terminal back and ends */
    enum view_outcome outcome;
    int taken;                  /* VIEW_TAKE: the trial's number */
    struct earlier_run earlier; /* to be taken into the history */

    /* The thread's own. */
    struct state state;
    struct history history;
    struct control control;
    struct grid grid;
    bool asleep;   /* as `suspended`, without the lock */
    bool wants_up; /* asleep, and to go on once the terminal is this job's again */
    bool repaint, dirty;
    double last_frame; /* when it began */
    struct budget budget;
    double next_title; /* when the window's may change again */
    bool at_once;      /* the next one does not wait for its time */
};

static void wake(struct view *view)
{
    uint64_t one = 1;
    ssize_t written = write(view->wake_fd, &one, sizeof(one));
    (void)written; /* a full counter wakes as well */
}

static void drain(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof(count));
    (void)got;
}

static void end_with(struct view *view, enum view_outcome outcome)
{
    pthread_mutex_lock(&view->lock);
    if (view->outcome == VIEW_OPEN) {
        view->outcome = outcome;
        view->taken = view->state.search.subject;
        uint64_t one = 1;
        ssize_t written = write(view->ended_fd, &one, sizeof(one));
        (void)written;
    }
    pthread_mutex_unlock(&view->lock);
}

static void go_to_sleep(struct view *view)
{
    screen_suspend(view->screen);
    view->asleep = true;
    view->wants_up = false;
    pthread_mutex_lock(&view->lock);
    view->suspended = true;
    pthread_cond_broadcast(&view->changed);
    pthread_mutex_unlock(&view->lock);
}

/* Another job has the terminal. The shell's fg of a job that runs sends no signal, so from now on
 * the thread looks by itself. */
static void stay_away(struct view *view)
{
    screen_abandon(view->screen);
    go_to_sleep(view);
    view->wants_up = true;
}

static void get_up(struct view *view)
{
    if (!screen_foreground(view->screen)) {
        stay_away(view);
        return;
    }
    screen_resume(view->screen);
    view->asleep = view->wants_up = false;
    view->repaint = view->dirty = true;
    pthread_mutex_lock(&view->lock);
    view->suspended = false;
    pthread_mutex_unlock(&view->lock);
}

/* What main asked for; false when that is the end. */
static bool take_requests(struct view *view)
{
    pthread_mutex_lock(&view->lock);
    bool resized = view->resized, suspend = view->suspend, resume = view->resume;
    view->resized = view->suspend = view->resume = false;
    const struct earlier_run earlier = view->earlier;
    view->earlier = (struct earlier_run){0};
    pthread_mutex_unlock(&view->lock);
    if (earlier.evaluations) {
        mem_free(view->history.earlier.evaluations);
        view->history.earlier = earlier;
        view->dirty = true;
    }
    if (resized)
        view->repaint = view->dirty = true;
    if (suspend)
        go_to_sleep(view);
    if (resume || view->wants_up)
        get_up(view);
    pthread_mutex_lock(&view->lock);
    bool go_on = !view->close; /* also where it was asked for meanwhile */
    pthread_mutex_unlock(&view->lock);
    return go_on;
}

static double frame_seconds(const struct view *view)
{
    return 1 / view->state.chosen.view.fps;
}

static void draw(struct view *view)
{
    struct state *state = &view->state;
    int width, height;
    if (screen_resize(view->screen))
        view->repaint = true;
    screen_size(view->screen, &width, &height);
    if (width != view->grid.width || height != view->grid.height) {
        grid_fini(&view->grid);
        grid_init(&view->grid, width, height);
        budget_set_size(&view->budget, width, height);
    }
    grid_clear(&view->grid);
    grid_set_ascii(&view->grid, state->glyphs == GLYPHS_ASCII);
    state->now = clock_seconds();
    screens_draw(&view->grid, state, &view->history);
    screen_show(view->screen, &view->grid, view->repaint);
    if (state->now >= view->next_title) {
        char title[SCREEN_TITLE];
        if (search_shown(state, &view->history))
            search_title(&view->history.board, title, sizeof(title));
        else
            title_print(&view->history.snapshot, title, sizeof(title));
        screen_set_title(view->screen, title);
        view->next_title = state->now + TITLE_SECONDS;
    }
    /* Where a person looks anew nothing is left to be paid back: it shows the newest, and goes on
     * so. */
    if (view->at_once || view->repaint)
        budget_forgive(&view->budget, state->now);
    else
        budget_spend(&view->budget, state->now, screen_frame_bytes(view->screen));
    /* Numbers that move cost a tenth of what curves do, so it is the curves that wait; the first
     * do not. */
    if (view->history.bucket_count > 0)
        view->history.curves_due =
            fmax(view->history.curves_read + CURVES_SECONDS, budget_even(&view->budget));
    view->last_frame = state->now;
    view->repaint = view->dirty = view->at_once = false;
}

/* When the next frame may begin; infinite while the last one is not written. On a slow line at
 * most a third of the time goes into frames, but how slow it is may be a matter of the past: one
 * that stood still for a minute is fast again. Frames that come to more than the budget are fewer.
 * What a key does waits for the line alone. */
static double next_frame(struct view *view)
{
    if (screen_busy(view->screen))
        return INFINITY;
    double line_free = screen_free(view->screen);
    if (view->at_once)
        return fmin(line_free, view->last_frame + LONGEST_LINE_WAIT);
    double wait = fmax(frame_seconds(view), budget_wait(&view->budget));
    double line_wait = fmin(3 * (line_free - view->last_frame), LONGEST_LINE_WAIT);
    return view->last_frame + fmax(wait, line_wait);
}

/* What was chosen of it. */
static void take_look(struct view *view)
{
    screen_set_colors(view->screen, view->state.chosen.view.colors);
    screen_set_mouse(view->screen, view->state.chosen.view.mouse);
    view->state.paints = screen_paints(view->screen);
}

/* False when the terminal is gone. */
static bool take_keys(struct view *view)
{
    struct control *control = &view->control;
    char key[SCREEN_KEY];
    int got;
    view->state.now = clock_seconds();
    while ((got = screen_key(view->screen, key)) > 0) {
        control_key(control, key);
        view->dirty = true;
        view->at_once = true;
        if (control->repaint)
            view->repaint = true;
        if (control->restyle)
            take_look(view);
        control->repaint = control->restyle = false;
        if (control->stop_process) {
            control->stop_process = false;
            kill(getpid(), SIGTSTP); /* main suspends this view, then the process */
        }
    }
    return got == 0;
}

/* Milliseconds to sleep; -1: until something happens. */
static int sleep_time(struct view *view)
{
    double now = clock_seconds(), seconds;
    if (view->asleep)
        return view->wants_up ? FOREGROUND_LOOK : -1;
    if (view->dirty)
        seconds = next_frame(view) - now;
    else
        seconds = screens_next_change(&view->state, &view->history);
    if (view->feed_fd < 0)
        seconds = fmin(seconds, frame_seconds(view));
    return seconds > 3600 ? -1 : (int)ceil(fmax(seconds, 0) * 1000);
}

static bool view_turn(struct view *view)
{
    /* The feed may wake fifty times a second; but what is to be drawn anyway need not be told
     * again, except that an answer to a key is shown at once. */
    bool waits = post_waits(&view->control);
    struct pollfd fds[] = {
        {.fd = view->wake_fd, .events = POLLIN},
        {.fd = view->dirty && !waits ? -1 : view->feed_fd, .events = POLLIN},
        {.fd = view->asleep ? -1 : screen_fd(view->screen),
         .events = screen_busy(view->screen) ? POLLIN | POLLOUT : POLLIN},
    };
    int ready = poll(fds, 3, sleep_time(view));
    if (ready < 0 && errno != EINTR) {
        end_with(view, VIEW_LOST);
        return false;
    }
    if (ready > 0 && fds[0].revents != 0)
        drain(view->wake_fd);
    if (!take_requests(view))
        return false;
    if (ready == 0)
        view->dirty = true; /* its time came */
    if (ready > 0 && fds[1].revents != 0) {
        drain(view->feed_fd);
        view->dirty = true;
        if (waits) {
            control_update(&view->control);
            view->at_once |= !post_waits(&view->control);
        }
    }
    if (!view->asleep && !screen_foreground(view->screen))
        stay_away(view); /* it was stopped by force */
    if (ready > 0 && (fds[2].revents & ~POLLOUT) != 0 && !view->asleep && !take_keys(view)) {
        end_with(view, VIEW_LOST);
        return false;
    }
    if (view->dirty && !view->asleep && clock_seconds() >= next_frame(view)) {
        view->state.now = clock_seconds();
        if (view->at_once || view->repaint)
            view->history.curves_due = view->history.curves_read + CURVES_SECONDS;
        control_update(&view->control);
        draw(view);
    }
    if (view->control.outcome != VIEW_OPEN)
        end_with(view, view->control.outcome);
    return true;
}

static void *view_main(void *argument)
{
    struct view *view = argument;
    pthread_setname_np(pthread_self(), "view");
    while (view_turn(view))
        ;
    screen_suspend(view->screen);
    pthread_mutex_lock(&view->lock);
    view->done = true;
    pthread_cond_broadcast(&view->changed);
    pthread_mutex_unlock(&view->lock);
    return NULL;
}

static int start_thread(struct view *view, struct err *err)
{
    /* Signals are main's, but those of a crash come where it happens. */
    sigset_t block, before;
    sigfillset(&block);
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        sigdelset(&block, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &block, &before);
    int failed = pthread_create(&view->thread, NULL, view_main, view);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ? 0 : err_set_errno(err, ERR_SYSTEM, failed, "cannot start a thread");
}

static void view_free(struct view *view)
{
    if (view->wake_fd >= 0)
        close(view->wake_fd);
    if (view->ended_fd >= 0)
        close(view->ended_fd);
    mem_free(view->earlier.evaluations);
    history_fini(&view->history);
    grid_fini(&view->grid);
    pthread_cond_destroy(&view->changed);
    pthread_mutex_destroy(&view->lock);
    mem_free(view->remember_path);
    mem_free(view);
}

static int open_view(struct feed *feed, struct search_feed *search,
                     const struct view_options *options, struct view **out, struct err *err)
{
    struct view *view = mem_alloc(sizeof(*view));
    struct snapshot now;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&view->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&view->lock, NULL);
    view->feed = feed;
    view->feed_fd = search ? search->wake_fd : feed->wake_fd;
    view->remember_path = options->remember_path ? mem_text(options->remember_path) : NULL;
    view->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    view->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    history_init(&view->history);
    view->control = (struct control){
        .feed = feed,
        .remember_path = view->remember_path,
        .history = &view->history,
        .state = &view->state,
    };
    view->history.board.feed = search;
    if (search) {
        view->state.screen = SCREEN_TRIALS;
        view->state.search.chosen = view->state.search.seen = -1;
    }
    if (view->wake_fd < 0 || view->ended_fd < 0) {
        err_set_errno(err, ERR_SYSTEM, errno, "cannot make an eventfd");
        goto fail;
    }
    if (screen_open(&options->settings, &view->screen, err) != 0)
        goto fail;
    view->state.chosen = options->settings;
    view->state.attached = options->attached;
    view->state.read_only = options->read_only;
    view->state.utf8 = screen_utf8(view->screen);
    view->state.paints = screen_paints(view->screen);
    view->state.glyphs_auto = screen_glyphs(view->screen);
    look_apply(&view->state);
    if (!search) {
        feed->snapshot(feed, &now);
        view->state.detaches = now.detaches;
    }
    view->dirty = view->repaint = true;
    if (start_thread(view, err) != 0) {
        screen_close(view->screen);
        goto fail;
    }
    *out = view;
    return 0;
fail:
    view_free(view);
    return -1;
}

int view_open(struct feed *feed, const struct view_options *options, struct view **out,
              struct err *err)
{
    return open_view(feed, NULL, options, out, err);
}

int view_open_search(struct search_feed *feed, const struct view_options *options,
                     struct view **out, struct err *err)
{
    return open_view(feed->look(feed, -1), feed, options, out, err);
}

int view_taken(struct view *view)
{
    pthread_mutex_lock(&view->lock);
    int number = view->taken;
    pthread_mutex_unlock(&view->lock);
    return number;
}

int view_fd(const struct view *view)
{
    return view->ended_fd;
}

enum view_outcome view_outcome(struct view *view)
{
    pthread_mutex_lock(&view->lock);
    enum view_outcome outcome = view->outcome;
    pthread_mutex_unlock(&view->lock);
    return outcome;
}

void view_compare(struct view *view, const struct earlier_run *earlier)
{
    pthread_mutex_lock(&view->lock);
    mem_free(view->earlier.evaluations);
    view->earlier = *earlier;
    pthread_mutex_unlock(&view->lock);
    wake(view);
}

void view_resized(struct view *view)
{
    pthread_mutex_lock(&view->lock);
    view->resized = true;
    pthread_mutex_unlock(&view->lock);
    wake(view);
}

static struct timespec from_now(double seconds)
{
    struct timespec when;
    clock_gettime(CLOCK_MONOTONIC, &when);
    double whole = floor(seconds);
    when.tv_sec += (time_t)whole;
    when.tv_nsec += (long)((seconds - whole) * 1e9);
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

void view_suspend(struct view *view)
{
    /* A stalled terminal must not keep the process from stopping. */
    struct timespec limit = from_now(1);
    pthread_mutex_lock(&view->lock);
    view->suspend = true;
    view->resume = false;
    pthread_mutex_unlock(&view->lock);
    wake(view);
    pthread_mutex_lock(&view->lock);
    while (!view->suspended && !view->done &&
           pthread_cond_timedwait(&view->changed, &view->lock, &limit) == 0)
        ;
    pthread_mutex_unlock(&view->lock);
}

void view_resume(struct view *view)
{
    pthread_mutex_lock(&view->lock);
    view->resume = true;
    pthread_mutex_unlock(&view->lock);
    wake(view);
}

void view_close(struct view *view, double seconds)
{
    pthread_mutex_lock(&view->lock);
    view->close = true;
    pthread_mutex_unlock(&view->lock);
    wake(view);
    struct timespec limit = from_now(seconds);
    pthread_mutex_lock(&view->lock);
    while (!view->done && pthread_cond_timedwait(&view->changed, &view->lock, &limit) == 0)
        ;
    bool done = view->done;
    pthread_mutex_unlock(&view->lock);
    if (!done) { /* the thread hangs and keeps the view; the process is about to end */
        view_emergency_restore();
        return;
    }
    pthread_join(view->thread, NULL);
    screen_close(view->screen);
    view_free(view);
}
