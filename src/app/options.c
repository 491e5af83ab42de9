/* The command line; see options.h. */
#include "options.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

/* Long options get values above every character: LONG_ONLY + their row. */
enum { LONG_ONLY = 256, OPTION_ROWS_MAX = 64 };

static const char *next_subcommand(size_t i, const void *of)
{
    (void)of;
    return i < SUBCOMMAND_COUNT ? usage_subcommand((enum subcommand)i)->name : NULL;
}

static const char *next_option(size_t i, const void *of)
{
    (void)of;
    return i < usage_option_count() ? usage_option(i)->name : NULL;
}

/* What getopt_long is given, made from the rows. */
struct getopt_tables {
    struct option longs[OPTION_ROWS_MAX + 1];
    char shorts[2 * OPTION_ROWS_MAX + 3];
};

static void tables_make(struct getopt_tables *tables)
{
    char *s = tables->shorts;
    size_t count = usage_option_count();
    assert(count <= OPTION_ROWS_MAX);
    *s++ = '+'; /* it stops at operands, which options_parse steps over */
    *s++ = ':'; /* a missing argument is told apart from an unknown option */
    for (size_t i = 0; i < count; i++) {
        const struct option_info *row = usage_option(i);
        tables->longs[i] = (struct option){
            row->name, row->argument ? required_argument : no_argument, NULL, LONG_ONLY + (int)i};
        if (row->letter) {
            *s++ = (char)row->letter;
            if (row->argument)
                *s++ = ':';
        }
    }
    tables->longs[count] = (struct option){0};
    *s = '\0';
}

/* The row that getopt_long's value belongs to. */
static size_t row_index(int value)
{
    if (value >= LONG_ONLY)
        return (size_t)(value - LONG_ONLY);
    size_t i = 0;
    while (usage_option(i)->letter != value)
        i++;
    return i;
}

static int unknown_option(const char *word, struct err *err)
{
    if (word[0] == '-' && word[1] == '-') {
        char name[64];
        text_copy(name, sizeof name, word + 2);
        name[strcspn(name, "=")] = '\0';
        int matches = 0;
        for (size_t i = 0; i < usage_option_count(); i++)
            matches += strncmp(usage_option(i)->name, name, strlen(name)) == 0;
        if (matches > 1)
            return err_set(err, ERR_USAGE, "--%s: several options begin so", name);
        for (size_t i = 0; i < usage_option_count(); i++)
            if (strcmp(usage_option(i)->name, name) == 0)
                return err_set(err, ERR_USAGE, "--%s takes no value", name);
        const char *nearest = text_nearest(name, next_option, NULL);
        if (nearest)
            return err_set(err, ERR_USAGE, "--%s: no such option; did you mean --%s?", name,
                           nearest);
        return err_set(err, ERR_USAGE, "--%s: no such option; see kdtui --help", name);
    }
    return err_set(err, ERR_USAGE, "-%c: no such option; see kdtui --help", optopt);
}

static void take_option(struct options *out, const char *name, const char *value)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"headless", &out->headless}, {"mouse", &out->mouse},   {"read-only", &out->read_only},
        {"quiet", &out->quiet},       {"verify", &out->verify}, {"ini", &out->ini},
        {"json", &out->json},         {"help", &out->help},     {"version", &out->version},
        {"table", &out->table},       {"csv", &out->csv}};
    const struct {
        const char *name;
        const char **text;
    } texts[] = {
        {"preset", &out->preset}, {"name", &out->name},       {"runs-dir", &out->runs_directory},
        {"script", &out->script}, {"epochs", &out->epochs},   {"from", &out->from},
        {"split", &out->split},   {"seconds", &out->seconds}, {"output", &out->output},
        {"format", &out->format}, {"join", &out->join}};

    if (strcmp(name, "config") == 0)
        out->config[out->config_count++] = value;
    else if (strcmp(name, "set") == 0)
        out->set[out->set_count++] = value;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(name, flags[i].name) == 0)
            *flags[i].flag = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i].name) == 0)
            *texts[i].text = value;
}

static int find_subcommand(struct options *out, struct err *err)
{
    if (out->operand_count == 0)
        return 0;
    const char *word = out->operands[0];
    for (int i = 0; i < SUBCOMMAND_COUNT; i++)
        if (strcmp(word, usage_subcommand((enum subcommand)i)->name) == 0) {
            out->subcommand = (enum subcommand)i;
            out->operands++;
            out->operand_count--;
            return 0;
        }
    const char *nearest = text_nearest(word, next_subcommand, NULL);
    if (nearest)
        return err_set(err, ERR_USAGE, "%s: no such command; did you mean %s?", word, nearest);
    return err_set(err, ERR_USAGE, "%s: no such command; see kdtui --help", word);
}

static int check_operands(const struct options *options, struct err *err)
{
    static const size_t operands[SUBCOMMAND_COUNT] = {
        [SUBCOMMAND_ATTACH] = 1,      [SUBCOMMAND_STATUS] = 1, [SUBCOMMAND_SEND] = SIZE_MAX,
        [SUBCOMMAND_RESUME] = 1,      [SUBCOMMAND_REPLAY] = 1, [SUBCOMMAND_EVAL] = 1,
        [SUBCOMMAND_PLOT] = SIZE_MAX, [SUBCOMMAND_EXPORT] = 1, [SUBCOMMAND_SETTINGS] = SIZE_MAX,
    };
    size_t most = operands[options->subcommand];
    if (options->operand_count > most)
        return err_set(err, ERR_USAGE, "%s: an operand too many; see kdtui %s --help",
                       options->operands[most], usage_subcommand(options->subcommand)->name);
    return 0;
}

/* After the first word of a command nothing is an option: a value may begin with a minus. */
static bool is_command_to_send(const struct options *options)
{
    return options->operand_count == 3 &&
           strcmp(options->operands[0], usage_subcommand(SUBCOMMAND_SEND)->name) == 0;
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    *out = (struct options){.subcommand = SUBCOMMAND_RUN};
    out->config = mem_alloc((size_t)argc * sizeof *out->config);
    out->set = mem_alloc((size_t)argc * sizeof *out->set);
    out->words = out->operands = mem_alloc(((size_t)argc + 1) * sizeof *out->operands);

    struct getopt_tables tables;
    tables_make(&tables);
    bool used[OPTION_ROWS_MAX] = {false};
    opterr = 0;
    optind = 0; /* glibc: start afresh, so that tests may parse more than once */
    for (bool only_operands = false;;) {
        int before = optind ? optind : 1;
        int value = only_operands ? -1 : getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
        if (value == -1) {
            only_operands =
                only_operands || (optind == before + 1 && strcmp(argv[before], "--") == 0);
            if (optind >= argc)
                break;
            out->operands[out->operand_count++] = argv[optind++];
            only_operands = only_operands || is_command_to_send(out);
            continue;
        }
        const char *word = argv[before < argc ? before : argc - 1];
        if (value == '?')
            return unknown_option(
                optind > before && argv[optind - 1][0] == '-' ? argv[optind - 1] : word, err);
        if (value == ':') {
            size_t i = row_index(optopt);
            return err_set(err, ERR_USAGE, "--%s needs a value: %s", usage_option(i)->name,
                           usage_option(i)->argument);
        }
        size_t i = row_index(value);
        used[i] = true;
        if (optarg && !*optarg)
            return err_set(err, ERR_USAGE, "--%s needs a value: %s", usage_option(i)->name,
                           usage_option(i)->argument);
        take_option(out, usage_option(i)->name, optarg);
    }
    if (find_subcommand(out, err) != 0)
        return -1;
    if (out->help || out->version)
        return 0;
    for (size_t i = 0; i < usage_option_count(); i++)
        if (used[i] && !(usage_option(i)->subcommands & (1u << out->subcommand)))
            return err_set(err, ERR_USAGE, "--%s is not an option of kdtui %s",
                           usage_option(i)->name, usage_subcommand(out->subcommand)->name);
    return check_operands(out, err);
}

void options_fini(struct options *options)
{
    mem_free(options->config);
    mem_free(options->set);
    mem_free(options->words);
}
