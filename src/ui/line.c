/*
 * The line to the terminal. How fast it is: what the terminal's modes say, of a slow serial line;
 * else it is found out. A line that takes no more is full, and what it takes from one such moment
 * to the next is what it has carried meanwhile: where it kept bytes waiting for a good part of that
 * time. A line that took the rest at once was idle afterwards, and tells nothing: a large frame
 * fills any line, however fast it is.
 */
#include "line.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Of the time from one full moment to the next. */
#define WAITED_PART 0.25

/* Bytes a second of a line that is said to be slow. Others say 38400 baud, whatever they are. */
static double slow_speed(int fd)
{
    static const struct {
        speed_t code;
        int baud;
    } slow[] = {
        {B50, 50},     {B75, 75},     {B110, 110},   {B134, 134},     {B150, 150},
        {B200, 200},   {B300, 300},   {B600, 600},   {B1200, 1200},   {B1800, 1800},
        {B2400, 2400}, {B4800, 4800}, {B9600, 9600}, {B19200, 19200},
    };
    struct termios modes;
    if (tcgetattr(fd, &modes) == 0)
        for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
            if (slow[i].code == cfgetospeed(&modes))
                return slow[i].baud / 10.0; /* with a start and a stop bit */
    return INFINITY;
}

void line_init(struct line *line, int fd)
{
    *line = (struct line){.fd = fd};
    line->speed = line->most = slow_speed(fd);
}

void line_fini(struct line *line)
{
    mem_free(line->bytes);
    *line = (struct line){.fd = -1};
}

void line_queue(struct line *line, const char *bytes, size_t length)
{
    if (line->length + length > line->room) {
        line->room = 2 * (line->length + length);
        line->bytes = mem_resize(line->bytes, line->room);
    }
    if (length > 0)
        memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

void line_drop(struct line *line)
{
    line->length = line->sent = 0;
}

bool line_idle(const struct line *line)
{
    return line->sent == line->length;
}

/* It takes no more. */
static void found_full(struct line *line, double now)
{
    if (line->clock_full > 0 && line->since_full == 0)
        return; /* it has not taken anything since the last such moment */
    const double seconds = now - line->clock_full;
    const double waited = line->clock_taken - line->clock_full;
    if (line->clock_full > 0 && seconds > 0 && waited >= WAITED_PART * seconds)
        line->speed = fmin((double)line->since_full / seconds, line->most);
    line->clock_full = now;
    line->since_full = 0;
}

bool line_write(struct line *line, double now)
{
    bool full = false;
    while (!line_idle(line) && !full) {
        ssize_t got = write(line->fd, line->bytes + line->sent, line->length - line->sent);
        if (got > 0) {
            if (line->since_full == 0)
                line->clock_taken = now;
            line->sent += (size_t)got;
            line->since_full += (size_t)got;
            line->clock_free = fmax(line->clock_free, now) + (double)got / line->speed;
        } else if (got < 0 && errno == EAGAIN) {
            found_full(line, now);
            full = true;
        } else if (got >= 0 || errno != EINTR) {
            line_drop(line); /* the terminal is gone, which whoever reads its keys is told */
        }
    }
    if (!line_idle(line))
        return false;
    if (line->length > 0 && !full) /* it may have become faster */
        line->speed = fmin(1.1 * line->speed, line->most);
    line_drop(line);
    return true;
}

bool line_finish(struct line *line, double seconds)
{
    double limit = clock_seconds() + seconds;
    while (!line_write(line, clock_seconds())) {
        double left = limit - clock_seconds();
        struct pollfd fd = {.fd = line->fd, .events = POLLOUT};
        if (left <= 0 || poll(&fd, 1, (int)(left * 1000) + 1) < 0) {
            line_drop(line);
            return false;
        }
    }
    return true;
}
