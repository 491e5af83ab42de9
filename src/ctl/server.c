/*
 * The server: one descriptor to poll, an epoll of the listening socket, the
 * feed's news and up to MOST_CLIENTS clients. Nothing here waits: what a client
 * does not take is kept for it up to a limit, and beyond that it is cut off, so
 * neither it nor its line can hold up the run or the other clients.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CLIENTS = 64, MOST_PENDING = 16, MOST_UNSENT = 1 << 18 };

struct client {
    int fd; /* -1: free */
    char in[CTL_REQUEST_LINE];
    size_t in_length;
    struct text out;
    size_t sent;
    uint64_t pending[MOST_PENDING]; /* commands that wait for their answers */
    size_t pending_count;
    bool closing; /* once all is sent */
};

struct ctl_server {
    struct feed *feed;
    int folder, listener, epoll;
    struct sockaddr_un address;
    char *directory;
    int viewers;
    struct client clients[MOST_CLIENTS];
};

/* ---- clients ---- */

static void drop(struct client *client)
{
    close(client->fd); /* which takes it out of the epoll, too */
    text_fini(&client->out);
    *client = (struct client){.fd = -1};
}

static void watch(struct ctl_server *server, struct client *client, int operation)
{
    const bool unsent = client->sent < client->out.length;
    struct epoll_event event = {
        .events = (client->closing ? 0 : EPOLLIN) | (unsent ? EPOLLOUT : 0),
        .data.u32 = (uint32_t)(client - server->clients),
    };
    if (epoll_ctl(server->epoll, operation, client->fd, &event) != 0)
        drop(client);
}

/* Sends what it takes; drops it where it is gone, is done with, or takes too little. */
static void flush(struct ctl_server *server, struct client *client)
{
    while (client->fd >= 0 && client->sent < client->out.length) {
        ssize_t sent = send(client->fd, client->out.bytes + client->sent,
                            client->out.length - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (sent < 0) {
            drop(client);
            return;
        }
        client->sent += (size_t)sent;
    }
    if (client->sent == client->out.length) {
        client->out.length = client->sent = 0;
        if (client->closing) {
            drop(client);
            return;
        }
    }
    if (client->out.length - client->sent > MOST_UNSENT)
        drop(client);
    else
        watch(server, client, EPOLL_CTL_MOD);
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
    ctl_status_print(&now, server->viewers, &client->out);
    text_print(&client->out, "\n");
}

static void give_command(struct ctl_server *server, struct client *client, const char *line)
{
    struct err err = {0};
    if (client->pending_count == MOST_PENDING) {
        err_set(&err, ERR_USAGE, "%d commands wait for their answers already", MOST_PENDING);
        refuse(client, &err);
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

static void take_requests(struct ctl_server *server, struct client *client)
{
    enum ctl_request request;
    char command[COMMAND_LINE];
    struct err err = {0};
    int used;
    while (!client->closing && (used = ctl_parse_request(client->in, client->in_length, &request,
                                                         command, &err)) != 0) {
        if (used < 0) {
            refuse(client, &err);
            return;
        }
        client->in_length -= (size_t)used;
        memmove(client->in, client->in + used, client->in_length);
        if (request == CTL_REQUEST_STATUS)
            answer_status(server, client);
        else
            give_command(server, client, command);
    }
}

static void receive(struct ctl_server *server, struct client *client)
{
    ssize_t got = recv(client->fd, client->in + client->in_length,
                       sizeof client->in - client->in_length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(client);
        return;
    }
    client->in_length += (size_t)got;
    take_requests(server, client);
    flush(server, client);
}

/* Tells who waits what became of the commands. */
static void answer_commands(struct ctl_server *server, struct client *client)
{
    size_t left = 0;
    for (size_t i = 0; i < client->pending_count; i++) {
        struct answer answer;
        server->feed->answer(server->feed, client->pending[i], &answer);
        if (answer.state == ANSWER_REQUESTED) {
            client->pending[left++] = client->pending[i];
            continue;
        }
        text_print(&client->out, "%s %" PRIu64 " ",
                   answer.state == ANSWER_APPLIED ? "applied" : "refused", client->pending[i]);
        if (answer.state == ANSWER_APPLIED)
            text_print(&client->out, "%" PRId64 " ", answer.step);
        text_print(&client->out, "%s\n",
                   answer.state == ANSWER_NONE ? "the answer is no longer known" : answer.text);
    }
    if (left == client->pending_count)
        return;
    client->pending_count = left;
    flush(server, client);
}

static bool same_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void accept_client(struct ctl_server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *client = NULL;
    if (fd < 0)
        return;
    for (size_t i = 0; i < MOST_CLIENTS && !client; i++)
        if (server->clients[i].fd < 0)
            client = &server->clients[i];
    if (!client || !same_user(fd)) {
        close(fd);
        return;
    }
    *client = (struct client){.fd = fd};
    text_print(&client->out, "kdtui %d %s\n", CTL_VERSION, server->directory);
    watch(server, client, EPOLL_CTL_ADD);
    if (client->fd >= 0)
        flush(server, client);
}

/* ---- the server ---- */

/* What epoll says of descriptors that are no client's. */
enum { EVENT_LISTENER = MOST_CLIENTS, EVENT_NEWS };

void ctl_server_turn(struct ctl_server *server)
{
    struct epoll_event events[MOST_CLIENTS + 2];
    const int count = epoll_wait(server->epoll, events, MOST_CLIENTS + 2, 0);
    for (int i = 0; i < count; i++) {
        const uint32_t which = events[i].data.u32;
        if (which == EVENT_LISTENER) {
            accept_client(server);
        } else if (which == EVENT_NEWS) {
            uint64_t news;
            ssize_t got = read(server->feed->control_fd, &news, sizeof news);
            (void)got;
        } else if (server->clients[which].fd >= 0) {
            struct client *client = &server->clients[which];
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                receive(server, client);
            else
                flush(server, client);
        }
    }
    for (size_t i = 0; i < MOST_CLIENTS; i++)
        if (server->clients[i].pending_count > 0)
            answer_commands(server, &server->clients[i]);
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
    if (server->listener < 0 || server->epoll < 0)
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
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &listener) != 0 ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->feed->control_fd, &news) != 0)
        return err_set_errno(err, ERR_SYSTEM, errno, "the control socket");
    return 0;
}

int ctl_server_open(const char *sockets, const char *run_directory, struct feed *feed,
                    struct ctl_server **out, struct err *err)
{
    struct ctl_server *server = mem_alloc(sizeof *server);
    server->feed = feed;
    server->listener = server->epoll = -1;
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

void ctl_server_viewers(struct ctl_server *server, int viewers)
{
    server->viewers = viewers;
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
    if (server->folder >= 0)
        close(server->folder);
    mem_free(server->directory);
    mem_free(server);
}
