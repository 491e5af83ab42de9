/*
 * The command line, parsed by the rows of usage.def. GNU manners: options and
 * operands in any order, "--" ends the options, the first operand is the
 * subcommand and `run` where there is none.
 */
#ifndef KDT_APP_OPTIONS_H
#define KDT_APP_OPTIONS_H

#include "kdt/base.h"
#include "usage.h"

struct options {
    enum subcommand subcommand;
    bool headless, mouse, read_only, quiet, verify, ini, json, table, csv, help, version;
    const char *preset, *name, *runs_directory, *split, *script, *epochs, *from, *seconds, *output,
        *format, *join;         /* NULL: not given */
    const char **config, **set; /* in the order given */
    size_t config_count, set_count;
    char **operands; /* without the subcommand; NULL at the end */
    size_t operand_count;
    char **words; /* that holds them */
};

/* Points into argv, which it may reorder. The error is ERR_USAGE. */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
void options_fini(struct options *options);

#endif
