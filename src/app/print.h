/*
 * print: what kdtui says of itself from its tables, for people: --help,
 * `kdtui settings` and `kdtui keys`, at most 79 columns wide.
 */
#ifndef KDT_APP_PRINT_H
#define KDT_APP_PRINT_H

#include "kdt/base.h"

#include <stdio.h>

void print_help(FILE *out);
/* Every setting, or the named ones; an unknown name is ERR_USAGE, and nothing is printed. */
int print_settings(FILE *out, char *const *names, size_t count, struct err *err);
/* The defaults as a commented INI file: `kdtui settings --ini`. */
void print_settings_ini(FILE *out);
void print_keys(FILE *out);

#endif
