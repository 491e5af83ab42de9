/*
 * Files: read whole, written durably, appended record by record.
 *
 * "Written" means that the bytes and the name survive a crash of the machine:
 * everything is checked, and nothing is reported as done before it is synced.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/base.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor is gone whatever close says; EINTR is no failure. */
static int close_checked(int fd)
{
    return close(fd) && errno != EINTR ? -1 : 0;
}

static int write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        ssize_t written = write(fd, at, length);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

static int open_file(const char *path, int flags)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int sync_all(int fd)
{
    int failed;
    do
        failed = fsync(fd);
    while (failed && errno == EINTR);
    return failed;
}

/* The directory that holds `path`; allocated. */
static char *parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_text(".");
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *directory = mem_alloc(length + 1);
    memcpy(directory, path, length);
    return directory;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int sync_parent(const char *path, struct err *err)
{
    char *directory = parent(path);
    int failed = file_sync_directory(directory, err);
    mem_free(directory);
    return failed;
}

/* Reads to the end of fd. `expected` is the memory that will likely do. */
static int read_all(int fd, const char *path, size_t expected, size_t limit, unsigned char **bytes,
                    size_t *length, struct err *err)
{
    size_t capacity = expected < 4096 ? 4096 : expected, used = 0;
    unsigned char *buffer = mem_array(capacity, 1, err);
    if (!buffer)
        return err_context(err, "%s", path);
    for (;;) {
        /* One byte always stays free for the zero after the end. */
        if (used + 1 == capacity) {
            unsigned char *larger = mem_array(capacity, 2, err);
            if (!larger) {
                mem_free(buffer);
                return err_context(err, "%s", path);
            }
            memcpy(larger, buffer, used);
            mem_free(buffer);
            buffer = larger;
            capacity *= 2;
        }
        ssize_t got = read(fd, buffer + used, capacity - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_set_errno(err, ERR_FILE, errno, "%s", path);
            break;
        }
        if (got == 0) {
            buffer[used] = 0;
            *bytes = buffer;
            *length = used;
            return 0;
        }
        used += (size_t)got;
        if (used > limit) {
            err_set(err, ERR_FILE, "%s: larger than the %zu bytes expected at most", path, limit);
            break;
        }
    }
    mem_free(buffer);
    return -1;
}

int file_read(const char *path, size_t limit, unsigned char **bytes, size_t *length,
              struct err *err)
{
    int fd = open_file(path, O_RDONLY);
    if (fd < 0)
        return err_set_errno(err, ERR_FILE, errno, "%s", path);
    struct stat status;
    int result;
    if (fstat(fd, &status))
        result = err_set_errno(err, ERR_FILE, errno, "%s", path);
    else if (status.st_size > 0 && (uintmax_t)status.st_size > limit)
        result = err_set(err, ERR_FILE, "%s: %jd bytes where at most %zu are expected", path,
                         (intmax_t)status.st_size, limit);
    else
        /* Room to see the end, and for the zero after it. */
        result = read_all(fd, path, (size_t)status.st_size + 2, limit, bytes, length, err);
    close(fd);
    return result;
}

/* Opens a new file beside `path`; *name is allocated. */
static int open_temporary(const char *path, char **name, struct err *err)
{
    char *directory = parent(path);
    struct text text = {0};
    int fd = -1;
    /* Another process's leftovers are stepped over, never reused. */
    for (int number = 0; number < 100; number++) {
        text.length = 0;
        text_print(&text, "%s/.%s.%ld-%d.tmp", directory, last_name(path), (long)getpid(), number);
        fd = open_file(text.bytes, O_WRONLY | O_CREAT | O_EXCL);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    if (fd < 0) {
        err_set_errno(err, ERR_FILE, errno, "%s", path);
        text_fini(&text);
    }
    *name = text.bytes;
    mem_free(directory);
    return fd;
}

int file_write(const char *path, const struct file_part *parts, size_t count, struct err *err)
{
    char *temporary;
    int fd = open_temporary(path, &temporary, err);
    if (fd < 0)
        return -1;
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++)
        failed = write_all(fd, parts[i].bytes, parts[i].length);
    if (!failed)
        failed = sync_all(fd);
    int reason = errno;
    if (close_checked(fd) && !failed) {
        failed = -1;
        reason = errno;
    }
    if (!failed && rename(temporary, path)) {
        failed = -1;
        reason = errno;
    }
    if (failed) {
        unlink(temporary);
        err_set_errno(err, ERR_FILE, reason, "%s", path);
    }
    mem_free(temporary);
    return failed ? -1 : sync_parent(path, err);
}

struct file_log {
    int fd;
    bool torn;     /* the end of a failed append is still in the file */
    bool unsynced; /* some of the file may not be on disk yet */
    uint64_t length;
    char *path;
};

int file_log_open(const char *path, bool create_new, struct file_log **out, struct err *err)
{
    int fd = open_file(path, O_WRONLY | O_APPEND | (create_new ? O_CREAT | O_EXCL : 0));
    if (fd < 0)
        return err_set_errno(err, ERR_FILE, errno, "%s", path);
    struct stat status;
    int failed = 0;
    if (fstat(fd, &status))
        failed = err_set_errno(err, ERR_FILE, errno, "%s", path);
    else if (!S_ISREG(status.st_mode))
        failed = err_set(err, ERR_FILE, "%s: not a regular file", path);
    else if (create_new)
        failed = sync_parent(path, err);
    if (failed) {
        close(fd);
        if (create_new)
            unlink(path);
        return -1;
    }
    struct file_log *log = mem_alloc(sizeof *log);
    log->fd = fd;
    log->length = (uint64_t)status.st_size;
    log->path = mem_text(path);
    *out = log;
    return 0;
}

/* Cuts the file back to its whole records. */
static int log_cut(struct file_log *log)
{
    int failed;
    do
        failed = ftruncate(log->fd, (off_t)log->length);
    while (failed && errno == EINTR);
    log->torn = failed;
    return failed;
}

int file_log_append(struct file_log *log, const void *bytes, size_t length, bool sync,
                    struct err *err)
{
    if (log->torn && log_cut(log))
        return err_set_errno(err, ERR_FILE, errno, "%s", log->path);
    if (write_all(log->fd, bytes, length) || (sync && sync_all(log->fd))) {
        int reason = errno;
        (void)log_cut(log);
        return err_set_errno(err, ERR_FILE, reason, "%s", log->path);
    }
    log->length += length;
    log->unsynced = !sync;
    return 0;
}

int file_log_sync(struct file_log *log, struct err *err)
{
    if (log->unsynced && sync_all(log->fd))
        return err_set_errno(err, ERR_FILE, errno, "%s", log->path);
    log->unsynced = false;
    return 0;
}

int file_log_cut(struct file_log *log, uint64_t length, struct err *err)
{
    if (length > log->length)
        return err_set(err, ERR_FILE, "%s: %" PRIu64 " bytes where %" PRIu64 " are expected",
                       log->path, log->length, length);
    if (length == log->length)
        return 0;
    log->length = length;
    if (log_cut(log) || sync_all(log->fd))
        return err_set_errno(err, ERR_FILE, errno, "%s", log->path);
    return 0;
}

uint64_t file_log_length(const struct file_log *log)
{
    return log->length;
}

void file_log_close(struct file_log *log)
{
    if (!log)
        return;
    close(log->fd);
    mem_free(log->path);
    mem_free(log);
}

static bool is_directory(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

int file_make_directories(const char *path, struct err *err)
{
    char *copy = mem_text(path);
    int failed = 0;
    char *end = copy;
    do {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char kept = *end;
        *end = '\0';
        /* Read-only parents answer EROFS or EACCES even where they exist. */
        if (mkdir(copy, 0777)) {
            int reason = errno == EEXIST ? ENOTDIR : errno;
            if (!is_directory(copy))
                failed = err_set_errno(err, ERR_FILE, reason, "%s", copy);
        }
        *end = kept;
    } while (*end && !failed);
    mem_free(copy);
    return failed;
}

int file_sync_directory(const char *path, struct err *err)
{
    int fd = open_file(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return err_set_errno(err, ERR_FILE, errno, "%s", path);
    int result = 0;
    /* EINVAL: a file system that keeps directories without being asked. */
    if (sync_all(fd) && errno != EINVAL)
        result = err_set_errno(err, ERR_FILE, errno, "%s", path);
    close(fd);
    return result;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *file_path(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    const char *slash = length == 0 || directory[length - 1] == '/' ? "" : "/";
    struct text text = {0};
    text_print(&text, "%s%s%s", directory, slash, name);
    return text.bytes;
}
