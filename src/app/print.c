/*
 * print: --help, `kdtui settings` and `kdtui keys`, from the tables.
 */
#include "print.h"

#include "kdt/cmd.h"
#include "kdt/conf.h"
#include "usage.h"

#include <string.h>

enum { WIDTH = 79 };

/* Words from `column`, where the line is now, on; further lines start at
 * `indent`, and so does the first where the line is already there. */
static void print_words(FILE *out, size_t column, size_t indent, const char *words)
{
    bool first = true;

    if (column + 2 > indent) {
        fputc('\n', out);
        column = 0;
    }
    while (column < indent) {
        fputc(' ', out);
        column++;
    }
    while (*words) {
        size_t length = strcspn(words, " ");
        if (!first && column + 1 + length > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)length, words);
        column += length + !first;
        first = false;
        words += length;
        words += *words == ' ';
    }
    fputc('\n', out);
}

static void print_option_help(FILE *out, const struct option_info *option)
{
    struct text left = {0}, right = {0};
    const char *between = " (";

    if (option->letter)
        text_print(&left, "  -%c, ", option->letter);
    else
        text_print(&left, "      ");
    text_print(&left, "--%s", option->name);
    if (option->argument)
        text_print(&left, "=%s", option->argument);

    text_print(&right, "%s", option->meaning);
    if (option->subcommands != USAGE_ALL_SUBCOMMANDS) {
        for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
            if (option->subcommands & 1u << i) {
                text_print(&right, "%s%s", between, usage_subcommand(i)->name);
                between = ", ";
            }
        }
        text_print(&right, ")");
    }
    fputs(left.bytes, out);
    print_words(out, left.length, 32, right.bytes);
    text_fini(&left);
    text_fini(&right);
}

void print_help(FILE *out)
{
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand_info *info = usage_subcommand(i);
        bool optional = i == SUBCOMMAND_RUN;
        fprintf(out, "%s kdtui %s%s%s", i ? "      " : "Usage:", optional ? "[" : "", info->name,
                optional ? "]" : "");
        for (size_t j = 0; j < usage_option_count(); j++) {
            unsigned takers = usage_option(j)->subcommands;
            if (takers & 1u << i && takers != USAGE_ALL_SUBCOMMANDS) {
                fputs(" [OPTION]...", out);
                break;
            }
        }
        fprintf(out, "%s%s\n", *info->operands ? " " : "", info->operands);
    }
    fputs("\nTrains fully-connected classifiers in the terminal, steered by hand.\n", out);
    fputs("\nSubcommands:\n", out);
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand_info *info = usage_subcommand(i);
        print_words(out, (size_t)fprintf(out, "  %s", info->name), 12, info->meaning);
    }
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < usage_option_count(); i++)
        print_option_help(out, usage_option(i));
    fputs("\nManuals: kdtui(1), kdtui.ini(5), kdtui-keys(7)\n", out);
}

static void print_setting(FILE *out, const struct setting *row)
{
    struct text left = {0}, right = {0};
    char accepted[256];

    settings_accepted(row, accepted, sizeof accepted);
    text_print(&left, "%s =%s%s", row->name, *row->standard ? " " : "", row->standard);
    text_print(&right, "%s%s%s%s%s", accepted, *row->unit ? " (" : "", row->unit,
               *row->unit ? ")" : "", row->change == SETTING_LIVE ? "; live" : "");
    fputs(left.bytes, out);
    print_words(out, left.length, 36, right.bytes);
    print_words(out, 0, 4, row->meaning);
    if (row->type == SETTING_CHOICE) {
        for (const struct setting_choice *choice = row->choices; choice->word; choice++)
            print_words(out, (size_t)fprintf(out, "      %s", choice->word), 22, choice->meaning);
    }
    text_fini(&left);
    text_fini(&right);
}

int print_settings(FILE *out, char *const *names, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!settings_find(names[i], err))
            return -1;
    }
    for (size_t i = 0; i < count; i++)
        print_setting(out, settings_find(names[i], err));
    if (count > 0)
        return 0;

    fputs(
        "Each setting with its default and what is accepted; a live one can be changed\n"
        "during a run.\n",
        out);
    for (size_t i = 0; i < settings_section_count(); i++) {
        const struct setting_section *section = settings_section(i);

        fprintf(out, "\n[%s] %s\n", section->name, section->title);
        for (size_t j = 0; j < settings_count(); j++) {
            const struct setting *row = settings_row(j);
            if (strcmp(row->section, section->name) == 0) {
                fputc('\n', out);
                print_setting(out, row);
            }
        }
    }
    return 0;
}

void print_settings_ini(FILE *out)
{
    struct settings settings;
    struct text ini = {0};

    settings_init(&settings);
    settings_print(&settings, true, &ini);
    fwrite(ini.bytes, 1, ini.length, out);
    text_fini(&ini);
}

void print_keys(FILE *out)
{
    for (size_t i = 0; i < key_count(); i++) {
        const struct key_info *key = key_row(i);
        if (i == 0 || key_group(i) != key_group(i - 1))
            fprintf(out, "%s%s:\n", i > 0 ? "\n" : "", key_group(i));
        print_words(out, (size_t)fprintf(out, "  %s", key->keys), 14, key->meaning);
    }
    fputs("\nCommands, typed after a colon:\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        const struct command_info *info = command_info(i);
        int column =
            fprintf(out, "  %s%s%s", info->name, *info->arguments ? " " : "", info->arguments);
        print_words(out, (size_t)column, 24, info->meaning);
    }
}
