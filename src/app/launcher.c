/* The launcher; see launcher.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "kdt/ui.h"
#include "signals.h"
#include "terminal.h"

/* Tells the child which descriptor is its end of the pipe. */
#define VARIABLE "KDTUI_LAUNCHER"

static int child_end = -1; /* in the child */

/* ---- the launcher's side ---- */

bool launcher_is_due(const struct options *options)
{
    const unsigned with_view = 1u << SUBCOMMAND_RUN | 1u << SUBCOMMAND_RESUME |
                               1u << SUBCOMMAND_REPLAY | 1u << SUBCOMMAND_SEARCH;
    return child_end < 0 && !options->table && !options->csv &&
           (with_view & 1u << options->subcommand) != 0 && terminal_has_view(options);
}

/* By the path of this very file, also where it was replaced or moved meanwhile. */
static int spawn(char **words, int pipe_end, pid_t *child, struct err *err)
{
    char number[16];
    snprintf(number, sizeof number, "%d", pipe_end);
    setenv(VARIABLE, number, 1);
    int failed = posix_spawn(child, "/proc/self/exe", NULL, NULL, words, environ);
    if (failed == ENOENT) /* there is no /proc */
        failed = posix_spawnp(child, words[0], NULL, NULL, words, environ);
    unsetenv(VARIABLE);
    if (failed)
        return err_set_errno(err, ERR_SYSTEM, failed,
                             "cannot start the process that trains; --headless needs none");
    return 0;
}

static void end_by(int number)
{
    const struct rlimit no_core = {0};
    setrlimit(RLIMIT_CORE, &no_core); /* the child's is the one that tells something */
    signal(number, SIG_DFL);
    raise(number);
}

/* As the child did. */
static int end_as(int status, const struct termios *modes)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    const int number = WTERMSIG(status);
    view_restore_terminal(modes);
    if (number == SIGKILL)
        fprintf(
            stderr,
            "kdtui: the process that trained was killed (a machine short of memory "
            "does that); kdtui resume, and with a search the same command, goes on from what was "
            "saved\n");
    else
        end_by(number);
    return 128 + number;
}

/* Stops where the child has stopped, so that the shell sees the job stop; whether it has ended. */
static bool look_after(pid_t child, int *status)
{
    while (waitpid(child, status, WNOHANG | WUNTRACED) == child) {
        if (!WIFSTOPPED(*status))
            return true;
        signals_stop_self();
    }
    return false;
}

static int attend(pid_t child, int pipe_end, const struct termios *modes)
{
    int status;
    char byte;
    while (!look_after(child, &status)) {
        struct pollfd fds[] = {{.fd = signals_fd(), .events = POLLIN},
                               {.fd = pipe_end, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            abort(); /* the descriptors are ours */
        if (pipe_end >= 0 && fds[1].revents != 0) {
            if (read(pipe_end, &byte, 1) == 1)
                return 0;
            pipe_end = -1; /* it ends */
        }
        for (int number; (number = signals_next()) != 0;)
            if (number != SIGCHLD)
                signals_pass_on(child, number);
    }
    return end_as(status, modes);
}

int launcher_run(char **words, struct err *err)
{
    int ends[2];
    pid_t child;
    struct termios modes;
    if (tcgetattr(STDIN_FILENO, &modes) != 0 || pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "cannot start the process that trains");
    if (signals_init(err) != 0)
        return -1;
    signals_catch_all();
    fcntl(ends[1], F_SETFD, 0);
    if (spawn(words, ends[1], &child, err) != 0)
        return -1;
    close(ends[1]);
    return attend(child, ends[0], &modes);
}

/* ---- the child's ---- */

void launcher_find(void)
{
    const char *number = getenv(VARIABLE);
    struct stat status;
    int fd = number ? atoi(number) : -1;
    unsetenv(VARIABLE);
    if (fd <= STDERR_FILENO || fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode))
        return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    child_end = fd;
    prctl(PR_SET_NAME, program_invocation_short_name); /* not "exe" */
}

int launcher_fd(void)
{
    return child_end;
}

bool launcher_gone(void)
{
    struct pollfd fd = {.fd = child_end};
    return child_end >= 0 && poll(&fd, 1, 0) == 1;
}

void launcher_release(void)
{
    if (child_end < 0)
        return;
    ssize_t written = write(child_end, "", 1);
    (void)written; /* it may be gone already */
    close(child_end);
    child_end = -1;
}
