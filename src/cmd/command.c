/*
 * The table of commands and the grammar: a line is a name and words split by
 * spaces, and after the name nothing is an option.
 */
#include "kdt/cmd.h"

#include <assert.h>
#include <string.h>

enum { ANY = -1, MOST_STEPS = 1000000, CHECKPOINT_NAME = 64 };

static const struct command_info table[COMMAND_COUNT] = {
#define COMMAND(constant, name, arguments, least, most, scope, meaning)                            \
    {constant, name, arguments, least, most, COMMAND_SCOPE_##scope, meaning},
#include "kdt/commands.def"
};

const struct command_info *command_info(enum command_id id)
{
    assert((unsigned)id < COMMAND_COUNT);
    return &table[id];
}

const char *command_owner(enum command_id id)
{
    switch (command_info(id)->scope) {
    case COMMAND_SCOPE_VIEW:
        return "the view";
    case COMMAND_SCOPE_SEARCH:
        return "a search";
    default:
        return NULL;
    }
}

const char *command_source_name(enum command_source source)
{
    static const char *const names[] = {
        [SOURCE_KEY] = "key",       [SOURCE_PROMPT] = "prompt", [SOURCE_SOCKET] = "socket",
        [SOURCE_SCRIPT] = "script", [SOURCE_RULE] = "rule",     [SOURCE_SIGNAL] = "signal",
        [SOURCE_RESUME] = "resume", [SOURCE_REPLAY] = "replay",
    };
    assert((size_t)source < sizeof names / sizeof *names);
    return names[source];
}

static const char *next_name(size_t i, const void *of)
{
    (void)of;
    return i < COMMAND_COUNT ? table[i].name : NULL;
}

static const struct command_info *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

static int unknown(const char *name, struct err *err)
{
    char shown[41];
    text_copy(shown, sizeof shown, name);
    const char *nearest = text_nearest(name, next_name, NULL);
    if (nearest)
        return err_set(err, ERR_USAGE, "no command \"%s\"; did you mean \"%s\"?", shown, nearest);
    return err_set(err, ERR_USAGE, "no command \"%s\"; \"help\" lists them", shown);
}

/* The length of the UTF-8 character at `text` (terminated), 0 where it is none
 * or steers a terminal. */
static size_t printable(const unsigned char *text)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return first >= ' ' && first != 0x7f;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    uint32_t code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool overlong = code < (length == 2 ? 0x80u : length == 3 ? 0x800u : 0x10000u);
    bool control = code >= 0x80 && code < 0xa0;
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return overlong || control || surrogate || code > 0x10ffff ? 0 : length;
}

/* Copies the line without the white space around it. */
static int trim(const char *line, char out[COMMAND_LINE], struct err *err)
{
    static const char white[] = " \t\r\n";
    line += strspn(line, white);
    size_t length = strlen(line);
    while (length && strchr(white, line[length - 1]))
        length--;
    if (!length)
        return err_set(err, ERR_USAGE, "a command is expected, the line is empty");
    if (length >= COMMAND_LINE)
        return err_set(err, ERR_USAGE, "a command of %zu bytes; at most %d are accepted", length,
                       COMMAND_LINE - 1);
    memcpy(out, line, length);
    out[length] = '\0';
    for (size_t at = 0, step; at < length; at += step) {
        step = printable((const unsigned char *)out + at);
        if (!step)
            return err_set(err, ERR_USAGE, "byte %zu of the command is no printable UTF-8", at + 1);
    }
    return 0;
}

/* Ends the word at `at` and returns the start of the next one. */
static char *end_word(char *at)
{
    at += strcspn(at, " ");
    size_t spaces = strspn(at, " ");
    *at = '\0';
    return at + spaces;
}

static int split(char *rest, struct command *out, struct err *err)
{
    if (out->id == COMMAND_NOTE) {
        if (*rest)
            out->word[out->words++] = rest;
        return 0;
    }
    while (*rest) {
        if (out->words == COMMAND_WORDS)
            return err_set(err, ERR_USAGE, "more than %d words", COMMAND_WORDS);
        out->word[out->words++] = rest;
        rest = end_word(rest);
    }
    return 0;
}

static int check_count(const struct command_info *info, int words, struct err *err)
{
    bool fits = words >= info->least && (info->most == ANY || words <= info->most);
    if (fits && !(info->id == COMMAND_SET && words % 2))
        return 0;
    if (info->most == 0)
        return err_set(err, ERR_USAGE, "\"%s\" stands alone", info->name);
    return err_set(err, ERR_USAGE, "\"%s %s\" is expected", info->name, info->arguments);
}

static int check_steps(struct command *command, struct err *err)
{
    command->number = 1;
    if (command->words && (number_parse_integer(command->word[0], &command->number) ||
                           command->number < 1 || command->number > MOST_STEPS))
        return err_set(err, ERR_USAGE, "\"step N\" takes a whole number from 1 to %d", MOST_STEPS);
    return 0;
}

/* A checkpoint's name becomes a file's, and must not look like one that the
 * program gives itself. */
static int check_checkpoint(const char *name, struct err *err)
{
    static const char accepted[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "0123456789-_.";
    if (strlen(name) > CHECKPOINT_NAME || name[0] == '.' || name[strspn(name, accepted)])
        return err_set(err, ERR_USAGE,
                       "a checkpoint's name has up to %d letters, digits, '-', '_' and '.', "
                       "no '.' first",
                       CHECKPOINT_NAME);
    if (!strcmp(name, "best") || !strcmp(name, "last") || !strncmp(name, "step-", 5) ||
        !strncmp(name, "edit-", 5))
        return err_set(err, ERR_USAGE, "the name \"%s\" is the program's own; choose another",
                       name);
    return 0;
}

int command_parse(const char *line, struct command *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (trim(line, out->line, err))
        return -1;
    memcpy(out->text, out->line, sizeof out->text);
    char *rest = end_word(out->text);
    const struct command_info *info = find(out->text);
    if (!info)
        return unknown(out->text, err);
    out->id = info->id;
    if (split(rest, out, err) || check_count(info, out->words, err))
        return -1;
    if (out->id == COMMAND_STEP)
        return check_steps(out, err);
    if (out->id == COMMAND_CHECKPOINT && out->words)
        return check_checkpoint(out->word[0], err);
    return 0;
}
