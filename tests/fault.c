/* See fault.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

enum { FILES = 1024, PATH = 1024 };

/* Whether the calls about an open file count; read without the lock, since a
 * signal's handler may write. */
static atomic_bool counted[FILES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Under lock. */
static char below[PATH]; /* "": nothing counts */
static struct fault_plan plan;
static long calls;
static char hit[64];
static bool full;             /* FAULT_FULL has begun */
static char names[FILES][64]; /* of open files that count */

/* ---- the plan ---- */

void fault_start(const char *directory, const struct fault_plan *with)
{
    pthread_mutex_lock(&lock);
    snprintf(below, sizeof below, "%s", directory);
    plan = *with;
    calls = 0;
    full = false;
    hit[0] = '\0';
    pthread_mutex_unlock(&lock);
}

void fault_stop(void)
{
    pthread_mutex_lock(&lock);
    below[0] = '\0';
    pthread_mutex_unlock(&lock);
}

long fault_calls(void)
{
    pthread_mutex_lock(&lock);
    long count = calls;
    pthread_mutex_unlock(&lock);
    return count;
}

const char *fault_hit(void)
{
    static _Thread_local char copy[sizeof hit];
    pthread_mutex_lock(&lock);
    memcpy(copy, hit, sizeof copy);
    pthread_mutex_unlock(&lock);
    return copy;
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool counts(const char *path)
{
    size_t length = strlen(below);
    return length && strncmp(path, below, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static bool counts_fd(int fd)
{
    return fd >= 0 && fd < FILES && counted[fd];
}

/* Counts a call; what is to happen to it. */
static enum fault_effect next(const char *call, const char *name)
{
    calls++;
    if (!plan.at || calls < plan.at || (plan.count && calls >= plan.at + plan.count))
        return FAULT_NONE;
    snprintf(hit, sizeof hit, "%s %.48s", call, name);
    if (plan.effect == FAULT_KILL)
        die();
    if (plan.effect == FAULT_HANG) {
        pthread_mutex_unlock(&lock);
        for (;;)
            pause();
    }
    return plan.effect;
}

/* Of a call that cannot be done in part. True where it fails, errno set. `makes`:
 * it makes a name. */
static bool fails(enum fault_effect effect, bool makes)
{
    if (effect == FAULT_TORN)
        die();
    if (effect != FAULT_ERROR && !(effect == FAULT_FULL && makes))
        return false;
    errno = plan.error;
    return true;
}

static void done(enum fault_effect effect)
{
    if (effect == FAULT_KILL_AFTER)
        die();
}

/* ---- the calls ---- */

static int open_file(const char *path, int flags, mode_t mode)
{
    pthread_mutex_lock(&lock);
    if (!counts(path)) {
        pthread_mutex_unlock(&lock);
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    }
    enum fault_effect effect = next("open", last_name(path));
    int fd = -1;
    if (!fails(effect, flags & O_CREAT)) {
        bool exists = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        if (fd >= FILES)
            abort();
        if (fd >= 0) {
            snprintf(names[fd], sizeof names[fd], "%s", last_name(path));
            counted[fd] = true;
            disk_opened(fd, path, !exists);
        }
    }
    done(effect);
    int reason = errno;
    pthread_mutex_unlock(&lock);
    errno = reason;
    return fd;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return open_file(path, flags, mode);
}

DIR *opendir(const char *path)
{
    int fd = open_file(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    /* closedir does not come by here. */
    pthread_mutex_lock(&lock);
    if (counts_fd(fd)) {
        counted[fd] = false;
        disk_closed(fd);
    }
    pthread_mutex_unlock(&lock);
    return fdopendir(fd);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    if (!counts_fd(fd))
        return syscall(SYS_write, fd, bytes, length);
    pthread_mutex_lock(&lock);
    enum fault_effect effect = next("write", names[fd]);
    ssize_t written = -1;
    if (effect == FAULT_ERROR || (effect == FAULT_FULL && full)) {
        errno = plan.error;
    } else if (effect == FAULT_SHORT || effect == FAULT_FULL || effect == FAULT_TORN) {
        full = effect == FAULT_FULL;
        written = syscall(SYS_write, fd, bytes, (length + 1) / 2);
        if (effect == FAULT_TORN)
            die();
    } else {
        written = syscall(SYS_write, fd, bytes, length);
        done(effect);
    }
    int reason = errno;
    pthread_mutex_unlock(&lock);
    errno = reason;
    return written;
}

static int sync_file(int fd, const char *call, long number)
{
    if (!counts_fd(fd))
        return (int)syscall(number, fd);
    pthread_mutex_lock(&lock);
    enum fault_effect effect = next(call, names[fd]);
    /* Without the kernel: what a sync gives is kept in mind, and a process that is killed
     * loses nothing that was written. */
    int result = fails(effect, false) ? -1 : 0;
    if (result == 0)
        disk_synced(fd);
    done(effect);
    int reason = errno;
    pthread_mutex_unlock(&lock);
    errno = reason;
    return result;
}

int fsync(int fd)
{
    return sync_file(fd, "fsync", SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_file(fd, "fdatasync", SYS_fdatasync);
}

int close(int fd)
{
    if (!counts_fd(fd))
        return (int)syscall(SYS_close, fd);
    pthread_mutex_lock(&lock);
    enum fault_effect effect = next("close", names[fd]);
    int result = (int)syscall(SYS_close, fd);
    counted[fd] = false;
    disk_closed(fd);
    if (fails(effect, false))
        result = -1;
    done(effect);
    int reason = errno;
    pthread_mutex_unlock(&lock);
    errno = reason;
    return result;
}

int ftruncate(int fd, off_t length)
{
    if (!counts_fd(fd))
        return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    enum fault_effect effect = next("ftruncate", names[fd]);
    int result = fails(effect, false) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
    done(effect);
    int reason = errno;
    pthread_mutex_unlock(&lock);
    errno = reason;
    return result;
}

static int call_rename(const char *from, const char *to)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int call_link(const char *from, const char *to)
{
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int call_unlink(const char *path, const char *same)
{
    (void)same;
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static _Thread_local mode_t mkdir_mode; /* of the call that is being made */

static int call_mkdir(const char *path, const char *same)
{
    (void)same;
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mkdir_mode);
}

/* A call about one name or two; `follow` notes what it has done. */
static int change_names(const char *call, const char *from, const char *to,
                        int (*change)(const char *, const char *),
                        void (*follow)(const char *, const char *))
{
    pthread_mutex_lock(&lock);
    if (!counts(from)) {
        pthread_mutex_unlock(&lock);
        return change(from, to);
    }
    enum fault_effect effect = next(call, last_name(to));
    int result =
        plan.error != EINTR && fails(effect, change != call_unlink) ? -1 : change(from, to);
    int reason = errno;
    if (result == 0)
        follow(from, to);
    done(effect);
    pthread_mutex_unlock(&lock);
    errno = reason;
    return result;
}

static void follow_unlink(const char *path, const char *same)
{
    (void)same;
    disk_unlinked(path);
}

static void follow_mkdir(const char *path, const char *same)
{
    (void)same;
    disk_made(path);
}

int rename(const char *from, const char *to)
{
    return change_names("rename", from, to, call_rename, disk_renamed);
}

int link(const char *from, const char *to)
{
    return change_names("link", from, to, call_link, disk_linked);
}

int unlink(const char *path)
{
    return change_names("unlink", path, path, call_unlink, follow_unlink);
}

int mkdir(const char *path, mode_t mode)
{
    mkdir_mode = mode;
    return change_names("mkdir", path, path, call_mkdir, follow_mkdir);
}

/* ---- the environment ---- */

static bool read_effect(const char *word, struct fault_plan *out)
{
    static const struct {
        const char *word;
        enum fault_effect effect;
        int error;
    } effects[] = {
        {"kill", FAULT_KILL, 0},         {"kill-after", FAULT_KILL_AFTER, 0},
        {"torn", FAULT_TORN, 0},         {"full", FAULT_FULL, ENOSPC},
        {"hang", FAULT_HANG, 0},         {"short", FAULT_SHORT, 0},
        {"EIO", FAULT_ERROR, EIO},       {"ENOSPC", FAULT_ERROR, ENOSPC},
        {"EACCES", FAULT_ERROR, EACCES}, {"EROFS", FAULT_ERROR, EROFS},
        {"EINTR", FAULT_ERROR, EINTR},   {"EDQUOT", FAULT_ERROR, EDQUOT},
    };
    for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++)
        if (strcmp(word, effects[i].word) == 0) {
            out->effect = effects[i].effect;
            out->error = effects[i].error;
            return true;
        }
    return false;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *directory = getenv("FAULT_BELOW"), *folder = getenv("FAULT_DISK");
    const char *at = getenv("FAULT_AT"), *count = getenv("FAULT_COUNT");
    const char *effect = getenv("FAULT_EFFECT");
    struct fault_plan from = {.at = at ? atol(at) : 0, .count = count ? atol(count) : 1};
    if (!directory)
        return;
    if (effect && !read_effect(effect, &from)) {
        fprintf(stderr, "FAULT_EFFECT: %s is none\n", effect);
        _exit(99);
    }
    if (folder)
        disk_start(directory, folder);
    fault_start(directory, &from);
}
