/*
 * The server: one descriptor to poll, an epoll of the listening socket, the
 * feed's news, a timer and up to MOST_CLIENTS clients. Nothing here waits: answers
 * that a client does not take are kept for it up to a limit, and beyond that it is
 * cut off; frames for one that watches are made only as it takes them (stream.h).
 * So neither it nor its line can hold up the run or the other clients.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"
#include "stream.h"
#include "words.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MOST_CLIENTS = 64, MOST_PENDING = 16, MOST_UNSENT = 1 << 18 };

/* What epoll says of descriptors that are no client's. */
enum { EVENT_LISTENER = MOST_CLIENTS, EVENT_NEWS, EVENT_TIMER, EVENTS };

struct client {
    int fd; /* -1: free */
    char in[CTL_REQUEST_LINE];
    size_t in_length;
    struct text out;
    size_t sent;
    uint64_t pending[MOST_PENDING]; /* commands that wait for their answers */
    size_t pending_count;
    struct stream *stream; /* it watches; NULL: it does not */
    bool read_only;        /* its commands are refused */
    bool waits;            /* for room in its socket */
    bool ended;            /* it sends no more */
    bool closing;          /* once all is sent */
};

struct ctl_server {
    struct feed *feed;
    int folder, listener, epoll;
    int timer;          /* for the next frame */
    double timer_clock; /* that it is set to; infinite: none */
    struct sockaddr_un address;
    char *directory;
    bool interrupted;
    bool deaf; /* no descriptor is left for another client */
    struct client clients[MOST_CLIENTS];
};

/* ---- clients ---- */

static void drop(struct client *client)
{
    close(client->fd); /* which takes it out of the epoll, too */
    text_fini(&client->out);
    stream_destroy(client->stream);
    *client = (struct client){.fd = -1};
}

static void poll_client(struct ctl_server *server, struct client *client, int operation)
{
    struct epoll_event event = {
        .events = (client->closing || client->ended ? 0 : EPOLLIN) | (client->waits ? EPOLLOUT : 0),
        .data.u32 = (uint32_t)(client - server->clients),
    };
    if (epoll_ctl(server->epoll, operation, client->fd, &event) != 0)
        drop(client);
}

/* False where it is gone; *full where it takes no more now. */
static bool send_some(struct client *client, bool *full)
{
    while (client->sent < client->out.length) {
        ssize_t sent = send(client->fd, client->out.bytes + client->sent,
                            client->out.length - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            *full = errno == EAGAIN || errno == EWOULDBLOCK;
            /* What was sent takes no room, also of who never takes all of it. */
            client->out.length -= client->sent;
            memmove(client->out.bytes, client->out.bytes + client->sent, client->out.length);
            client->sent = 0;
            return *full;
        }
        client->sent += (size_t)sent;
    }
    client->out.length = client->sent = 0;
    return true;
}

/* Sends what there is and what it takes; drops it where it is gone, is done with, or takes too
 * little of what it asked for. */
static void flush(struct ctl_server *server, struct client *client)
{
    enum { TURNS = 16 }; /* who reads fast does not keep the others waiting */
    const double now = clock_seconds();
    bool full = false;
    for (int i = 0; i < TURNS && !full; i++) {
        if (client->stream && !client->closing)
            stream_fill(client->stream, now, &client->out);
        if (client->out.length == 0)
            break;
        if (!send_some(client, &full)) {
            drop(client);
            return;
        }
    }
    const bool all = client->out.length == 0;
    if ((all && client->closing) || client->out.length - client->sent > MOST_UNSENT) {
        drop(client);
        return;
    }
    const bool waits = !all || (client->stream && stream_due(client->stream) == 0);
    if (waits != client->waits || client->closing) {
        client->waits = waits;
        poll_client(server, client, EPOLL_CTL_MOD);
    }
}

static void refuse(struct client *client, const struct err *err)
{
    text_print(&client->out, "error %s\n", err->text);
    client->closing = true;
}

static void answer_status(struct ctl_server *server, struct client *client)
{
    struct snapshot now;
    server->feed->snapshot(server->feed, &now);
    text_print(&client->out, "status ");
    ctl_status_print(&now, &client->out);
    text_print(&client->out, "\n");
}

static void give_command(struct ctl_server *server, struct client *client, const char *line)
{
    struct err err = {0};
    if (client->read_only) {
        text_print(&client->out, "refused 0 this connection is only to read\n");
        return;
    }
    if (client->pending_count == MOST_PENDING) {
        text_print(&client->out, "refused 0 %d commands wait for their answers already\n",
                   MOST_PENDING);
        return;
    }
    const uint64_t id = server->feed->post(server->feed, line, SOURCE_SOCKET, &err);
    if (id == 0) {
        text_print(&client->out, "refused 0 %s\n", err.text);
        return;
    }
    text_print(&client->out, "requested %" PRIu64 "\n", id);
    client->pending[client->pending_count++] = id;
}

static void interrupt(struct ctl_server *server, struct client *client)
{
    struct err err;
    if (client->read_only) {
        err_set(&err, ERR_USAGE, "this connection is only to read");
        refuse(client, &err);
        return;
    }
    server->interrupted = true;
    text_print(&client->out, "interrupted\n");
}

/* What only those may ask who watch. */
static void perform_watching(struct client *client, const struct ctl_request *request)
{
    struct err err;
    if (!client->stream) {
        err_set(&err, ERR_USAGE, "watch is expected first");
        refuse(client, &err);
    } else if (request->kind == CTL_LOSSES) {
        stream_ask_losses(client->stream, request->first, request->last);
    } else if (request->kind == CTL_LAYERS) {
        stream_ask_layers(client->stream);
    } else {
        stream_ask_confusion(client->stream);
    }
}

static void perform(struct ctl_server *server, struct client *client,
                    const struct ctl_request *request)
{
    switch (request->kind) {
    case CTL_STATUS:
        answer_status(server, client);
        break;
    case CTL_COMMAND:
        give_command(server, client, request->command);
        break;
    case CTL_WATCH:
        stream_destroy(client->stream);
        client->stream = stream_create(server->feed, 1 / request->frames);
        client->read_only = client->read_only || request->read_only;
        break;
    case CTL_INTERRUPT:
        interrupt(server, client);
        break;
    case CTL_LOSSES:
    case CTL_LAYERS:
    case CTL_CONFUSION:
        perform_watching(client, request);
        break;
    }
}

static void take_requests(struct ctl_server *server, struct client *client)
{
    struct ctl_request request;
    struct err err = {0};
    int used;
    while (!client->closing &&
           (used = ctl_parse_request(client->in, client->in_length, &request, &err)) != 0) {
        if (used < 0) {
            refuse(client, &err);
            return;
        }
        client->in_length -= (size_t)used;
        memmove(client->in, client->in + used, client->in_length);
        perform(server, client, &request);
    }
}

static void receive(struct ctl_server *server, struct client *client)
{
    ssize_t got = recv(client->fd, client->in + client->in_length,
                       sizeof client->in - client->in_length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        drop(client);
        return;
    }
    if (got == 0) { /* it sends no more, but may wait for answers */
        client->ended = true;
        client->closing = client->pending_count == 0;
    }
    client->in_length += (size_t)got;
    take_requests(server, client);
    flush(server, client);
    if (client->fd >= 0)
        poll_client(server, client, EPOLL_CTL_MOD);
}

/* The commands that are answered by now; how many. */
static size_t take_answers(struct ctl_server *server, struct client *client,
                           struct answer out[MOST_PENDING])
{
    size_t left = 0, count = 0;
    for (size_t i = 0; i < client->pending_count; i++) {
        struct answer *answer = &out[count];
        server->feed->answer(server->feed, client->pending[i], answer);
        if (answer->state == ANSWER_REQUESTED)
            client->pending[left++] = client->pending[i];
        else
            answer->id = client->pending[i], count++;
    }
    client->pending_count = left;
    return count;
}

static void print_answer(const struct answer *answer, struct text *out)
{
    text_print(out, "%s %" PRIu64, answer->state == ANSWER_APPLIED ? "applied" : "refused",
               answer->id);
    if (answer->state == ANSWER_APPLIED)
        text_print(out, " %" PRId64, answer->step);
    words_put_text(out,
                   answer->state == ANSWER_NONE ? "the answer is no longer known" : answer->text);
    text_print(out, "\n");
}

/* Tells who waits what became of the commands; who watches sees what has changed before that. */
static void answer_commands(struct ctl_server *server, struct client *client)
{
    struct answer answers[MOST_PENDING];
    const size_t count = take_answers(server, client, answers);
    if (count == 0)
        return;
    if (client->stream) {
        stream_hurry(client->stream);
        stream_fill(client->stream, clock_seconds(), &client->out);
    }
    for (size_t i = 0; i < count; i++)
        print_answer(&answers[i], &client->out);
    client->closing = client->closing || (client->ended && client->pending_count == 0);
    flush(server, client);
}

/* Until the next turn where there is no descriptor left: the listener would be ready for ever. */
static void hear(struct ctl_server *server, bool clients)
{
    struct epoll_event event = {.events = clients ? EPOLLIN : 0, .data.u32 = EVENT_LISTENER};
    server->deaf = !clients;
    epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
}

static void turn_away(int fd)
{
    char text[64];
    snprintf(text, sizeof text, "error %d clients are connected already\n", MOST_CLIENTS);
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void accept_client(struct ctl_server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *client = NULL;
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) /* it would be ready for ever */
            hear(server, false);
        return;
    }
    for (size_t i = 0; i < MOST_CLIENTS && !client; i++)
        if (server->clients[i].fd < 0)
            client = &server->clients[i];
    if (!client)
        turn_away(fd);
    if (!client || !address_same_user(fd)) {
        close(fd);
        return;
    }
    *client = (struct client){.fd = fd};
    text_print(&client->out, "kdtui %d %s\n", CTL_VERSION, server->directory);
    poll_client(server, client, EPOLL_CTL_ADD);
    if (client->fd >= 0)
        flush(server, client);
}

/* ---- the server ---- */

static void read_counter(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
}

/* Those whose frames are due, and when the next one is. */
static void send_frames(struct ctl_server *server, bool news)
{
    double next = INFINITY;
    for (size_t i = 0; i < MOST_CLIENTS; i++) {
        struct client *client = &server->clients[i];
        if (!client->stream)
            continue;
        if (news)
            stream_news(client->stream);
        if (!client->waits && stream_due(client->stream) <= clock_seconds())
            flush(server, client);
        if (client->stream && !client->waits)
            next = fmin(next, stream_due(client->stream));
    }
    if (next == server->timer_clock || (next == INFINITY && server->timer_clock == 0))
        return;
    const double seconds = isfinite(next) ? fmax(next - clock_seconds(), 1e-6) : 0;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)seconds,
                     .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)},
    };
    timerfd_settime(server->timer, 0, &when, NULL);
    server->timer_clock = isfinite(next) ? next : 0;
}

static void take_event(struct ctl_server *server, const struct epoll_event *event, bool *news)
{
    const uint32_t which = event->data.u32;
    if (which == EVENT_LISTENER) {
        accept_client(server);
    } else if (which == EVENT_NEWS) {
        read_counter(server->feed->control_fd);
        *news = true;
    } else if (which == EVENT_TIMER) {
        read_counter(server->timer);
        server->timer_clock = 0;
    } else if (server->clients[which].fd >= 0) {
        struct client *client = &server->clients[which];
        if (client->ended && (event->events & (EPOLLHUP | EPOLLERR)))
            drop(client);
        else if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(server, client);
        else
            flush(server, client);
    }
}

void ctl_server_turn(struct ctl_server *server)
{
    struct epoll_event events[EVENTS];
    bool news = false;
    if (server->deaf)
        hear(server, true);
    const int count = epoll_wait(server->epoll, events, EVENTS, 0);
    for (int i = 0; i < count; i++)
        take_event(server, &events[i], &news);
    for (size_t i = 0; i < MOST_CLIENTS; i++) {
        if (news && server->clients[i].stream)
            stream_news(server->clients[i].stream);
        if (server->clients[i].pending_count > 0)
            answer_commands(server, &server->clients[i]);
    }
    send_frames(server, news);
}

int ctl_server_watchers(const struct ctl_server *server, int *able)
{
    int watchers = 0;
    *able = 0;
    for (size_t i = 0; i < MOST_CLIENTS; i++) {
        const struct client *client = &server->clients[i];
        watchers += client->stream != NULL;
        *able += client->stream != NULL && !client->read_only;
    }
    return watchers;
}

bool ctl_server_interrupted(struct ctl_server *server)
{
    const bool interrupted = server->interrupted;
    server->interrupted = false;
    return interrupted;
}

/* Whether there is a client that has not got all of it. */
static bool is_behind(const struct ctl_server *server)
{
    for (size_t i = 0; i < MOST_CLIENTS; i++)
        if (server->clients[i].stream && server->clients[i].waits)
            return true;
    return false;
}

void ctl_server_finish(struct ctl_server *server, double seconds)
{
    const double limit = clock_seconds() + seconds;
    for (size_t i = 0; i < MOST_CLIENTS; i++)
        if (server->clients[i].stream) {
            stream_hurry(server->clients[i].stream);
            stream_news(server->clients[i].stream);
            stream_ask_confusion(server->clients[i].stream);
        }
    ctl_server_turn(server);
    for (double left; is_behind(server) && (left = limit - clock_seconds()) > 0;) {
        struct pollfd fd = {.fd = server->epoll, .events = POLLIN};
        poll(&fd, 1, (int)ceil(1000 * left));
        ctl_server_turn(server);
    }
}

/* 0: listening; 1: the address is in use. */
static int listen_there(struct ctl_server *server, struct err *err)
{
    if (bind(server->listener, (const struct sockaddr *)&server->address, sizeof server->address) !=
        0) {
        if (errno == EADDRINUSE)
            return 1;
        return err_set_errno(err, ERR_SYSTEM, errno, "the control socket");
    }
    if (listen(server->listener, MOST_CLIENTS) != 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "the control socket");
    return 0;
}

/* Whether a process listens at the address. */
static bool answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool yes =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    return yes;
}

static int open_socket(struct ctl_server *server, struct err *err)
{
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (server->listener < 0 || server->epoll < 0 || server->timer < 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "the control socket");
    int result = listen_there(server, err);
    if (result == 1 && answered(&server->address))
        return err_set(err, ERR_SYSTEM, "another process answers for %s", server->directory);
    if (result == 1) { /* what a crash has left */
        unlink(server->address.sun_path);
        result = listen_there(server, err);
    }
    if (result != 0)
        return result < 0 ? -1 : err_set(err, ERR_SYSTEM, "the control socket is in use");
    struct epoll_event listener = {.events = EPOLLIN, .data.u32 = EVENT_LISTENER};
    struct epoll_event news = {.events = EPOLLIN, .data.u32 = EVENT_NEWS};
    struct epoll_event timer = {.events = EPOLLIN, .data.u32 = EVENT_TIMER};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &listener) != 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->timer, &timer) != 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->feed->control_fd, &news) != 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "the control socket");
    return 0;
}

int ctl_server_open(const char *sockets, const char *run_directory, struct feed *feed,
                    struct ctl_server **out, struct err *err)
{
    struct ctl_server *server = mem_alloc(sizeof *server);
    server->feed = feed;
    server->listener = server->epoll = server->timer = -1;
    server->directory = address_directory(run_directory);
    for (size_t i = 0; i < MOST_CLIENTS; i++)
        server->clients[i].fd = -1;
    server->folder = address_open_folder(sockets, true, err);
    if (server->folder >= 0) {
        address_make(server->folder, run_directory, &server->address);
        if (open_socket(server, err) == 0) {
            *out = server;
            return 0;
        }
        /* It is not this process's to remove. */
        server->address.sun_path[0] = '\0';
    }
    ctl_server_close(server);
    return -1;
}

int ctl_server_fd(const struct ctl_server *server)
{
    return server->epoll;
}

void ctl_server_close(struct ctl_server *server)
{
    if (!server)
        return;
    if (server->address.sun_path[0])
        unlink(server->address.sun_path);
    for (size_t i = 0; i < MOST_CLIENTS; i++)
        if (server->clients[i].fd >= 0)
            drop(&server->clients[i]);
    if (server->listener >= 0)
        close(server->listener);
    if (server->epoll >= 0)
        close(server->epoll);
    if (server->timer >= 0)
        close(server->timer);
    if (server->folder >= 0)
        close(server->folder);
    mem_free(server->directory);
    mem_free(server);
}
