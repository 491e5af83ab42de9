/* The subcommand run: from settings to a trained network; and watching any run. */
#ifndef KDT_APP_TRAIN_H
#define KDT_APP_TRAIN_H

#include "kdt/run.h"
#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int train_command(const struct options *options, struct err *err);

/* Until the run has ended and the person has seen it: the view or plain lines, signals. Destroys
 * the run; returns the exit code, or -1 and *err. signals_init comes before the run is made. */
int train_watch(const struct options *options, const struct settings *settings, struct run *run,
                struct err *err);

#endif
