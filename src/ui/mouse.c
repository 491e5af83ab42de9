/* The mouse, by keys that do the same. */
#include "mouse.h"

#include <string.h>

enum { WHEEL_LINES = 3 };

static void wheel(struct control *control, bool up)
{
    const struct state *state = control->state;
    if (state->mode == MODE_MAIN && state->screen == SCREEN_CHARTS) {
        control_key(control, up ? "z" : "Z");
        return;
    }
    const int lines = state->mode == MODE_MAIN ? WHEEL_LINES : 1;
    for (int i = 0; i < lines; i++)
        control_key(control, up ? "up" : "down");
}

bool mouse_key(struct control *control, const char *key)
{
    if (strcmp(key, "wheel-up") == 0 || strcmp(key, "wheel-down") == 0) {
        wheel(control, strcmp(key, "wheel-up") == 0);
        return true;
    }
    return strncmp(key, "click ", 6) == 0;
}
