/* See words.h. */
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- writing ---- */

void words_put_number(struct text *out, double value)
{
    char text[40];
    number_format_double(text, sizeof text, value);
    text_print(out, " %s", text);
}

void words_put_brief(struct text *out, double value)
{
    if (isnan(value)) /* which may have a sign */
        text_append(out, " nan", 4);
    else
        text_print(out, " %.9g", value);
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static void put_clean(struct text *out, char lead, const char *value)
{
    text_append(out, &lead, 1);
    const size_t begin = out->length;
    text_append(out, value, strlen(value));
    for (size_t i = begin; i < out->length; i++)
        if (is_control(out->bytes[i]))
            out->bytes[i] = ' ';
}

void words_put_text(struct text *out, const char *value)
{
    put_clean(out, ' ', value);
}

void words_put_second_text(struct text *out, const char *value)
{
    put_clean(out, '\t', value);
}

void words_put_word(struct text *out, const char *value)
{
    const size_t begin = out->length + 1;
    words_put_text(out, *value ? value : "-");
    for (size_t i = begin; i < out->length; i++)
        if (out->bytes[i] == ' ')
            out->bytes[i] = '_';
}

void words_put_flags(struct text *out, const char *names, const bool *flags)
{
    const size_t begin = out->length;
    text_append(out, " ", 1);
    for (size_t i = 0; names[i]; i++)
        if (flags[i])
            text_append(out, &names[i], 1);
    if (out->length == begin + 1)
        text_append(out, "-", 1);
}

/* ---- reading ---- */

/* NULL where there is none. */
static char *next_word(struct words *words)
{
    char *word = words->at;
    if (!word || *word == '\0' || *word == ' ')
        return NULL;
    char *end = strchr(word, ' ');
    if (end)
        *end = '\0';
    words->at = end ? end + 1 : NULL;
    return word;
}

bool words_word(struct words *words, char *out, size_t size)
{
    const char *word = next_word(words);
    if (!word || strlen(word) >= size)
        return false;
    for (const char *c = word; *c; c++)
        if (is_control(*c))
            return false;
    text_copy(out, size, word);
    return true;
}

bool words_integer(struct words *words, int64_t low, int64_t high, int64_t *out)
{
    const char *word = next_word(words);
    return word && number_parse_integer(word, out) == 0 && *out >= low && *out <= high;
}

bool words_int(struct words *words, int low, int high, int *out)
{
    int64_t value;
    if (!words_integer(words, low, high, &value))
        return false;
    *out = (int)value;
    return true;
}

bool words_count(struct words *words, uint64_t *out)
{
    int64_t value;
    if (!words_integer(words, 0, INT64_MAX, &value))
        return false;
    *out = (uint64_t)value;
    return true;
}

bool words_number(struct words *words, double *out)
{
    const char *word = next_word(words);
    if (!word)
        return false;
    if (strcmp(word, "nan") == 0)
        *out = NAN;
    else if (strcmp(word, "inf") == 0)
        *out = INFINITY;
    else if (strcmp(word, "-inf") == 0)
        *out = -INFINITY;
    else
        return number_parse_double(word, out) == 0;
    return true;
}

bool words_flags(struct words *words, const char *names, bool *flags)
{
    const char *word = next_word(words);
    for (size_t i = 0; names[i]; i++)
        flags[i] = false;
    if (!word)
        return false;
    for (const char *c = strcmp(word, "-") == 0 ? "" : word; *c; c++) {
        const char *name = strchr(names, *c);
        if (!name)
            return false;
        flags[name - names] = true;
    }
    return true;
}

static bool take_text(const char *from, char *out, size_t size)
{
    for (const char *c = from; *c; c++)
        if (is_control(*c))
            return false;
    text_copy(out, size, from);
    return true;
}

bool words_text(struct words *words, char *out, size_t size)
{
    const char *rest = words->at;
    words->at = NULL;
    return rest && take_text(rest, out, size);
}

bool words_text_before_tab(struct words *words, char *out, size_t size)
{
    char *rest = words->at, *tab = rest ? strchr(rest, '\t') : NULL;
    if (!tab)
        return false;
    *tab = '\0';
    words->at = tab + 1;
    return take_text(rest, out, size);
}
