/*
 * Keys by their names, as curses reads them from the terminal.
 */
#ifndef KDT_UI_KEYBOARD_H
#define KDT_UI_KEYBOARD_H

#include "screen.h"

/* The next key that is waiting; 0: none. What has no name is passed over. */
int keyboard_key(char name[SCREEN_KEY]);

#endif
