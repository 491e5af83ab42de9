/*
 * The screens: pure functions of the view's state and its copy of the feed.
 */
#ifndef KDT_UI_SCREENS_H
#define KDT_UI_SCREENS_H

#include "history.h"
#include "layout.h"
#include "state.h"

struct control;

/* In the line of keys: "up down", "scroll". */
struct screen_key {
    const char *keys, *meaning;
};

/* A screen: a row of the table in screens.c, and a key in keys.def. */
struct screen_info {
    const char *name;   /* "charts", also after the command `screen` */
    const char *number; /* its key; NULL: a command of its own leads there */
    /* Everything but what is around every screen; not called where there is no room for it. */
    void (*draw)(struct grid *grid, const struct layout *layout, struct state *state,
                 const struct history *history);
    /* Whether it took the key, before keys.def is asked; NULL: it has none of its own. */
    bool (*key)(struct control *control, const char *key);
    const struct screen_key *keys; /* up to keys NULL; NULL: those of keys.def */
    bool keys_alone;               /* and not those of keys.def besides */
    bool of_search;                /* not of a run */
};
const struct screen_info *screen_info(enum view_screen screen);

void screens_show(struct state *state, enum view_screen screen);
/* The screen of that name; NULL: the next one. */
void screens_change(struct control *control, const char *name);

/* Draws whatever is open onto a cleared grid. */
void screens_draw(struct grid *grid, struct state *state, const struct history *history);
/* The title of the terminal's window: what the run does, its epoch and loss. */
void title_print(const struct snapshot *snapshot, char *out, size_t size);
/* Seconds after which what is shown changes by time alone (an age, a
 * highlight); infinite where nothing does. */
double screens_next_change(const struct state *state, const struct history *history);

/* What is around every screen, and the news, which may cover the screen's last row. */
void frame_draw(struct grid *grid, const struct state *state, const struct history *history,
                const struct layout *layout);
void frame_news(struct grid *grid, const struct state *state, const struct history *history,
                const struct layout *layout);
/* The line of keys of a screen that has none but its own. */
void frame_keys(struct grid *grid, const struct screen_key *keys, struct rect row);
void frame_line(struct grid *grid, const struct snapshot *snapshot, struct rect row);
/* How the run ended or why it waits for a choice, in words; "" while it goes on. */
void frame_banner(const struct snapshot *snapshot, bool read_only, char *out, size_t size);
/* A style on the head's bar. */
enum style frame_bar_style(enum style style);

/* The screens and their parts. */
void dashboard_draw(struct grid *grid, const struct layout *layout, struct state *state,
                    const struct history *history);
void curves_draw(struct grid *grid, struct state *state, const struct history *history,
                 const struct layout *layout);
void lists_draw(struct grid *grid, const struct state *state, const struct history *history,
                const struct layout *layout);
void confusion_draw(struct grid *grid, const struct layout *layout, struct state *state,
                    const struct history *history);
bool confusion_key(struct control *control, const char *key);
void help_draw(struct grid *grid, const struct layout *layout, struct state *state,
               const struct history *history);
void range_draw(struct grid *grid, const struct layout *layout, struct state *state,
                const struct history *history);
bool range_key(struct control *control, const char *key);
/* Posts the command, and shows what comes of it. */
void range_start(struct control *control, const char *line, enum command_source source);
void range_update(struct control *control); /* takes the command's answer */
bool help_key(struct control *control, const char *key);
void layers_draw(struct grid *grid, const struct layout *layout, struct state *state,
                 const struct history *history);
bool layers_key(struct control *control, const char *key);
void settings_draw(struct grid *grid, const struct layout *layout, struct state *state,
                   const struct history *history);
bool settings_key(struct control *control, const char *key);
/* Whether the value that is typed is shown in the list of settings. */
bool settings_edit_in_place(const struct state *state);
void journal_draw(struct grid *grid, const struct layout *layout, struct state *state,
                  const struct history *history);
bool journal_key(struct control *control, const char *key);

/* What is open over a screen: the ways out, which an ended run has no menu of; what to do after a
 * divergence; states to return to; a command or a value being typed. */
void menu_open(struct control *control);
void menu_detach(struct control *control);
void menu_draw(struct grid *grid, const struct state *state, const struct snapshot *snapshot);
void menu_key(struct control *control, const char *key);
/* Opens by itself, once for each divergence, and closes when another view chose. */
void diverged_update(struct control *control);
void diverged_draw(struct grid *grid, const struct snapshot *snapshot);
void diverged_key(struct control *control, const char *key);
void rollback_open(struct control *control);
void rollback_draw(struct grid *grid, const struct state *state, const struct history *history);
void rollback_key(struct control *control, const char *key);
void prompt_open(struct control *control, const char *line);
void prompt_ask(struct control *control, const char *name); /* for a setting's value */
/* `hint` may be empty. */
void prompt_draw(struct grid *grid, const struct state *state, const struct history *history,
                 struct rect hint, struct rect row);
void prompt_key(struct control *control, const char *key);

/* What was asked for, answered or changed last. */
struct news {
    char text[512];
    enum style style;
    bool parts;   /* what follows a ';' or is in parentheses may be left out */
    double until; /* clock_seconds() at which it gives way; infinite: stays */
};
void news_say(struct state *state, enum style style, const char *format, ...) KDT_PRINTF(3, 4);
/* Says that a menu has no such choice. */
void news_no_choice(struct state *state, const char *key);
void news_choose(const struct state *state, const struct history *history, struct news *out);

#endif
