/*
 * Inside of the room run: what its files share. Which thread may touch what is
 * written at each struct; thread.c has the rules.
 */
#ifndef KDT_RUN_INTERNAL_H
#define KDT_RUN_INTERNAL_H

#include <pthread.h>

#include "kdt/run.h"
#include "checkpoint.h"
#include "history.h"
#include "journal.h"
#include "metrics.h"
#include "publication.h"
#include "queue.h"
#include "resume.h"
#include "states.h"

/* ---- layers.c: what readers see of the layers, while they look ---- */

/* Whether the next step is to be measured, into run->layers. */
bool run_layers_due(struct run *run, double clock);
void run_layers_measured(struct run *run); /* the step that has just been done */
/* Under the publication's lock: at another state. */
void layers_forget(struct layers_shown *shown);
void layers_feed(struct feed *feed); /* as publication_feed */

/* ---- evaluate.c ---- */

/* Images as the rows that a net asks for, with noise where its sigma is not 0. */
struct gather {
    const struct dataset *dataset;
    const struct data_transform *transform; /* NULL: the dataset's own */
    struct data_choice choice, next;        /* next: the step after, or no rows */
    struct data_noise noise;
};
struct net_source gather_source(const struct gather *gather);
/* Called between blocks with the rows done; true gives the evaluation up. */
struct evaluate_watch {
    bool (*stop)(void *of, uint64_t done);
    void *of;
};
/* Fills in `confusion`, unless NULL. 1 where it was given up. */
int evaluate_split(struct net *net, const struct dataset *dataset, enum data_split split,
                   const struct data_transform *transform, const struct evaluate_watch *watch,
                   struct confusion *confusion, struct evaluation_result *out);

/* ---- batches.c ---- */

/* Where mini-batches come from; its functions belong to the thread that trains. */
struct batches {
    const struct dataset *dataset;
    struct team *team;
    int64_t steps_per_epoch;
    int batch;
    uint32_t *permutation; /* of epoch `permuted` */
    int64_t permuted;      /* -1: none */
    uint8_t *labels;       /* of the one that was taken last */
    /* Its images and their sums, where they are made. */
    uint8_t *made;
    struct data_sums *sums;
};
/* batches_fini is due even where it fails. */
int batches_init(struct batches *batches, const struct dataset *dataset, int batch,
                 struct team *team, struct err *err);
void batches_fini(struct batches *batches);
/* The mini-batch of a step; good until the next one is taken. */
struct gather batches_take(struct batches *batches, const struct settings *settings, int64_t step);
/* Whether training sees other images than the dataset has. */
bool augments(const struct settings *settings);

/* ---- terms.c ---- */

/* Makes the settings name the dataset that was opened, so that they open it
 * again from anywhere: its kind, and its folder as an absolute path. */
int data_record(const struct data_info *info, struct settings *settings, struct err *err);
struct net_update update_terms(const struct settings *settings, double rate, int64_t step,
                               double momentum_product);
void draw_weights(const struct settings *settings, struct net *net);
/* The net to train, which alone knows train.precision: an evaluation of the same weights does
 * without. There must be images for a mini-batch, and not too many to number. */
int training_shape(const struct settings *settings, const struct data_info *info,
                   struct net_shape *out, struct err *err);

/* ---- the run ---- */

/* Time spent running. */
struct stopwatch {
    double seconds, since;
    bool running;
};

/* Time in which the process is stopped; it counts for nothing. */
struct hold {
    pthread_mutex_t lock;
    /* Under lock. */
    bool held;
    double since, total; /* clock of the hold; seconds of those before */
};

/* A command that is to be performed now, wherever it came from. */
struct order {
    uint64_t id; /* who waits for an answer; 0: nobody */
    enum command_source source;
    const char *line;
    const char *why; /* a rule's reason, as the journal has it; NULL: a person gave it */
    /* Of a line that is repeated, as the journal has it already: its number, and
     * what it recorded of a jump. Such lines are not written again. 0 and NULL:
     * written as it is performed. Lines that only pace are not acted on where they
     * are repeated. */
    uint64_t seq;
    const struct jump *jump;
    bool repeated; /* a journal's line, of this run or of the one that is replayed */
};
/* `pause when`. */
struct condition {
    enum { PAUSE_NEVER, PAUSE_EPOCH_END, PAUSE_LOSS_UP, PAUSE_LOSS_ABOVE } kind;
    int64_t times, seen; /* PAUSE_LOSS_UP: so often in a row, so many already */
    double previous;     /* validation loss; NaN: none yet */
    double above;
};

struct run {
    struct feed feed; /* first, so that a feed is its run */

    /* Immutable after create. */
    struct run_options options;
    char *directory;
    const struct dataset *dataset;
    const struct data_info *info;
    struct net_shape shape;
    struct net_schedule schedule;
    int batch;
    int64_t until; /* the step of run_options.until; 0: none */
    double loss_limit;
    struct resume *resume;               /* owned; NULL: a new run */
    struct verify *verify;               /* the replay's; NULL: none */
    size_t past_evaluations, past_edits; /* of before it went on */
    pthread_t thread;

    /* Run thread only. */
    struct snapshot now; /* what is published next */
    double published;    /* clock of the last publication */
    struct settings settings;
    double rate_scale, rate_anchor, momentum_product; /* as struct checkpoint has them */
    int64_t step;
    /* Of the newest journal line that the state has in it: the journal's last one,
     * but for lines that wait to be repeated. */
    uint64_t seq;
    struct history history;
    int64_t steps_left; /* while single-stepping, and of `run`; 0: no limit */
    bool paused, stopping, evaluation_due;
    struct team *team;
    struct net *net;
    struct batches batches;
    double *losses;      /* of the last metrics.stride steps, */
    int64_t losses_from; /* but only from this one on */
    struct epoch_sums sums;
    struct patience patience;
    struct stopwatch watch;
    double speed_samples, speed_seconds; /* decaying sums over training steps */
    double train_samples, train_seconds; /* of all training steps of this process */
    double epoch_seconds, epoch_start;   /* NaN before the first epoch */
    uint64_t measured;                   /* evaluations by this process */
    struct confusion confusion;          /* of the validation set, as it is measured */
    struct evaluation best;              /* step < 0: none */
    struct copies copies;
    struct copy *present;         /* of the net as it is; NULL: none was needed yet */
    struct image best_image;      /* its copy NULL: none */
    struct image good, candidate; /* candidate: the next step judges it; copies NULL: none */
    int halvings;                 /* of the rate, by rules, since the last epoch's end */
    struct condition condition;
    struct net_measure layers[NET_MAX_LAYERS]; /* of the last step that was measured */
    double layers_due;                         /* clock; before it no step is measured */
    struct range_test range;                   /* the newest */
    bool range_stopped;                        /* it made way for another command */
    char verified[256];                        /* what was compared, once all was */
    char limit[64]; /* why the last of steps_left pauses; "": one by one */
    struct journal journal;
    struct metrics metrics;
    struct tape tape;
    int lock_fd;

    /* Each with a lock of its own. */
    struct hold hold;
    struct queue queue;
    struct publication publication;
    struct states states;
    struct writer writer;
};

/* run.c */
/* A run without files; run_discard ends one whose thread was never started. */
struct run *run_make(const struct run_options *options, const char *directory,
                     const struct dataset *dataset, struct err *err);
void run_discard(struct run *run);
/* What the settings ask for against what the dataset has. */
int run_plan(struct run *run, struct err *err);
/* Other plans than it began with: how many epochs, how many threads. */
int run_plan_again(struct run *run, const struct edit *edits, size_t count, struct err *err);
void run_first_snapshot(struct run *run);
int run_start(struct run *run, struct err *err); /* the thread */
/* The lock of the run itself: another hold on the one there is already, or its own. */
int run_take_lock(const char *directory, int held, int *fd, struct err *err);

/* thread.c */
void *run_thread(void *run);
void run_publish(struct run *run, bool important);
void run_set_state(struct run *run, enum run_state state);
double run_rate(const struct run *run);
void run_pause(struct run *run, const char *reason); /* "": a person's wish */
void run_go(struct run *run);
/* Training and validation set: a row, a point, perhaps the best so far. 1 where
 * it was interrupted. With train.evaluate = running there must have been a step. */
int run_measure(struct run *run);
/* Goes on, or stays paused, after something that was done between two steps. */
void run_settle(struct run *run);
/* Shows its progress; `before` of `total` images are done already. 1 where it was
 * interrupted. */
int run_measure_split(struct run *run, enum data_split split, uint64_t before, uint64_t total,
                      struct confusion *confusion, struct evaluation_result *out);
/* Shows why a row could not be written, until all of them are. */
void run_warn_metrics(struct run *run, int result, const struct err *err);

/* keep.c */
/* The present state. Its copy is the run's: who keeps it holds it. -1: no memory. */
int run_image(struct run *run, struct image *out, struct err *err);
void run_net_changed(struct run *run); /* the copy of the present net is of the past */
/* A place for an image that holds its copy, or none. */
void run_hold_image(struct run *run, struct image *held, const struct image *image);
void run_drop_image(struct run *run, struct image *held);
/* Hands the present state to the writer; the job's image is filled in. -1 where it
 * holds a NaN. */
int run_save(struct run *run, struct job *job, struct err *err);
/* Waits for the disk; best weights that it did not take get one more try. -1 where
 * the newest step-N is not safe. */
int run_drain(struct run *run, struct err *err);
void run_keep_best(struct run *run);
/* As the state before the journal's line run->seq. */
void run_keep_edit(struct run *run, const struct image *image, const char *label);
void run_offer_good(struct run *run);
void run_judge_good(struct run *run); /* the step was good */

/* jump.c */
/* Undo, redo, rollback. -1 where it was refused; answered in any case. */
/* "undo, from step 900"; of a rule what it saw. */
void run_jump_label(char out[64], bool rule, const struct command *command, int64_t from);
int run_jump(struct run *run, const struct order *order, const struct command *command,
             struct err *err);
/* Makes the image the present state. */
void run_restore(struct run *run, const struct image *image);

/* diverge.c */
/* The step's loss was bad and it changed nothing. True: the run is at a good state
 * and goes on or is paused; else it ends so. */
bool run_diverge(struct run *run, double loss, enum run_state *end);
/* The end of a run that waits after a divergence, where nobody is left to choose. */
enum run_state run_give_up(struct run *run);

/* conditions.c */
int run_condition_check(const struct command *command, struct err *err);
void run_condition_set(struct run *run, const struct command *command, struct text *text);
void run_conditions_reset(struct run *run); /* at another state */
void run_condition_evaluated(struct run *run, const struct evaluation *row);
void run_condition_stepped(struct run *run, double loss);
int run_limit_check(const struct command *command, struct err *err);
void run_limit_set(struct run *run, const struct command *command, struct text *text);

/* range.c */
/* The present state is put back whatever happens. -1: it was refused; 1: it made way for
 * something that waits. `text` says what came of it. */
int run_range_test(struct run *run, struct text *text);

/* time.c */
double run_clock(struct run *run);   /* monotonic, without the time that was held */
double run_seconds(struct run *run); /* that it was running */
void run_watch_start(struct run *run);
void run_watch_stop(struct run *run);

/* ends.c: each gives the state that the run ends in */
enum run_state run_fail(struct run *run, const struct err *err);
/* Somebody wants it to. */
enum run_state run_leave(struct run *run);
/* The epochs of run_options.until are done. */
enum run_state run_reach(struct run *run);
/* By the rule: `what` is shown, `why` journalled. The present state is saved. */
/* An evaluation, before any state of after it is kept; then the end, where it is due. */
void run_note_patience(struct run *run, const struct evaluation *row);
void run_end_early(struct run *run);
enum run_state run_end_diverged(struct run *run, const char *what, const char *why);
/* All steps are done, or `stop` was given. A final state that cannot be saved
 * makes the run a failed one, but keeps it from nothing else. */
enum run_state run_complete(struct run *run);

/* apply.c */
/* Shows what was changed on the charts. */
void run_mark(struct run *run, const struct edit_mark *where, const char *label);
/* Journalled, performed and answered. -1 where it was refused; `err` says why. */
int run_apply(struct run *run, const struct order *order, struct err *err);
/* The command's line in the journal; run->seq is its number then. */
int run_note(struct run *run, const struct order *order, struct journal_entry *entry,
             struct err *err);
/* Refuses, in the journal and to who waits. Always -1. */
int run_refuse(struct run *run, const struct order *order, struct err *why);
/* The same for what could not be journalled. */
int run_refuse_unwritten(struct run *run, const struct order *order, struct err *why);

/* result.c */
int result_read(const char *path, struct run_result *out, struct err *err);
int result_write(struct run *run, const char *path, const char *tested,
                 const struct evaluation_result *test, struct err *err);

#endif
