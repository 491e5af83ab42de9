/*
 * The command queue: the one way by which other threads reach the run thread.
 * Lines wait here in the order in which they were given; a wish to leave waits
 * beside them and goes first.
 */
#include "internal.h"

void queue_init(struct queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
}

void queue_fini(struct queue *queue)
{
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
}

static bool is_urgent(const struct command *command)
{
    return command->id == COMMAND_STOP || (command->id == COMMAND_PAUSE && !command->words) ||
           (command->id == COMMAND_RANGE_TEST && command->words);
}

int queue_push(struct queue *queue, uint64_t id, const struct command *command,
               enum command_source source, struct err *err)
{
    int result = 0;
    pthread_mutex_lock(&queue->lock);
    if (queue->closed) {
        result = err_set(err, ERR_USAGE, "the run has ended");
    } else if (queue->count == QUEUE_CAPACITY) {
        result = err_set(err, ERR_USAGE, "%d commands are waiting already", QUEUE_CAPACITY);
    } else {
        struct queue_item *item = &queue->items[(queue->first + queue->count) % QUEUE_CAPACITY];
        item->id = id;
        item->source = source;
        item->urgent = is_urgent(command);
        text_copy(item->line, sizeof item->line, command->line);
        queue->count++;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return result;
}

void queue_leave(struct queue *queue, enum queue_event how, const char *why)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->leave == QUEUE_EMPTY)
        text_copy(queue->why, sizeof queue->why, why);
    /* Who asked to save may still change his mind, but not the other way round. */
    if (queue->leave != QUEUE_ABANDON)
        queue->leave = how;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

enum queue_event queue_next(struct queue *queue, enum queue_wait wait, struct queue_item *out)
{
    enum queue_event event;
    bool alone;
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        alone = wait == QUEUE_WAIT_WATCHED && !queue->watched;
        if (wait == QUEUE_NO_WAIT || queue->count || queue->leave != QUEUE_EMPTY || alone)
            break;
        pthread_cond_wait(&queue->changed, &queue->lock);
    }
    event = queue->leave;
    if (event == QUEUE_EMPTY && queue->count) {
        *out = queue->items[queue->first];
        queue->first = (queue->first + 1) % QUEUE_CAPACITY;
        queue->count--;
        event = QUEUE_COMMAND;
    } else if (event == QUEUE_EMPTY && alone) {
        event = QUEUE_ALONE;
    }
    pthread_mutex_unlock(&queue->lock);
    return event;
}

enum queue_event queue_leaving(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    enum queue_event leave = queue->leave;
    pthread_mutex_unlock(&queue->lock);
    return leave;
}

bool queue_urgent(struct queue *queue)
{
    bool urgent = false;
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < queue->count; i++)
        urgent = urgent || queue->items[(queue->first + i) % QUEUE_CAPACITY].urgent;
    pthread_mutex_unlock(&queue->lock);
    return urgent;
}

void queue_watch(struct queue *queue, bool watched)
{
    pthread_mutex_lock(&queue->lock);
    queue->watched = watched;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_watched(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool watched = queue->watched;
    pthread_mutex_unlock(&queue->lock);
    return watched;
}

void queue_why(struct queue *queue, char *out, size_t size)
{
    pthread_mutex_lock(&queue->lock);
    text_copy(out, size, queue->why);
    pthread_mutex_unlock(&queue->lock);
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    queue->leave = QUEUE_EMPTY;
    pthread_mutex_unlock(&queue->lock);
}
