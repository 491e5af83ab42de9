/*
 * Signals. OpenBLAS starts threads before main, so a handler may run on any
 * of them: it only writes what came into a pipe that main polls.
 *
 * With a view there are two processes (launcher.h), and what the terminal or
 * kill(1) sends to their whole group reaches the one that trains twice: at once,
 * and passed on by the launcher. That counts as once.
 */
#ifndef KDT_APP_SIGNALS_H
#define KDT_APP_SIGNALS_H

#include <sys/types.h>

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
/* So do these, SIGCHLD, SIGQUIT, and what would be a crash but was sent by somebody: for a process
 * that does nothing but pass them on. */
void signals_catch_all(void);
/* Stops this process as SIGTSTP would have; returns when it goes on. */
void signals_stop_self(void);
/* Gives a signal that came here to a child, which knows it for passed on. */
void signals_pass_on(pid_t child, int number);

#endif
