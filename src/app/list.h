/* The subcommand list: the runs of a directory. */
#ifndef KDT_APP_LIST_H
#define KDT_APP_LIST_H

#include "options.h"

/* The exit code, or -1 and *err. */
int list_command(const struct options *options, struct err *err);

#endif
