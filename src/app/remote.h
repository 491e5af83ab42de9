/* The subcommands status and send: about and to a run that another process trains. */
#ifndef KDT_APP_REMOTE_H
#define KDT_APP_REMOTE_H

#include "options.h"

/* The exit code, or -1 and *err. */
int status_command(const struct options *options, struct err *err);
int send_command(const struct options *options, struct err *err);

#endif
