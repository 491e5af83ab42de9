/* The subcommand resume: a run that goes on. */
#ifndef KDT_APP_RESUME_H
#define KDT_APP_RESUME_H

#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int resume_command(const struct options *options, struct err *err);

#endif
