/* How the view looks: its settings, changed while it runs, in force at once and remembered. */
#ifndef KDT_UI_LOOK_H
#define KDT_UI_LOOK_H

#include "control.h"

/* `set` and `toggle` of settings of the view, all or none. False: of others, which are the run's.
 */
bool look_command(struct control *control, const struct command *command);
/* `word`, or else the next of a setting's choices. */
void look_choose(struct control *control, const char *name, const char *word);
/* Makes state->glyphs what was chosen. */
void look_apply(struct state *state);

#endif
