/*
 * ui: from a feed to a grid of cells to the terminal; from keys to command
 * lines. Keeps no training state: all that it shows comes from the feed.
 */
#ifndef KDT_UI_H
#define KDT_UI_H

#include "kdt/feed.h"

/* Why the view ended. */
enum view_outcome {
    VIEW_OPEN,    /* it has not */
    VIEW_SAVE,    /* the person chose "save and stop"; of an attached view, too */
    VIEW_DETACH,  /* the person chose "leave it training" */
    VIEW_ABANDON, /* the person chose "abandon" */
    VIEW_LEFT,    /* the run or the search had ended and the person left */
    VIEW_TAKE,    /* the person takes a trial over; view_taken says which */
    VIEW_SENT,    /* `detach` was given elsewhere */
    VIEW_LOST,    /* the terminal went away */
};

struct view_options {
    struct settings settings;  /* [view] */
    bool attached;             /* another process trains: the run outlives the view */
    bool read_only;            /* and nothing can be changed from here */
    const char *remember_path; /* view.ini that choices are written to; NULL: nowhere */
};

/* The view: a thread of its own, the only one in curses and on the terminal. */
struct view;
/* Opens the terminal and starts the thread. An error leaves the terminal as it was. */
int view_open(struct feed *feed, const struct view_options *options, struct view **out,
              struct err *err);
/* The same on a search. */
int view_open_search(struct search_feed *feed, const struct view_options *options,
                     struct view **out, struct err *err);
int view_taken(struct view *view); /* VIEW_TAKE: the number of the trial */
/* Readable when the view has ended; then view_outcome says why. */
int view_fd(const struct view *view);
enum view_outcome view_outcome(struct view *view);
/* Hands over a run to compare with, and what it owns; any thread, until view_close. */
void view_compare(struct view *view, const struct earlier_run *earlier);
/* From main's signal pipe: the terminal changed its size, or the process is
 * about to stop (SIGTSTP) or goes on (SIGCONT). view_suspend returns once the
 * terminal is restored. */
void view_resized(struct view *view);
void view_suspend(struct view *view);
void view_resume(struct view *view);
/* Ends the thread (at most `seconds` are waited for a stalled terminal) and
 * restores the terminal. After that nothing of the feed is touched, so it may go.
 * A thread that is still stuck in the terminal keeps the view's memory; main
 * does not wait for it, as the process is about to end. */
void view_close(struct view *view, double seconds);
/* Restores the terminal from a crash handler: async-signal-safe. */
void view_emergency_restore(void);
/* The same for another process's view that ended without a word, where the terminal is not as it
 * was before that. */
struct termios;
void view_restore_terminal(const struct termios *before);

#endif
