/*
 * The line to the terminal: what it has not taken yet, and how fast it takes
 * it. Never blocks. One thread's.
 */
#ifndef KDT_UI_LINE_H
#define KDT_UI_LINE_H

#include "kdt/base.h"

struct line {
    int fd; /* does not block */
    char *bytes;
    size_t length, room; /* of bytes; those before `sent` are gone */
    size_t sent;
    double speed;       /* bytes a second; infinite while nothing is known */
    double most;        /* what the terminal's modes say it is; infinite: no word of a slow one */
    double clock_free;  /* clock_seconds() by which it will have carried what it took */
    double clock_full;  /* when it last took no more; 0: never */
    double clock_taken; /* when it took something again after that */
    size_t since_full;  /* bytes that it took after that */
};
void line_init(struct line *line, int fd);
void line_fini(struct line *line);
/* Appends. */
void line_queue(struct line *line, const char *bytes, size_t length);
void line_drop(struct line *line);
/* Writes what it takes now; whether nothing is left. */
bool line_write(struct line *line, double now);
bool line_idle(const struct line *line);
/* Writes all, waiting at most `seconds`; false: what was left then is dropped. */
bool line_finish(struct line *line, double seconds);

#endif
