/* The subcommand export: a run as other programs read it. */
#ifndef KDT_APP_EXPORT_H
#define KDT_APP_EXPORT_H

#include "options.h"

/* The exit code, or -1 and *err. */
int export_command(const struct options *options, struct err *err);

#endif
