/* The subcommand search: many trials, their table, and the best again. */
#ifndef KDT_APP_SEARCH_H
#define KDT_APP_SEARCH_H

#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int search_command(const struct options *options, struct err *err);

#endif
