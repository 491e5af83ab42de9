/* The states that the run can return to, as a list to choose from. */
#ifndef KDT_UI_ROLLBACK_H
#define KDT_UI_ROLLBACK_H

#include "history.h"

enum { ROLLBACK_MOST = 64 };

struct rollback_entry {
    const char *key;  /* that chooses it at once; "": none */
    char name[80];    /* "before the last edit" */
    char what[96];    /* "learning rate 0.02 → 0.01"; of what there is not, why */
    char command[64]; /* "undo"; "": it cannot be chosen */
    int64_t step;
};
/* The last edit, the best, the last checkpoint, then every other kept state; how many. */
size_t rollback_list(const struct history *history, double now,
                     struct rollback_entry out[ROLLBACK_MOST]);
/* The entry with that command, else the first that can be chosen; `count`: none. */
size_t rollback_find(const struct rollback_entry *list, size_t count, const char *command);
/* "Goes back 380 steps (0.81 epochs) to step 520; what follows stays on the charts as a ghost." */
void rollback_cost(const struct snapshot *snapshot, int64_t step, bool brief, char *out,
                   size_t size);

#endif
