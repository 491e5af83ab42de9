/*
 * Where things are: the user's directories, presets, and the run that a word
 * on the command line means. Returned paths are allocated; mem_free them.
 */
#ifndef KDT_APP_PLACES_H
#define KDT_APP_PLACES_H

#include "kdt/base.h"

char *places_user_config(void);    /* $XDG_CONFIG_HOME/kdtui/kdtui.ini */
char *places_system_config(void);  /* $sysconfdir/kdtui/kdtui.ini */
char *places_view_settings(void);  /* $XDG_STATE_HOME/kdtui/view.ini */
char *places_runs_directory(void); /* $XDG_STATE_HOME/kdtui/runs */
char *places_sockets(void);        /* $XDG_STATE_HOME/kdtui/sockets */

/* The file of a preset: beside the program first, then installed. The error
 * names the nearest preset. */
char *places_preset(const char *name, struct err *err);

/* The newest directory there that holds `file`, which makes it a `kind`. */
char *places_last(const char *runs_directory, const char *file, const char *kind, struct err *err);

/* The directory of a run: one that holds settings.ini, a name in runs_directory,
 * or `last`, the newest there. */
char *places_run(const char *word, const char *runs_directory, struct err *err);
/* A file, or the best checkpoint of a run, or its last; `runs_directory` NULL: the user's. */
char *places_checkpoint(const char *word, const char *runs_directory, struct err *err);

#endif
