/* The subcommand attach: the view of a run that another process trains. */
#ifndef KDT_APP_ATTACH_H
#define KDT_APP_ATTACH_H

#include "options.h"

/* The exit code, or -1 and *err. */
int attach_command(const struct options *options, struct err *err);

#endif
