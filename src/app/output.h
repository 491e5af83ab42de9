/* Files that a subcommand makes for the person, where --output says. */
#ifndef KDT_APP_OUTPUT_H
#define KDT_APP_OUTPUT_H

#include "kdt/base.h"
#include "options.h"

/* --output, or this name in the current folder: an error where that is there already, as
 * nobody asked for it to be replaced. mem_free it. */
char *output_path(const struct options *options, const char *name, struct err *err);
/* Writes the whole file or leaves what was there, and says on standard output that it did. */
int output_write(const char *path, const struct text *bytes, struct err *err);
/* "wrote FILE" */
void output_say(const char *path);

#endif
