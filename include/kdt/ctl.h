/*
 * ctl: the control socket, by which other processes of the same user ask how a
 * run stands and give it commands. A server reads a feed; a client speaks with
 * one. Text lines; kdtui-protocol(7) describes them.
 *
 * A run's socket is in a folder of mode 0700 that belongs to the user, and named
 * after the run's directory.
 */
#ifndef KDT_CTL_H
#define KDT_CTL_H

#include "kdt/feed.h"

enum { CTL_VERSION = 1 };

/* The answering side, in the process that trains the run. One thread calls. */
struct ctl_server;
/* `sockets` is made where it is missing. A socket that nobody answers is replaced; one that
 * somebody answers is an error. The feed outlives the server. */
int ctl_server_open(const char *sockets, const char *run_directory, struct feed *feed,
                    struct ctl_server **out, struct err *err);
/* Readable when ctl_server_turn has something to do, which never blocks. */
int ctl_server_fd(const struct ctl_server *server);
void ctl_server_turn(struct ctl_server *server);
/* How many look at the run in this process, for `status`. */
void ctl_server_viewers(struct ctl_server *server, int viewers);
void ctl_server_close(struct ctl_server *server); /* NULL is fine */

/* The asking side; every call may wait for the server, a few seconds at most but for an answer
 * to a command. */
struct ctl_client;
/* 1: connected; 0: nobody trains the run, or it has no socket. */
int ctl_connect(const char *sockets, const char *run_directory, struct ctl_client **out,
                struct err *err);
void ctl_client_close(struct ctl_client *client); /* NULL is fine */
/* One JSON object, as ctl_status_print makes it. */
int ctl_status(struct ctl_client *client, struct text *json, struct err *err);
/* Gives a command and waits until it is applied, 1, or refused, 0. *text says at which step and
 * what has changed, or why not. */
int ctl_command(struct ctl_client *client, const char *line, struct text *text, struct err *err);

/* name, state, step, …: the object that `kdtui status` prints, without a line end; NaN is null. */
void ctl_status_print(const struct snapshot *now, int viewers, struct text *out);

/* What a client may send, from memory; also the fuzz target. Of `length` bytes the first line's
 * length with its end, 0 where it has not come yet, or -1 where it is no request. */
enum ctl_request { CTL_REQUEST_STATUS, CTL_REQUEST_COMMAND };
int ctl_parse_request(const char *bytes, size_t length, enum ctl_request *request,
                      char command[COMMAND_LINE], struct err *err);

#endif
