/*
 * feed: what a viewer needs of a run, and of a search: a snapshot of its state,
 * its history, a way to post commands and an fd that wakes. Implemented by `run`
 * and `search` in this process; a viewer never sees anything else of them.
 *
 * Every call copies under the run's publication lock and returns at once; any
 * thread may call. The run never waits for a reader.
 */
#ifndef KDT_FEED_H
#define KDT_FEED_H

#include "kdt/cmd.h"
#include "kdt/conf.h"

enum run_state {
    RUN_STARTING,
    RUN_RUNNING,
    RUN_PAUSED,
    RUN_EVALUATING,  /* of a set, at an epoch's end or because it was asked for */
    RUN_RANGE_TEST,  /* training with a growing rate, to put the state back */
    RUN_TESTING,     /* the test set, at the end */
    RUN_FINISHED,    /* all epochs, or `stop`; result.json is written */
    RUN_INTERRUPTED, /* left early: saved, or `abandoned` */
    RUN_DIVERGED,    /* the loss was not finite or above 20 ln K; `error` has what is kept */
    RUN_FAILED,      /* `error` says why */
};
const char *run_state_name(enum run_state state); /* "running", … */
bool run_state_ended(enum run_state state);       /* from RUN_FINISHED on */

/* One row of metrics.csv; accuracies are fractions. */
struct evaluation {
    int64_t epoch, step; /* epoch = step / steps per epoch, completed ones */
    double seconds, learning_rate;
    double train_loss, train_accuracy, validation_loss, validation_accuracy;
    bool abandoned; /* by undo, redo or rollback: the run went on from an earlier step */
};

/* An image that was taken for what it is not. */
struct wrong_guess {
    uint32_t image; /* its index in the validation set */
    uint8_t truth, guess;
    float probability; /* of the guess */
};

enum { FEED_WRONG_GUESSES = 32, FEED_CLASS_NAME = 32 };

/* What an evaluation took the images of a set for. */
struct confusion {
    struct evaluation of; /* as a viewer gets it: which it was */
    int classes;
    uint32_t *count; /* [classes][classes], a row for each true class; the caller's */
    /* The surest ones, the surest first, of equals the first image. */
    struct wrong_guess wrong[FEED_WRONG_GUESSES];
    int wrong_count;
};

/* Some steps' training loss: steps first … last. What is not a number leaves the others' mean. */
struct loss_bucket {
    int64_t first, last;
    double seconds; /* at `last` */
    double mean, minimum, maximum, learning_rate;
    bool abandoned; /* as struct evaluation has it */
    bool noise;     /* at `last` */
    bool augmented; /* at `last`: the images had noise or were changed otherwise */
};

/* An edit of a live setting, a return to an earlier state or a note, just before step
 * `step`; of a return, the step that it led to. */
struct edit_mark {
    int64_t seq, step;
    double seconds; /* spent running when it was made */
    enum command_source source;
    bool abandoned; /* as struct evaluation has it; a return is where it led to */
    bool returned;  /* an undo, redo or rollback, no setting */
    bool note;      /* a person's remark, which changed nothing */
    char label[64]; /* "learning rate 0.02 → 0.01", "undo, from step 900"; the remark */
};

/* A state that rollback can return to. */
struct kept_state {
    int64_t step;
    char name[64];  /* "before edit 7", "best", "step-490", a named checkpoint's name */
    char label[64]; /* what was edited then: "learning rate 0.02 → 0.01"; "" of others */
};

/* Another run on the same data, the best of those before, to be compared with: what was not
 * abandoned of it, at the steps of this run that are as many epochs. */
struct earlier_run {
    char name[128];
    double best_validation_accuracy;
    struct evaluation *evaluations; /* step ascending; owned */
    size_t evaluation_count;
};

/* A line of the run's journal, as it is on disk. */
enum { FEED_JOURNAL_TEXT = 384 };
struct journal_record {
    uint64_t seq;
    int64_t step;
    /* Of undo, redo and rollback: the newest line in the state that they led to, so what is between
     * that and this is abandoned; 0 of others. */
    uint64_t back_to;
    bool refused;
    char time[32];              /* ISO 8601, UTC */
    char source[16];            /* command_source_name, "start" of the first */
    char command[COMMAND_LINE]; /* the whole line as given */
    /* What it changed, where it led to, what a rule saw, why it was refused; "" none. */
    char text[FEED_JOURNAL_TEXT];
};

/* A learning-rate range test: the loss of the coming mini-batches while the rate grows, from a
 * state that is then put back. */
enum { RANGE_POINTS = 256 };
struct range_point {
    double rate, loss; /* the mini-batch's, before the step with this rate */
    double smooth;     /* of the points around it */
};
struct range_test {
    uint64_t number; /* tests of this process so far; 0: none, and nothing else is set */
    bool running;
    int64_t step;     /* that it began from */
    double rate;      /* in force there */
    double low, high; /* the rates that are planned, the ends included */
    size_t planned, count;
    struct range_point points[RANGE_POINTS]; /* rate ascending */
    /* Once it is not running: the rates at which the loss falls fastest and is lowest (NaN: it
     * does not fall), and what came of it in words. */
    double steepest, lowest;
    char text[128];
};

enum answer_state { ANSWER_NONE, ANSWER_REQUESTED, ANSWER_APPLIED, ANSWER_REFUSED };
struct answer {
    uint64_t id; /* 0: none yet */
    enum answer_state state;
    int64_t step;
    double clock;   /* clock_seconds() of the change to this state */
    char line[128]; /* the command */
    char text[256]; /* "learning rate 0.02 → 0.01", or why it was refused */
};

struct snapshot {
    uint64_t version; /* grows with each publication */
    enum run_state state;
    char name[128]; /* the run's */
    char directory[1024];
    bool abandoned;   /* RUN_INTERRUPTED: left without saving */
    char error[1024]; /* RUN_FAILED, RUN_DIVERGED: why */
    /* What the person must know: writes that failed, say, joined with "; "; "" none. */
    char warning[512];
    char dataset[32], dataset_why[256];
    char network[128]; /* "3072-256-128-10 relu, batch norm before" */
    uint64_t parameters, train_count, validation_count, test_count;
    int classes, threads;
    int image_width, image_height, image_channels;
    struct settings settings; /* live values as they are now */

    int64_t step, steps_per_epoch, total_steps;
    int64_t epoch, epochs; /* completed, planned */
    double seconds;        /* spent running */
    double eta;            /* seconds left; NaN while not known */
    double learning_rate;  /* in force */
    double samples_per_second;
    double loss;                /* mean over the last steps; NaN before the first */
    double evaluation_progress; /* 0 … 1 while evaluating or testing, also a range */
    struct evaluation last;     /* last.step < 0: none yet */
    double best_validation_accuracy, best_validation_loss; /* best so far; NaN: none */
    int64_t best_epoch, best_step;
    int64_t checkpoint_step;         /* of the newest file in checkpoints/, any name; -1 none */
    double checkpoint_clock;         /* clock_seconds() of it */
    double test_loss, test_accuracy; /* NaN until tested */
    int64_t undo_step, redo_step;    /* where undo and redo would lead; -1: nowhere */
    char undo_label[64];             /* of the edit that undo takes back */
    /* RUN_PAUSED: why, where a rule or a limit paused it and not a person ("diverged:
     * loss 61.2 at step 900, back at step 490", "epoch end"); "" else. */
    char pause_reason[256];
    bool diverged; /* paused after a divergence: continue, halve the rate, or roll back */

    size_t buckets, evaluations, edits, states; /* how much history there is */
    uint64_t journal;                           /* seq of the journal's newest line; 0: none */
    uint64_t returns;     /* how often undo, redo or rollback led to another state */
    uint64_t range_tests; /* how many have ended */
    uint64_t detaches;    /* how often `detach` was given, not in a view: views close */
    int viewers;          /* how many look at it, in its process and in others */
    struct answer answer; /* of the newest command */
};

/* What one training step showed of a layer. Norms are those of its weights. */
enum { FEED_MAX_LAYERS = 32, FEED_BINS = 32, FEED_TREND = 64 };
struct layer_measure {
    int inputs, units;
    bool hidden;          /* has an activation: all but the last */
    double gradient_norm; /* of the mean cross-entropy, without L2 */
    double update_ratio;  /* norm of the step's change / norm of the weights */
    int inactive;         /* units that were above 0 for no image of the mini-batch */
    /* What the activation gave, units × images numbers; of the last layer the logits.
     * Zeros are apart; bin i begins at bins_from + i bin_width, 0 between two of them. */
    uint32_t zeros, bins[FEED_BINS];
    double bins_from, bin_width;
    /* How far the moving averages of the batch normalization are from the mini-batch's
     * statistics, as root mean square over the units: of the means, in standard
     * deviations; of the standard deviations, the logarithm of their ratio. NaN: none. */
    double mean_drift, deviation_drift;
};
struct layers {
    int64_t step; /* done with the measured one; -1: none yet, or none since a return */
    double clock; /* clock_seconds() of it */
    int count;
    struct layer_measure layer[FEED_MAX_LAYERS];
};
/* A layer at one of the steps that were measured. */
struct layer_point {
    int64_t step;
    double gradient_norm, update_ratio;
};
/* How long a look at the layers lasts. */
#define FEED_LAYERS_SECONDS 3.0

enum { FEED_MAX_BUCKETS = 4096, FEED_JOURNAL_LINES = 2048 };

struct feed {
    void (*snapshot)(struct feed *feed, struct snapshot *out);
    /* The losses of the whole run in at most `most` buckets, FEED_MAX_BUCKETS or more, in the
     * order of time: after a return to an earlier state steps go on from there. Those of steps
     * first … last are as fine as that allows, and as they are kept: the newest thousands one by
     * one, what is before them ever more coarsely. They change as the run goes on, so read them
     * anew. */
    size_t (*buckets)(struct feed *feed, int64_t first, int64_t last, struct loss_bucket *out,
                      size_t most);
    /* Copy at most `most` from index `first` on; return how many. In the same order. They only
     * grow, but a return marks what it abandons (or takes up again): read them from 0 when
     * snapshot.returns has grown. */
    size_t (*evaluations)(struct feed *feed, size_t first, struct evaluation *out, size_t most);
    size_t (*edits)(struct feed *feed, size_t first, struct edit_mark *out, size_t most);
    /* The states that rollback can return to, newest first; same terms. */
    size_t (*states)(struct feed *feed, size_t first, struct kept_state *out, size_t most);
    /* What the newest evaluation took the validation set for; out->count has room for
     * snapshot.classes squared. False: none by this process yet. Each is another one
     * where snapshot.evaluations has grown, or returns. */
    bool (*confusion)(struct feed *feed, struct confusion *out);
    /* Of a class, 0 … classes-1. */
    void (*class_name)(struct feed *feed, int class, char out[FEED_CLASS_NAME]);
    /* Copies the pixels of a validation image: planes of bytes, one after another, in
     * snapshot's sizes. */
    void (*image)(struct feed *feed, uint32_t image, uint8_t *out);
    /* Copies at most `most` lines of the journal from number `seq` on, of the newest
     * FEED_JOURNAL_LINES; returns how many. NULL where there is no journal to be shown. */
    size_t (*journal)(struct feed *feed, uint64_t seq, struct journal_record *out, size_t most);
    /* Queues a command line for the run. Returns its id, or 0 and *err where the
     * grammar or the run's state refuses it at once. */
    uint64_t (*post)(struct feed *feed, const char *line, enum command_source source,
                     struct err *err);
    /* The answer to id, out->state ANSWER_NONE where it is no longer known. */
    void (*answer)(struct feed *feed, uint64_t id, struct answer *out);
    /* The newest measurement of the layers. A look makes the run measure: for the next
     * FEED_LAYERS_SECONDS, now and then a step; nothing where nobody looks. NULL: not to
     * be had. */
    void (*layers)(struct feed *feed, struct layers *out);
    /* A layer's earlier measurements, oldest first, at most FEED_TREND, evenly thinned
     * since the last return; the newest may be missing. NULL as layers. */
    size_t (*layer_trend)(struct feed *feed, int layer, struct layer_point *out, size_t most);
    /* An eventfd, readable when something was published since it was last read;
     * at most every 20 ms. One reader; -1 where there is none. */
    int wake_fd;
    /* Another one on the same terms, for the control socket. */
    int control_fd;
    /* The newest range test as far as it has come; NULL: this feed does not tell. */
    void (*range)(struct feed *feed, struct range_test *out);
};

/* ---- a search ---- */

enum trial_state {
    TRIAL_WAITING, /* begun, and nobody trains it now */
    TRIAL_RUNNING,
    TRIAL_COMPLETE,
    TRIAL_PRUNED, /* others were better after some of the epochs, or a person ended it */
    TRIAL_FAILED, /* diverged, or settings that cannot be trained */
};
const char *trial_state_name(enum trial_state state); /* "waiting", ... */
bool trial_ended(enum trial_state state);             /* from TRIAL_COMPLETE on */

/* "train.learning_rate", "0.0129"; layer 2 of ranges per layer is "network.hidden.2". */
struct trial_parameter {
    char name[64], value[64];
};
struct trial {
    int number;
    enum trial_state state;
    int64_t epochs;       /* evaluated */
    double value;         /* of search.metric, the best so far; NaN: none */
    int64_t best_epoch;   /* of it */
    double test_accuracy; /* of the best weights; NaN until complete */
    double seconds;       /* spent training; NaN until it has ended */
    double progress;      /* epochs trained, with a part of the next where it is trained here */
    char why[256];        /* TRIAL_FAILED, or ended by a person */
    bool frozen;          /* by a person: it keeps its place and its state, and nobody trains it */
    bool stopped;         /* TRIAL_PRUNED by a person */
    bool added;           /* by a person, beside the plan */
    int parameters;
    const struct trial_parameter *parameter; /* lives as long as the search */
};

/* A setting that is searched; network.hidden of ranges per layer is one, of an architecture. */
enum { SEARCH_AXES = 8 };
struct search_axis {
    char name[64];
    bool range, log;  /* any number between low and high; else single values, or architectures */
    double low, high; /* of the numbers, as the search began */
};

enum search_state {
    SEARCH_RUNNING,
    SEARCH_FINISHED, /* all trials have ended */
    SEARCH_FROZEN,   /* what is left is frozen: it goes on when a person lets it */
    SEARCH_STOPPED,  /* by search_stop; it can go on */
    SEARCH_FAILED,   /* `error` says why; it can go on */
};
struct search_snapshot {
    uint64_t version; /* grows with each change */
    char name[128], directory[1024];
    enum search_state state;
    bool stopping; /* workers save and leave */
    char error[1024];
    char dataset_why[256]; /* "" before search_start */
    char dataset[32];      /* the same */
    char method[16];       /* "halving" */
    bool loss;             /* values are losses, to be small; else accuracies */
    int workers;
    int64_t epochs;   /* that a trial trains */
    int64_t planned;  /* trials in all, those that were added counted */
    int64_t trials;   /* there are so far */
    int64_t finished; /* of them: complete, pruned or failed */
    int64_t running, frozen, complete, pruned, failed;
    int64_t top, tops; /* to be trained again, and those that were */
    int round, rounds; /* of search.refine; 1 is the first */
    int best;          /* number of the best complete trial; -1: none */
    double seconds;    /* since it was started here */
    double eta;        /* seconds until all trials have ended; NaN while not known */
    int axis_count;
    struct search_axis axis[SEARCH_AXES];
    struct answer answer; /* of the newest command */
};

struct search_feed {
    void (*snapshot)(struct search_feed *feed, struct search_snapshot *out);
    /* Trials from number `first` on, `most` at most; returns how many. They only become more. */
    size_t (*trials)(struct search_feed *feed, size_t first, struct trial *out, size_t most);
    /* The metric after epochs 1, 2, ... of a trial; NaN: not measured. */
    size_t (*curve)(struct search_feed *feed, int number, double *out, size_t most);
    /* At most `most` numbers of trials, the best first. */
    size_t (*ranking)(struct search_feed *feed, int *out, size_t most);
    /* As those of struct feed, of `trial add|stop|freeze`. */
    uint64_t (*post)(struct search_feed *feed, const char *line, enum command_source source,
                     struct err *err);
    void (*answer)(struct search_feed *feed, uint64_t id, struct answer *out);
    /* The one feed of what a trial's run shows, from now on of this trial (-1: of none): as it is
     * trained here, or as it was left on disk. Its commands are refused. Only the viewer's thread
     * uses it; it has no fd of its own. */
    struct feed *(*look)(struct search_feed *feed, int number);
    int wake_fd; /* as struct feed has it, of the search and of the trial that is looked at */
};

#endif
