/* The terminal that the program was started on: whether it can show a view, and leaving it. */
#ifndef KDT_APP_TERMINAL_H
#define KDT_APP_TERMINAL_H

#include "options.h"

/* Before anything else: a terminal that has gone away is no longer known for one. */
void terminal_note(void);
/* Whether the view is wanted and can be had: a terminal both ways that can place its cursor. */
bool terminal_has_view(const struct options *options);
/* Leaves the terminal for good, in a session of this process's own: what is printed from now on is
 * appended to the file (to nowhere where it cannot be opened), and the shell is given back. `line`
 * is printed first, where there still is a terminal to read it on; NULL: nothing. */
void terminal_leave(const char *path, const char *line);

#endif
