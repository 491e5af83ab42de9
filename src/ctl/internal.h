/* ctl: what its files share. */
#ifndef KDT_CTL_INTERNAL_H
#define KDT_CTL_INTERNAL_H

#include "kdt/ctl.h"

#include <sys/un.h>

/* Longest lines that either side accepts, with their ends: a command, an answer. */
enum { CTL_REQUEST_LINE = COMMAND_LINE + 16, CTL_ANSWER_LINE = 16384 };

/* The folder of sockets, opened and found to be the user's alone; -1 and *err. `make`: it is made
 * where it is missing; else a missing one is -1 with *err of ERR_OK. */
int address_open_folder(const char *sockets, bool make, struct err *err);
/* The address of a run's socket in that folder, of any length of its path: the kernel finds it by
 * the descriptor. */
void address_make(int folder, const char *run_directory, struct sockaddr_un *out);
/* Whether the other end of a connection is this user's, or root's. */
bool address_same_user(int fd);
/* The path of a directory that every process names alike; mem_free it. */
char *address_directory(const char *run_directory);

/* The connection, taken from the client, which is closed but for it; bytes that came and were not
 * read are copied out. */
int client_take(struct ctl_client *client, char *out, size_t size, size_t *length);

#endif
