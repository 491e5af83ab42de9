/*
 * Inside of the room run: what other threads ask of it.
 */
#ifndef KDT_RUN_QUEUE_H
#define KDT_RUN_QUEUE_H

#include <pthread.h>

#include "kdt/run.h"

/* ---- utf8.c ---- */

/* Whether all of the text is UTF-8, as everything in a run's JSON files is. */
bool utf8_valid(const char *text);
/* Cuts off a character that truncation has left incomplete at the end. */
void utf8_trim(char *text);
/* Replaces every byte that is no UTF-8 or part of a control character by '?';
 * whether there was one. */
bool utf8_show(char *text);

/* ---- queue.c: what other threads ask of the run ---- */

enum { QUEUE_CAPACITY = 64 };
struct queue_item {
    uint64_t id;
    enum command_source source;
    bool urgent; /* a range test that is under way makes way for it */
    char line[COMMAND_LINE];
};
enum queue_event {
    QUEUE_EMPTY,
    QUEUE_COMMAND,
    QUEUE_INTERRUPT, /* save and leave */
    QUEUE_ABANDON,   /* leave */
    QUEUE_ALONE,     /* nobody looks */
};

/* Until when queue_next sleeps. */
enum queue_wait {
    QUEUE_NO_WAIT,
    QUEUE_WAIT,         /* until there is something to do */
    QUEUE_WAIT_WATCHED, /* or nobody looks */
};
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock. */
    struct queue_item items[QUEUE_CAPACITY];
    size_t first, count;
    bool closed, watched;
    enum queue_event leave; /* QUEUE_EMPTY: nobody asked */
    char why[64];           /* of the interrupt */
};
void queue_init(struct queue *queue);
void queue_fini(struct queue *queue);
int queue_push(struct queue *queue, uint64_t id, const struct command *command,
               enum command_source source, struct err *err);
void queue_leave(struct queue *queue, enum queue_event how, const char *why);
/* The next thing to do; a wish to leave goes before commands. */
enum queue_event queue_next(struct queue *queue, enum queue_wait wait, struct queue_item *out);
/* Only whether somebody wants the run to leave. */
enum queue_event queue_leaving(struct queue *queue);
/* Whether something waits that a range test makes way for. */
bool queue_urgent(struct queue *queue);
void queue_watch(struct queue *queue, bool watched);
bool queue_watched(struct queue *queue);
void queue_why(struct queue *queue, char *out, size_t size);
/* From now on pushes fail; what still waits is handed out by queue_next. */
void queue_close(struct queue *queue);

#endif
