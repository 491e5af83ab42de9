/*
 * ctl: the control socket, by which other processes of the same user ask how a
 * run stands, give it commands and watch it. A server reads a feed; a client speaks
 * with one, and is a feed itself where it watches. Text lines; kdtui-protocol(7) describes them.
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
/* How many clients watch the run; *able: those of them that may give commands. */
int ctl_server_watchers(const struct ctl_server *server, int *able);
/* Whether a client has asked that the run be saved and left, since this was asked last. */
bool ctl_server_interrupted(struct ctl_server *server);
/* Once the run has ended: sends those who watch all that there is, at most for `seconds`. */
void ctl_server_finish(struct ctl_server *server, double seconds);
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

/* The watching side: a feed of a run that another process trains. It shows what has come by then;
 * where that is asked for anew, as losses of other steps, a call waits a moment for the answer.
 * Calls of the feed are any thread's; the others one thread's, who polls. */
struct ctl_watch;
/* Takes the client over and waits until it knows the run. `frames`: most that are of use in a
 * second. `read_only`: every command is refused, there and here. */
int ctl_watch_open(struct ctl_client *client, double frames, bool read_only, struct ctl_watch **out,
                   struct err *err);
struct feed *ctl_watch_feed(struct ctl_watch *watch);
/* Readable when ctl_watch_turn has something to do, which never blocks; -1 once there is nothing
 * more to come. A turn each second, besides, tells the feed's reader that nothing comes. */
int ctl_watch_fd(const struct ctl_watch *watch);
void ctl_watch_turn(struct ctl_watch *watch);
/* No call of the feed waits any more: before the view is closed. */
void ctl_watch_release(struct ctl_watch *watch);
/* Asks that the run be saved and left, as SIGTERM would; nothing where it is only to read. */
void ctl_watch_interrupt(struct ctl_watch *watch);
void ctl_watch_close(struct ctl_watch *watch); /* NULL is fine */

/* name, state, step, …: the object that `kdtui status` prints, without a line end; NaN is null. */
void ctl_status_print(const struct snapshot *now, struct text *out);

/* What comes from outside, from memory; also the fuzz targets'. Of the `length` bytes that a client
 * has sent the first line's length with its end, 0 where it has not come yet, or -1 where it is no
 * request. */
enum ctl_request_kind {
    CTL_STATUS,
    CTL_COMMAND,
    CTL_WATCH,
    CTL_LOSSES,
    CTL_LAYERS,
    CTL_CONFUSION,
    CTL_INTERRUPT,
};
struct ctl_request {
    enum ctl_request_kind kind;
    char command[COMMAND_LINE]; /* CTL_COMMAND */
    double frames;              /* CTL_WATCH: most in a second */
    bool read_only;             /* CTL_WATCH: nothing is to be changed from there */
    int64_t first, last;        /* CTL_LOSSES: these steps are to be fine */
};
int ctl_parse_request(const char *bytes, size_t length, struct ctl_request *out, struct err *err);
/* What a server has sent to who watches; one without a connection, to be closed. How many bytes of
 * it are whole lines, or -1 where one is malformed. */
struct ctl_watch *ctl_watch_none(void);
int ctl_watch_take(struct ctl_watch *watch, const char *bytes, size_t length, struct err *err);

#endif
