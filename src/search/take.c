/*
 * take: a trial copied as a run of its own. Its settings are the last file
 * written, and make the directory a run; the search's journal is told after
 * that. So whenever the process ends there is either no such run, or a whole one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 30 };

static int copy_file(const char *from, const char *to, struct err *err)
{
    unsigned char *bytes;
    size_t length;
    if (file_read(from, FILE_MOST, &bytes, &length, err) != 0)
        return -1;
    const struct file_part part = {bytes, length};
    int result = file_write(to, &part, 1, err);
    mem_free(bytes);
    return result;
}

/* Checkpoints are never written again, so both runs may have the same one. */
static int link_file(const char *from, const char *to, struct err *err)
{
    if (link(from, to) == 0)
        return 0;
    return copy_file(from, to, err);
}

static int copy_named(const char *from, const char *to, const char *name, struct err *err)
{
    char *source = file_path(from, name), *target = file_path(to, name);
    int result = file_exists(source) ? copy_file(source, target, err) : 0;
    mem_free(source);
    mem_free(target);
    return result;
}

static int copy_checkpoints(const char *from, const char *to, struct err *err)
{
    int result = 0;
    DIR *directory = opendir(from);
    if (!directory)
        return errno == ENOENT ? 0 : err_set_errno(err, ERR_FILE, errno, "%s", from);
    if (file_make_directories(to, err) != 0)
        result = -1;
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        const size_t length = strlen(entry->d_name);
        if (length < 12 || strcmp(entry->d_name + length - 12, ".safetensors") != 0)
            continue;
        char *source = file_path(from, entry->d_name), *target = file_path(to, entry->d_name);
        result = link_file(source, target, err);
        mem_free(source);
        mem_free(target);
    }
    closedir(directory);
    return result == 0 ? file_sync_directory(to, err) : -1;
}

static int copy_run(const char *from, const char *to, struct err *err)
{
    static const char *const files[] = {"metrics.csv", "steps.csv", "journal.jsonl", "result.json",
                                        "settings.ini"};
    char *source = file_path(from, "checkpoints"), *target = file_path(to, "checkpoints");
    int result = file_make_directories(to, err);
    if (result == 0)
        result = copy_checkpoints(source, target, err);
    for (size_t i = 0; i < sizeof files / sizeof *files && result == 0; i++)
        result = copy_named(from, to, files[i], err);
    mem_free(source);
    mem_free(target);
    return result;
}

static int note(struct search *search, int number, const char *name, enum command_source source,
                struct err *err)
{
    struct books *books = &search->books;
    struct text lines = {0};
    if (books_lock(books, err) != 0)
        return -1;
    if (!trial_ended(books->table.entries[number].trial.state)) {
        books_act(books, &lines, number, "taken", name, source);
        books_state(books, &lines, number, TRIAL_PRUNED);
    }
    int result = books_append(books, &lines, err);
    books_unlock(books);
    text_fini(&lines);
    search_tell(search);
    return result;
}

int search_take(struct search *search, int number, const char *directory,
                enum command_source source, struct err *err)
{
    struct text trial = {0};
    int lock_fd = -1;
    trial_directory(search, "trial", number, &trial);
    char *settings = file_path(trial.bytes, "settings.ini");
    int result = 0;
    if (!file_exists(settings))
        result = err_set(err, ERR_USAGE, "trial %d has not been trained yet", number);
    else if (run_lock(trial.bytes, &lock_fd, err) != 0)
        result = err_context(err, "trial %d", number);
    if (result == 0)
        result = copy_run(trial.bytes, directory, err);
    if (result == 0)
        result = note(search, number, strrchr(directory, '/') + 1, source, err);
    if (result == 0 && search_wants_no(search, number))
        run_prune(trial.bytes);
    if (lock_fd >= 0)
        close(lock_fd);
    mem_free(settings);
    text_fini(&trial);
    return result;
}
