/* The subcommand eval: a checkpoint measured on a split. */
#ifndef KDT_APP_EVAL_H
#define KDT_APP_EVAL_H

#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int eval_command(const struct options *options, struct err *err);

#endif
