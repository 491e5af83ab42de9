/*
 * Inside of the room run: where undo and redo lead.
 */
#ifndef KDT_RUN_HISTORY_H
#define KDT_RUN_HISTORY_H

#include "queue.h"

/* ---- history.c: where undo and redo lead ---- */

/* A return to another state, as its line in the journal records it. */
struct jump {
    char state[128]; /* its file in checkpoints/ without .safetensors: "edit-7", "step-490" */
    int64_t step;
    uint64_t seq; /* of the newest line that the state has in it */
    /* Of both files, with all rows of before the jump. */
    uint64_t metrics_length, steps_length;
};
struct history_line {
    uint64_t seq;
    int64_t step;
    enum command_id command;
    bool rule;               /* a rule did it: the line has "why" */
    const char *label;       /* of an edit or a rollback */
    const struct jump *jump; /* of undo, redo and rollback */
};
struct history_target {
    uint64_t state; /* edit-STATE */
    int64_t step;
    const char *label; /* of the edit that undo takes back; lives until the next line */
};
struct history { /* zeroed is the start */
    struct history_edit *edits;
    struct history_undone *undone;
    struct history_move *moves;
    size_t edit_count, undone_count, move_count;
    size_t edit_capacity, undone_capacity, move_capacity;
    size_t present;  /* 1 + index of the newest edit that the present state has in it; 0 none */
    uint64_t landed; /* edit-SEQ that the last undo or redo led to, no edit since; 0 none */
    int64_t landed_step;
};
void run_history_fini(struct history *history);
/* The lines of the journal in their order, without those that were refused. */
void run_history_line(struct history *history, const struct history_line *line);
/* False where there is nothing to take back. */
bool run_history_undo(const struct history *history, struct history_target *out);
bool run_history_redo(const struct history *history, struct history_target *out);
/* Whether the present state, at `step`, is the very one that the last undo or
 * redo led to, so that the next one need not keep it again. */
bool run_history_landed(const struct history *history, int64_t step);

#endif
