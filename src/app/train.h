/* The subcommand run: from settings to a trained network. */
#ifndef KDT_APP_TRAIN_H
#define KDT_APP_TRAIN_H

#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int train_command(const struct options *options, struct err *err);

#endif
