/* Signals; see signals.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "kdt/ui.h"

static int signal_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t written = write(signal_pipe[1], &byte, 1); /* a full pipe loses nothing new */
    (void)written;
    errno = saved;
}

static void on_crash(int number)
{
    view_emergency_restore();
    signal(number, SIG_DFL);
    raise(number);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

int signals_init(struct err *err)
{
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "cannot make a pipe");
    const int caught[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGWINCH};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        handle(caught[i], on_signal, SA_RESTART);
    handle(SIGPIPE, SIG_IGN, 0);
    handle(SIGXFSZ, SIG_IGN, 0); /* a file that may not grow is a write error */

    /* A stack of its own, since the crash may be an overflow of the other. */
    static unsigned char crash_stack[65536];
    stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    sigaltstack(&stack, NULL);
    const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        handle(crashes[i], on_crash, SA_ONSTACK | SA_NODEFER);
    return 0;
}

int signals_fd(void)
{
    return signal_pipe[0];
}

int signals_next(void)
{
    unsigned char byte;
    return read(signal_pipe[0], &byte, 1) == 1 ? byte : 0;
}

void signals_catch_stop(bool catch_them)
{
    handle(SIGTSTP, catch_them ? on_signal : SIG_DFL, SA_RESTART);
    handle(SIGCONT, catch_them ? on_signal : SIG_DFL, SA_RESTART);
}

void signals_stop_self(void)
{
    kill(getpid(), SIGSTOP);
}
