/*
 * Where a dataset is looked for: data.path where it is given, else
 * $KDTUI_DATA, then the standard place of its kind. A folder that holds any of
 * a kind's files is taken as that kind; what it lacks is then an error, never
 * a reason to train on something else.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FOLDERS = 3 };

#define FASHION_MNIST_FOLDER "/usr/share/datasets/fashion-mnist"

static const struct {
    const char *name, *title;
} kinds[] = {
    [DATA_AUTO] = {"auto", "dataset"},
    [DATA_CIFAR10] = {"cifar10", "CIFAR-10"},
    [DATA_FASHION_MNIST] = {"fashion-mnist", "Fashion-MNIST"},
    [DATA_MNIST] = {"mnist", "MNIST"},
    [DATA_IDX] = {"idx", "IDX files"},
    [DATA_NPY] = {"npy", "NPY files"},
    [DATA_SYNTHETIC] = {"synthetic", "synthetic images"},
};

const char *data_kind_name(enum data_kind kind)
{
    return kinds[kind].name;
}

/* The folders in which a kind is looked for, and what named them. */
struct folders {
    struct folder {
        char *path;
        const char *origin; /* "data.path", "$KDTUI_DATA" or NULL */
    } entry[MAX_FOLDERS];
    int count;
};

static void folders_add(struct folders *folders, char *path, const char *origin)
{
    folders->entry[folders->count++] = (struct folder){path, origin};
}

static void folders_fini(struct folders *folders)
{
    for (int i = 0; i < folders->count; i++)
        mem_free(folders->entry[i].path);
}

/* $XDG_DATA_HOME/kdtui/NAME; NULL where there is no home. */
static char *data_home(const char *name)
{
    const char *home = getenv("XDG_DATA_HOME"), *below = "kdtui";
    if (!home || home[0] != '/') {
        home = getenv("HOME");
        below = ".local/share/kdtui";
        if (!home || !home[0])
            return NULL;
    }
    char *parent = file_path(home, below), *path = file_path(parent, name);
    mem_free(parent);
    return path;
}

static char *standard_folder(enum data_kind kind)
{
    if (kind == DATA_CIFAR10)
        return data_home("cifar-10-batches-bin");
    if (kind == DATA_FASHION_MNIST)
        return mem_text(FASHION_MNIST_FOLDER);
    return data_home(kind == DATA_NPY ? "npy" : "mnist");
}

static void folders_list(enum data_kind kind, const char *data_path, bool environment,
                         struct folders *out)
{
    const char *given = data_path, *origin = "data.path";
    out->count = 0;
    if (!given[0] && environment) {
        given = getenv("KDTUI_DATA");
        origin = "$KDTUI_DATA";
    }
    if (given && given[0]) {
        folders_add(out, mem_text(given), origin);
        if (kind == DATA_CIFAR10)
            folders_add(out, file_path(given, "cifar-10-batches-bin"), origin);
    }
    if (!data_path[0]) {
        char *standard = standard_folder(kind);
        if (standard)
            folders_add(out, standard, NULL);
    }
}

static bool file_is_in(const char *folder, const char *name, const char *suffix)
{
    struct text path = {0};
    text_print(&path, "%s/%s%s", folder, name, suffix);
    bool is = file_exists(path.bytes);
    text_fini(&path);
    return is;
}

static bool folder_holds(const char *folder, enum data_kind kind)
{
    const bool packed = kind != DATA_CIFAR10 && kind != DATA_NPY;
    const char *const *file = packed ? idx_file : kind == DATA_NPY ? npy_file : cifar10_file;
    const int count = packed ? IDX_FILES : kind == DATA_NPY ? NPY_FILES : CIFAR10_FILES;
    for (int i = 0; i < count; i++)
        if (file_is_in(folder, file[i], "") || (packed && file_is_in(folder, file[i], ".gz")))
            return true;
    return false;
}

/* "no CIFAR-10 in A, B", for `why` and for errors. */
static void missing_print(struct text *text, enum data_kind kind, const struct folders *folders)
{
    text_print(text, "no %s in", kinds[kind].title);
    for (int i = 0; i < folders->count; i++)
        text_print(text, "%s %s", i ? "," : "", folders->entry[i].path);
    if (!folders->count)
        text_print(text, " a home, $HOME is not set");
}

/* `why` is one line whatever a folder is called. */
static void why_set(struct place *out, const struct text *why)
{
    text_copy(out->why, sizeof out->why, why->bytes);
    for (char *c = out->why; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
}

static int place_set(struct place *out, enum data_kind kind, const struct folder *folder,
                     const struct text *missing, struct err *err)
{
    if (strlen(folder->path) >= sizeof out->folder)
        return err_set(err, ERR_USAGE, "the folder's path has %zu bytes, at most %zu are possible",
                       strlen(folder->path), sizeof out->folder - 1);
    out->kind = kind;
    text_copy(out->folder, sizeof out->folder, folder->path);
    struct text why = {0};
    text_print(&why, "%s from %s", kinds[kind].title, folder->path);
    if (missing->length)
        text_print(&why, " (%s)", missing->bytes);
    else if (folder->origin)
        text_print(&why, " (%s)", folder->origin);
    why_set(out, &why);
    text_fini(&why);
    return 0;
}

/* 1 where the kind is found, 0 where not, which `missing` then tells. */
static int look_for(enum data_kind kind, const char *data_path, bool environment, struct place *out,
                    struct text *missing, struct err *err)
{
    struct folders folders;
    int found = 0;
    folders_list(kind, data_path, environment, &folders);
    for (int i = 0; i < folders.count && !found; i++)
        if (folder_holds(folders.entry[i].path, kind))
            found = place_set(out, kind, &folders.entry[i], missing, err) ? -1 : 1;
    if (!found) {
        if (missing->length)
            text_print(missing, ", ");
        missing_print(missing, kind, &folders);
    }
    folders_fini(&folders);
    return found;
}

static void synthetic_why(const struct data_options *options, const struct text *missing,
                          struct place *out)
{
    struct text why = {0};
    out->kind = DATA_SYNTHETIC;
    out->folder[0] = 0;
    text_print(&why, "synthetic images from seed %llu", (unsigned long long)options->seed);
    if (missing->length)
        text_print(&why, " (%s)", missing->bytes);
    why_set(out, &why);
    text_fini(&why);
}

/* data.path names some dataset or it is an error; else the order is CIFAR-10,
 * Debian's Fashion-MNIST, synthetic. $KDTUI_DATA cannot name Fashion-MNIST
 * here, since its files are called like MNIST's. */
static int find_auto(const struct data_options *options, struct place *out, struct err *err)
{
    struct text missing = {0};
    bool given = options->path[0];
    int found = look_for(DATA_CIFAR10, options->path, true, out, &missing, err);
    if (!found)
        found = look_for(given ? DATA_IDX : DATA_FASHION_MNIST, options->path, false, out, &missing,
                         err);
    if (!found && given)
        found = look_for(DATA_NPY, options->path, false, out, &missing, err);
    if (!found && given)
        found = err_set(err, ERR_FILE,
                        "%s holds no dataset: neither %s … of CIFAR-10 nor %s … of IDX nor %s …",
                        options->path, cifar10_file[0], idx_file[0], npy_file[0]);
    if (!found)
        synthetic_why(options, &missing, out);
    text_fini(&missing);
    return found < 0 ? -1 : 0;
}

static int find_kind(const struct data_options *options, struct place *out, struct err *err)
{
    struct text missing = {0};
    int found = look_for(options->kind, options->path, true, out, &missing, err);
    if (!found) {
        char *standard = standard_folder(options->kind);
        const char *files =
            options->kind == DATA_CIFAR10
                ? "data_batch_1.bin to data_batch_5.bin and test_batch.bin"
            : options->kind == DATA_NPY
                ? "train_images.npy, train_labels.npy, test_images.npy and test_labels.npy"
                : "train-images-idx3-ubyte.gz and the other three";
        if (options->path[0])
            err_set(err, ERR_FILE, "%s; expected %s", missing.bytes, files);
        else
            err_set(err, ERR_FILE, "%s; put %s into %s, or name their folder with data.path",
                    missing.bytes, files, standard ? standard : "a folder");
        mem_free(standard);
    }
    text_fini(&missing);
    return found == 1 ? 0 : -1;
}

int data_find(const struct data_options *options, struct place *out, struct err *err)
{
    if (options->kind == DATA_SYNTHETIC) {
        synthetic_why(options, &(struct text){0}, out);
        return 0;
    }
    struct stat status;
    if (options->path[0]) {
        if (stat(options->path, &status))
            return err_set_errno(err, ERR_FILE, errno, "data.path %s", options->path);
        if (!S_ISDIR(status.st_mode))
            return err_set(err, ERR_FILE, "data.path %s is not a folder", options->path);
    }
    return options->kind == DATA_AUTO ? find_auto(options, out, err) : find_kind(options, out, err);
}
