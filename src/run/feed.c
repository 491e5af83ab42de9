/* Names of a run's states; apart from the run, so that a viewer can have them alone. */
#include "kdt/feed.h"

const char *run_state_name(enum run_state state)
{
    switch (state) {
    case RUN_STARTING:
        return "starting";
    case RUN_RUNNING:
        return "running";
    case RUN_PAUSED:
        return "paused";
    case RUN_EVALUATING:
        return "evaluating";
    case RUN_RANGE_TEST:
        return "range test";
    case RUN_TESTING:
        return "testing";
    case RUN_FINISHED:
        return "finished";
    case RUN_INTERRUPTED:
        return "interrupted";
    case RUN_DIVERGED:
        return "diverged";
    case RUN_FAILED:
        return "failed";
    }
    return "unknown";
}

bool run_state_ended(enum run_state state)
{
    return state >= RUN_FINISHED;
}
