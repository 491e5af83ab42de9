/* A tiny problem and what the tests of runs have in common. */
#ifndef RUN_FIXTURE_H
#define RUN_FIXTURE_H

#include <jansson.h>
#include <sys/types.h>

#include "kdt/run.h"

enum { FIXTURE_CLASSES = 4, FIXTURE_SIDE = 6, FIXTURE_TRAIN = 400, FIXTURE_BATCH = 20 };
enum { FIXTURE_STEPS = FIXTURE_TRAIN / FIXTURE_BATCH }; /* of an epoch */

struct fixture {
    char directory[256]; /* fresh, below $TMPDIR or /tmp */
    struct dataset *dataset;
    bool watched;     /* runs that are started next, from their first step on */
    const char *more; /* one more setting of runs that are started next, or NULL */
};
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture); /* removes the directory */
/* Three epochs of a small net. */
void fixture_settings(const struct fixture *fixture, struct settings *settings);
/* Changes settings: "train.epochs=5". */
void fixture_set(struct settings *settings, const char *line);
struct run *fixture_start(const struct fixture *fixture, const struct settings *settings,
                          const char *name);
/* DIRECTORY/runs/RUN/FILE; allocated. */
char *fixture_path(const struct fixture *fixture, const char *run, const char *file);
bool fixture_has(const struct fixture *fixture, const char *run, const char *file);
char *fixture_read(const struct fixture *fixture, const char *run, const char *file,
                   size_t *length); /* allocated, ends with a zero */
ino_t fixture_inode(const struct fixture *fixture, const char *run, const char *file);

/* Each waits ten seconds at most and fails after that. */
void fixture_wait(struct feed *feed, bool (*condition)(const struct snapshot *now),
                  struct snapshot *out);
void fixture_answer(struct feed *feed, uint64_t id, struct answer *out);
bool fixture_ended(const struct snapshot *now);
bool fixture_paused(const struct snapshot *now);
bool fixture_trained(const struct snapshot *now); /* some steps */
/* Gives a command and waits for its answer. */
void fixture_command(struct feed *feed, const char *line, struct answer *out);
/* The same; the answer must be a refusal whose text has `why` in it, or exactly `text`. */
void fixture_expect_refused(struct feed *feed, const char *line, const char *why);
void fixture_expect_applied(struct feed *feed, const char *line, const char *text);
/* A paused run that would go on for ever. `more`: one more setting, or NULL. */
struct run *fixture_start_paused(const struct fixture *fixture, const char *name, const char *more);
/* Goes on, with other values of some settings (a NULL ends them; NULL: none). */
struct run *fixture_resume(const struct fixture *fixture, const char *name,
                           const char *const *settings, const struct script *script);
struct script *fixture_script(const char *text);
struct run *fixture_start_settings(const struct fixture *fixture, const struct settings *settings,
                                   const char *name, const struct script *script);
struct run *fixture_start_script(const struct fixture *fixture, const char *name,
                                 const struct script *script);
/* Leaves wherever the script pauses, `abandon`: every second time without saving, and goes on
 * with another number of threads, until the run has finished. Returns how often it was left. */
int fixture_train_in_parts(const struct fixture *fixture, const char *name,
                           const struct script *script, bool abandon);
/* That two runs have the same rows, but for their seconds, and the same last and best weights. */
void fixture_assert_same(const struct fixture *fixture, const char *a, const char *b);
/* Waits for the end, which must be `state`, and destroys the run. */
void fixture_end(struct run *run, enum run_state state, struct snapshot *out);

/* Of the text of a file. */
int fixture_count_lines(const char *text);
/* Line `number` (from 1) as an object, NULL after the last. */
json_t *fixture_journal_line(const char *journal, int number);
/* The string, "" where there is none. */
const char *fixture_member(const json_t *object, const char *key);
/* That the chain of checksums and the numbers hold; returns the lines. */
int fixture_check_journal(const char *journal);
/* That steps.csv has one row for each step. */
void fixture_check_steps(const struct fixture *fixture, const char *run, int64_t steps);
/* That result.json says what the run's last snapshot says. */
void fixture_check_result(const struct fixture *fixture, const char *run,
                          const struct snapshot *now);

#endif
