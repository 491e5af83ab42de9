/* The mouse, by keys that do the same. */
#include "charts.h"
#include "mouse.h"

#include <stdio.h>
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
    int x, y;
    if (sscanf(key, "click %d %d", &x, &y) != 2)
        return false;
    if (control->state->mode == MODE_MAIN && control->state->screen == SCREEN_CHARTS)
        (void)charts_click(control, x, y);
    return true;
}
