/*
 * The launcher. With a view the program is two processes in one job of the
 * shell's: the launcher, which the shell waits for, and its child, which trains
 * and shows the view.
 *
 *   shell ── launcher ── the process that trains ── terminal
 *              ▲  signals, stop and continue ──▶  │
 *              ◀── a byte, or its end ────────────┘
 *
 * So the view can be left without moving any state: the child takes a session of
 * its own and writes the byte, upon which the launcher ends with 0 and the shell
 * has its prompt back. Until then the launcher passes on what comes to it, stops
 * when the child stops, and ends as the child ends.
 */
#ifndef KDT_APP_LAUNCHER_H
#define KDT_APP_LAUNCHER_H

#include "options.h"

/* Whether this process is to be the launcher of the command. */
bool launcher_is_due(const struct options *options);
/* Starts this program once more, with the same words, and lives as its launcher. The exit code, or
 * -1 and *err. */
int launcher_run(char **words, struct err *err);

/* In the process that trains; before it starts threads of its own. */
void launcher_find(void);
/* In error (POLLERR) once the launcher is gone, which is never waited for otherwise; -1 where there
 * is none. */
int launcher_fd(void);
bool launcher_gone(void);
/* Lets the launcher end with 0. */
void launcher_release(void);

#endif
