/*
 * space: the values of a setting that a search tries, as [search] says them, and
 * the lines there that name another setting.
 *
 *   learning_rate = log 0.005 0.009
 *   hidden = 50:100:5 35:50:5
 *   train.momentum = 0.8 0.9
 */
#include "kdt/conf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WORD = 64, WORDS = 512, STEPS_MOST = 1000000 };

/* Of a text, with blanks between. */
struct words {
    int count;
    char word[WORDS][WORD];
};

static int split(const char *name, const char *text, struct words *out, struct err *err)
{
    static const char blanks[] = " \t\r\n\f\v";

    out->count = 0;
    for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
        size_t length = strcspn(text, blanks);
        if (out->count == WORDS)
            return err_set(err, ERR_USAGE, "%s: at most %d values are expected", name, WORDS);
        if (length >= WORD)
            return err_set(err, ERR_USAGE, "%s: %.80s...: a value of at most %d bytes is expected",
                           name, text, WORD - 1);
        memcpy(out->word[out->count], text, length);
        out->word[out->count++][length] = '\0';
        text += length;
    }
    return 0;
}

static int check_value(const struct setting *row, const char *name, const char *value,
                       struct err *err)
{
    static const struct settings none;
    struct settings scratch = none;
    char accepted[256];

    if (settings_set(&scratch, row, value, NULL) == 0)
        return 0;
    settings_accepted(row, accepted, sizeof accepted);
    return err_set(err, ERR_USAGE, "%s: %s: %s is expected", name, value, accepted);
}

static bool is_numeric(const struct setting *row)
{
    return row->type == SETTING_INTEGER || row->type == SETTING_NUMBER;
}

/* A whole number where the setting is one. */
static int parse_number(const struct setting *row, const char *name, const char *word, double *out,
                        struct err *err)
{
    int64_t integer;
    bool whole = row->type != SETTING_NUMBER;

    if (whole ? number_parse_integer(word, &integer) : number_parse_double(word, out))
        return err_set(err, ERR_USAGE, "%s: %s: a %snumber is expected", name, word,
                       whole ? "whole " : "");
    if (whole)
        *out = (double)integer;
    if (*out < row->minimum || *out > row->maximum) {
        char least[32], most[32];
        number_format_double(least, sizeof least, row->minimum);
        number_format_double(most, sizeof most, row->maximum);
        return err_set(err, ERR_USAGE, "%s: %s: from %s to %s is expected", name, word, least,
                       most);
    }
    return 0;
}

/* log A B [N], uniform A B [N] */
static int parse_range(const struct words *words, const char *name, struct space *out,
                       struct err *err)
{
    const char *kind = words->word[0];
    int64_t points = 0;

    if (words->count < 3 || words->count > 4)
        return err_set(err, ERR_USAGE, "%s: `%s A B` or `%s A B N` is expected", name, kind, kind);
    if (!is_numeric(out->row))
        return err_set(err, ERR_USAGE, "%s: %s is no number, so that a list is expected", name,
                       out->row->name);
    if (parse_number(out->row, name, words->word[1], &out->low, err) != 0 ||
        parse_number(out->row, name, words->word[2], &out->high, err) != 0)
        return -1;
    if (out->low >= out->high)
        return err_set(err, ERR_USAGE, "%s: %s %s %s: A below B is expected", name, kind,
                       words->word[1], words->word[2]);
    if (out->kind == SPACE_LOG && !(out->low > 0))
        return err_set(err, ERR_USAGE, "%s: log %s: a number above 0 is expected", name,
                       words->word[1]);
    if (words->count == 4 &&
        (number_parse_integer(words->word[3], &points) || points < 2 || points > STEPS_MOST))
        return err_set(err, ERR_USAGE, "%s: %s: from 2 to %d points are expected", name,
                       words->word[3], STEPS_MOST);
    out->points = points;
    return 0;
}

double space_step(const struct space_steps *steps, int64_t i)
{
    char text[40];
    double value = steps->low + (double)i * steps->step;

    /* As people write it: 0.3, not 0.30000000000000004. */
    snprintf(text, sizeof text, "%.12e", value);
    (void)number_parse_double(text, &value);
    return value;
}

static int parse_steps(const struct setting *row, const char *name, const char *word,
                       struct space_steps *out, struct err *err)
{
    char copy[WORD], *second, *third;
    double high, count;

    text_copy(copy, sizeof copy, word);
    second = strchr(copy, ':');
    third = second ? strchr(second + 1, ':') : NULL;
    if (!third || strchr(third + 1, ':'))
        return err_set(err, ERR_USAGE, "%s: %s: A:B:STEP is expected", name, word);
    *second++ = *third++ = '\0';
    if (parse_number(row, name, copy, &out->low, err) != 0 ||
        parse_number(row, name, second, &high, err) != 0)
        return -1;
    if (number_parse_double(third, &out->step) || !(out->step > 0) ||
        (row->type != SETTING_NUMBER && out->step != floor(out->step)))
        return err_set(err, ERR_USAGE, "%s: %s: a STEP above 0 is expected", name, word);
    /* B belongs to them, also where a step is no binary fraction. */
    count = floor((high - out->low) / out->step + 1e-9) + 1;
    if (!(count >= 1 && count <= STEPS_MOST))
        return err_set(err, ERR_USAGE, "%s: %s: from 1 to %d values are expected", name, word,
                       STEPS_MOST);
    out->count = (int64_t)count;
    return 0;
}

/* A range for each layer. */
static int parse_layers(const struct words *words, const char *name, struct space *out,
                        struct err *err)
{
    out->kind = SPACE_LAYERS;
    if (words->count > SETTINGS_MAX_LAYERS)
        return err_set(err, ERR_USAGE, "%s: at most %d layers are expected", name,
                       SETTINGS_MAX_LAYERS);
    for (int i = 0; i < words->count; i++) {
        struct space_steps *steps = &out->layer[i];
        if (strchr(words->word[i], ':')) {
            if (parse_steps(out->row, name, words->word[i], steps, err) != 0)
                return -1;
        } else {
            *steps = (struct space_steps){.step = 1, .count = 1};
            if (parse_number(out->row, name, words->word[i], &steps->low, err) != 0)
                return -1;
        }
    }
    out->layers = words->count;
    return 0;
}

static int parse_list(const struct words *words, const char *name, struct space *out,
                      struct err *err)
{
    struct text text = {0};
    char value[WORD];
    int result = 0;

    out->kind = SPACE_LIST;
    out->words = words->count;
    for (int i = 0; i < words->count && result == 0; i++) {
        text_print(&text, "%s%s", i ? " " : "", words->word[i]);
        text_copy(out->text, sizeof out->text, text.bytes);
        out->words = i + 1;
        space_word(out, i, value, sizeof value);
        result = check_value(out->row, name, value, err);
        for (int j = 0; j < i && result == 0; j++)
            if (strcmp(words->word[i], words->word[j]) == 0)
                result = err_set(err, ERR_USAGE, "%s: %s is given twice", name, words->word[i]);
    }
    out->words = words->count;
    text_fini(&text);
    return result;
}

static int parse_words(const struct words *words, const char *name, struct space *out,
                       struct err *err)
{
    bool log = strcmp(words->word[0], "log") == 0, colon = false;

    if (log || strcmp(words->word[0], "uniform") == 0) {
        out->kind = log ? SPACE_LOG : SPACE_UNIFORM;
        return parse_range(words, name, out, err);
    }
    for (int i = 0; i < words->count; i++)
        colon = colon || strchr(words->word[i], ':');
    if (colon && out->row->type == SETTING_WIDTHS)
        return parse_layers(words, name, out, err);
    if (!colon)
        return parse_list(words, name, out, err);
    if (!is_numeric(out->row) || words->count > 1)
        return err_set(err, ERR_USAGE, "%s: %s", name,
                       is_numeric(out->row) ? "one A:B:STEP alone is expected"
                                            : "a list of values is expected");
    out->kind = SPACE_STEPS;
    return parse_steps(out->row, name, words->word[0], &out->steps, err);
}

int space_parse(const struct setting *row, const char *name, const char *text, struct space *out,
                struct err *err)
{
    struct words *words = mem_alloc(sizeof *words);

    *out = (struct space){.row = row};
    int result = split(name, text, words, err);
    if (result == 0 && words->count == 0)
        result = err_set(err, ERR_USAGE, "%s: a value is expected", name);
    if (result == 0)
        result = parse_words(words, name, out, err);
    mem_free(words);
    return result;
}

void space_word(const struct space *space, int64_t i, char *out, size_t size)
{
    const char *word = space->text;

    for (; i > 0; i--)
        word = strchr(word, ' ') + 1;
    snprintf(out, size, "%.*s", (int)strcspn(word, " "), word);
    if (space->row->type == SETTING_WIDTHS)
        for (char *c = out; *c; c++)
            *c = *c == '-' ? ' ' : *c;
}

/* ---- lines that name another setting ---- */

bool settings_is_list(const char *section, const char *key)
{
    return strcmp(section, "search") == 0 && strchr(key, '.');
}

/* Settings that have a key of their own here, or that trials cannot differ in. */
static int check_listed(const struct setting *row, struct err *err)
{
    static const struct {
        const char *name, *why;
    } others[] = {
        {"train.learning_rate", "search.learning_rate lists these"},
        {"train.l2", "search.l2 lists these"},
        {"network.hidden", "search.hidden lists these"},
        {"train.epochs", "every trial trains search.epochs"},
        {"train.threads", "every trial is one thread of search.workers"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(row->name, others[i].name) == 0)
            return err_set(err, ERR_USAGE, "search.%s: %s", row->name, others[i].why);
    if (strcmp(row->section, "data") == 0)
        return err_set(err, ERR_USAGE, "search.%s: trials share one copy of the data", row->name);
    if (strcmp(row->section, "network") != 0 && strcmp(row->section, "train") != 0 &&
        strcmp(row->section, "augment") != 0)
        return err_set(err, ERR_USAGE,
                       "search.%s: a setting of [network], [train] or [augment] is expected",
                       row->name);
    return 0;
}

/* Where the line of this setting is; the end where there is none. */
static char *find_line(char *lists, const char *name)
{
    size_t length = strlen(name);

    while (*lists && !(strncmp(lists, name, length) == 0 && lists[length] == ' '))
        lists = strchr(lists, '\n') + 1;
    return lists;
}

int settings_set_list(struct settings *settings, const char *name, const char *value,
                      struct err *err)
{
    char key[WORD * 2], lists[SETTINGS_LISTS];
    struct space space;
    struct words *words = mem_alloc(sizeof *words);
    struct text line = {0};
    const struct setting *row = settings_find(name, err);
    int result = row ? check_listed(row, err) : -1;

    snprintf(key, sizeof key, "search.%s", name);
    if (result == 0)
        result = split(key, value, words, err);
    for (int i = 0; i < words->count; i++)
        text_print(&line, "%s%s", i ? " " : "", words->word[i]);
    if (result == 0 && line.length >= SETTINGS_TEXT)
        result =
            err_set(err, ERR_USAGE, "%s: at most %d bytes are expected", key, SETTINGS_TEXT - 1);
    if (result == 0 && line.length)
        result = space_parse(row, key, line.bytes, &space, err);
    if (result == 0) {
        memcpy(lists, settings->search_lists, sizeof lists);
        char *old = find_line(lists, name);
        if (*old) {
            const char *next = strchr(old, '\n') + 1;
            memmove(old, next, strlen(next) + 1);
        }
        size_t used = strlen(lists);
        if (used + strlen(name) + line.length + 5 > sizeof lists)
            result =
                err_set(err, ERR_USAGE, "%s: all lists of settings together are too long", key);
        else if (line.length)
            snprintf(lists + used, sizeof lists - used, "%s = %s\n", name, line.bytes);
    }
    if (result == 0) {
        memset(settings->search_lists, 0, sizeof settings->search_lists);
        text_copy(settings->search_lists, sizeof settings->search_lists, lists);
    }
    text_fini(&line);
    mem_free(words);
    return result;
}

bool settings_list_next(const struct settings *settings, size_t *at, const struct setting **row,
                        char value[SETTINGS_TEXT])
{
    const char *line = settings->search_lists + *at;
    char name[WORD * 2];

    if (!*line)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " "), line);
    const char *text = strstr(line, " = ") + 3;
    snprintf(value, SETTINGS_TEXT, "%.*s", (int)strcspn(text, "\n"), text);
    *row = settings_find(name, NULL);
    *at += (size_t)(strchr(line, '\n') + 1 - line);
    return true;
}
