/*
 * manual: the parts of the manual pages that come from the tables, in mdoc.
 */
#ifndef KDT_APP_MANUAL_H
#define KDT_APP_MANUAL_H

#include "kdt/base.h"

/* The region `name`: synopsis, subcommands, options, settings, keys, commands.
 * -1 where there is none. */
int manual_print(const char *name, struct text *out);

#endif
