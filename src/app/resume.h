/* The subcommand resume: a run that goes on. */
#ifndef KDT_APP_RESUME_H
#define KDT_APP_RESUME_H

#include "options.h"

/* Returns the program's exit code, or -1 and *err. */
int resume_command(const struct options *options, struct err *err);

/* A trial that was taken over, as a run in this directory, with so many epochs and threads, and
 * with a note of where it comes from. */
struct taken {
    const char *directory, *note;
    int64_t epochs, threads;
};
int resume_taken(const struct options *options, const struct taken *taken, struct err *err);

#endif
