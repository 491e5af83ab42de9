/*
 * run: one training run. Its thread, command queue, snapshots, journal,
 * checkpoints and files. A run never prints and never exits: what goes wrong
 * ends in its snapshot.
 */
#ifndef KDT_RUN_H
#define KDT_RUN_H

#include "kdt/data.h"
#include "kdt/feed.h"
#include "kdt/net.h"

struct run_options {
    struct settings settings;
    char name[128];
    char runs_directory[1024]; /* the run's directory is runs_directory/name */
};

struct run;
/* Makes the run's directory and files and starts its thread. An existing
 * directory with settings.ini is ERR_USAGE and stays as it is. The dataset outlives the run. */
int run_create(const struct run_options *options, const struct dataset *dataset, struct run **out,
               struct err *err);
/* Whether a new run may have this name there; the error is ERR_USAGE. run_create asks, too. */
int run_name_check(const char *runs_directory, const char *name, struct err *err);
/* A name for a run that was given none: "fashion-mnist-20260301-120000", free in the directory. */
void run_name_choose(const char *runs_directory, const char *dataset, char *out, size_t size);
struct feed *run_feed(struct run *run); /* lives as long as the run */
/* Asks the run to save and leave (RUN_INTERRUPTED); within a second, in
 * training and evaluation alike, paused or not. Any thread; never blocks. */
void run_interrupt(struct run *run, const char *why);
/* Asks the run to leave without saving: what is on disk stays. */
void run_abandon(struct run *run);
/* Stops and continues the clock of the run's seconds, speed and time left,
 * around a time in which the process is stopped. Any thread; never blocks. */
void run_hold(struct run *run);
void run_release(struct run *run);
/* Waits for the thread's end, then frees everything. */
void run_destroy(struct run *run);

/* Settings to the other rooms' own terms. */
void run_data_options(const struct settings *settings, struct data_options *out);
int run_net_shape(const struct settings *settings, int inputs, int classes, struct net_shape *out,
                  struct err *err);

/* The losses of the last `count` steps, which wait for their row of steps.csv. */
struct steps_row {
    int64_t count;
    double sum, minimum, maximum;
};

/* Sums over the steps of the epoch that the last step belongs to, up to that step. */
struct epoch_sums {
    int64_t steps, correct;
    double loss; /* of the steps' means */
};

/* Checkpoints, all of them files of the same kind in the run's checkpoints/:
 *
 *   step-N  the state before step N, so N steps are done. Made every
 *           checkpoint.every_epochs epochs, by `checkpoint`, and at every end but
 *           an abandoned one; the newest checkpoint.keep of them stay
 *   last    the newest step-N
 *   best    the state of the best evaluation, where checkpoint.best is on; the
 *           test set is measured with it
 *   NAME    by `checkpoint NAME`; stays
 *
 * The best evaluation is the one with the highest validation accuracy so far,
 * the first of equals, of those whose losses and weights were all finite. */

/* A checkpoint as a file: complete state and the settings that made it. */
struct checkpoint {
    struct settings settings; /* live settings as they were at `step` */
    int64_t step, epoch;
    /* Rate in force = rate_scale * (schedule(step) / rate_anchor): after an edit
     * the rate asked for and the schedule's at that step, before the first 1 and
     * 1. The schedule starts from schedule_rate. */
    double rate_scale, rate_anchor, schedule_rate;
    double seconds;
    struct evaluation best; /* up to `step`; best.step < 0: none */
    uint64_t journal_seq, metrics_length, steps_length;
    struct steps_row row;
    struct epoch_sums sums;
    bool evaluation_due; /* the evaluation of the epoch that ended here was not made */
    int inputs, classes;
    bool averages_set;
    float *factor, *offset; /* data transform, [inputs] each; owned */
    uint32_t data_digest;
    struct safetensors *tensors; /* owned */
};
/* Reads and verifies a file; checkpoint_fini frees what it holds. */
int checkpoint_load(const char *path, struct checkpoint *out, struct err *err);
/* Fills a net of the same shape; an error names the tensor that does not fit. */
int checkpoint_restore(const struct checkpoint *checkpoint, struct net *net, struct err *err);
void checkpoint_fini(struct checkpoint *checkpoint);
/* From memory; the fuzz target. */
int checkpoint_parse(const unsigned char *bytes, size_t length, const char *name,
                     struct checkpoint *out, struct err *err);

/* A split evaluated by a net with the checkpoint's transform (NULL: the dataset's own). */
struct evaluation_result {
    double loss, accuracy;
    uint64_t count;
};
int run_evaluate(struct net *net, const struct dataset *dataset, enum data_split split,
                 const struct data_transform *transform, uint64_t *confusion,
                 struct evaluation_result *out, struct err *err);

#endif
