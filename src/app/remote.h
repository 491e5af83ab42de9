/* The subcommands status and send: about and to a run that another process trains. */
#ifndef KDT_APP_REMOTE_H
#define KDT_APP_REMOTE_H

#include "options.h"

/* The exit code, or -1 and *err. */
int status_command(const struct options *options, struct err *err);
int send_command(const struct options *options, struct err *err);

/* The directory of the run that a word of the command line means; mem_free it. NULL and *err where
 * there is none. */
char *remote_find_run(const struct options *options, const char *word, struct err *err);
/* 1: connected with the process that trains it; 0: nobody does who can be reached. */
struct ctl_client;
int remote_connect(const char *directory, struct ctl_client **client, struct err *err);

#endif
