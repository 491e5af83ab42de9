/*
 * Errors as values: a code for the program and one line of text for the person.
 */
#include "kdt/base.h"

#include <stdio.h>
#include <string.h>

/* Names of files come from outside: nothing in them may start a new line or
 * steer the terminal on which the text ends up. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < ' ' || byte == 0x7f)
            *text = '?';
    }
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (!err)
        return -1;
    char text[sizeof err->text]; /* the arguments may point into err->text */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    make_printable(text);
    err->code = code;
    text_copy(err->text, sizeof err->text, text);
    return -1;
}

int err_set_errno(struct err *err, enum err_code code, int errno_value, const char *format, ...)
{
    if (!err)
        return -1;
    char text[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return err_set(err, code, "%s: %s", text, strerror(errno_value));
}

int err_context(struct err *err, const char *format, ...)
{
    if (!err)
        return -1;
    char context[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    return err_set(err, err->code, "%s: %s", context, err->text);
}
