/* The terminal that the program was started on; see terminal.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

static bool was_terminal[STDERR_FILENO + 1];

void terminal_note(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        was_terminal[fd] = isatty(fd);
}

bool terminal_has_view(const struct options *options)
{
    const char *term = getenv("TERM");
    return !options->headless && was_terminal[STDIN_FILENO] && was_terminal[STDOUT_FILENO] &&
           term && *term && strcmp(term, "dumb") != 0;
}

/* Not where nobody takes it: the line may be half open, and a write would wait for ever. */
static void tell(const char *line)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (isatty(STDOUT_FILENO) && poll(&out, 1, 0) == 1 && (out.revents & POLLHUP) == 0)
        printf("%s\n", line);
}

void terminal_leave(const char *path, const char *line)
{
    /* First: from now on writing to the terminal cannot stop this process, whoever has it. It
     * fails for the leader of a group, which is nobody's child to be waited for. */
    setsid();
    if (line)
        tell(line);
    fflush(stdout);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = was_terminal[STDOUT_FILENO] || was_terminal[STDERR_FILENO]
                  ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                  : -1;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (was_terminal[fd])
            dup2(fd != STDIN_FILENO && log >= 0 ? log : null, fd);
    close(null);
    if (log >= 0)
        close(log);
    memset(was_terminal, 0, sizeof was_terminal);
    launcher_release();
}
