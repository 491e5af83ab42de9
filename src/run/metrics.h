/*
 * Inside of the room run: metrics.csv and steps.csv.
 */
#ifndef KDT_RUN_METRICS_H
#define KDT_RUN_METRICS_H

#include "journal.h"

/* ---- metrics.c: metrics.csv and steps.csv ---- */

/* Each row with the offset of its first byte. */
struct evaluation_row {
    struct evaluation evaluation;
    uint64_t begin;
};
struct step_row {
    int64_t step;
    double loss, minimum, maximum, learning_rate;
    uint64_t begin;
};

#define METRICS_HEADER                                                                             \
    "epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_loss,"                  \
    "validation_accuracy\n"
#define STEPS_HEADER "step,loss,loss_min,loss_max,learning_rate\n"
struct csv {
    struct file_log *log;
    struct text pending; /* rows that could not be written yet */
};
struct metrics {
    struct csv evaluations, steps;
    int64_t stride, steps_per_epoch;
    struct steps_row row;
    uint64_t ended;         /* rows of steps.csv so far */
    struct step_row newest; /* of them */
};
int metrics_open(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                 struct err *err);
/* Rows that could not be written wait for the next call; -1 says why. */
int metrics_evaluation(struct metrics *metrics, const struct evaluation *row, struct err *err);
int metrics_step(struct metrics *metrics, int64_t step, double loss, double learning_rate,
                 struct err *err);
/* Ends the unfinished row of steps.csv; `step` is the last one. What was ended so
 * can be undone as long as nothing was written since. */
struct metrics_cut {
    uint64_t metrics_length, steps_length; /* of the files with every row so far */
    struct steps_row row;
    size_t pending;
};
struct metrics_cut metrics_cut(struct metrics *metrics, int64_t step, double learning_rate);
void metrics_uncut(struct metrics *metrics, const struct metrics_cut *cut);
/* Writes what waits, and makes safe what is in the files. */
int metrics_sync(struct metrics *metrics, struct err *err);
/* Ends the row and writes all. */
int metrics_flush(struct metrics *metrics, int64_t step, double learning_rate, struct err *err);
bool metrics_behind(const struct metrics *metrics); /* rows wait */
void metrics_close(struct metrics *metrics);
/* How many steps are in a row; done where the files are opened, too. */
void metrics_plan(struct metrics *metrics, int64_t steps_per_epoch);
/* Opens the files of before, cut to these lengths. */
int metrics_reopen(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                   uint64_t metrics_length, uint64_t steps_length, struct err *err);

/* ---- metrics_read.c ---- */

struct metrics_file {
    struct evaluation_row *evaluations;
    struct step_row *steps;
    size_t evaluation_count, step_count;
};
/* The first `…_length` bytes of both files. METRICS_ALL: all whole rows. */
#define METRICS_ALL UINT64_MAX
int metrics_load(struct metrics_file *file, const char *directory, uint64_t metrics_length,
                 uint64_t steps_length, struct err *err);
/* All whole rows of one metrics.csv of at most `most` bytes. */
int metrics_load_evaluations(struct metrics_file *file, const char *path, size_t most,
                             struct err *err);
void metrics_file_fini(struct metrics_file *file);

#endif
