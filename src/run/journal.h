/*
 * Inside of the room run: the journal, and the edits that it records.
 */
#ifndef KDT_RUN_JOURNAL_H
#define KDT_RUN_JOURNAL_H

#include "publication.h"

/* ---- journal.c ---- */

struct json_t;

enum { EDIT_TEXT = 64, EDITS_MAX = COMMAND_WORDS / 2 };
struct edit {
    const struct setting *row;
    char old[EDIT_TEXT], new[EDIT_TEXT]; /* as settings_format has them */
};
struct journal_entry {
    int64_t step, epoch;
    const char *source, *command;
    const char *refused;     /* why; NULL: it was not */
    const char *why;         /* of a signal or a rule; NULL: none */
    const struct jump *jump; /* of undo, redo and rollback; NULL: none */
    bool libraries;          /* with program and kernels, which may be others than before */
    const struct edit *edits;
    size_t edit_count;
};
struct journal {
    struct file_log *log;
    struct publication *shown; /* the lines are; NULL: nowhere */
    uint64_t seq;              /* of the last line */
    uint32_t crc;
};
/* Creates the file with its head line; `journal` is zeroed but for `shown`. */
int journal_open(struct journal *journal, const char *path, uint32_t data_digest,
                 const struct settings *settings, struct err *err);
/* Returns once the line is safe on disk; on an error nothing was added. */
int journal_append(struct journal *journal, const struct journal_entry *entry, struct err *err);
void journal_close(struct journal *journal);
/* The line of that entry as viewers see it. */
void journal_record(const struct journal_entry *entry, uint64_t seq, struct json_t *line,
                    struct journal_record *out);

/* ---- journal_read.c ---- */

enum { JOURNAL_FORMAT = 1 };
struct journal_line {
    uint64_t seq;
    int64_t step;
    enum command_source source; /* of the head it says nothing */
    const char *command;
    const char *refused, *why; /* NULL: none */
    struct edit *edits;
    size_t edit_count;
    struct jump *jump; /* NULL: none */
    struct json_t *object;
};
/* A whole journal, verified; lines[i] has the number i + 1. */
struct journal_file {
    struct journal_line *lines;
    size_t count;
    uint64_t length; /* of the lines that are whole */
    uint32_t crc;    /* of the last of them */
    bool torn;       /* a piece of one more line follows */
    uint32_t data_digest;
    int64_t seed;
};
/* Shows viewers all lines. */
void journal_show(const struct journal_file *file, struct publication *publication);
/* Whether a line that has libraries has those of this program. */
bool journal_same_libraries(const struct journal_line *line);
int journal_load(const char *path, struct journal_file *out, struct err *err);
void journal_file_fini(struct journal_file *file);
/* Continues what was read: cuts off a torn end, and new lines follow. */
int journal_reopen(struct journal *journal, const char *path, const struct journal_file *file,
                   struct err *err);

/* ---- edits.c: changes of live settings ---- */

struct edits {
    struct settings settings; /* as they will be */
    struct edit list[EDITS_MAX];
    size_t count;
    bool rate; /* the learning rate is among them */
};
/* What `set` or `toggle` would make of the settings. Changes nothing in the run. */
int edits_plan(const struct run *run, const struct command *command, struct edits *out,
               struct err *err);
/* "learning rate 0.02 → 0.01, noise off → on". */
void edits_label(const struct edit *list, size_t count, struct text *out);
void edits_make(struct run *run, const struct edits *edits);

#endif
