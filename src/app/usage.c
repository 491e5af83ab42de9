/*
 * usage: the tables of subcommands and options, made from usage.def.
 */
#include "usage.h"

#include <assert.h>

static const struct subcommand_info subcommands[] = {
#define SUBCOMMAND(constant, name, operands, meaning) {name, operands, meaning},
#include "usage.def"
};

#define FOR(constant) (1u << SUBCOMMAND_##constant)
#define FOR_ALL USAGE_ALL_SUBCOMMANDS
static const struct option_info options[] = {
#define OPTION(letter, name, argument, subcommands, meaning)                                       \
    {letter, name, argument, subcommands, meaning},
#include "usage.def"
};

const struct subcommand_info *usage_subcommand(enum subcommand subcommand)
{
    assert(subcommand < SUBCOMMAND_COUNT);
    return &subcommands[subcommand];
}

size_t usage_option_count(void)
{
    return sizeof options / sizeof *options;
}

const struct option_info *usage_option(size_t i)
{
    assert(i < usage_option_count());
    return &options[i];
}
