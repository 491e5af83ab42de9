/*
 * manual: tables as mdoc.
 */
#include "manual.h"

#include "kdt/cmd.h"
#include "kdt/conf.h"
#include "usage.h"

#include <ctype.h>
#include <string.h>

enum { SOURCE_WIDTH = 78 };

static void print_escaped(struct text *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\\')
            text_append(out, "\\e", 2);
        else
            text_append(out, &bytes[i], 1);
    }
}

/* Running text: each sentence on lines of its own, as mdoc wants it. */
static void print_sentences(struct text *out, const char *words)
{
    size_t column = 0;

    while (*words) {
        size_t length = strcspn(words, " ");
        if (column > 0 && column + 1 + length > SOURCE_WIDTH) {
            text_print(out, "\n");
            column = 0;
        }
        if (column > 0)
            text_print(out, " ");
        else if (*words == '.' || *words == '\'')
            text_print(out, "\\&");
        print_escaped(out, words, length);
        column += length + 1;
        if (words[length - 1] == '.' && words[length] == ' ') {
            text_print(out, "\n");
            column = 0;
        }
        words += length;
        words += *words == ' ';
    }
    if (column > 0)
        text_print(out, "\n");
}

/* A word as a macro's argument: mdoc must not take it for punctuation, a
 * macro or an escape. */
static void print_word(struct text *out, const char *word, size_t length)
{
    bool special = length == 1 && ispunct((unsigned char)*word);

    text_print(out, " %s", special ? "\\&" : "");
    print_escaped(out, word, length);
}

static void print_words(struct text *out, const char *macro, const char *words)
{
    text_print(out, " %s", macro);
    while (*words) {
        size_t length = strcspn(words, " ");
        print_word(out, words, length);
        words += length;
        words += *words == ' ';
    }
}

/* "KEY [VALUE]": what stands in brackets comes last. */
static void print_arguments(struct text *out, const char *arguments)
{
    size_t required = strcspn(arguments, "[");

    if (required > 0)
        text_print(out, " Ar %.*s", (int)(required - (arguments[required] == '[')), arguments);
    if (arguments[required] == '[')
        text_print(out, " Op Ar %.*s", (int)strcspn(arguments + required, "]") - 1,
                   arguments + required + 1);
}

/* "[RUN]" may be left out, "RUN COMMAND..." not. */
static void print_operands(const char *operands, struct text *out)
{
    const size_t length = strlen(operands);
    if (operands[0] == '[')
        text_print(out, ".Op Ar %.*s\n", (int)length - 2, operands + 1);
    else
        text_print(out, ".Ar %s\n", operands);
}

static void print_synopsis(struct text *out)
{
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand_info *info = usage_subcommand(i);

        text_print(out, ".Nm\n");
        text_print(out, "%s %s\n", i == SUBCOMMAND_RUN ? ".Op Cm" : ".Cm", info->name);
        for (size_t j = 0; j < usage_option_count(); j++) {
            const struct option_info *option = usage_option(j);

            if (option->subcommands == USAGE_ALL_SUBCOMMANDS || !(option->subcommands & 1u << i))
                continue;
            if (option->letter)
                text_print(out, ".Op Fl %c", option->letter);
            else
                text_print(out, ".Op Fl \\-%s", option->name);
            text_print(out, "%s%s\n", option->argument ? " Ar " : "",
                       option->argument ? option->argument : "");
        }
        if (*info->operands)
            print_operands(info->operands, out);
    }
    text_print(out, ".Nm\n.Fl \\-help | \\-version\n");
}

static void print_subcommands(struct text *out)
{
    text_print(out, ".Bl -tag -width settings\n");
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand_info *info = usage_subcommand(i);

        text_print(out, ".It Cm %s", info->name);
        print_arguments(out, info->operands);
        text_print(out, "\n");
        print_sentences(out, info->meaning);
    }
    text_print(out, ".El\n");
}

static void print_options(struct text *out)
{
    text_print(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < usage_option_count(); i++) {
        const struct option_info *option = usage_option(i);

        text_print(out, ".It");
        if (option->letter)
            text_print(out, " Fl %c%s%s ,", option->letter, option->argument ? " Ar " : "",
                       option->argument ? option->argument : "");
        text_print(out, " Fl \\-%s", option->name);
        if (option->argument)
            text_print(out, " Ns = Ns Ar %s", option->argument);
        text_print(out, "\n");
        print_sentences(out, option->meaning);
        if (option->subcommands == USAGE_ALL_SUBCOMMANDS)
            continue;
        text_print(out, "Option of\n");
        for (unsigned j = 0, left = (unsigned)__builtin_popcount(option->subcommands); left; j++) {
            if (!(option->subcommands & 1u << j))
                continue;
            left--;
            text_print(out, ".Cm %s%s\n%s", usage_subcommand(j)->name,
                       left == 0   ? " ."
                       : left == 1 ? ""
                                   : " ,",
                       left == 1 ? "and\n" : "");
        }
    }
    text_print(out, ".El\n");
}

static void print_setting(struct text *out, const struct setting *row)
{
    char accepted[256];

    text_print(out, ".It Ic %s No =", row->key);
    if (*row->standard)
        print_words(out, "Ar", row->standard);
    text_print(out, "\n");
    print_sentences(out, row->meaning);
    if (row->type == SETTING_CHOICE) {
        text_print(out, ".Pp\n.Bl -tag -width fashion-mnist -compact\n");
        for (const struct setting_choice *choice = row->choices; choice->word; choice++) {
            text_print(out, ".It");
            print_words(out, "Cm", choice->word);
            text_print(out, "\n");
            print_sentences(out, choice->meaning);
        }
        text_print(out, ".El\n");
    } else {
        struct text sentence = {0};
        settings_accepted(row, accepted, sizeof accepted);
        text_print(&sentence, "Accepted: %s%s%s%s.", accepted, *row->unit ? " (" : "", row->unit,
                   *row->unit ? ")" : "");
        print_sentences(out, sentence.bytes);
        text_fini(&sentence);
    }
    if (row->change == SETTING_LIVE)
        text_print(out, "Live.\n");
}

static void print_settings(struct text *out)
{
    for (size_t i = 0; i < settings_section_count(); i++) {
        const struct setting_section *section = settings_section(i);

        text_print(out, ".Ss [%s]: %s\n.Bl -tag -width Ds\n", section->name, section->title);
        for (size_t j = 0; j < settings_count(); j++) {
            if (strcmp(settings_row(j)->section, section->name) == 0)
                print_setting(out, settings_row(j));
        }
        text_print(out, ".El\n");
    }
}

static void print_keys(struct text *out)
{
    for (size_t i = 0; i < key_count(); i++) {
        const struct key_info *key = key_row(i);
        const char *name = key->keys, *macro = "Ic";

        if (i == 0 || key_group(i) != key_group(i - 1))
            text_print(out, "%s.Ss %s\n.Bl -tag -width \"space, p\"\n", i > 0 ? ".El\n" : "",
                       key_group(i));
        text_print(out, ".It");
        while (*name) {
            size_t length = strcspn(name, " ");
            text_print(out, " %s", macro);
            print_word(out, name, length);
            macro = ", Ic";
            name += length;
            name += *name == ' ';
        }
        text_print(out, "\n");
        print_sentences(out, key->meaning);
        if (key->command == NULL)
            continue;
        text_print(out, "Gives\n.");
        struct text command = {0};
        print_words(&command, "Ql", key->command);
        text_print(out, "%s .\n", command.bytes + 1);
        text_fini(&command);
    }
    text_print(out, ".El\n");
}

static void print_commands(struct text *out)
{
    static const struct {
        enum command_scope scope;
        const char *title;
    } scopes[] = {
        {COMMAND_SCOPE_RUN, "Commands of the run"},
        {COMMAND_SCOPE_EDIT, "Commands that edit settings"},
        {COMMAND_SCOPE_SEARCH, "Commands of a search"},
        {COMMAND_SCOPE_VIEW, "Commands of the view"},
    };

    for (size_t s = 0; s < sizeof scopes / sizeof *scopes; s++) {
        text_print(out, ".Ss %s\n.Bl -tag -width Ds\n", scopes[s].title);
        for (unsigned i = 0; i < COMMAND_COUNT; i++) {
            const struct command_info *info = command_info(i);

            if (info->scope != scopes[s].scope)
                continue;
            text_print(out, ".It");
            print_words(out, "Ic", info->name);
            print_arguments(out, info->arguments);
            text_print(out, "\n");
            print_sentences(out, info->meaning);
        }
        text_print(out, ".El\n");
    }
}

int manual_print(const char *name, struct text *out)
{
    static const struct {
        const char *name;
        void (*print)(struct text *out);
    } regions[] = {
        {"synopsis", print_synopsis}, {"subcommands", print_subcommands},
        {"options", print_options},   {"settings", print_settings},
        {"keys", print_keys},         {"commands", print_commands},
    };

    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        if (strcmp(regions[i].name, name) == 0) {
            regions[i].print(out);
            return 0;
        }
    }
    return -1;
}
