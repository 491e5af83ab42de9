/*
 * cmd: every command and every default key, declared once in commands.def and
 * keys.def, and the one grammar for all of them. Performs none.
 */
#ifndef KDT_CMD_H
#define KDT_CMD_H

#include "kdt/base.h"

enum command_id {
#define COMMAND(constant, name, arguments, least, most, scope, meaning) constant,
#include "kdt/commands.def"
    COMMAND_COUNT
};
enum command_scope {
    COMMAND_SCOPE_RUN,
    COMMAND_SCOPE_EDIT,
    COMMAND_SCOPE_SEARCH,
    COMMAND_SCOPE_VIEW
};

struct command_info {
    enum command_id id;
    const char *name, *arguments;
    int least, most; /* words after the name; most -1: any number */
    enum command_scope scope;
    const char *meaning;
};
const struct command_info *command_info(enum command_id id);
/* Whose command it is: "the view", "a search"; NULL: a run's. */
const char *command_owner(enum command_id id);

/* Who gave a command. */
enum command_source {
    SOURCE_KEY,
    SOURCE_PROMPT,
    SOURCE_SOCKET,
    SOURCE_SCRIPT,
    SOURCE_RULE,
    SOURCE_SIGNAL,
    SOURCE_RESUME,
    SOURCE_REPLAY,
};
const char *command_source_name(enum command_source source);

enum { COMMAND_LINE = 1024, COMMAND_WORDS = 64 };

/* A parsed line. Words point into text: who copies the struct parses `line`
 * again. For `note` the text is one word, kept as typed. `number` is the
 * argument of `step` (1 where it was left out). */
struct command {
    enum command_id id;
    int words; /* without the name */
    char *word[COMMAND_WORDS];
    int64_t number;
    char text[COMMAND_LINE];
    char line[COMMAND_LINE]; /* the whole line as given, white space trimmed */
};
/* Checks name and number of words; keys and values are checked by who performs
 * it. Control characters and what is not UTF-8 are refused. The error suggests
 * the nearest name. */
int command_parse(const char *line, struct command *out, struct err *err);

struct key_info {
    const char *keys;    /* "space p" */
    const char *command; /* "pause-or-continue"; NULL: of a list, a menu or the prompt */
    const char *brief;
    int rank;
    const char *meaning;
};
size_t key_count(void);
const struct key_info *key_row(size_t i);
const char *key_group(size_t i); /* its title: "Going back" */
/* The row with a command that a key's name ("p", "ctrl-l", "space") belongs to, or NULL. */
const struct key_info *key_find(const char *key);

#endif
