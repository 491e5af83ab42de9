/* The client: one connection, one request at a time. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_SECONDS = 5 };

struct ctl_client {
    int fd;
    char in[CTL_ANSWER_LINE];
    size_t begin, end; /* of what has come and was not read */
};

static int gone(struct err *err)
{
    return err_set(err, ERR_SYSTEM, "the process that trains the run has gone away");
}

/* How long to wait for the next bytes; 0: for ever. */
static void set_patience(struct ctl_client *client, int seconds)
{
    const struct timeval limit = {.tv_sec = seconds};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* The next line, without its end, valid until the next call. */
static const char *read_line(struct ctl_client *client, struct err *err)
{
    memmove(client->in, client->in + client->begin, client->end - client->begin);
    client->end -= client->begin;
    client->begin = 0;
    for (;;) {
        char *end = memchr(client->in, '\n', client->end);
        if (end) {
            *end = '\0';
            client->begin = (size_t)(end - client->in) + 1;
            return client->in;
        }
        if (client->end == sizeof client->in) {
            err_set(err, ERR_SYSTEM, "an answer of more than %zu bytes", sizeof client->in);
            return NULL;
        }
        ssize_t got =
            recv(client->fd, client->in + client->end, sizeof client->in - client->end, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            err_set(err, ERR_SYSTEM, "no answer within %d seconds", ANSWER_SECONDS);
            return NULL;
        }
        if (got <= 0) {
            (void)gone(err);
            return NULL;
        }
        client->end += (size_t)got;
    }
}

static int write_line(struct ctl_client *client, const char *verb, const char *rest,
                      struct err *err)
{
    char line[CTL_REQUEST_LINE];
    const int length = snprintf(line, sizeof line, "%s%s\n", verb, rest);
    if ((size_t)length >= sizeof line)
        return err_set(err, ERR_USAGE, "a command of at most %d bytes is expected",
                       COMMAND_LINE - 1);
    for (int sent = 0; sent < length;) {
        ssize_t some = send(client->fd, line + sent, (size_t)(length - sent), MSG_NOSIGNAL);
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return gone(err);
        sent += (int)some;
    }
    return 0;
}

/* "WORD REST": REST, or NULL where the line begins otherwise. */
static const char *after(const char *line, const char *word)
{
    const size_t length = strlen(word);
    return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

/* 1: it is the run's server. 0: that of a run with the same address. */
static int greet(struct ctl_client *client, const char *run_directory, struct err *err)
{
    const char *line = read_line(client, err), *rest = line ? after(line, "kdtui") : NULL;
    char *end;
    if (!line)
        return -1;
    if (after(line, "error"))
        return err_set(err, ERR_SYSTEM, "%s: %s", run_directory, after(line, "error"));
    const long version = rest ? strtol(rest, &end, 10) : 0;
    if (!rest || *end != ' ')
        return err_set(err, ERR_SYSTEM, "something other than kdtui answers for %s", run_directory);
    if (version != CTL_VERSION)
        return err_set(err, ERR_SYSTEM,
                       "%s is trained by a kdtui that speaks version %ld of the protocol, this one "
                       "speaks %d",
                       run_directory, version, CTL_VERSION);
    char *directory = address_directory(run_directory);
    const bool same = strcmp(end + 1, directory) == 0;
    mem_free(directory);
    return same;
}

int ctl_connect(const char *sockets, const char *run_directory, struct ctl_client **out,
                struct err *err)
{
    struct sockaddr_un address;
    const int folder = address_open_folder(sockets, false, err);
    if (folder < 0)
        return err->code == ERR_OK ? 0 : -1;
    address_make(folder, run_directory, &address);
    struct ctl_client *client = mem_alloc(sizeof *client);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result;
    if (client->fd < 0) {
        result = err_set_errno(err, ERR_SYSTEM, errno, "a socket");
    } else {
        set_patience(client, ANSWER_SECONDS);
        result = connect(client->fd, (const struct sockaddr *)&address, sizeof address);
        if (result == 0 && !address_same_user(client->fd))
            result = err_set(err, ERR_SYSTEM, "another user answers for %s", run_directory);
        else if (result == 0)
            result = greet(client, run_directory, err);
        else if (errno == ENOENT || errno == ECONNREFUSED)
            result = 0;
        else
            result =
                err_set_errno(err, ERR_SYSTEM, errno, "the control socket of %s", run_directory);
    }
    close(folder);
    if (result == 1)
        *out = client;
    else
        ctl_client_close(client);
    return result;
}

void ctl_client_close(struct ctl_client *client)
{
    if (!client)
        return;
    if (client->fd >= 0)
        close(client->fd);
    mem_free(client);
}

int client_take(struct ctl_client *client, char *out, size_t size, size_t *length)
{
    const int fd = client->fd;
    *length = client->end - client->begin;
    if (*length > size)
        *length = size;
    memcpy(out, client->in + client->begin, *length);
    mem_free(client);
    return fd;
}

static int unexpected(const char *line, struct err *err)
{
    const char *why = after(line, "error");
    return why ? err_set(err, ERR_SYSTEM, "%s", why)
               : err_set(err, ERR_SYSTEM, "an answer that is none: %.60s", line);
}

int ctl_status(struct ctl_client *client, struct text *json, struct err *err)
{
    const char *line, *object;
    set_patience(client, ANSWER_SECONDS);
    if (write_line(client, "status", "", err) != 0 || !(line = read_line(client, err)))
        return -1;
    object = after(line, "status");
    if (!object)
        return unexpected(line, err);
    text_print(json, "%s", object);
    return 0;
}

/* What follows the command's id. */
static const char *skip_id(const char *rest)
{
    const char *space = strchr(rest, ' ');
    return space ? space + 1 : rest;
}

int ctl_command(struct ctl_client *client, const char *line, struct text *text, struct err *err)
{
    const char *answer, *rest;
    set_patience(client, ANSWER_SECONDS);
    if (write_line(client, "do ", line, err) != 0)
        return -1;
    for (;;) {
        if (!(answer = read_line(client, err)))
            return -1;
        if ((rest = after(answer, "refused"))) {
            text_print(text, "refused: %s", skip_id(rest));
            return 0;
        }
        if ((rest = after(answer, "applied"))) {
            rest = skip_id(rest);
            const int digits = (int)strcspn(rest, " ");
            const char *what = skip_id(rest);
            text_print(text, "applied at step %.*s%s%s", digits, rest, *what ? ": " : "", what);
            return 1;
        }
        if (!after(answer, "requested"))
            return unexpected(answer, err);
        /* It comes between two steps, after an evaluation at the latest. */
        set_patience(client, 0);
    }
}
