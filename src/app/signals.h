/*
 * Signals. OpenBLAS starts threads before main, so a handler may run on any
 * of them: it only writes the signal's number into a pipe that main polls.
 */
#ifndef KDT_APP_SIGNALS_H
#define KDT_APP_SIGNALS_H

#include "kdt/base.h"

/* Installs the handlers: SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGWINCH; SIGPIPE is
 * ignored. The crash handler restores the terminal and raises again. */
int signals_init(struct err *err);
int signals_fd(void);
/* The next signal taken, 0 where none waits. */
int signals_next(void);
/* With a view, SIGTSTP and SIGCONT come through the pipe as well, so that the
 * terminal can be given back first; without one they do what they always do. */
void signals_catch_stop(bool catch_them);
/* Stops this process as SIGTSTP would have; returns when it goes on. */
void signals_stop_self(void);

#endif
