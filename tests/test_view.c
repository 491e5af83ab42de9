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

static struct terminal *start(const char *term)
{
    struct terminal *terminal = mem_alloc(sizeof(*terminal));
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    const char *top = getenv("top_builddir");
    char *program = file_path(top != NULL ? top : ".", "tests/view_demo");
    terminal->child = forkpty(&terminal->master, NULL, NULL, &size);
    assert_true(terminal->child >= 0);
    if (terminal->child == 0) {
        setenv("TERM", term, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execl(program, program, "200", (char *)NULL);
        _exit(126);
    }
    mem_free(program);
    tcgetattr(terminal->master, &terminal->before);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_foreign_sequence),
        cmocka_unit_test(test_unknown_terminal),
        cmocka_unit_test(test_dumb_terminal),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_stop_and_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
