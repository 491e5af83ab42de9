/*
 * fault: calls of the file system that fail, or at which the process is killed,
 * on demand. Whoever links fault.c has its own open, write, fsync, close, …:
 * they count the calls that concern files below one directory and do to the
 * N-th what was asked for. Everything else goes to the kernel as it is.
 *
 * Any thread may call what is counted; the calls of this header are the test's,
 * while no other thread is at work.
 */
#ifndef FAULT_H
#define FAULT_H

enum fault_effect {
    FAULT_NONE,
    FAULT_ERROR,      /* fails with `error` and does nothing; close closes all the same,
                         and changes of names are never interrupted (EINTR) */
    FAULT_SHORT,      /* a write takes half of the bytes; other calls are done */
    FAULT_FULL,       /* a write takes half of the bytes, later ones and what makes a
                         name fail with `error`; the rest is done, as on a full disk */
    FAULT_HANG,       /* never returns */
    FAULT_KILL,       /* SIGKILL instead of the call */
    FAULT_KILL_AFTER, /* SIGKILL once it is done */
    FAULT_TORN,       /* SIGKILL after half of a write, or else instead of the call */
};
struct fault_plan {
    long at;    /* the first call that is hit, from 1; 0: none */
    long count; /* so many calls from there on; 0: all of them */
    enum fault_effect effect;
    int error;
};

/* Counts from 0 the calls that concern files below `directory` (absolute), by
 * this plan. */
void fault_start(const char *directory, const struct fault_plan *plan);
void fault_stop(void);  /* nothing counts any more */
long fault_calls(void); /* counted since the start */
/* The last call that was hit: "fsync journal.jsonl"; "" none was. */
const char *fault_hit(void);

/* The same for a whole program, by its environment: FAULT_BELOW (the directory),
 * FAULT_AT, FAULT_COUNT, FAULT_EFFECT (kill, kill-after, torn, short, full, hang
 * or the name of an error, EIO say), and FAULT_DISK, the folder of a disk (disk.h). */

#endif
