/*
 * One line of text being typed: editing keys, UTF-8 safe, and the session's
 * earlier lines. Pure memory.
 */
#ifndef KDT_UI_EDITOR_H
#define KDT_UI_EDITOR_H

#include "grid.h"

enum { EDITOR_PAST = 32 };

struct editor {
    char text[COMMAND_LINE];
    size_t length, cursor; /* bytes; cursor is at a character's start */
    bool replace;          /* a value was offered and the first character typed replaces it */
    char past[EDITOR_PAST][COMMAND_LINE]; /* oldest first */
    int past_count, past_at;              /* past_at == past_count: the line being typed */
    char draft[COMMAND_LINE];             /* that line, while an earlier one is shown */
};
/* Starts a line that offers `text`, "" for none. */
void editor_start(struct editor *editor, const char *text);
/* Takes a key by its name; false where it is not one that edits. */
bool editor_key(struct editor *editor, const char *key);
/* Keeps the line for the up and down keys. */
void editor_remember(struct editor *editor);
/* Draws the line in one row, scrolled so that the cursor shows. */
void editor_draw(const struct editor *editor, struct grid *grid, int x, int y, int width);

#endif
