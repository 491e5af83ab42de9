/* A box of choices, each with what it does and costs. */
#ifndef KDT_UI_MENU_H
#define KDT_UI_MENU_H

#include "grid.h"

enum { MENU_CHOICES = 4, MENU_BRIEFS = 4 };

/* One way on: the key, what it is called, and what it does and costs. */
struct choice {
    const char *key, *name;
    char text[200];
};
struct menu {
    const char *title;
    const char *head; /* why it is there, or what holds for all; "": nothing */
    enum style style; /* of frame and head */
    size_t count;
    struct choice choices[MENU_CHOICES];
    const char *back;               /* what Esc does */
    const char *brief[MENU_BRIEFS]; /* all in one line, where there is no room, ever shorter */
};
/* The next one, to be given its text. */
struct choice *menu_add(struct menu *menu, const char *key, const char *name);
/* Over whatever is on the grid; texts are left out where there is no room. */
void menu_show(struct grid *grid, struct menu *menu);

#endif
