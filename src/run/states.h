/*
 * Inside of the room run: the states that are kept, and the thread that writes them.
 */
#ifndef KDT_RUN_STATES_H
#define KDT_RUN_STATES_H

#include <pthread.h>

#include "checkpoint.h"

/* ---- states.c: the states that are kept to return to ---- */

enum { STATES_EDITS = 8 }; /* of so many edits stay */
enum state_kind { STATE_EDIT, STATE_STEP, STATE_BEST, STATE_NAMED };
enum state_file { FILE_AWAITED, FILE_SAFE, FILE_NONE };
struct state {
    enum state_kind kind;
    char name[128]; /* of its file, without .safetensors */
    char label[64]; /* of the edit that it is the state before; "" of others */
    int64_t step;
    uint64_t seq;       /* of the newest journal line in it */
    struct image image; /* image.copy NULL: only on disk */
    enum state_file file;
};
struct states {
    struct copies *copies; /* immutable */
    size_t in_memory;      /* states of edits whose copies may stay; immutable */
    pthread_mutex_t lock;
    /* Under lock. In the order of time. */
    struct state *list;
    size_t count, capacity;
};
void states_init(struct states *states);
void states_fit(struct states *states, struct copies *copies);
void states_clear(struct states *states); /* the run has ended: none can be returned to */
void states_fini(struct states *states);
/* The state before an edit: in memory from now on, on disk once the writer says so. Holds the copy.
 */
void states_edit(struct states *states, const char *name, const char *label,
                 const struct image *image);
/* A file that is there, also one that a run found when it began. */
void states_saved(struct states *states, enum state_kind kind, const char *name, int64_t step,
                  uint64_t seq);
void states_label(struct states *states, const char *name, const char *label);
/* A file of an edit that could not or need not be written. */
void states_unsaved(struct states *states, const char *name);
/* The name of a file to remove: the oldest of those over `keep` on disk. */
bool states_surplus(struct states *states, enum state_kind kind, size_t keep, char out[128]);
/* The newest that fits, its copy held; false: none. */
bool states_find_name(struct states *states, const char *name, struct state *out);
bool states_find_step(struct states *states, int64_t step, struct state *out);
bool states_find_exact(struct states *states, uint64_t seq, int64_t step, struct state *out);
bool states_find_last(struct states *states, struct state *out);
/* As feed->states and snapshot.states have it. */
size_t states_list(struct states *states, size_t first, struct kept_state *out, size_t most);
size_t states_count(struct states *states);

/* ---- writer.c: the thread that writes checkpoints ---- */

enum {
    TARGET_STEP = 1,  /* step-N, with `last` linked to it, and the oldest pruned */
    TARGET_BEST = 2,  /* best */
    TARGET_NAMED = 4, /* job.name */
    TARGET_EDIT = 8,  /* job.name, edit-SEQ, and the oldest of those pruned */
};
struct job {
    struct image image; /* its copy held */
    unsigned target;
    char name[128];  /* without .safetensors */
    uint64_t answer; /* the command that waits for it; 0: none */
    /* The answer of a command that is done whatever becomes of the file; "": the
     * file is what was asked for. */
    char text[160];
};
enum { WRITER_JOBS = STATES_EDITS + 2 };
struct writer {
    /* Immutable once started; copies and room: from the first job on. */
    pthread_t thread;
    bool started;
    char *directory;
    struct publication *publication;
    struct states *states;
    struct copies *copies;
    int room; /* jobs that may wait */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    /* Under lock; the first job is the writer's while it is `busy`. */
    struct job jobs[WRITER_JOBS];
    int first, count; /* waiting or being written */
    bool busy, stop, drop;
    bool best_failed;
    struct err step_error; /* of the newest TARGET_STEP; code ERR_OK: it is safe */
};
int writer_start(struct writer *writer, const char *run_directory, struct publication *publication,
                 struct states *states, struct err *err);
/* Shows that no checkpoint was saved, until one is (code ERR_OK). */
void writer_warn(const struct writer *writer, enum warning which, const struct err *err);
/* Before the first job. */
void writer_fit(struct writer *writer, struct copies *copies);
/* Queues the job and holds its copy; waits while there is no room. */
void writer_submit(struct writer *writer, const struct job *job);
bool writer_best_failed(struct writer *writer);
/* Waits until everything is written; -1 where the newest step-N is not safe. */
int writer_drain(struct writer *writer, struct err *err);
/* Ends the thread. `drop`: jobs that it has not begun are forgotten. */
void writer_stop(struct writer *writer, bool drop);

#endif
