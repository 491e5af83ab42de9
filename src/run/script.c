/*
 * Scripts: commands at their steps, as --script has them.
 *
 *   # half the rate after two epochs, then look
 *   @980 set train.learning_rate /2
 *   @1470 evaluate
 *
 * Blank lines and those that begin with # count for nothing. All is checked that
 * can be without a run, so that a mistake is told before training begins.
 */
#include "internal.h"

#include <string.h>

enum { SCRIPT_MAX = 1 << 24, STEP_DIGITS = 18 };

struct spot {
    const char *name;
    int line;
};

/* Puts FILE:LINE before what is wrong. */
static int wrong(const struct spot *spot, struct err *err)
{
    return err_context(err, "%s:%d", spot->name, spot->line);
}

/* Keys and absolute values; what is relative depends on the run. */
static int check_values(const struct command *command, struct err *err)
{
    struct settings settings;
    settings_init(&settings);
    for (int i = 0; i < command->words; i += 2) {
        const struct setting *row = settings_find(command->word[i], err);
        if (!row)
            return -1;
        if (row->change != SETTING_LIVE)
            return err_set(err, ERR_USAGE, "%s cannot change during a run", row->name);
        if (command->id == COMMAND_TOGGLE)
            continue;
        const char *value = command->word[i + 1];
        if (*value != '*' && *value != '/' && settings_set(&settings, row, value, err) != 0)
            return -1;
    }
    return 0;
}

/* `text`: the line without the white space before it, with a zero at its end. */
static int parse_line(const char *text, struct script_line *out, struct err *err)
{
    char number[STEP_DIGITS + 1] = "";
    size_t digits = text[0] == '@' ? strspn(text + 1, "0123456789") : 0;
    if (!digits || digits > STEP_DIGITS || (text[1 + digits] != ' ' && text[1 + digits] != '\t'))
        return err_set(err, ERR_USAGE, "\"@STEP COMMAND\" is expected");
    memcpy(number, text + 1, digits);
    struct command command;
    if (number_parse_integer(number, &out->step) != 0)
        return err_set(err, ERR_USAGE, "\"@STEP COMMAND\" is expected");
    if (command_parse(text + 1 + digits, &command, err) != 0)
        return -1;
    const struct command_info *info = command_info(command.id);
    if (command_owner(command.id))
        return err_set(err, ERR_USAGE, "'%s' is a command of %s", info->name,
                       command_owner(command.id));
    if ((command.id == COMMAND_SET || command.id == COMMAND_TOGGLE) &&
        check_values(&command, err) != 0)
        return -1;
    out->command = mem_text(command.line);
    return 0;
}

static int add_line(struct script *script, const char *bytes, size_t length,
                    const struct spot *spot, struct err *err)
{
    char text[COMMAND_LINE + STEP_DIGITS + 2];
    while (length && strchr(" \t\r", bytes[0]) && bytes[0])
        bytes++, length--;
    if (!length || bytes[0] == '#')
        return 0;
    if (length >= sizeof text || memchr(bytes, '\0', length)) {
        err_set(err, ERR_USAGE, "the line is too long or no text");
        return wrong(spot, err);
    }
    memcpy(text, bytes, length);
    text[length] = '\0';
    struct script_line line = {.number = spot->line};
    if (parse_line(text, &line, err) != 0)
        return wrong(spot, err);
    script->lines = mem_resize(script->lines, (script->count + 1) * sizeof *script->lines);
    script->lines[script->count++] = line;
    return 0;
}

int script_parse(const char *bytes, size_t length, const char *name, struct script **out,
                 struct err *err)
{
    struct script *script = mem_alloc(sizeof *script);
    struct spot spot = {name, 0};
    script->name = mem_text(name);
    for (size_t at = 0; at < length;) {
        const char *end = memchr(bytes + at, '\n', length - at);
        size_t line = end ? (size_t)(end - bytes) - at : length - at;
        spot.line++;
        if (add_line(script, bytes + at, line, &spot, err) != 0) {
            script_free(script);
            return -1;
        }
        at += line + 1;
    }
    *out = script;
    return 0;
}

int script_load(const char *path, struct script **out, struct err *err)
{
    unsigned char *bytes;
    size_t length;
    if (file_read(path, SCRIPT_MAX, &bytes, &length, err) != 0)
        return -1;
    int result = script_parse((const char *)bytes, length, path, out, err);
    mem_free(bytes);
    return result;
}

void script_free(struct script *script)
{
    if (!script)
        return;
    for (size_t i = 0; i < script->count; i++)
        mem_free(script->lines[i].command);
    mem_free(script->lines);
    mem_free(script->name);
    mem_free(script);
}
