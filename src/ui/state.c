/* What the view knows of settings. */
#include "state.h"

#include <stdio.h>
#include <string.h>

void state_value(const struct state *state, const struct snapshot *snapshot,
                 const struct setting *row, char *out, size_t size)
{
    if (strcmp(row->name, "train.learning_rate") == 0)
        snprintf(out, size, "%.4g", snapshot->learning_rate);
    else
        settings_format(row->change == SETTING_VIEW ? &state->chosen : &snapshot->settings, row,
                        out, size);
}
