/* Plain lines: one per evaluation, and the result last. */
#ifndef KDT_APP_LINES_H
#define KDT_APP_LINES_H

#include "kdt/run.h"

/* What was already said, so that each thing is said once. */
struct lines {
    bool quiet; /* the result only */
    bool begun;
    int output_errno; /* why standard output could not be written first; 0: it could */
    size_t evaluations, edits;
    uint64_t range_tests;
    char warning[512];
};
/* Prints what is new: what is trained on what, range tests and warnings on standard error,
 * evaluations on standard output. */
void lines_update(struct lines *lines, struct feed *feed);
/* The result, or why there is none. */
void lines_end(struct lines *lines, struct feed *feed);
/* Of a run that ended so. */
int lines_exit_code(const struct snapshot *now);
/* "test accuracy 51.23% (best validation 52.10% at epoch 9)" */
void lines_result(const struct run_result *result);

/* Where the run is, its last and best numbers, and how to go on: for who leaves the view.
 * `by_name`: a command finds the run by its name alone. */
void lines_summary(struct feed *feed, bool by_name);
/* For who leaves the view of a run that goes on: how to come back. */
void lines_goodbye(const struct snapshot *now, bool by_name, struct text *line);
/* Nothing of what there is so far is to be printed. */
void lines_skip(struct lines *lines, const struct snapshot *now);

#endif
