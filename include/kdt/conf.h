/*
 * conf: every setting, declared once in settings.def; parsed, checked,
 * printed and copied here. Acts on none of them.
 *
 * struct settings is plain data: assign it to copy it. The table is constant,
 * so everything here may be called from any thread.
 */
#ifndef KDT_CONF_H
#define KDT_CONF_H

#include "kdt/base.h"

enum { SETTINGS_MAX_LAYERS = 16, SETTINGS_TEXT = 1024, SETTINGS_LISTS = 2048 };

/* The formatter does not see through these macros. */
/* clang-format off */
#define CHOICES_BEGIN(list) enum settings_##list {
#define CHOICE(constant, word, meaning) constant,
#define CHOICES_END(list) };
#include "kdt/settings.def"

struct settings_widths {
    int count;
    int units[SETTINGS_MAX_LAYERS];
};

/* settings.train.learning_rate and so on. */
struct settings {
#define SECTION_BEGIN(section, title) struct {
#define INTEGER(section, key, standard, minimum, maximum, unit, change, meaning) int64_t key;
#define NUMBER(section, key, standard, minimum, maximum, unit, change, meaning) double key;
#define SWITCH(section, key, standard, change, meaning) bool key;
#define CHOOSE(section, key, list, standard, change, meaning) enum settings_##list key;
#define TEXT(section, key, standard, change, meaning) char key[SETTINGS_TEXT];
#define WIDTHS(section, key, standard, change, meaning) struct settings_widths key;
#define SPACE(section, key, of, standard, change, meaning) char key[SETTINGS_TEXT];
#define SECTION_END(section) } section;
#include "kdt/settings.def"
    /* Lines of [search] that name another setting: "train.momentum = 0.8 0.9\n". */
    char search_lists[SETTINGS_LISTS];
};
/* clang-format on */

enum setting_type {
    SETTING_INTEGER,
    SETTING_NUMBER,
    SETTING_SWITCH,
    SETTING_CHOICE,
    SETTING_TEXT,
    SETTING_WIDTHS,
    SETTING_SPACE,
};
enum setting_change { SETTING_FIXED, SETTING_LIVE, SETTING_VIEW };

struct setting_choice {
    const char *word, *meaning;
};

/* One row of the table. */
struct setting {
    const char *name; /* "train.learning_rate" */
    const char *section, *key;
    enum setting_type type;
    const char *standard; /* the default, as text */
    double minimum, maximum;
    const struct setting_choice *choices; /* SETTING_CHOICE; ends with a NULL word */
    const char *unit;
    const char *of; /* SETTING_SPACE: the setting whose values it says */
    enum setting_change change;
    const char *meaning;
    size_t offset; /* in struct settings */
};

struct setting_section {
    const char *name, *title;
};

size_t settings_count(void);
const struct setting *settings_row(size_t i);
size_t settings_section_count(void);
const struct setting_section *settings_section(size_t i);
/* By full name; where there is none, NULL and *err with the nearest name. */
const struct setting *settings_find(const char *name, struct err *err);

void settings_init(struct settings *settings); /* the defaults */

/* Sets one value from text. The error says what is accepted. */
int settings_set(struct settings *settings, const struct setting *row, const char *value,
                 struct err *err);
/* As `set` takes it: "*F" and "/F" multiply and divide the present number. */
int settings_set_relative(struct settings *settings, const struct setting *row, const char *value,
                          struct err *err);
/* "SECTION.KEY=VALUE", as --set has it. */
int settings_set_line(struct settings *settings, const char *line, struct err *err);

/* The values of a setting that a search tries:
 *
 *   log A B [N]       between A and B, evenly in the logarithm; a grid takes N of them
 *   uniform A B [N]   between A and B
 *   A:B:STEP          A, A + STEP, ... up to B
 *   V V ...           these; of network.hidden architectures: 90-60-25 85-35
 *   A:B:STEP ...      of network.hidden: a range for each layer, or a number */
enum space_kind { SPACE_LIST, SPACE_LOG, SPACE_UNIFORM, SPACE_STEPS, SPACE_LAYERS };
struct space_steps {
    double low, step;
    int64_t count;
};
struct space {
    enum space_kind kind;
    const struct setting *row;
    double low, high; /* SPACE_LOG, SPACE_UNIFORM */
    int64_t points;   /* the same: of a grid; 0: not given */
    struct space_steps steps;
    int layers; /* SPACE_LAYERS */
    struct space_steps layer[SETTINGS_MAX_LAYERS];
    int64_t words; /* SPACE_LIST */
    char text[SETTINGS_TEXT];
};
/* `name` is the key in errors. Not for an empty text, which says nothing. */
int space_parse(const struct setting *row, const char *name, const char *text, struct space *out,
                struct err *err);
/* Value i of steps. */
double space_step(const struct space_steps *steps, int64_t i);
/* Word i of a list, as settings_set takes it for the row. */
void space_word(const struct space *space, int64_t i, char *out, size_t size);
/* The lines of [search] that name another setting, one after another from *at = 0 on. */
bool settings_list_next(const struct settings *settings, size_t *at, const struct setting **row,
                        char value[SETTINGS_TEXT]);
/* Sets one, by the full name of the setting; an empty value takes the line out. */
int settings_set_list(struct settings *settings, const char *name, const char *value,
                      struct err *err);
/* Whether a key of [search] is such a name. */
bool settings_is_list(const char *section, const char *key);
/* The value as text that settings_set reads back identically. */
void settings_format(const struct settings *settings, const struct setting *row, char *out,
                     size_t size);
/* What is accepted, in words: "a number from 0 to 1", "relu, leaky_relu or elu". */
void settings_accepted(const struct setting *row, char *out, size_t size);

/* An INI file's bytes; `path` names it in errors: "PATH:LINE: …". Unknown
 * sections and keys, wrong values and lines over 4095 bytes are errors; on an
 * error *settings is as it was. */
int settings_parse(struct settings *settings, const char *bytes, size_t length, const char *path,
                   struct err *err);
/* Reads a file; `optional`: a missing one is fine. */
int settings_load(struct settings *settings, const char *path, bool optional, struct err *err);
/* The whole as an INI file; with comments it is etc/kdtui.ini. */
void settings_print(const struct settings *settings, bool comments, struct text *out);
/* What no single row can say: rate_min below rate_max and the like. */
int settings_check(const struct settings *settings, struct err *err);

#endif
