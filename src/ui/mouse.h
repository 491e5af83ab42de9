/* What the mouse does, where the view has it. */
#ifndef KDT_UI_MOUSE_H
#define KDT_UI_MOUSE_H

#include "control.h"

/* Whether the key was the mouse's: "wheel-up", "wheel-down", "click X Y". */
bool mouse_key(struct control *control, const char *key);

#endif
