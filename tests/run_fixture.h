/* A tiny problem and what the tests of runs have in common. */
#ifndef RUN_FIXTURE_H
#define RUN_FIXTURE_H

#include "kdt/run.h"

enum { FIXTURE_CLASSES = 4, FIXTURE_SIDE = 6, FIXTURE_TRAIN = 400, FIXTURE_BATCH = 20 };
enum { FIXTURE_STEPS = FIXTURE_TRAIN / FIXTURE_BATCH }; /* of an epoch */

struct fixture {
    char directory[256]; /* fresh, below $TMPDIR or /tmp */
    struct dataset *dataset;
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

/* Each waits ten seconds at most and fails after that. */
void fixture_wait(struct feed *feed, bool (*condition)(const struct snapshot *now),
                  struct snapshot *out);
void fixture_answer(struct feed *feed, uint64_t id, struct answer *out);
bool fixture_ended(const struct snapshot *now);
bool fixture_paused(const struct snapshot *now);
/* Gives a command and waits for its answer. */
void fixture_command(struct feed *feed, const char *line, struct answer *out);
/* Waits for the end, which must be `state`, and destroys the run. */
void fixture_end(struct run *run, enum run_state state, struct snapshot *out);

#endif
