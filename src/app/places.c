/* Where things are; see places.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "places.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *home(void)
{
    const char *directory = getenv("HOME");
    if (directory && *directory)
        return directory;
    const struct passwd *user = getpwuid(getuid());
    return user && user->pw_dir ? user->pw_dir : "/";
}

/* The XDG base directory rules: an absolute value counts, any other is ignored. */
static char *base_directory(const char *variable, const char *below_home)
{
    const char *directory = getenv(variable);
    if (directory && directory[0] == '/')
        return mem_text(directory);
    return file_path(home(), below_home);
}

static char *below(char *directory, const char *name)
{
    char *path = file_path(directory, name);
    mem_free(directory);
    return path;
}

char *places_user_config(void)
{
    return below(base_directory("XDG_CONFIG_HOME", ".config"), "kdtui/kdtui.ini");
}

char *places_system_config(void)
{
    return file_path(KDT_SYSCONFDIR, "kdtui/kdtui.ini");
}

char *places_view_settings(void)
{
    return below(base_directory("XDG_STATE_HOME", ".local/state"), "kdtui/view.ini");
}

char *places_runs_directory(void)
{
    return below(base_directory("XDG_STATE_HOME", ".local/state"), "kdtui/runs");
}

char *places_sockets(void)
{
    return below(base_directory("XDG_STATE_HOME", ".local/state"), "kdtui/sockets");
}

/* Where presets may be, best first: beside the program (the build tree), where
 * `make install` puts them relative to it, and where configure said. */
enum { PRESET_DIRECTORIES = 3 };
static void preset_directories(char *directories[PRESET_DIRECTORIES])
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = '\0';
    directories[0] = file_path(program, "etc/presets");
    directories[1] = file_path(program, "../share/kdtui/presets");
    directories[2] = file_path(KDT_PKGDATADIR, "presets");
}

/* The names in the directories, without ".ini". */
struct names {
    char **name;
    size_t count;
};

static void names_add(struct names *names, const char *directory, const char *ending)
{
    DIR *stream = opendir(directory);
    if (!stream)
        return;
    for (const struct dirent *entry; (entry = readdir(stream));) {
        size_t length = strlen(entry->d_name), end = strlen(ending);
        if (length <= end || strcmp(entry->d_name + length - end, ending) != 0)
            continue;
        names->name = mem_resize(names->name, (names->count + 1) * sizeof *names->name);
        names->name[names->count] = mem_text(entry->d_name);
        names->name[names->count++][length - end] = '\0';
    }
    closedir(stream);
}

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->name[i]);
    mem_free(names->name);
}

static const char *next_name(size_t i, const void *of)
{
    const struct names *names = of;
    return i < names->count ? names->name[i] : NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each once, in order, with spaces between. */
static void names_print(struct names *names, struct text *out)
{
    qsort(names->name, names->count, sizeof *names->name, compare_names);
    for (size_t i = 0; i < names->count; i++)
        if (i == 0 || strcmp(names->name[i], names->name[i - 1]) != 0)
            text_print(out, "%s%s", i ? " " : "", names->name[i]);
}

/* Says which there are, or which one is meant. */
static void preset_missing(const char *name, struct names *names, struct err *err)
{
    const char *nearest = text_nearest(name, next_name, names);
    struct text all = {0};

    if (nearest) {
        err_set(err, ERR_USAGE, "--preset %s: no such preset; did you mean %s?", name, nearest);
    } else if (names->count) {
        names_print(names, &all);
        err_set(err, ERR_USAGE, "--preset %s: no such preset; there are %s", name, all.bytes);
        text_fini(&all);
    } else {
        err_set(err, ERR_USAGE, "--preset %s: no presets in %s/presets", name, KDT_PKGDATADIR);
    }
}

char *places_preset(const char *name, struct err *err)
{
    char *directories[PRESET_DIRECTORIES];
    preset_directories(directories);
    char *found = NULL;
    struct names names = {0};
    bool plain = *name && !strchr(name, '/') && name[0] != '.';
    for (int i = 0; i < PRESET_DIRECTORIES; i++) {
        char *directory = directories[i];
        if (!found && plain) {
            struct text file = {0};
            text_print(&file, "%s.ini", name);
            char *path = file_path(directory, file.bytes);
            text_fini(&file);
            if (file_exists(path))
                found = path;
            else
                mem_free(path);
        }
        if (!found)
            names_add(&names, directory, ".ini");
        mem_free(directory);
    }
    if (!found)
        preset_missing(name, &names, err);
    names_fini(&names);
    return found;
}

/* When a file of a directory was written; false where it is not there. */
static bool was_started(const char *directory, const char *file, struct timespec *when)
{
    char *path = file_path(directory, file);
    struct stat status;
    bool is_run = stat(path, &status) == 0;
    mem_free(path);
    if (is_run)
        *when = status.st_mtim;
    return is_run;
}

static bool run_started(const char *directory, struct timespec *when)
{
    return was_started(directory, "settings.ini", when);
}

char *places_last(const char *runs_directory, const char *file, const char *kind, struct err *err)
{
    char *newest = NULL;
    struct timespec newest_time = {0};
    DIR *stream = opendir(runs_directory);
    if (stream) {
        for (const struct dirent *entry; (entry = readdir(stream));) {
            struct timespec when;
            char *directory = file_path(runs_directory, entry->d_name);
            if (entry->d_name[0] != '.' && was_started(directory, file, &when) &&
                (!newest || when.tv_sec > newest_time.tv_sec ||
                 (when.tv_sec == newest_time.tv_sec && when.tv_nsec > newest_time.tv_nsec))) {
                mem_free(newest);
                newest = directory;
                newest_time = when;
            } else {
                mem_free(directory);
            }
        }
        closedir(stream);
    }
    if (!newest)
        err_set(err, ERR_FILE, "no %s in %s", kind, runs_directory);
    return newest;
}

char *places_run(const char *word, const char *runs_directory, struct err *err)
{
    struct timespec when;
    if (strcmp(word, "last") == 0 && !run_started(word, &when))
        return places_last(runs_directory, "settings.ini", "run", err);
    if (run_started(word, &when))
        return mem_text(word);
    char *directory = file_path(runs_directory, word);
    if (run_started(directory, &when))
        return directory;
    mem_free(directory);
    err_set(err, ERR_FILE, "%s: no such run; neither a directory with settings.ini nor a run in %s",
            word, runs_directory);
    return NULL;
}

char *places_checkpoint(const char *word, const char *runs_directory, struct err *err)
{
    struct stat status;
    if (stat(word, &status) == 0 && S_ISREG(status.st_mode))
        return mem_text(word);
    char *runs = runs_directory ? mem_text(runs_directory) : places_runs_directory();
    char *directory = places_run(word, runs, err);
    mem_free(runs);
    if (!directory)
        return NULL;
    char *path = file_path(directory, "checkpoints/best.safetensors");
    if (!file_exists(path)) {
        mem_free(path);
        path = file_path(directory, "checkpoints/last.safetensors");
    }
    if (!file_exists(path)) {
        err_set(err, ERR_FILE, "%s: the run has no checkpoint", directory);
        mem_free(path);
        path = NULL;
    }
    mem_free(directory);
    return path;
}
