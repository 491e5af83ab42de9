/* The line to the terminal: what it keeps, and how fast it takes a line to be. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/line.h"

#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

struct ends {
    int near, far;
};

/* A pipe stands for a line that says nothing of its speed; it takes 4096 bytes. */
static struct ends open_pipe(void)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 0);
    return (struct ends){.near = fds[1], .far = fds[0]};
}

static size_t take(struct ends ends, size_t most)
{
    char bytes[8192];
    ssize_t got = read(ends.far, bytes, most < sizeof(bytes) ? most : sizeof(bytes));
    return got > 0 ? (size_t)got : 0;
}

static void close_both(struct ends ends)
{
    close(ends.near);
    close(ends.far);
}

static void test_keeps_what_is_not_taken(void **unused)
{
    (void)unused;
    static char bytes[10000];
    struct ends ends = open_pipe();
    struct line line;
    memset(bytes, 'x', sizeof(bytes));
    line_init(&line, ends.near);
    line_queue(&line, bytes, 100);
    assert_true(line_write(&line, 1));
    assert_true(line_idle(&line));
    assert_int_equal(take(ends, 8192), 100);
    line_queue(&line, bytes, sizeof(bytes));
    assert_false(line_write(&line, 2));
    size_t got = 0;
    for (int i = 0; i < 10 && !line_idle(&line); i++) {
        got += take(ends, 8192);
        line_write(&line, 3 + i);
    }
    got += take(ends, 8192);
    assert_int_equal(got, sizeof(bytes));
    line_fini(&line);
    close_both(ends);
}

/* Full at two moments: what it took in between is what it carries. */
static void test_finds_the_speed(void **unused)
{
    (void)unused;
    static const char bytes[20000];
    struct ends ends = open_pipe();
    struct line line;
    line_init(&line, ends.near);
    assert_true(isinf(line.speed));
    line_queue(&line, bytes, sizeof(bytes));
    assert_false(line_write(&line, 10));
    assert_true(isinf(line.speed)); /* it was full once */
    assert_true(line.clock_free <= 10);
    assert_int_equal(take(ends, 4096), 4096);
    assert_false(line_write(&line, 12));
    assert_true(fabs(line.speed - 2048) < 1);
    double speed = line.speed;
    while (!line_write(&line, 14))
        take(ends, 4096);
    take(ends, 8192);
    line_queue(&line, bytes, 10);
    assert_true(line_write(&line, 1000));
    assert_true(line.speed > speed); /* it is tried whether it has become faster */
    assert_true(fabs(line.clock_free - 1000) < 1);
    line_fini(&line);
    close_both(ends);
}

/* A frame that is larger than what a line holds fills it, and the rest goes a moment later. The
 * seconds until the next frame are not the line's. */
static void test_is_not_slow_where_frames_are_large(void **unused)
{
    (void)unused;
    static const char bytes[5000];
    struct ends ends = open_pipe();
    struct line line;
    line_init(&line, ends.near);
    for (double now = 10; now < 100; now += 5) {
        line_queue(&line, bytes, sizeof(bytes));
        assert_false(line_write(&line, now));
        assert_int_equal(take(ends, 8192), 4096);
        assert_true(line_write(&line, now + 0.001));
        assert_int_equal(take(ends, 8192), sizeof(bytes) - 4096);
    }
    assert_true(isinf(line.speed));
    line_fini(&line);
    close_both(ends);
}

/* However often it is tried in vain. */
static void test_waits_count_from_the_first(void **unused)
{
    (void)unused;
    static const char bytes[20000];
    struct ends ends = open_pipe();
    struct line line;
    line_init(&line, ends.near);
    line_queue(&line, bytes, sizeof(bytes));
    for (int i = 0; i < 4; i++)
        assert_false(line_write(&line, 10 + i));
    assert_int_equal(take(ends, 4096), 4096);
    assert_false(line_write(&line, 14));
    assert_true(fabs(line.speed - 1024) < 1);
    line_fini(&line);
    close_both(ends);
}

static void test_believes_a_slow_one(void **unused)
{
    (void)unused;
    struct ends ends;
    struct termios modes;
    struct line line;
    assert_int_equal(openpty(&ends.far, &ends.near, NULL, NULL, NULL), 0);
    line_init(&line, ends.near);
    assert_true(isinf(line.speed)); /* of any other terminal 38400 is said */
    line_fini(&line);
    tcgetattr(ends.near, &modes);
    cfmakeraw(&modes);
    cfsetspeed(&modes, B2400);
    tcsetattr(ends.near, TCSANOW, &modes);
    line_init(&line, ends.near);
    assert_true(line.speed == 240);
    for (int i = 0; i < 10; i++) {
        line_queue(&line, "12345678901234567890123456789012345678901234567890", 48);
        assert_true(line_write(&line, 5));
    }
    assert_true(fabs(line.clock_free - 7) < 1e-9);
    assert_true(line.speed == 240);
    line_fini(&line);
    close_both(ends);
}

/* It gives up, and drops what is left, on a line that stands still; and on one that is gone. */
static void test_finish(void **unused)
{
    (void)unused;
    static const char bytes[10000];
    struct ends ends = open_pipe();
    struct line line;
    line_init(&line, ends.near);
    line_queue(&line, bytes, 50);
    assert_true(line_finish(&line, 0.02));
    line_queue(&line, bytes, sizeof(bytes));
    assert_false(line_finish(&line, 0.02));
    assert_true(line_idle(&line));
    line_fini(&line);

    int full = open("/dev/full", O_WRONLY | O_NONBLOCK);
    line_init(&line, full);
    line_queue(&line, bytes, 10);
    assert_true(line_write(&line, 1));
    line_fini(&line);
    close(full);
    close_both(ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_what_is_not_taken),
        cmocka_unit_test(test_finds_the_speed),
        cmocka_unit_test(test_is_not_slow_where_frames_are_large),
        cmocka_unit_test(test_waits_count_from_the_first),
        cmocka_unit_test(test_believes_a_slow_one),
        cmocka_unit_test(test_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
