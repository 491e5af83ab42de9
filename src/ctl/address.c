/*
 * Where a run's socket is. The folder is opened once, looked at, and then only
 * reached through its descriptor, so that it cannot be exchanged meanwhile, and
 * a path longer than a socket's address holds does no harm.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folder(const char *sockets, struct err *err)
{
    char *parent = mem_text(sockets), *slash = strrchr(parent, '/');
    int result = 0;
    if (slash && slash != parent) {
        *slash = '\0';
        result = file_make_directories(parent, err);
    }
    mem_free(parent);
    if (result == 0 && mkdir(sockets, 0700) != 0 && errno != EEXIST)
        result = err_set_errno(err, ERR_FILE, errno, "%s", sockets);
    return result;
}

int address_open_folder(const char *sockets, bool make, struct err *err)
{
    struct stat status;
    err->code = ERR_OK;
    if (make && make_folder(sockets, err) != 0)
        return -1;
    int folder = open(sockets, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT && !make)
        return -1;
    if (folder < 0 && (errno == ELOOP || errno == ENOTDIR))
        return err_set(err, ERR_FILE, "%s: a folder is expected, and no symbolic link", sockets);
    if (folder < 0 || fstat(folder, &status) != 0)
        err_set_errno(err, ERR_FILE, errno, "%s", sockets);
    else if (status.st_uid != geteuid())
        err_set(err, ERR_FILE, "%s: it belongs to another user", sockets);
    else if ((status.st_mode & 077) != 0)
        err_set(err, ERR_FILE, "%s: mode 0700 is expected, not %04o", sockets,
                (unsigned)status.st_mode & 07777);
    else
        return folder;
    if (folder >= 0)
        close(folder);
    return -1;
}

bool address_same_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

char *address_directory(const char *run_directory)
{
    char *real = realpath(run_directory, NULL);
    char *path = mem_text(real ? real : run_directory);
    free(real);
    return path;
}

void address_make(int folder, const char *run_directory, struct sockaddr_un *out)
{
    char *path = address_directory(run_directory);
    const char *slash = strrchr(path, '/');
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%.40s-%08x", folder,
             slash ? slash + 1 : path, (unsigned)digest_crc32(0, path, strlen(path)));
    mem_free(path);
}
