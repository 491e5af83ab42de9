/*
 * The view on a made-up training, to look at it and to try its keys and the
 * terminal's accidents without a run: view_demo [STEPS-PER-SECOND [EPOCHS [WARNING]]].
 * It gets worse at rates above 0.04 and diverges at more than 1.
 * Exits with 10 + why the view ended. With GIVE_UP set it does not wait for a stalled
 * terminal and goes on for a while after the feed is gone; it exits with 9 if that was touched.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fake_feed.h"

#include "kdt/ui.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int signal_pipe[2];
static struct fake_feed fake;
static atomic_bool stop;
static int64_t speed = 2000;

static void on_signal(int number)
{
    char byte = (char)number;
    ssize_t written = write(signal_pipe[1], &byte, 1);
    (void)written;
}

static void wait_ms(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static enum run_state state_now(enum run_state next, double progress)
{
    pthread_mutex_lock(&fake.lock);
    enum run_state state = fake.now.state;
    if (next != RUN_STARTING) {
        fake.now.state = next;
        fake.now.evaluation_progress = progress;
    }
    pthread_mutex_unlock(&fake.lock);
    return state;
}

static void *train(void *unused)
{
    wait_ms(300);
    while (!stop) {
        struct snapshot now;
        wait_ms(20);
        pthread_mutex_lock(&fake.lock);
        fake.clock = clock_seconds();
        now = fake.now;
        pthread_mutex_unlock(&fake.lock);
        if (fake_feed_apply(&fake))
            wait_ms(100);
        if (state_now(RUN_STARTING, 0) > RUN_RUNNING)
            continue;
        fake_feed_train(&fake, speed / 50 > 0 ? speed / 50 : 1);
        if (now.learning_rate > 1) {
            fake_feed_diverge(&fake);
            continue;
        }
        fake.feed.snapshot(&fake.feed, &now);
        if (now.last.step > now.step - speed / 50) { /* it was an epoch's end: play it slowly */
            for (int i = 0; i < 10; i++) {
                state_now(RUN_EVALUATING, i / 10.0);
                fake_feed_publish(&fake);
                wait_ms(20);
            }
            state_now(RUN_RUNNING, 0);
        }
        if (now.step >= now.total_steps)
            fake_feed_finish(&fake);
    }
    return unused;
}

static void gone(struct feed *feed, struct snapshot *unused)
{
    (void)feed, (void)unused;
    _exit(9);
}

/* Leaves a view whose thread hangs, and gives it time to go wrong. */
static void give_up(struct view *view, int code)
{
    int bell[2];
    char byte = 1;
    view_close(view, 0);
    if (pipe(bell) != 0 || write(bell[1], &byte, 1) != 1)
        _exit(1);
    dup2(bell[0], fake.feed.wake_fd); /* would still wake the thread */
    fake.feed = (struct feed){.snapshot = gone, .wake_fd = fake.feed.wake_fd};
    printf("given up\n");
    fflush(stdout);
    wait_ms(1000);
    struct pollfd left = {bell[0], POLLIN, 0};
    _exit(poll(&left, 1, 0) == 1 ? code : 9); /* the thread was given up, too */
}

int main(int argc, char **argv)
{
    struct view_options options = {.remember_path = getenv("VIEW_INI")};
    struct view *view;
    struct err err;
    pthread_t thread;
    enum view_outcome outcome;

    setlocale(LC_CTYPE, "");
    fake_feed_init(&fake);
    if (argc > 1)
        speed = atoll(argv[1]);
    if (argc > 2) {
        fake.now.epochs = atoll(argv[2]);
        fake.now.total_steps = fake.now.epochs * fake.now.steps_per_epoch;
    }
    if (argc > 3)
        text_copy(fake.now.warning, sizeof(fake.now.warning), argv[3]);
    settings_init(&options.settings);
    if (options.remember_path != NULL &&
        settings_load(&options.settings, options.remember_path, true, &err) != 0) {
        fprintf(stderr, "view_demo: %s\n", err.text);
        return 1;
    }
    if (pipe(signal_pipe) != 0)
        return 1;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    const int caught[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGHUP, SIGTERM};
    for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
        sigaction(caught[i], &action, NULL);
    if (view_open(&fake.feed, &options, &view, &err) != 0) {
        fprintf(stderr, "view_demo: %s\n", err.text);
        return 1;
    }
    if (pthread_create(&thread, NULL, train, NULL) != 0)
        return 1;

    while ((outcome = view_outcome(view)) == VIEW_OPEN) {
        struct pollfd fds[] = {{view_fd(view), POLLIN, 0}, {signal_pipe[0], POLLIN, 0}};
        char number;
        if (poll(fds, 2, -1) <= 0 || fds[1].revents == 0 || read(signal_pipe[0], &number, 1) != 1)
            continue;
        if (number == SIGWINCH) {
            view_resized(view);
        } else if (number == SIGTSTP) {
            view_suspend(view);
            kill(getpid(), SIGSTOP);
            view_resume(view);
        } else if (number == SIGCONT) {
            view_resume(view);
        } else if (number == SIGTERM) {
            break;
        }
    }
    stop = true;
    pthread_join(thread, NULL);
    if (getenv("GIVE_UP") != NULL)
        give_up(view, 10 + (int)outcome);
    double start = clock_seconds();
    view_close(view, 3);
    printf("left: %d, closed in %.1f s\n", (int)outcome, clock_seconds() - start);
    fake_feed_fini(&fake);
    return 10 + (int)outcome;
}
