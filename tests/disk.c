/* See disk.h. System calls are made directly: what is noted here does not count. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "disk.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES = 1024, PATH = 1024, DIRECTORY = 0 };

struct name {
    char *path;
    long file; /* DIRECTORY, or a number that no other file ever has */
};
struct list {
    struct name *names;
    size_t count;
};

static void check(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

static struct name *find(const struct list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i].path, path) == 0)
            return &list->names[i];
    return NULL;
}

static void put(struct list *list, const char *path, long file)
{
    struct name *name = find(list, path);
    if (!name) {
        list->names = realloc(list->names, (list->count + 1) * sizeof *list->names);
        check(list->names != NULL, "realloc");
        name = &list->names[list->count++];
        name->path = strdup(path);
    }
    name->file = file;
}

static void drop(struct list *list, const char *path)
{
    struct name *name = find(list, path);
    if (!name)
        return;
    free(name->path);
    *name = list->names[--list->count];
}

static void clear(struct list *list)
{
    while (list->count)
        free(list->names[--list->count].path);
    free(list->names);
    *list = (struct list){0};
}

static bool is_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' &&
           !strchr(path + length + 1, '/');
}

/* ---- files, without noticing ---- */

static char *read_all(int fd, size_t *length)
{
    struct stat status;
    check(fstat(fd, &status) == 0, "fstat");
    char *bytes = malloc((size_t)status.st_size + 1);
    check(bytes != NULL, "malloc");
    ssize_t got = pread(fd, bytes, (size_t)status.st_size, 0);
    check(got >= 0, "pread");
    *length = (size_t)got;
    return bytes;
}

/* NULL where there is no such file. */
static char *read_path(const char *path, size_t *length)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    *length = 0;
    if (fd < 0)
        return NULL;
    char *bytes = read_all(fd, length);
    syscall(SYS_close, fd);
    return bytes;
}

static void write_path(const char *path, const char *bytes, size_t length)
{
    int fd =
        (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    check(fd >= 0, path);
    while (length) {
        ssize_t written = syscall(SYS_write, fd, bytes, length);
        check(written > 0, path);
        bytes += written;
        length -= (size_t)written;
    }
    syscall(SYS_close, fd);
}

/* At once: who is killed on the way leaves the old file. */
static void replace(const char *folder, const char *name, const char *bytes, size_t length)
{
    char path[2 * PATH], temporary[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(temporary, sizeof temporary, "%s/%s.new", folder, name);
    write_path(temporary, bytes, length);
    check(syscall(SYS_renameat2, AT_FDCWD, temporary, AT_FDCWD, path, 0) == 0, path);
}

/* ---- in the process that is to die ---- */

static char root[PATH], home[PATH]; /* directory and folder; "": nothing is noted */
static struct list durable, present;
static long newest;
static long open_files[FILES]; /* the file of a descriptor */
static char open_directories[FILES][PATH];

static void print_list(FILE *out, const char *word, const struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s %ld %s\n", word, list->names[i].file, list->names[i].path);
}

static void save(void)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    check(out != NULL, "open_memstream");
    print_list(out, "durable", &durable);
    print_list(out, "present", &present);
    fclose(out);
    replace(home, "names", text, length);
    free(text);
}

static void keep(long file, int fd)
{
    char name[32];
    size_t length;
    char *bytes = read_all(fd, &length);
    snprintf(name, sizeof name, "%ld", file);
    replace(home, name, bytes, length);
    free(bytes);
}

static int found(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)where;
    long file = type == FTW_D ? DIRECTORY : ++newest;
    put(&present, path, file);
    put(&durable, path, file);
    if (file != DIRECTORY) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        check(fd >= 0, path);
        keep(file, fd);
        syscall(SYS_close, fd);
    }
    return 0;
}

void disk_start(const char *directory, const char *folder)
{
    disk_stop();
    snprintf(root, sizeof root, "%s", directory);
    snprintf(home, sizeof home, "%s", folder);
    nftw(directory, found, 16, FTW_PHYS);
    save();
}

void disk_stop(void)
{
    clear(&durable);
    clear(&present);
    home[0] = '\0';
}

void disk_opened(int fd, const char *path, bool created)
{
    if (!home[0])
        return;
    if (created) {
        put(&present, path, ++newest);
        save();
    }
    const struct name *name = find(&present, path);
    open_files[fd] = name ? name->file : DIRECTORY;
    snprintf(open_directories[fd], sizeof open_directories[fd], "%s", path);
}

void disk_closed(int fd)
{
    open_files[fd] = DIRECTORY;
    open_directories[fd][0] = '\0';
}

void disk_synced(int fd)
{
    if (!home[0])
        return;
    if (open_files[fd] != DIRECTORY) {
        char self[64];
        snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
        int again = (int)syscall(SYS_openat, AT_FDCWD, self, O_RDONLY | O_CLOEXEC);
        check(again >= 0, self);
        keep(open_files[fd], again);
        syscall(SYS_close, again);
        return;
    }
    const char *directory = open_directories[fd];
    for (size_t i = durable.count; i-- > 0;)
        if (is_in(durable.names[i].path, directory))
            drop(&durable, durable.names[i].path);
    for (size_t i = 0; i < present.count; i++)
        if (is_in(present.names[i].path, directory))
            put(&durable, present.names[i].path, present.names[i].file);
    save();
}

void disk_made(const char *path)
{
    if (!home[0])
        return;
    put(&present, path, DIRECTORY);
    save();
}

void disk_renamed(const char *from, const char *to)
{
    const struct name *name = home[0] ? find(&present, from) : NULL;
    const struct name *over = home[0] ? find(&present, to) : NULL;
    /* The kernel does nothing where both are the same file. */
    if (!name || (over && over->file == name->file))
        return;
    long file = name->file;
    put(&present, to, file);
    drop(&present, from);
    save();
}

void disk_linked(const char *from, const char *to)
{
    const struct name *name = home[0] ? find(&present, from) : NULL;
    if (!name)
        return;
    put(&present, to, name->file);
    save();
}

void disk_unlinked(const char *path)
{
    if (!home[0])
        return;
    drop(&present, path);
    save();
}

/* ---- what is left ---- */

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void load(const char *folder, struct list *synced, struct list *there)
{
    char path[2 * PATH], *line = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/names", folder);
    FILE *file = fopen(path, "re");
    check(file != NULL, path);
    while (getline(&line, &size, file) > 0) {
        char word[16];
        long number;
        int at;
        line[strcspn(line, "\n")] = '\0';
        check(sscanf(line, "%15s %ld %n", word, &number, &at) == 2, line);
        put(strcmp(word, "durable") == 0 ? synced : there, line + at, number);
    }
    free(line);
    fclose(file);
}

/* The file that a name stands for after the cut; -1: the name is gone. */
static long choose(const struct list *synced, const struct list *there, const char *path,
                   enum disk_cut how, uint64_t *seed)
{
    const struct name *before = find(synced, path), *after = find(there, path);
    bool old = how == DISK_SYNCED || (how == DISK_MIXED && draw(seed) % 2);
    const struct name *name = old ? before : after;
    return name ? name->file : -1;
}

/* The bytes of a file: those that were synced, and in a mixed cut some of what came after. */
static char *left(const char *folder, const struct list *there, long file, enum disk_cut how,
                  uint64_t *seed, size_t *length)
{
    char path[2 * PATH];
    size_t written = 0, most;
    snprintf(path, sizeof path, "%s/%ld", folder, file);
    char *bytes = read_path(path, length), *present_bytes = NULL;
    for (size_t i = 0; i < there->count && !present_bytes && how == DISK_MIXED; i++)
        if (there->names[i].file == file)
            present_bytes = read_path(there->names[i].path, &written);
    most = written < *length ? written : *length;
    if (!present_bytes || (most && memcmp(bytes, present_bytes, most) != 0)) {
        free(present_bytes);
        return bytes;
    }
    /* Appended to, or cut, since: the end may be anywhere between the two. */
    size_t other = written > *length ? written : *length;
    char *longer = written > *length ? present_bytes : bytes;
    *length = most + draw(seed) % (other - most + 1);
    free(longer == bytes ? present_bytes : bytes);
    return longer;
}

static int by_path(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return strcmp(x->path, y->path);
}

void disk_cut(const char *directory, const char *folder, const char *target, enum disk_cut how,
              uint64_t seed)
{
    struct list synced = {0}, there = {0}, all = {0};
    load(folder, &synced, &there);
    for (size_t i = 0; i < synced.count; i++)
        put(&all, synced.names[i].path, 0);
    for (size_t i = 0; i < there.count; i++)
        put(&all, there.names[i].path, 0);
    /* Directories come before what is in them. */
    qsort(all.names, all.count, sizeof *all.names, by_path);
    check(syscall(SYS_mkdirat, AT_FDCWD, target, 0777) == 0, target);
    for (size_t i = 0; i < all.count; i++) {
        const char *path = all.names[i].path;
        long file = choose(&synced, &there, path, how, &seed);
        char to[2 * PATH], parent[2 * PATH];
        snprintf(to, sizeof to, "%s%s", target, path + strlen(directory));
        snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(to, '/') - to), to);
        if (file < 0 || strcmp(path, directory) == 0 ||
            syscall(SYS_faccessat, AT_FDCWD, parent, F_OK) != 0)
            continue;
        if (file == DIRECTORY) {
            check(syscall(SYS_mkdirat, AT_FDCWD, to, 0777) == 0, to);
            continue;
        }
        size_t length;
        char *bytes = left(folder, &there, file, how, &seed, &length);
        write_path(to, bytes, length);
        free(bytes);
    }
    clear(&synced);
    clear(&there);
    clear(&all);
}
