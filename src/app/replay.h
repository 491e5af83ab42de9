/* The subcommand replay: another run, trained again. */
#ifndef KDT_APP_REPLAY_H
#define KDT_APP_REPLAY_H

#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int replay_command(const struct options *options, struct err *err);

#endif
