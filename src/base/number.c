/*
 * Numbers as text: a decimal point in every locale, the whole text or nothing.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/base.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t plain_locale;

static void create_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* This thread's locale becomes "C"; returns the one to put back. */
static locale_t enter_plain_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, create_plain_locale);
    return uselocale(plain_locale);
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

static const char *skip_sign(const char *text)
{
    return *text == '-' || *text == '+' ? text + 1 : text;
}

/* [sign] digits [. digits] [e [sign] digits], at least one digit before the e. */
static bool is_decimal(const char *text)
{
    const char *digits = skip_sign(text), *end = skip_digits(digits);
    bool some = end > digits;
    if (*end == '.') {
        digits = end + 1;
        end = skip_digits(digits);
        some = some || end > digits;
    }
    if (some && (*end == 'e' || *end == 'E')) {
        digits = skip_sign(end + 1);
        end = skip_digits(digits);
        some = end > digits;
    }
    return some && *end == '\0';
}

int number_parse_double(const char *text, double *out)
{
    if (!is_decimal(text))
        return -1;
    locale_t before = enter_plain_locale();
    double value = strtod(text, NULL);
    uselocale(before);
    if (!isfinite(value))
        return -1;
    *out = value;
    return 0;
}

int number_parse_integer(const char *text, int64_t *out)
{
    const char *digits = skip_sign(text), *end = skip_digits(digits);
    if (end == digits || *end != '\0')
        return -1;
    bool negative = *text == '-';
    int64_t value = 0;
    for (; *digits; digits++) {
        int digit = *digits - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return -1;
    }
    *out = value;
    return 0;
}

void number_format_double(char *out, size_t size, double value)
{
    if (!isfinite(value)) {
        text_copy(out, size, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    /* 15 digits are never too many for a normal number, 17 always enough;
     * subnormal ones carry fewer. */
    int digits = value == 0 || fabs(value) >= DBL_MIN ? DBL_DIG : 1;
    char text[32];
    locale_t before = enter_plain_locale();
    do
        snprintf(text, sizeof text, "%.*g", digits, value);
    while (digits++ < DBL_DECIMAL_DIG && strtod(text, NULL) != value);
    uselocale(before);
    text_copy(out, size, text);
}
