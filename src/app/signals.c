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

/* The same signal by the other way within so many seconds is the same one. */
#define SAME_SECONDS 0.5

enum { NUMBERS = 32 }; /* the signals that are not real-time ones */

/* What the handler writes; few bytes, so all of it or nothing. */
struct taken {
    int number;
    bool passed_on; /* by the launcher */
    double clock;
};

static int signal_pipe[2] = {-1, -1};

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { CRASHES = sizeof crashes / sizeof *crashes };

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    for (size_t i = 0; i < CRASHES; i++)
        if (number == crashes[i] && info->si_code > 0) {
            signal(number, SIG_DFL); /* a fault of this process's: it comes again, and ends it */
            return;
        }
    const struct taken taken = {
        .number = number,
        .passed_on = info->si_code == SI_QUEUE && info->si_pid == getppid(),
        .clock = clock_seconds(),
    };
    ssize_t written = write(signal_pipe[1], &taken, sizeof taken); /* full: it loses nothing new */
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

static void catch_signal(int number)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

int signals_init(struct err *err)
{
    if (signal_pipe[0] >= 0)
        return 0;
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "cannot make a pipe");
    const int caught[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGWINCH};
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        catch_signal(caught[i]);
    handle(SIGPIPE, SIG_IGN, 0);
    handle(SIGXFSZ, SIG_IGN, 0); /* a file that may not grow is a write error */

    /* A stack of its own, since the crash may be an overflow of the other. */
    static unsigned char crash_stack[65536];
    stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < CRASHES; i++)
        handle(crashes[i], on_crash, SA_ONSTACK);
    return 0;
}

int signals_fd(void)
{
    return signal_pipe[0];
}

/* Whether it came by the other way already. Each that came by one way alone waits a while for
 * its twin. */
static bool is_twin(const struct taken *taken)
{
    static struct {
        int count;
        double clock; /* of the newest */
    } alone[2][NUMBERS];
    const int n = taken->number;
    const bool way = taken->passed_on;
    if (n < 0 || n >= NUMBERS)
        return false;
    for (int i = 0; i < 2; i++)
        if (taken->clock > alone[i][n].clock + SAME_SECONDS)
            alone[i][n].count = 0;
    if (alone[!way][n].count > 0) {
        alone[!way][n].count--;
        return true;
    }
    alone[way][n].count++;
    alone[way][n].clock = taken->clock;
    return false;
}

int signals_next(void)
{
    struct taken taken;
    while (read(signal_pipe[0], &taken, sizeof taken) == (ssize_t)sizeof taken)
        if (!is_twin(&taken))
            return taken.number;
    return 0;
}

void signals_catch_stop(bool catch_them)
{
    const int numbers[] = {SIGTSTP, SIGCONT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (catch_them)
            catch_signal(numbers[i]);
        else
            handle(numbers[i], SIG_DFL, 0);
}

void signals_catch_all(void)
{
    const int numbers[] = {SIGCHLD, SIGQUIT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        catch_signal(numbers[i]);
    for (size_t i = 0; i < CRASHES; i++)
        catch_signal(crashes[i]);
    signals_catch_stop(true);
}

void signals_stop_self(void)
{
    kill(getpid(), SIGSTOP);
}

void signals_pass_on(pid_t child, int number)
{
    sigqueue(child, number, (union sigval){0}); /* fails where it has just ended */
}
