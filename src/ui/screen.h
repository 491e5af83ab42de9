/*
 * The terminal: the only door to curses. Shows grids, reads keys, and leaves
 * the terminal as it found it. After screen_open one thread at a time uses it.
 */
#ifndef KDT_UI_SCREEN_H
#define KDT_UI_SCREEN_H

#include "grid.h"

enum {
    SCREEN_KEY = 24,   /* bytes of a key's name */
    SCREEN_TITLE = 256 /* bytes of a title */
};

struct screen;
/* Takes the terminal over. An error leaves it as it was. */
int screen_open(const struct settings *settings, struct screen **out, struct err *err);
/* Gives it back and frees everything. */
void screen_close(struct screen *screen);
int screen_fd(const struct screen *screen);
bool screen_utf8(const struct screen *screen); /* the locale shows more than ASCII */
/* What `auto` glyphs are on this terminal. */
enum settings_glyphs screen_glyphs(const struct screen *screen);
/* Whether it shows cells in the colours that they are painted in. */
bool screen_paints(const struct screen *screen);
void screen_set_colors(struct screen *screen, enum settings_colors colors);
/* Takes the size that the terminal has now; whether it changed. */
bool screen_resize(struct screen *screen);
void screen_size(const struct screen *screen, int *width, int *height);
/* Whether the mouse is reported: keys "wheel-up", "wheel-down" and "click X Y". */
void screen_set_mouse(struct screen *screen, bool on);
/* The title of the terminal's window, where it has one that can be set and given back. */
void screen_set_title(struct screen *screen, const char *title);
/* Shows a grid of the screen's size; `repaint`: as if nothing were known of what is there. Never
 * blocks: what the terminal does not take at once is kept, and then there must be no other frame
 * until the screen is no longer busy. */
void screen_show(struct screen *screen, const struct grid *grid, bool repaint);
/* How many bytes the last one came to. */
size_t screen_frame_bytes(const struct screen *screen);
/* Writes what the terminal takes; whether something is left for when screen_fd is writable. */
bool screen_busy(struct screen *screen);
/* clock_seconds() by which the line has carried what was shown, as far as one can know. */
double screen_free(const struct screen *screen);
/* The next key that was typed, by name: "p", "space", "ctrl-l", "up", "page-down".
 * 1: there was one, 0: none, -1: the terminal is gone. */
int screen_key(struct screen *screen, char name[SCREEN_KEY]);
/* Gives the terminal back for a while. */
void screen_suspend(struct screen *screen);
/* The same, but writes nothing: another job has the terminal already. */
void screen_abandon(struct screen *screen);
/* Only in the foreground. */
void screen_resume(struct screen *screen);
/* Whether no other job has the terminal. */
bool screen_foreground(const struct screen *screen);

#endif
