/* Checks on UTF-8 (RFC 3629), independent of the locale. */
#include "internal.h"

#include <string.h>

/* Length of the character at `text`; 0 where it is none. */
static size_t character(const unsigned char *text)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates and what is beyond U+10FFFF. */
    bool wrong = (first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
                 (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f);
    return wrong ? 0 : length;
}

static size_t valid_length(const char *text)
{
    size_t length = 0, step;
    while (text[length] && (step = character((const unsigned char *)text + length)))
        length += step;
    return length;
}

bool utf8_valid(const char *text)
{
    return text[valid_length(text)] == '\0';
}

/* U+0000 … U+001F, U+007F … U+009F: a terminal obeys them. */
static bool is_control(const unsigned char *at)
{
    return at[0] < ' ' || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

bool utf8_show(char *text)
{
    bool changed = false;
    for (size_t length; *text; text += length) {
        length = character((const unsigned char *)text);
        if (length && !is_control((const unsigned char *)text))
            continue;
        length = length ? length : 1;
        memset(text, '?', length);
        changed = true;
    }
    return changed;
}

void utf8_trim(char *text)
{
    text[valid_length(text)] = '\0';
}
