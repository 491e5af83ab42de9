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

#include "kdt/feed.h"

/* One that was trained again. */
struct top_trial {
    int number; /* of the trial */
    bool failed;
    double test_accuracy, best_validation_accuracy;
    int64_t best_epoch;
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
 * trained until nothing is left; where somebody looks they wait then, since trials may be added.
 * Other processes may do the same at the same time. */
int search_start(struct search *search, int workers, struct err *err);
/* Asks all to save and leave; the state is SEARCH_STOPPED once they have. Any thread. */
void search_stop(struct search *search, const char *why);
/* Around a time in which the process is stopped: the clocks of its runs stop. Any thread. */
void search_hold(struct search *search, bool held);
/* Whether somebody looks, who may add trials and let frozen ones go on. Any thread. */
void search_watched(struct search *search, bool watched);
struct search_feed *search_feed(struct search *search); /* lives as long as the search */
/* Copies trial `number` as a run of its own, DIRECTORY, which does not exist; nobody trains the
 * trial. Where it had not ended, it has then: the journal says as what it was taken. */
int search_take(struct search *search, int number, const char *directory,
                enum command_source source, struct err *err);
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
