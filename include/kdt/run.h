/*
 * run: one training run. Its thread, command queue, snapshots, journal,
 * checkpoints and files. A run never prints and never exits: what goes wrong
 * ends in its snapshot.
 */
#ifndef KDT_RUN_H
#define KDT_RUN_H

#include <stdatomic.h>

#include "kdt/data.h"
#include "kdt/feed.h"
#include "kdt/net.h"

/* Commands at their steps: lines "@STEP COMMAND", blank ones, and # comments. */
struct script;
int script_load(const char *path, struct script **out, struct err *err);
/* From memory; the error names the file and the line. */
int script_parse(const char *bytes, size_t length, const char *name, struct script **out,
                 struct err *err);
void script_free(struct script *script); /* NULL is fine */

struct replay;
struct run_options {
    struct settings settings;
    char name[128];
    char runs_directory[1024];   /* the run's directory is runs_directory/name */
    const struct script *script; /* outlives the run; NULL: none */
    struct replay *replay;       /* the same: another run's commands are repeated */
    bool watched;                /* somebody looks, from the first step on */
    int64_t until; /* once so many epochs are done it saves and leaves; 0: it does not */
    /* What run_lock gave: who holds it keeps it, so that the directory stays locked beyond the
     * run's end. 0: the run locks for itself. */
    int lock_fd;
};

struct run;
/* Locks a run's directory, which exists, for who trains there, in this process or another; the lock
 * ends when *fd is closed, and with the process. ERR_USAGE where somebody else has it. */
int run_lock(const char *directory, int *fd, struct err *err);
/* Makes the run's directory and files and starts its thread. An existing
 * directory with settings.ini is ERR_USAGE and stays as it is. The dataset outlives the run. */
int run_create(const struct run_options *options, const struct dataset *dataset, struct run **out,
               struct err *err);
/* Whether a new run may have this name there; the error is ERR_USAGE. run_create asks, too. */
int run_name_check(const char *runs_directory, const char *name, struct err *err);
/* A name for a run that was given none: "fashion-mnist-20260301-120000", free in the directory. */
void run_name_choose(const char *runs_directory, const char *dataset, char *out, size_t size);
/* A run that exists: locked, its settings and journal read, its newest checkpoint that holds
 * chosen. ERR_USAGE where another process trains it. Nothing on disk is changed before
 * resume_start. */
struct resume;
int resume_open(const char *directory, struct resume **out, struct err *err);
/* The same for who has locked it; `lock_fd` and `until` as struct run_options has them. */
int resume_open_locked(const char *directory, int lock_fd, int64_t until, struct resume **out,
                       struct err *err);
void resume_close(struct resume *resume); /* NULL is fine */
/* What result.json has of a finished run; numbers that it has not are NaN. */
struct run_result {
    double test_accuracy, best_validation_accuracy, best_epoch;
};
/* 1 where the run has finished, 0 where not. */
int resume_result(const struct resume *resume, struct run_result *out, struct err *err);
/* The checkpoint's name and step where it goes on; "" from the very beginning. */
const char *resume_from(const struct resume *resume, int64_t *step);
/* The run's own, as they are where it goes on. */
const struct settings *resume_settings(const struct resume *resume);
/* What a person must know: files that were skipped and why; lines, "" for nothing. */
const char *resume_notes(const struct resume *resume);
/* Another value from now on, journalled when the run goes on: "SECTION.KEY=VALUE" of a live
 * setting, train.epochs or train.threads. */
int resume_set(struct resume *resume, const char *line, struct err *err);
/* A remark, journalled when the run goes on. */
void resume_note(struct resume *resume, const char *text);
/* Another state to go on from, by a rollback where the run was left: best, the step of a kept
 * state, or a file with a state of this run; one from elsewhere is copied to its checkpoints. */
int resume_return(struct resume *resume, const char *word, struct err *err);
/* Whether one that has finished is to be trained further. */
bool resume_goes_on(const struct resume *resume);
/* Commands at their steps; those that the journal says were given are passed over. */
void resume_script(struct resume *resume, const struct script *script);
/* Goes on. The run owns `resume` then; on an error the caller still does. */
int resume_start(struct resume *resume, const struct dataset *dataset, struct run **out,
                 struct err *err);
/* Another run to train again, locked; `verify`: and compared with what it has on disk, up to its
 * last step. The first difference is the error of a failed run. */
int replay_open(const char *directory, bool verify, struct replay **out, struct err *err);
void replay_close(struct replay *replay); /* NULL is fine */
/* As the other run started. */
const struct settings *replay_settings(const struct replay *replay);
/* "SECTION.KEY=VALUE"; steps may be others then, so rules act anew. */
int replay_set(struct replay *replay, const char *line, struct err *err);
const char *replay_runs_directory(const struct replay *replay); /* that the other run is in */
/* NAME-replay, NAME-replay-2, … that is free there. */
void replay_name(const struct replay *replay, const char *runs_directory, char *out, size_t size);
/* Whether program and kernels are those that the other run began with. */
bool replay_same_kernels(const struct replay *replay);
/* What was compared, once the run has ended well; "" of any other. */
const char *run_verified(const struct run *run);

/* How many evaluations and edits the run already had when it went on; 0 of a new one. */
void run_past(const struct run *run, size_t *evaluations, size_t *edits);
struct feed *run_feed(struct run *run); /* lives as long as the run */
/* Asks the run to save and leave (RUN_INTERRUPTED); within a second, in
 * training and evaluation alike, paused or not. Any thread; never blocks. */
void run_interrupt(struct run *run, const char *why);
/* Asks the run to leave without saving: what is on disk stays. */
void run_abandon(struct run *run);
/* How many look at the run, which snapshots tell, and how many of them may give commands: whether
 * anybody does is what train.on_divergence = auto asks. A run that began without somebody who
 * looks (run_options.watched), and that waits after a divergence, ends where nobody is left.
 * Any thread. */
void run_viewers(struct run *run, int viewers, int able);
/* Stops and continues the clock of the run's seconds, speed and time left,
 * around a time in which the process is stopped. Any thread; never blocks. */
void run_hold(struct run *run);
void run_release(struct run *run);
/* Waits for the thread's end, then frees everything. */
void run_destroy(struct run *run);

/* Of a run that nobody trains. */
/* All rows of its metrics.csv; mem_free them. */
int run_read_metrics(const char *directory, struct evaluation **out, size_t *count,
                     struct err *err);
/* Removes the automatic checkpoints, so that of them the best alone stays; nothing where there is
 * no best. */
void run_prune(const char *directory);

/* Settings to the other rooms' own terms. */
void run_data_options(const struct settings *settings, struct data_options *out);
int run_net_shape(const struct settings *settings, int inputs, int classes, struct net_shape *out,
                  struct err *err);
/* "3072-256-128-10 relu, batch norm before" */
void run_describe_network(const struct net_shape *shape, char *out, size_t size);
/* The processor's name as the system has it. */
void run_processor(char *out, size_t size);

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

/* How validation has come on, for train.early_stop. */
struct patience {
    int64_t evaluations; /* since the lowest loss; -1: none yet */
    double lowest;
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
 *   edit-E  the state just before line E of the journal, an edit or a return to
 *           another state; the last 8 stay
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
    double momentum_product; /* of train.momentum at each of the steps: corrects Adam's bias */
    double seconds;
    struct evaluation best; /* up to `step`; best.step < 0: none */
    uint64_t journal_seq, metrics_length, steps_length;
    struct steps_row row;
    struct epoch_sums sums;
    struct patience patience;
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

/* The other files of a run that are read back, from memory; also the fuzz targets. How many
 * lines there are, and of a journal the length of those that are whole: a torn end follows. */
int run_parse_journal(const char *bytes, size_t length, const char *name, uint64_t *lines,
                      uint64_t *whole, struct err *err);
int run_parse_metrics(const char *bytes, size_t length, const char *name, size_t *rows,
                      struct err *err);
int run_parse_steps(const char *bytes, size_t length, const char *name, size_t *rows,
                    struct err *err);

/* What a run has left on disk, for who looks at it without going on: in the order of
 * time, with what was abandoned by going back. It may be training meanwhile. */
struct run_record {
    char name[128];           /* of its directory */
    struct settings settings; /* as it started */
    uint32_t data_digest;
    double started;          /* seconds since 1970 */
    int64_t steps_per_epoch; /* 0 where there is no evaluation to tell it from */
    struct evaluation *evaluations;
    struct loss_bucket *losses; /* the rows of steps.csv; seconds as evenly spent
                                   between evaluations, noise and the like not told */
    struct edit_mark *edits;
    size_t evaluation_count, loss_count, edit_count;
    /* As it was left: finished, diverged or interrupted, which it also is while somebody trains
     * it (run_is_trained says). */
    enum run_state state;
    struct run_result result; /* where it has finished */
};
/* Frees nothing where it fails: *out is as run_record_fini leaves it. */
int run_record_load(const char *directory, struct run_record *out, struct err *err);
void run_record_fini(struct run_record *record);
/* Whether a process trains the run now. */
bool run_is_trained(const char *directory);
/* The row with the highest validation accuracy, the earliest of equals; NULL: none. */
const struct evaluation *run_record_best(const struct run_record *record);

/* Of the runs beside `name` the best on the same data, as feed.h has it; false: there is none.
 * What cannot be read is passed over; it takes seconds at most, and ends soon once *stop. */
bool run_earlier_find(const char *runs_directory, const char *name, int64_t steps_per_epoch,
                      const atomic_bool *stop, struct earlier_run *out);

/* A split evaluated by a net with the checkpoint's transform (NULL: the dataset's own).
 * confusion: NULL, or with room for the dataset's classes; its `of` is left alone. */
struct evaluation_result {
    double loss, accuracy;
    uint64_t count;
};
int run_evaluate(struct net *net, const struct dataset *dataset, enum data_split split,
                 const struct data_transform *transform, struct confusion *confusion,
                 struct evaluation_result *out, struct err *err);

/* Training without a run, to measure it: no thread, no files, the learning rate
 * stays. Created by the thread that trains, which its team may pin. */
struct practice;
int practice_create(const struct settings *settings, const struct dataset *dataset,
                    struct practice **out, struct err *err);
void practice_destroy(struct practice *practice); /* NULL is fine */
struct team *practice_team(const struct practice *practice);
struct net *practice_net(const struct practice *practice);
/* One step as a run does it; false where its loss says that training has diverged. */
bool practice_step(struct practice *practice);

#endif
