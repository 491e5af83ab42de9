/*
 * search: proposes settings, trains each proposal as a run of its own, several
 * side by side, and keeps the books. What is proposed and what goes on is a
 * function of settings and results alone: any number of workers, in any number
 * of processes, choose the same.
 *
 * A search's directory holds
 *
 *   search.ini      every setting, as the search started; it makes the directory a search
 *   search.journal  what became of every trial, in the dialect of Optuna's JournalStorage
 *   search.lock     who writes into the journal holds it
 *   trial-0000/ ... the trials, ordinary runs; who trains one holds its run.lock
 *   top-0012/ ...   the best trials, trained again on the full protocol
 */
#ifndef KDT_SEARCH_H
#define KDT_SEARCH_H

#include "kdt/conf.h"

enum trial_state {
    TRIAL_WAITING, /* begun, and nobody trains it now */
    TRIAL_RUNNING,
    TRIAL_COMPLETE,
    TRIAL_PRUNED, /* others were better after some of the epochs */
    TRIAL_FAILED, /* diverged, or settings that cannot be trained */
};
const char *trial_state_name(enum trial_state state); /* "waiting", ... */

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
    char why[256];        /* TRIAL_FAILED */
    int parameters;
    const struct trial_parameter *parameter; /* lives as long as the search */
};
/* One that was trained again. */
struct top_trial {
    int number; /* of the trial */
    bool failed;
    double test_accuracy, best_validation_accuracy;
    int64_t best_epoch;
};

enum search_state {
    SEARCH_RUNNING,
    SEARCH_FINISHED, /* all trials have ended */
    SEARCH_STOPPED,  /* by search_stop; it can go on */
    SEARCH_FAILED,   /* `error` says why; it can go on */
};
struct search_snapshot {
    char name[128], directory[1024];
    enum search_state state;
    char error[1024];
    char dataset_why[256]; /* "" before search_start */
    int workers;
    int64_t planned;  /* trials in all */
    int64_t trials;   /* there are so far */
    int64_t finished; /* of them: complete, pruned or failed */
    int64_t complete, tops;
    int best; /* number of the best complete trial; -1: none */
};

struct search;
/* Whether a search is in the directory. */
bool search_exists(const char *directory);
/* Makes the directory and search.ini; what cannot be searched is ERR_USAGE. */
int search_make(const char *directory, const struct settings *settings, struct err *err);
/* A search that exists, with what its journal has. Nothing is trained, and nothing is written. */
int search_open(const char *directory, struct search **out, struct err *err);
const struct settings *search_settings(const struct search *search);
/* Other settings from now on: of search.ini those that may be (trials, top); `given` and the
 * search's own must be equal in all others but search.workers. */
int search_change(struct search *search, const struct settings *given, struct err *err);
/* Opens the data and starts `workers` threads (0: search.workers), which take what is to be
 * trained until nothing is left. Other processes may do the same at the same time. */
int search_start(struct search *search, int workers, struct err *err);
/* Asks all to save and leave; the state is SEARCH_STOPPED once they have. Any thread. */
void search_stop(struct search *search, const char *why);
/* Waits for the workers' end, then frees everything; NULL is fine. */
void search_destroy(struct search *search);

/* Reads what other processes have written since; -1 where the journal is damaged. */
int search_refresh(struct search *search, struct err *err);
/* Each copies and returns at once; any thread. */
void search_snapshot(struct search *search, struct search_snapshot *out);
/* Trial `number`; those that ended, in the order in which they did; false: there is no such one. */
bool search_trial(struct search *search, int64_t number, struct trial *out);
bool search_finished(struct search *search, int64_t i, struct trial *out);
/* At most `most` numbers of trials, the best first: complete ones, then by how far they got. */
size_t search_ranking(struct search *search, int *out, size_t most);
bool search_top(struct search *search, int64_t i, struct top_trial *out);
/* An eventfd that is readable when something has changed since it was last read. */
int search_fd(const struct search *search);

/* A journal from memory; the fuzz target. The number of trials, and the length of the lines that
 * are whole. */
int search_parse_journal(const char *bytes, size_t length, const char *name, int64_t *trials,
                         size_t *whole, struct err *err);

#endif
