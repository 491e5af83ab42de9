/*
 * Watching a run that another process trains.
 *
 *   server ──lines──▶ ctl_watch_turn ──▶ mirror ◀── calls of the feed (the view's thread)
 *          ◀──────────requests──────────────────────────┘
 *
 * 1. Only the owner's thread reads the connection; whoever calls the feed writes to it.
 * 2. The mirror is under the lock. A call that needs an answer waits on `changed`, a moment at
 *    most, and then makes do with what there is.
 * 3. Where the connection ends, the mirror stays as it is: the view of a run that has ended shows
 *    its result, and that of one whose process is gone says so.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"
#include "mirror.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long calls wait for an answer. */
#define LOSSES_SECONDS 0.1
#define CONFUSION_SECONDS 0.5
#define POST_SECONDS 0.9
/* Until the first screen. */
#define FIRST_SECONDS 10.0
/* A run that trains tells something several times a second. */
#define SILENT_SECONDS 5.0
/* Between two looks at the layers. */
#define LAYERS_APART 0.25

struct ctl_watch {
    struct feed feed;
    bool read_only;
    /* The owner's thread. */
    char in[4 * CTL_ANSWER_LINE];
    size_t in_length;
    double heard; /* clock_seconds() when something came last */
    /* Under `sending`: the writing end. */
    pthread_mutex_t sending;
    int fd; /* -1: the connection has ended */
    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* on the monotonic clock */
    struct mirror mirror;
    bool gone, released;
    bool asks_losses;    /* and has no answer yet */
    bool unread;         /* losses that came with the first frame */
    double layers_clock; /* when layers were asked for */
    int silent;          /* seconds that nothing has come of a run that trains; 0: it has */
    bool late;           /* the answer was not waited for: they are something new when they come */
};

static struct ctl_watch *of(struct feed *feed)
{
    return (struct ctl_watch *)feed; /* its first member */
}

/* ---- the connection ---- */

/* Under no lock: the server may be slow to take it. A line that went half is the end. */
static void send_line(struct ctl_watch *watch, const char *line)
{
    pthread_mutex_lock(&watch->sending);
    const size_t length = strlen(line);
    for (size_t sent = 0; watch->fd >= 0 && sent < length;) {
        ssize_t some = send(watch->fd, line + sent, length - sent, MSG_NOSIGNAL);
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0) {
            shutdown(watch->fd, SHUT_RDWR);
            break;
        }
        sent += (size_t)some;
    }
    pthread_mutex_unlock(&watch->sending);
}

static void wake_reader(struct ctl_watch *watch)
{
    uint64_t one = 1;
    ssize_t written = write(watch->feed.wake_fd, &one, sizeof one);
    (void)written;
}

/* The lock is held; false once the time is over or nobody is to wait. */
static bool wait_until(struct ctl_watch *watch, double limit)
{
    struct timespec when;
    const double whole = floor(limit);
    if (watch->gone || watch->released || clock_seconds() >= limit)
        return false;
    when.tv_sec = (time_t)whole;
    when.tv_nsec = (long)((limit - whole) * 1e9);
    pthread_cond_timedwait(&watch->changed, &watch->lock, &when);
    return true;
}

int ctl_watch_take(struct ctl_watch *watch, const char *bytes, size_t length, struct err *err)
{
    char line[CTL_ANSWER_LINE];
    size_t used = 0;
    bool look = false;
    int result = 0;
    pthread_mutex_lock(&watch->lock);
    for (const char *end; result == 0 && (end = memchr(bytes + used, '\n', length - used));) {
        const size_t size = (size_t)(end - bytes) - used;
        int taken = -1;
        if (size < sizeof line) {
            memcpy(line, bytes + used, size);
            line[size] = '\0';
            const uint64_t losses = watch->mirror.losses_come;
            taken = mirror_take(&watch->mirror, line);
            if (watch->mirror.losses_come != losses) {
                watch->asks_losses = false;
                watch->mirror.version += watch->late;
                watch->late = false;
            }
        }
        if (taken < 0)
            result = err_set(err, ERR_SYSTEM, "a line that is not of the protocol: %.*s",
                             size < 60 ? (int)size : 60, bytes + used);
        look = look || taken > 0;
        used += size + 1;
    }
    if (result == 0 && length - used >= sizeof line)
        result = err_set(err, ERR_SYSTEM, "a line of more than %zu bytes", sizeof line);
    if (look)
        pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    if (look)
        wake_reader(watch);
    return result == 0 ? (int)used : -1;
}

static void lose(struct ctl_watch *watch, const char *why)
{
    pthread_mutex_lock(&watch->sending);
    close(watch->fd);
    watch->fd = -1;
    pthread_mutex_unlock(&watch->sending);
    pthread_mutex_lock(&watch->lock);
    watch->gone = true;
    watch->mirror.version++;
    if (!watch->mirror.why[0])
        text_copy(watch->mirror.why, sizeof watch->mirror.why, why);
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    wake_reader(watch);
}

/* What has come, as whole lines. */
static bool take_lines(struct ctl_watch *watch)
{
    struct err err;
    const int used = ctl_watch_take(watch, watch->in, watch->in_length, &err);
    if (used < 0) {
        lose(watch, err.text);
        return false;
    }
    watch->in_length -= (size_t)used;
    memmove(watch->in, watch->in + used, watch->in_length);
    return true;
}

/* Whether the run has something to tell all the time. */
static bool is_active(enum run_state state)
{
    return state == RUN_RUNNING || state == RUN_EVALUATING || state == RUN_TESTING ||
           state == RUN_RANGE_TEST;
}

static void note_silence(struct ctl_watch *watch)
{
    const double seconds = clock_seconds() - watch->heard;
    pthread_mutex_lock(&watch->lock);
    const bool silent =
        seconds >= SILENT_SECONDS && !watch->gone && is_active(watch->mirror.shown.state);
    const int now = silent ? (int)seconds : 0;
    const bool changed = now != watch->silent;
    watch->silent = now;
    watch->mirror.version += changed;
    pthread_mutex_unlock(&watch->lock);
    if (changed)
        wake_reader(watch);
}

static void receive(struct ctl_watch *watch)
{
    enum { TURNS = 8 };
    for (int i = 0; i < TURNS && watch->fd >= 0; i++) {
        ssize_t got = recv(watch->fd, watch->in + watch->in_length,
                           sizeof watch->in - watch->in_length, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        if (got <= 0) {
            lose(watch, "");
            return;
        }
        watch->in_length += (size_t)got;
        watch->heard = clock_seconds();
        if (!take_lines(watch))
            return;
    }
}

void ctl_watch_turn(struct ctl_watch *watch)
{
    receive(watch);
    note_silence(watch);
}

int ctl_watch_fd(const struct ctl_watch *watch)
{
    return watch->fd;
}

void ctl_watch_release(struct ctl_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->released = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

void ctl_watch_interrupt(struct ctl_watch *watch)
{
    if (!watch->read_only)
        send_line(watch, "interrupt\n");
}

/* ---- the feed ---- */

static void feed_snapshot(struct feed *feed, struct snapshot *out)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const struct mirror *mirror = &watch->mirror;
    *out = mirror->shown;
    out->version = mirror->version;
    out->buckets = mirror->loss_count;
    if (watch->gone)
        out->viewers = 0;
    if (watch->silent > 0)
        snprintf(out->warning, sizeof out->warning,
                 "no news for %d s: the process that trains it may be stopped", watch->silent);
    if (watch->gone && !run_state_ended(out->state)) {
        out->state = RUN_FAILED;
        if (mirror->why[0])
            snprintf(out->error, sizeof out->error,
                     "lost the connection: %s; kdtui attach opens it again", mirror->why);
        else
            snprintf(
                out->error, sizeof out->error,
                "the process that trained it is gone; kdtui resume goes on from what was saved");
    }
    pthread_mutex_unlock(&watch->lock);
}

/* Those that came with the first frame need not be asked for. */
static size_t feed_buckets(struct feed *feed, int64_t first, int64_t last, struct loss_bucket *out,
                           size_t most)
{
    struct ctl_watch *watch = of(feed);
    struct mirror *mirror = &watch->mirror;
    char line[64];
    pthread_mutex_lock(&watch->lock);
    const bool fresh = watch->unread && mirror->first == first && mirror->last == last;
    watch->unread = false;
    if (!watch->gone && !watch->asks_losses && !fresh) {
        watch->asks_losses = true;
        pthread_mutex_unlock(&watch->lock);
        snprintf(line, sizeof line, "losses %" PRId64 " %" PRId64 "\n", first < 0 ? 0 : first,
                 last < first ? first < 0 ? 0 : first : last);
        send_line(watch, line);
        pthread_mutex_lock(&watch->lock);
        const double limit = clock_seconds() + LOSSES_SECONDS;
        while (watch->asks_losses && wait_until(watch, limit))
            ;
        watch->late = watch->asks_losses;
    }
    size_t count = mirror->loss_count < most ? mirror->loss_count : most;
    memcpy(out, mirror->losses, count * sizeof *out);
    pthread_mutex_unlock(&watch->lock);
    return count;
}

static size_t feed_evaluations(struct feed *feed, size_t first, struct evaluation *out, size_t most)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const struct mirror *mirror = &watch->mirror;
    size_t copied = mem_copy_range(out, mirror->evaluations, mirror->evaluation_count, sizeof *out,
                                   first, most);
    pthread_mutex_unlock(&watch->lock);
    return copied;
}

static size_t feed_edits(struct feed *feed, size_t first, struct edit_mark *out, size_t most)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const struct mirror *mirror = &watch->mirror;
    size_t copied =
        mem_copy_range(out, mirror->edits, mirror->edit_count, sizeof *out, first, most);
    pthread_mutex_unlock(&watch->lock);
    return copied;
}

static size_t feed_states(struct feed *feed, size_t first, struct kept_state *out, size_t most)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const struct mirror *mirror = &watch->mirror;
    size_t copied =
        mem_copy_range(out, mirror->states, mirror->state_count, sizeof *out, first, most);
    pthread_mutex_unlock(&watch->lock);
    return copied;
}

static size_t feed_journal(struct feed *feed, uint64_t seq, struct journal_record *out, size_t most)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const struct mirror *mirror = &watch->mirror;
    const uint64_t oldest = mirror->journal_count ? mirror->journal[0].seq : 0;
    size_t copied = mem_copy_range(out, mirror->journal, mirror->journal_count, sizeof *out,
                                   seq > oldest ? (size_t)(seq - oldest) : 0, most);
    pthread_mutex_unlock(&watch->lock);
    return copied;
}

static bool feed_confusion(struct feed *feed, struct confusion *out)
{
    struct ctl_watch *watch = of(feed);
    struct mirror *mirror = &watch->mirror;
    pthread_mutex_lock(&watch->lock);
    const uint64_t before = mirror->confusions_come;
    if (!watch->gone) {
        pthread_mutex_unlock(&watch->lock);
        send_line(watch, "confusion\n");
        pthread_mutex_lock(&watch->lock);
        const double limit = clock_seconds() + CONFUSION_SECONDS;
        while (mirror->confusions_come == before && wait_until(watch, limit))
            ;
    }
    const struct confusion *there = &mirror->confusion.confusion;
    const bool known = there->count != NULL;
    if (known) {
        uint32_t *count = out->count;
        const size_t cells = (size_t)there->classes * (size_t)there->classes;
        memcpy(count, there->count, cells * sizeof *count);
        *out = *there;
        out->count = count;
    }
    pthread_mutex_unlock(&watch->lock);
    return known;
}

static void feed_class_name(struct feed *feed, int class, char out[FEED_CLASS_NAME])
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    text_copy(out, FEED_CLASS_NAME, watch->mirror.names ? watch->mirror.names[class] : "");
    pthread_mutex_unlock(&watch->lock);
}

/* Of those that came with the newest confusion. */
static void feed_image(struct feed *feed, uint32_t image, uint8_t *out)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const struct mirror_confusion *there = &watch->mirror.confusion;
    const size_t size = mirror_image_bytes(&watch->mirror);
    memset(out, 0, size);
    for (int i = 0; there->pixels && i < there->confusion.wrong_count; i++)
        if (there->confusion.wrong[i].image == image)
            memcpy(out, there->pixels + (size_t)i * size, size);
    pthread_mutex_unlock(&watch->lock);
}

/* The lock is held; its number. */
static uint64_t note_post(struct mirror *mirror, const char *line)
{
    text_copy(mirror->posts[mirror->posted % MIRROR_POSTS], COMMAND_LINE, line);
    return ++mirror->posted;
}

static uint64_t feed_post(struct feed *feed, const char *line, enum command_source source,
                          struct err *err)
{
    struct ctl_watch *watch = of(feed);
    struct mirror *mirror = &watch->mirror;
    struct command command;
    char request[COMMAND_LINE + 8];
    uint64_t id = 0;
    (void)source; /* for the run it is the socket */
    if (command_parse(line, &command, err) != 0)
        return 0;
    if (watch->read_only) {
        err_set(err, ERR_USAGE, "this view is only to read");
        return 0;
    }
    pthread_mutex_lock(&watch->lock);
    const bool stuck = watch->silent > 0 || mirror->posted - mirror->taken >= MIRROR_POSTS;
    if (watch->gone || stuck) {
        err_set(err, ERR_SYSTEM, "%s",
                stuck ? "not sent: the process that trains the run does not answer"
                      : "not sent: the run has ended");
        pthread_mutex_unlock(&watch->lock);
        return 0;
    }
    const uint64_t number = note_post(mirror, command.line);
    pthread_mutex_unlock(&watch->lock);
    snprintf(request, sizeof request, "do %s\n", command.line);
    send_line(watch, request);
    pthread_mutex_lock(&watch->lock);
    const double limit = clock_seconds() + POST_SECONDS;
    while (mirror->taken < number && wait_until(watch, limit))
        ;
    if (mirror->taken < number)
        err_set(err, ERR_SYSTEM,
                "no answer yet: it is obeyed once the process that trains the run goes on");
    else if (mirror->taken_id == 0)
        err_set(err, ERR_USAGE, "%s", mirror->taken_text);
    else
        id = mirror->taken_id;
    pthread_mutex_unlock(&watch->lock);
    return id;
}

static void feed_answer(struct feed *feed, uint64_t id, struct answer *out)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    *out = watch->mirror.answers[id % MIRROR_ANSWERS];
    if (out->id != id)
        *out = watch->mirror.shown.answer;
    if (out->id != id || id == 0 || (watch->gone && out->state == ANSWER_REQUESTED))
        *out = (struct answer){.id = id, .state = ANSWER_NONE};
    pthread_mutex_unlock(&watch->lock);
}

static void feed_layers(struct feed *feed, struct layers *out)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    const double now = clock_seconds();
    const bool ask = !watch->gone && now >= watch->layers_clock + LAYERS_APART;
    if (ask)
        watch->layers_clock = now;
    *out = watch->mirror.layers;
    pthread_mutex_unlock(&watch->lock);
    if (ask)
        send_line(watch, "layers\n");
}

static size_t feed_layer_trend(struct feed *feed, int layer, struct layer_point *out, size_t most)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    size_t copied = mem_copy_range(out, watch->mirror.trend[layer],
                                   watch->mirror.trend_count[layer], sizeof *out, 0, most);
    pthread_mutex_unlock(&watch->lock);
    return copied;
}

static void feed_range(struct feed *feed, struct range_test *out)
{
    struct ctl_watch *watch = of(feed);
    pthread_mutex_lock(&watch->lock);
    *out = watch->mirror.range;
    pthread_mutex_unlock(&watch->lock);
}

static const struct feed functions = {
    .snapshot = feed_snapshot,
    .buckets = feed_buckets,
    .evaluations = feed_evaluations,
    .edits = feed_edits,
    .states = feed_states,
    .confusion = feed_confusion,
    .class_name = feed_class_name,
    .image = feed_image,
    .journal = feed_journal,
    .post = feed_post,
    .answer = feed_answer,
    .layers = feed_layers,
    .layer_trend = feed_layer_trend,
    .range = feed_range,
    .wake_fd = -1,
    .control_fd = -1,
};

/* ---- beginning and end ---- */

struct ctl_watch *ctl_watch_none(void)
{
    struct ctl_watch *watch = mem_alloc(sizeof *watch);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_mutex_init(&watch->sending, NULL);
    watch->fd = -1;
    watch->gone = true;
    watch->feed = functions;
    mirror_init(&watch->mirror);
    return watch;
}

/* Waits for the first frame, and the losses that are asked for with it. */
static int wait_first(struct ctl_watch *watch, struct err *err)
{
    const double limit = clock_seconds() + FIRST_SECONDS;
    take_lines(watch); /* that came with the greeting */
    for (double left; !watch->mirror.begun || watch->mirror.losses_come == 0;) {
        struct pollfd fd = {.fd = watch->fd, .events = POLLIN};
        if (watch->fd < 0)
            return err_set(err, ERR_SYSTEM, "%s",
                           watch->mirror.why[0] ? watch->mirror.why
                                                : "the process that trains the run has gone away");
        if ((left = limit - clock_seconds()) <= 0)
            return err_set(err, ERR_SYSTEM,
                           "no answer within %.0f seconds: the process that trains the run may be "
                           "stopped",
                           FIRST_SECONDS);
        poll(&fd, 1, (int)ceil(1000 * left));
        ctl_watch_turn(watch);
    }
    return 0;
}

int ctl_watch_open(struct ctl_client *client, double frames, bool read_only, struct ctl_watch **out,
                   struct err *err)
{
    struct ctl_watch *watch = ctl_watch_none();
    char line[64];
    watch->read_only = read_only;
    watch->fd = client_take(client, watch->in, sizeof watch->in, &watch->in_length);
    watch->gone = false;
    watch->heard = clock_seconds();
    watch->feed.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (watch->feed.wake_fd < 0) {
        err_set_errno(err, ERR_SYSTEM, errno, "eventfd");
        ctl_watch_close(watch);
        return -1;
    }
    snprintf(line, sizeof line, "watch %.3g%s\nlosses 0 %" PRId64 "\n", frames,
             read_only ? " read-only" : "", INT64_MAX);
    send_line(watch, line);
    if (wait_first(watch, err) != 0) {
        ctl_watch_close(watch);
        return -1;
    }
    watch->unread = true;
    *out = watch;
    return 0;
}

struct feed *ctl_watch_feed(struct ctl_watch *watch)
{
    return &watch->feed;
}

void ctl_watch_close(struct ctl_watch *watch)
{
    if (!watch)
        return;
    if (watch->fd >= 0)
        close(watch->fd);
    if (watch->feed.wake_fd >= 0)
        close(watch->feed.wake_fd);
    mirror_fini(&watch->mirror);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    pthread_mutex_destroy(&watch->sending);
    mem_free(watch);
}
