/* See keyboard.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "keyboard.h"

#include <curses.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* A control sequence that this terminal's description does not know, up to its last byte: its
 * letters must not be taken for keys. */
static void skip_sequence(void)
{
    wint_t code;
    while (get_wch(&code) == OK && !(code >= 0x40 && code <= 0x7e))
        ;
}

static void name_control(wint_t code, char name[SCREEN_KEY])
{
    wint_t next;
    int got;
    switch (code) {
    case 0x1b:
        text_copy(name, SCREEN_KEY, "esc");
        got = get_wch(&next);
        if (got == OK && next == '[') {
            skip_sequence();
            name[0] = '\0';
        } else if (got == OK) {
            unget_wch((wchar_t)next);
        } else if (got == KEY_CODE_YES) {
            ungetch((int)next);
        }
        break;
    case '\r':
    case '\n':
        text_copy(name, SCREEN_KEY, "enter");
        break;
    case '\t':
        text_copy(name, SCREEN_KEY, "tab");
        break;
    case 0x7f:
    case '\b':
        text_copy(name, SCREEN_KEY, "backspace");
        break;
    case ' ':
        text_copy(name, SCREEN_KEY, "space");
        break;
    default:
        if (code > 0 && code < 27)
            snprintf(name, SCREEN_KEY, "ctrl-%c", (char)(code + 'a' - 1));
        break;
    }
}

static void name_mouse(char name[SCREEN_KEY])
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return;
    if (event.bstate & BUTTON4_PRESSED)
        text_copy(name, SCREEN_KEY, "wheel-up");
    else if (event.bstate & BUTTON5_PRESSED)
        text_copy(name, SCREEN_KEY, "wheel-down");
    else if (event.bstate & BUTTON1_PRESSED)
        snprintf(name, SCREEN_KEY, "click %d %d", event.x % 10000, event.y % 10000);
}

static void name_function(wint_t code, char name[SCREEN_KEY])
{
    static const struct {
        wint_t code;
        const char *name;
    } names[] = {
        {KEY_UP, "up"},       {KEY_DOWN, "down"},     {KEY_LEFT, "left"},
        {KEY_RIGHT, "right"}, {KEY_PPAGE, "page-up"}, {KEY_NPAGE, "page-down"},
        {KEY_HOME, "home"},   {KEY_END, "end"},       {KEY_BACKSPACE, "backspace"},
        {KEY_DC, "delete"},   {KEY_ENTER, "enter"},
    };
    if (code == KEY_MOUSE)
        name_mouse(name);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].code == code)
            text_copy(name, SCREEN_KEY, names[i].name);
}

int keyboard_key(char name[SCREEN_KEY])
{
    for (;;) {
        wint_t code;
        int got = get_wch(&code);
        if (got == ERR)
            return 0;
        name[0] = '\0';
        if (got == KEY_CODE_YES) {
            name_function(code, name);
        } else if (code <= ' ' || code == 0x7f) {
            name_control(code, name);
        } else {
            char bytes[MB_LEN_MAX + 1] = "";
            mbstate_t shift = {0};
            size_t length = wcrtomb(bytes, (wchar_t)code, &shift);
            if (length < sizeof(bytes) && length < SCREEN_KEY && (code > 0x9f || code < 0x7f)) {
                bytes[length] = '\0';
                text_copy(name, SCREEN_KEY, bytes);
            }
        }
        if (name[0] != '\0')
            return 1;
    }
}
