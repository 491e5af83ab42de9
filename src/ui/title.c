/* The title of the terminal's window: the most important first, since it is cut. */
#include "screens.h"

#include <inttypes.h>
#include <math.h>

static bool goes_on(const struct snapshot *snapshot)
{
    return snapshot->state == RUN_RUNNING || snapshot->state == RUN_EVALUATING;
}

void title_print(const struct snapshot *snapshot, char *out, size_t size)
{
    struct text text = {0};
    if (!goes_on(snapshot))
        text_print(&text, "%s, ",
                   snapshot->diverged ? "diverged" : run_state_name(snapshot->state));
    text_print(&text, "epoch %.1f/%" PRId64,
               floor(10 * snapshot_epochs(snapshot, snapshot->step)) / 10, snapshot->epochs);
    if (isfinite(snapshot->loss))
        text_print(&text, ", loss %.4f", snapshot->loss);
    text_print(&text, " - %s", snapshot->name);
    text_copy(out, size, text.bytes);
    text_fini(&text);
}
