/*
 * usage: usage.def as data, for the parser of the command line, --help, the
 * manual and the completions.
 */
#ifndef KDT_APP_USAGE_H
#define KDT_APP_USAGE_H

#include <stddef.h>

enum subcommand {
#define SUBCOMMAND(constant, name, operands, meaning) SUBCOMMAND_##constant,
#include "usage.def"
    SUBCOMMAND_COUNT
};

struct subcommand_info {
    const char *name, *operands, *meaning;
};
const struct subcommand_info *usage_subcommand(enum subcommand subcommand);

struct option_info {
    int letter; /* 0: it has only the long name */
    const char *name;
    const char *argument; /* NULL: it takes none */
    unsigned subcommands; /* a bit, 1 << SUBCOMMAND_…, for each that takes it */
    const char *meaning;
};
size_t usage_option_count(void);
const struct option_info *usage_option(size_t i);

enum { USAGE_ALL_SUBCOMMANDS = (1 << SUBCOMMAND_COUNT) - 1 };

#endif
