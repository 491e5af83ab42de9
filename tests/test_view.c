/*
 * The view in a terminal of the test's own: ways out, accidents of the
 * terminal, job control. Drives tests/view_demo behind a pty.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/ui.h"

#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* A process behind a pty. */
struct terminal {
    pid_t child;
    int master;
    struct termios before;
    char seen[1 << 20]; /* what it wrote */
    size_t length;
};

static void wait_ms(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static void run_demo(const char *term)
{
    const char *top = getenv("top_builddir");
    char *program = file_path(top != NULL ? top : ".", "tests/view_demo");
    setenv("TERM", term, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    execl(program, program, "200", (char *)NULL);
    _exit(126);
}

static struct terminal *start(const char *term)
{
    struct terminal *terminal = mem_alloc(sizeof(*terminal));
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int master, slave;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    tcgetattr(slave, &terminal->before);
    close(master);
    close(slave);
    terminal->child = forkpty(&terminal->master, NULL, &terminal->before, &size);
    assert_true(terminal->child >= 0);
    if (terminal->child == 0)
        run_demo(term);
    return terminal;
}

/* Takes what is written for a while, at most. */
static void take(struct terminal *terminal, int milliseconds)
{
    struct pollfd fd = {terminal->master, POLLIN, 0};
    if (poll(&fd, 1, milliseconds) != 1)
        return;
    ssize_t got = read(terminal->master, terminal->seen + terminal->length,
                       sizeof(terminal->seen) - 1 - terminal->length);
    if (got > 0)
        terminal->length += (size_t)got;
    else
        wait_ms(milliseconds);
}

/* Takes whatever is written for a time. */
static void take_for(struct terminal *terminal, double seconds)
{
    double limit = clock_seconds() + seconds;
    while (clock_seconds() < limit)
        take(terminal, 20);
}

static void see(struct terminal *terminal, const char *text)
{
    double limit = clock_seconds() + 10;
    while (strstr(terminal->seen, text) == NULL) {
        if (clock_seconds() > limit)
            fail_msg("never saw %s", text);
        take(terminal, 50);
    }
}

static void forget(struct terminal *terminal)
{
    memset(terminal->seen, 0, terminal->length);
    terminal->length = 0;
}

static void type(struct terminal *terminal, const char *keys)
{
    assert_int_equal(write(terminal->master, keys, strlen(keys)), strlen(keys));
}

static void assert_restored(struct terminal *terminal)
{
    struct termios after;
    assert_int_equal(tcgetattr(terminal->master, &after), 0);
    assert_int_equal(after.c_lflag, terminal->before.c_lflag);
    assert_int_equal(after.c_iflag, terminal->before.c_iflag);
    assert_int_equal(after.c_oflag, terminal->before.c_oflag);
    assert_non_null(strstr(terminal->seen, "\033[?1049l")); /* the normal screen */
    assert_non_null(strstr(terminal->seen, "\033[?25h"));   /* the cursor */
}

/* The exit code; reads meanwhile unless the terminal shall be stalled. */
static int finish(struct terminal *terminal, bool reads)
{
    double limit = clock_seconds() + 10;
    int status = 0;
    while (waitpid(terminal->child, &status, WNOHANG) == 0) {
        if (clock_seconds() > limit) {
            kill(terminal->child, SIGKILL);
            fail_msg("it did not end");
        }
        if (reads)
            take(terminal, 20);
        else
            wait_ms(20);
    }
    while (reads && terminal->length < sizeof(terminal->seen) - 1) {
        size_t before = terminal->length;
        take(terminal, 1);
        if (terminal->length == before)
            break;
    }
    if (!WIFEXITED(status))
        fail_msg("it ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void end(struct terminal *terminal)
{
    if (terminal->master >= 0)
        close(terminal->master);
    mem_free(terminal);
}

static void test_save(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    type(terminal, "q");
    see(terminal, "save and stop");
    type(terminal, "s");
    assert_int_equal(finish(terminal, true), 10 + VIEW_SAVE);
    assert_restored(terminal);
    end(terminal);
}

static void test_abandon(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("screen");
    see(terminal, "epoch");
    type(terminal, "\003");
    see(terminal, "abandon");
    type(terminal, "\033"); /* back, and into the menu again */
    wait_ms(100);
    type(terminal, "qa");
    assert_int_equal(finish(terminal, true), 10 + VIEW_ABANDON);
    end(terminal);
}

static void test_leave_it_training(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    type(terminal, "d");
    assert_int_equal(finish(terminal, true), 10 + VIEW_DETACH);
    assert_restored(terminal);
    end(terminal);
}

/* The letters of a control sequence that no one knows are not keys. */
static void test_foreign_sequence(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    type(terminal, "\033[99;7q");
    wait_ms(200);
    take(terminal, 100);
    assert_null(strstr(terminal->seen, "save and stop"));
    kill(terminal->child, SIGTERM);
    assert_int_equal(finish(terminal, true), 10 + VIEW_OPEN);
    end(terminal);
}

static void test_unknown_terminal(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("no-such-terminal");
    see(terminal, "epoch");
    type(terminal, "qs");
    assert_int_equal(finish(terminal, true), 10 + VIEW_SAVE);
    assert_restored(terminal);
    end(terminal);
}

static void test_dumb_terminal(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("dumb");
    assert_int_equal(finish(terminal, true), 1);
    assert_non_null(strstr(terminal->seen, "TERM=dumb"));
    assert_null(strchr(terminal->seen, '\033'));
    end(terminal);
}

static void test_hang_up(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    close(terminal->master);
    terminal->master = -1;
    assert_int_equal(finish(terminal, false), 10 + VIEW_LOST);
    end(terminal);
}

/* Nobody reads what the view writes: it still ends in time. */
static void test_stalled(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    for (int i = 0; i < 100; i++) {
        type(terminal, "\014"); /* a whole repaint */
        wait_ms(5);
    }
    double before = clock_seconds();
    kill(terminal->child, SIGTERM);
    assert_int_equal(finish(terminal, false), 10 + VIEW_OPEN);
    assert_true(clock_seconds() - before < 2.8); /* view_close did not give up: 3 */
    end(terminal);
}

static void test_resize(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    const struct winsize sizes[] = {
        {.ws_row = 60, .ws_col = 200}, {.ws_row = 12, .ws_col = 40}, {.ws_row = 1, .ws_col = 1},
        {.ws_row = 5, .ws_col = 300},  {.ws_row = 0, .ws_col = 0},   {.ws_row = 24, .ws_col = 80},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        ioctl(terminal->master, TIOCSWINSZ, &sizes[i]);
        take(terminal, 50);
    }
    wait_ms(300);
    take(terminal, 100);
    forget(terminal);
    kill(terminal->child, SIGWINCH); /* of the same size: the whole screen again */
    see(terminal, "epoch");
    see(terminal, "learning rate");
    type(terminal, "qs");
    assert_int_equal(finish(terminal, true), 10 + VIEW_SAVE);
    end(terminal);
}

static void test_stop_and_go_on(void **unused)
{
    (void)unused;
    struct terminal *terminal = start("xterm-256color");
    see(terminal, "epoch");
    type(terminal, "\032");
    see(terminal, "\033[?1049l");
    int status;
    assert_int_equal(waitpid(terminal->child, &status, WUNTRACED), terminal->child);
    assert_true(WIFSTOPPED(status));
    assert_restored(terminal);
    forget(terminal);
    kill(terminal->child, SIGCONT);
    see(terminal, "epoch");
    type(terminal, "qs");
    assert_int_equal(finish(terminal, true), 10 + VIEW_SAVE);
    assert_restored(terminal);
    end(terminal);
}

/* What little of a shell job control needs: it owns the terminal's session and starts one job. */
struct shell {
    struct terminal *terminal;
    pid_t job;
    int orders, replies;
};

/* Orders: 's': wait until the job stops; 'b', 'f': it to the back, the front; 'e': wait for its
 * end. Each is replied to with a byte. */
static void be_shell(int orders, int replies)
{
    int status = 0;
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(STDIN_FILENO, getpgrp());
        signal(SIGTTOU, SIG_DFL);
        run_demo("xterm-256color");
    }
    ssize_t done = write(replies, &job, sizeof(job));
    for (char order; done > 0 && read(orders, &order, 1) == 1 && order != 'e';) {
        if (order == 's')
            waitpid(job, &status, WUNTRACED);
        else
            tcsetpgrp(STDIN_FILENO, order == 'f' ? job : getpgrp());
        done = write(replies, &order, 1);
    }
    waitpid(job, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

static void order(struct shell *shell, char what)
{
    char reply;
    assert_int_equal(write(shell->orders, &what, 1), 1);
    assert_int_equal(read(shell->replies, &reply, 1), 1);
}

static struct shell shell_start(void)
{
    int orders[2], replies[2];
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct shell shell = {.terminal = mem_alloc(sizeof(*shell.terminal))};
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(replies), 0);
    shell.terminal->child = forkpty(&shell.terminal->master, NULL, NULL, &size);
    assert_true(shell.terminal->child >= 0);
    if (shell.terminal->child == 0) {
        close(orders[1]);
        be_shell(orders[0], replies[1]);
    }
    close(orders[0]);
    close(replies[1]);
    shell.orders = orders[1];
    shell.replies = replies[0];
    assert_int_equal(read(shell.replies, &shell.job, sizeof(shell.job)), sizeof(shell.job));
    return shell;
}

static void shell_end(struct shell *shell)
{
    type(shell->terminal, "qs");
    assert_int_equal(write(shell->orders, "e", 1), 1);
    assert_int_equal(finish(shell->terminal, true), 10 + VIEW_SAVE);
    close(shell->orders);
    close(shell->replies);
    end(shell->terminal);
}

/* The job was stopped: in the background it writes nothing, and fg, which sends no signal to a job
 * that runs, brings it back. */
static void assert_bg_and_fg(struct shell *shell)
{
    order(shell, 's');
    order(shell, 'b');
    kill(shell->job, SIGCONT);
    take_for(shell->terminal, 0.3); /* a frame that was being written is finished */
    forget(shell->terminal);
    take_for(shell->terminal, 0.7);
    if (shell->terminal->length > 0)
        fail_msg("written from the background: %s", shell->terminal->seen);
    order(shell, 'f');
    see(shell->terminal, "epoch");
}

static void test_background_after_ctrl_z(void **unused)
{
    (void)unused;
    struct shell shell = shell_start();
    see(shell.terminal, "epoch");
    type(shell.terminal, "\032");
    see(shell.terminal, "\033[?1049l");
    assert_bg_and_fg(&shell);
    shell_end(&shell);
}

static void test_background_after_force(void **unused)
{
    (void)unused;
    struct shell shell = shell_start();
    see(shell.terminal, "epoch");
    kill(shell.job, SIGSTOP);
    assert_bg_and_fg(&shell);
    shell_end(&shell);
}

/* A poll that fails for good ends the view alone; main hears of it. */
static void test_poll_fails(void **unused)
{
    (void)unused;
    /* Without files a leak cannot be looked for at the end; the other tests do that. */
    const char *old = getenv("ASAN_OPTIONS");
    char *kept = mem_text(old != NULL ? old : "");
    struct text options = {0};
    text_print(&options, "%s:detect_leaks=0", kept);
    setenv("ASAN_OPTIONS", options.bytes, 1);
    struct terminal *terminal = start("xterm-256color");
    setenv("ASAN_OPTIONS", kept, 1);
    text_fini(&options);
    mem_free(kept);
    see(terminal, "epoch");
    struct rlimit fewer = {2, 2}; /* than the view waits for, but enough for the demo's main */
    assert_int_equal(prlimit(terminal->child, RLIMIT_NOFILE, &fewer, NULL), 0);
    assert_int_equal(finish(terminal, true), 10 + VIEW_LOST);
    assert_restored(terminal);
    end(terminal);
}

/* A thread that comes back from a stalled terminal after view_close leaves the feed alone. */
static void test_late_thread(void **unused)
{
    (void)unused;
    setenv("GIVE_UP", "1", 1);
    struct terminal *terminal = start("xterm-256color");
    unsetenv("GIVE_UP");
    see(terminal, "epoch");
    for (int i = 0; i < 100; i++) {
        type(terminal, "\014");
        wait_ms(5);
    }
    kill(terminal->child, SIGTERM);
    wait_ms(500);
    assert_int_equal(finish(terminal, true), 10 + VIEW_OPEN);
    end(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_leave_it_training),
        cmocka_unit_test(test_foreign_sequence),
        cmocka_unit_test(test_unknown_terminal),
        cmocka_unit_test(test_dumb_terminal),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_stop_and_go_on),
        cmocka_unit_test(test_background_after_ctrl_z),
        cmocka_unit_test(test_background_after_force),
        cmocka_unit_test(test_poll_fails),
        cmocka_unit_test(test_late_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
