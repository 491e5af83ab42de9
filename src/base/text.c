/*
 * Text: a growing buffer, truncating copies and "did you mean".
 */
#include "kdt/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `more` bytes and the terminating zero. */
static void reserve(struct text *text, size_t more)
{
    size_t needed;
    if (__builtin_add_overflow(text->length, more, &needed) || needed > PTRDIFF_MAX / 2) {
        fprintf(stderr, "a text of %zu and %zu bytes is too long\n", text->length, more);
        abort();
    }
    if (needed < text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity <= needed)
        capacity *= 2;
    text->bytes = mem_resize(text->bytes, capacity);
    text->capacity = capacity;
}

void text_append(struct text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length >= 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_fini(struct text *text)
{
    mem_free(text->bytes);
    *text = (struct text){0};
}

void text_copy(char *out, size_t size, const char *from)
{
    if (!size)
        return;
    size_t length = strnlen(from, size);
    if (length == size) {
        /* Never half of a UTF-8 character. */
        length--;
        while (length && ((unsigned char)from[length] & 0xc0) == 0x80)
            length--;
    }
    memmove(out, from, length);
    out[length] = '\0';
}

enum { NEAREST_LONGEST = 64 };

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits from a to b: insertions, deletions, replacements and swaps of
 * neighbours, upper and lower case taken as equal. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NEAREST_LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *text_nearest(const char *word, const char *(*next)(size_t i, const void *of),
                         const void *of)
{
    size_t length = strlen(word);
    if (!length || length > NEAREST_LONGEST)
        return NULL;
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    const char *candidate;
    for (size_t i = 0; (candidate = next(i, of)); i++) {
        size_t candidate_length = strlen(candidate);
        if (candidate_length > NEAREST_LONGEST)
            continue;
        /* One typing error for every three characters. */
        size_t longer = length > candidate_length ? length : candidate_length;
        size_t allowed = longer < 6 ? 1 : longer / 3;
        size_t edits = distance(word, length, candidate, candidate_length);
        if (edits <= allowed && edits < best) {
            best = edits;
            nearest = candidate;
        }
    }
    return nearest;
}
