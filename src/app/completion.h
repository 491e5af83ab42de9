/*
 * completion: the shells' completion scripts, from the tables.
 */
#ifndef KDT_APP_COMPLETION_H
#define KDT_APP_COMPLETION_H

#include "kdt/base.h"

enum completion_shell { COMPLETION_BASH, COMPLETION_ZSH, COMPLETION_FISH };

/* `path` is the script's own place, etc/completions/…; the presets are those
 * beside it, in etc/presets. */
int completion_print(enum completion_shell shell, const char *path, struct text *out,
                     struct err *err);

#endif
