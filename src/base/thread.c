/* Threads that leave signals to the thread that waits for them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/base.h"

#include <signal.h>

int thread_start(pthread_t *out, const char *name, void *(*body)(void *of), void *of,
                 struct err *err)
{
    /* Except those of a crash, which come to the thread that crashes. */
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        sigdelset(&all, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(out, NULL, body, of);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_set_errno(err, ERR_SYSTEM, failed, "a thread cannot be made");
    pthread_setname_np(*out, name);
    return 0;
}
