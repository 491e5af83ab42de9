/*
 * Inside of the room search: what its files share. search.c has the threads and
 * the locks.
 */
#ifndef KDT_SEARCH_INTERNAL_H
#define KDT_SEARCH_INTERNAL_H

#include <pthread.h>

#include "kdt/run.h"
#include "kdt/search.h"

/* ---- table.c: the trials, as the journal has them ---- */

enum { START_TEXT = 32 };
struct entry {
    struct trial trial;
    char started[START_TEXT]; /* as the journal has it */
    double *curve;            /* the metric after epoch 1, 2, ...: [trial.epochs] */
    int64_t slot;             /* its place in the plan; -1: added by a person */
};
struct table {
    bool begun;        /* the study is there */
    bool maximize;     /* its direction */
    char study[128];   /* its name */
    int64_t studies;   /* others count in the numbers of trials */
    int *number_of_id; /* Optuna's number of a trial, over all studies; -1: another study's */
    int64_t ids;
    struct entry *entries;
    int64_t count;
    int *planned; /* numbers of the plan's trials, in its order */
    int64_t planned_count;
    int *finished; /* numbers, in the order of time */
    int64_t finished_count, complete_count;
    struct top_trial *tops;
    int64_t top_count;
    int64_t lines;        /* read so far */
    uint32_t data_digest; /* of the data of the trials */
};
void table_fini(struct table *table);
/* One line of the journal, without its end. The error names no file. */
int table_apply(struct table *table, const char *line, size_t length, struct err *err);
/* Whether value a is better than b; NaN is worst. */
bool table_better(const struct table *table, double a, double b);
/* The metric's best up to this epoch; NaN: none. */
double table_value(const struct table *table, const struct entry *entry, int64_t epochs);
/* Evaluated epochs of all trials. */
int64_t table_epochs(const struct table *table);
/* The best complete trial, of equals the first; -1: none. */
int table_best(const struct table *table);
/* The same of the first `limit` of the plan. */
int table_best_planned(const struct table *table, int64_t limit);
/* Numbers of `count` trials in order of their value after `epochs` epochs, of equals the first
 * first. */
void table_rank(const struct table *table, int *numbers, size_t count, int64_t epochs);

/* ---- space.c: the values to choose from ---- */

enum { DIMENSIONS = 32 };
struct dimension {
    struct space space;
    bool decreasing; /* SPACE_LAYERS: narrower with each layer */
};
struct spaces {
    int count;
    struct dimension dimension[DIMENSIONS];
};
/* What [search] says. ERR_USAGE where a grid cannot be made of it. */
int spaces_make(const struct settings *settings, struct spaces *out, struct err *err);
/* How many points a dimension has; 0: it is a range without points. Saturates. */
uint64_t dimension_points(const struct dimension *dimension);
/* The values of all dimensions. */
struct proposal {
    int count;
    struct trial_parameter parameter[DIMENSIONS + SETTINGS_MAX_LAYERS];
};
/* The value that a person gave; ERR_USAGE where it is none of that setting. A list of words and
 * the ranges may have others than it. */
int dimension_take(const struct dimension *dimension, const char *value, struct proposal *out,
                   struct err *err);
/* Appends the value: point i of those there are, or the place `share` (0 ... 1) in a range. */
void dimension_propose(const struct dimension *dimension, uint64_t i, double share,
                       struct proposal *out);
/* The same, narrowed around the value that a trial has, to a part of 1 / 3^round; `fix`: to that
 * value alone, unless it is a range. */
void dimension_narrow(struct dimension *dimension, const struct trial *around, int round, bool fix);
/* What a viewer is told of it. */
void dimension_axis(const struct dimension *dimension, struct search_axis *out);
/* Optuna's distribution of a parameter as JSON, and a value in its terms. */
void dimension_describe(const struct spaces *spaces, const struct trial_parameter *parameter,
                        struct text *distribution, struct text *value);
/* A trial's values into settings. */
int parameters_apply(const struct trial *trial, struct settings *settings, struct err *err);

/* ---- plan.c: what is to be done ---- */

enum { RUNGS = 16, ROUNDS = 21 };
struct plan {
    struct spaces spaces;
    enum settings_method method;
    uint64_t seed;
    int rounds;
    int64_t
        first[ROUNDS + 1]; /* place of each round's first trial; the last is the number of all */
    int64_t epochs;
};
int plan_make(const struct settings *settings, struct plan *out, struct err *err);
/* The values of the trial with place `slot`; the rounds before its own have ended. */
void plan_propose(const struct plan *plan, const struct table *table, int64_t slot,
                  struct proposal *out);
/* Those of one that a person adds: `count` pairs of a searched setting and its value, all others
 * drawn. What is no such value is ERR_USAGE. */
int plan_add(const struct plan *plan, const struct table *table, char *const *words, int count,
             struct proposal *out, struct err *err);
/* Epochs that are still to be trained, as far as can be told. */
int64_t plan_epochs_left(const struct plan *plan, const struct table *table);
/* The round, from 0, that the search is in. */
int plan_round(const struct plan *plan, const struct table *table);
enum task_kind {
    TASK_NONE,   /* all has been done */
    TASK_WAIT,   /* until trials that others train have come further */
    TASK_FROZEN, /* all that is left waits for frozen ones */
    TASK_CREATE, /* the trial with place `slot`, the next one, `number` */
    TASK_GO_ON,  /* trial `number` is to be trained to the end of `epochs` */
    TASK_PRUNE,  /* trial `number` ends here */
};
struct task {
    enum task_kind kind;
    int64_t number, epochs, slot;
};
/* The first thing to do that `skip`, which knows who is at what, does not say no to. */
struct task plan_next(const struct plan *plan, const struct table *table,
                      bool (*skip)(int64_t number, void *of), void *of);

/* ---- books.c: search.journal and its lock ---- */

struct books {
    char *path;
    int lock_fd;
    char worker[128]; /* who writes */
    pthread_mutex_t writer;
    /* Who holds `writer` alone changes the table, and holds `lock` while it does. */
    pthread_mutex_t lock;
    struct table table;
    uint64_t offset; /* of the first byte that was not read */
};
void books_open(struct books *books, const char *directory);
/* From now on books_lock is allowed, too. */
int books_write(struct books *books, const char *directory, struct err *err);
void books_fini(struct books *books);
/* What others wrote since; a torn last line is theirs still to be written. */
int books_read(struct books *books, struct err *err);
/* The journal is this thread's until books_unlock: read to its end, a torn last line cut off. */
int books_lock(struct books *books, struct err *err);
void books_unlock(struct books *books);
/* Between those two: whole lines, safe on disk when it returns. */
int books_append(struct books *books, const struct text *lines, struct err *err);
/* Lines, each appended to a text. */
void books_study(struct books *books, struct text *out, const char *name, bool maximize,
                 uint32_t data_digest);
/* `added`: by whom; NULL: by the plan. */
struct act;
void books_create(struct books *books, struct text *out, const struct plan *plan,
                  const struct proposal *proposal, const struct act *added);
void books_value(struct books *books, struct text *out, int64_t number, int64_t epoch,
                 double value);
void books_state(struct books *books, struct text *out, int64_t number, enum trial_state state);
void books_number(struct books *books, struct text *out, int64_t number, const char *key,
                  double value); /* an attribute; NaN: none */
void books_why(struct books *books, struct text *out, int64_t number, const char *why);
void books_top(struct books *books, struct text *out, const struct top_trial *top);
/* What a person did to a trial: "stopped" with the command, "taken" with the name of the run. */
void books_act(struct books *books, struct text *out, int64_t number, const char *key,
               const char *what, enum command_source source);
void books_freeze(struct books *books, struct text *out, int64_t number, bool frozen,
                  enum command_source source);

/* ---- claim.c ---- */

/* What a worker has taken on: a lock on a directory, and what to do there. */
struct claim {
    struct search *search;
    struct task task;
    int lock_fd; /* -1: none */
    struct err err;
    bool failed;
};
/* Locks the directory of a trial, and makes it where it is new. 1: somebody else has it. */
int claim_lock(struct search *search, const char *kind, int64_t number, int *lock_fd,
               struct err *err);
/* Something to train, or why there is nothing. */
int claim_next(struct claim *claim, struct err *err);
/* The best trials that were not trained again yet; how many, and the first that nobody is at. */
int claim_top(struct search *search, int *lock_fd, int *number, struct err *err);

/* ---- clerk.c: what a person asks ---- */

enum { ACTS = 64 };
struct act {
    uint64_t id;
    enum command_source source;
    char line[COMMAND_LINE];
};
/* A thread, since the journal's lock may have to be waited for. */
struct clerk {
    /* Immutable once started. */
    pthread_t thread;
    bool started;
    /* Under lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct act waiting[ACTS];
    size_t first, count;
    uint64_t posted; /* id of the newest */
    bool closing;    /* once nothing waits */
    struct answer answers[ACTS];
};
void clerk_init(struct clerk *clerk);
int clerk_start(struct search *search, struct err *err);
void clerk_fini(struct clerk *clerk);
uint64_t clerk_post(struct search *search, const char *line, enum command_source source,
                    struct err *err);
void clerk_answer(struct clerk *clerk, uint64_t id, struct answer *out); /* 0: the newest */

/* ---- feed.c ---- */

void search_feed_init(struct search *search);

/* ---- look.c: what a trial's run shows ---- */

/* Of one that is trained here, the run's own feed; of any other what is on disk. */
struct look {
    struct feed feed; /* immutable */
    struct search *search;
    /* The viewer's thread only. */
    int number;                /* -1: none */
    bool trained;              /* here, as last seen */
    uint64_t version;          /* grows when what is shown comes from elsewhere */
    struct run_record *record; /* NULL: nothing is on disk, or it is trained here */
    struct trial trial;        /* as it was when that was read; number -1: it is to be read */
};
void look_init(struct look *look, struct search *search);
void look_fini(struct look *look);
void look_at(struct look *look, int number);

/* ---- trial.c ---- */

/* Settings of a trial, or (`top`) of one that is trained again. */
int trial_settings(const struct search *search, const struct trial *trial, bool top,
                   struct settings *out, struct err *err);
/* Trains trial `number` to the end of `epochs`; `lock_fd`: of its directory. -1: the search cannot
 * go on. */
struct worker;
int trial_train(struct worker *worker, int64_t number, int64_t epochs, int lock_fd,
                struct err *err);
int trial_train_top(struct worker *worker, int64_t number, int lock_fd, struct err *err);
void trial_directory(const struct search *search, const char *kind, int64_t number,
                     struct text *out);

/* ---- search.c ---- */

struct worker {
    struct search *search;
    pthread_t thread;
    /* Under search.lock. */
    struct run *run; /* NULL: none now */
    int number;      /* of the trial that it trains; -1: none, or one of the top */
    bool idle;       /* all is done or frozen; it looks again, since somebody may change that */
};
struct search {
    /* Immutable once started. */
    char *directory;
    char name[128];
    struct settings settings;
    struct plan plan;
    struct dataset *dataset;
    int wake_fd, view_fd;
    struct worker *workers;
    int worker_count;

    struct books books; /* with locks of its own */
    struct clerk clerk; /* the same */
    struct search_feed feed;
    struct look look;

    pthread_mutex_t top_lock; /* held while the data are opened */
    struct dataset *top_dataset;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock. */
    int active; /* workers that have not ended */
    bool stopping, failed;
    bool done, frozen; /* as the last worker saw that had nothing to do */
    bool watched;
    uint64_t version;
    double started;          /* clock_seconds() */
    int64_t epochs_at_start; /* of all trials */
    char why[64];            /* of search_stop */
    struct err error;
};
/* Something was done: readers and waiting workers look again. */
void search_tell(struct search *search);
/* The run that the worker trains now, so that search_stop and a person reach it; NULL: none. */
void search_train(struct worker *worker, struct run *run, int number);
/* Ends the training of a trial here, so that its worker finds what the journal says. */
void search_leave_trial(struct search *search, int number);
/* Whether the journal says that the trial is to be trained no more, or not now. */
bool search_wants_no(struct search *search, int64_t number);
/* A viewer's fd only: the run that it looks at has something new. */
void search_came_on(struct search *search, int number);
bool search_leaving(struct search *search);
/* For trials that are trained again; opened at the first call. */
struct dataset *search_top_data(struct search *search, struct err *err);

#endif
