/*
 * Inside of the room run: going on, and training again.
 */
#ifndef KDT_RUN_RESUME_H
#define KDT_RUN_RESUME_H

#include "states.h"

/* ---- script.c ---- */

struct script_line {
    int64_t step;
    int number; /* in its file */
    char *command;
};
struct script {
    char *name;
    struct script_line *lines;
    size_t count;
};

/* ---- resume.c: a run that goes on ---- */

/* A checkpoint that was verified. */
struct candidate {
    char name[128]; /* without .safetensors */
    uint64_t seq;
    int64_t step;
    uint64_t metrics_length;
    int64_t best_step; /* as its `best` has it */
    double best_accuracy;
};
struct resume {
    char *directory;
    int lock_fd; /* -1: the run has it */
    struct run_options options;
    struct settings started;  /* settings.ini */
    struct settings settings; /* as they will be when it goes on, but for `orders` */
    struct journal_file journal;
    struct candidate *candidates; /* in the order of time */
    size_t candidate_count;
    int skipped;         /* files that do not hold */
    bool has_checkpoint; /* false: from the very beginning */
    struct checkpoint checkpoint;
    char from[128]; /* its name */
    /* What is different, once the journal's lines have been repeated: settings that
     * are no part of a state, then commands. */
    struct edit plan[2];
    size_t plan_count;
    char **orders;
    size_t order_count;
    bool goes_on; /* also where the run had finished */
    struct text notes;
};
/* Locked (lock_fd 0: by itself), settings and journal read; `states`: and every checkpoint
 * verified. */
int resume_read(const char *directory, int lock_fd, bool states, struct resume **out,
                struct err *err);
/* The file that holds the weights of the checkpoint's best evaluation; NULL: none does. */
char *resume_best_path(const struct resume *resume);
/* restore.c: the numbers of the run's net; its thread calls this. */
int resume_prepare(struct run *run, struct err *err);

/* ---- tape.c: commands that are due at steps ---- */

struct order;
/* A state that a line to be repeated will lead back to, and that nothing else keeps for sure. */
struct pin {
    size_t line; /* its index */
    struct image image;
};
/* Run thread only. */
struct tape {
    struct pin *pins;
    size_t pin_count;
    const struct journal_file *journal; /* its lines from `next` on are repeated */
    size_t next;
    bool replay;           /* the journal is another run's */
    bool live;             /* rules act, so theirs are not repeated, and steps may be others */
    struct resume *resume; /* what is to be done then; NULL: nothing */
    const struct script *script;
    size_t script_next;
};
/* Performs what is due before the next step. -1: the run cannot go on. */
int tape_perform(struct run *run, struct err *err);
/* Lines wait to be repeated. */
bool tape_repeats(const struct run *run);
/* And until then nobody else changes anything. */
bool tape_holds(const struct run *run);
/* And the run is known to have been changed by somebody, or to be, from here on. */
bool tape_goes_on(const struct run *run);
/* Whether a command that is no line of the tape may be performed meanwhile. */
int tape_check(const struct run *run, const struct order *order, enum command_id command,
               struct err *err);
/* Of the next lines of a journal. */
void tape_load(struct tape *tape, const struct journal_file *journal, size_t next);
void tape_fini(struct tape *tape, struct copies *copies);
/* The state that a repeated jump leads to; NULL: it is kept elsewhere. */
const struct image *tape_pinned(const struct tape *tape, const struct jump *jump);
/* Passes over the lines that the journal says were used. */
void tape_skip_script(struct tape *tape);

/* ---- replay.c, verify.c: another run, trained again ---- */

/* What the other run has on disk, compared while this one gets there. Run thread only. */
struct verify {
    const struct resume *other; /* its checkpoints */
    struct metrics_file rows;
    size_t evaluations, steps, checkpoints; /* compared so far */
    uint64_t seen, measured;                /* as metrics.ended and run->measured were */
    int64_t end;                            /* the other's last step */
    bool exact;                             /* every bit must be the same */
    double largest;                         /* difference, where it need not */
    char where[128];                        /* it was */
};
struct replay {
    struct resume *other; /* owned */
    struct settings settings;
    bool changed; /* its rules are live */
    bool compares;
    struct verify verify;
};
int verify_open(struct verify *verify, const struct resume *other, struct err *err);
void verify_fini(struct verify *verify);
/* What is there since the last time; -1 at a difference, with the step in `err`. */
int verify_check(struct run *run, struct err *err);
/* The other run ended here. */
bool verify_ends(const struct run *run);
/* That nothing of the other run is left to compare, and says what was. */
int verify_end(struct run *run, struct err *err);

#endif
