/*
 * CIFAR-10 in its binary format: files of records, each a label byte and the
 * 1,024 red, then green, then blue pixels of a 32x32 image, row by row.
 */
#include "internal.h"

#include <assert.h>

enum { CLASSES = 10, SIDE = 32, CHANNELS = 3, RECORD = 1 + CHANNELS * SIDE * SIDE };

const char *const cifar10_file[CIFAR10_FILES] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
    "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
};

static const char *const class_name[CLASSES] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
};

int data_parse_cifar10(const unsigned char *bytes, size_t length, const char *name,
                       uint32_t *records, struct err *err)
{
    if (length == 0)
        return err_set(err, ERR_FILE, "%s: empty, records of %d bytes expected", name, RECORD);
    if (length % RECORD)
        return err_set(err, ERR_FILE, "%s: %zu bytes, not a whole number of %d-byte records", name,
                       length, RECORD);
    size_t count = length / RECORD;
    if (count > UINT32_MAX)
        return err_set(err, ERR_FILE, "%s: %zu records are too many", name, count);
    for (size_t i = 0; i < count; i++)
        if (bytes[i * RECORD] >= CLASSES)
            return err_set(err, ERR_FILE, "%s: record %zu of %zu has label %d, 0 to %d expected",
                           name, i + 1, count, bytes[i * RECORD], CLASSES - 1);
    *records = (uint32_t)count;
    return 0;
}

/* The ten names of batches.meta.txt, one a line, where they look like names. */
static bool class_names_parse(const unsigned char *bytes, size_t length,
                              char names[CLASSES][CLASS_NAME_SIZE])
{
    int count = 0, used = 0;
    for (size_t i = 0; i <= length; i++) {
        unsigned char c = i < length ? bytes[i] : '\n';
        if (c == '\r')
            continue;
        if (c == '\n') {
            if (used)
                count++;
            used = 0;
        } else if (count == CLASSES || used + 1 == CLASS_NAME_SIZE || c < ' ' || c > '~') {
            return false;
        } else {
            names[count][used++] = (char)c;
            names[count][used] = 0;
        }
    }
    return count == CLASSES;
}

static void class_names_read(struct dataset *dataset, const char *folder)
{
    char names[CLASSES][CLASS_NAME_SIZE] = {{0}};
    unsigned char *bytes = NULL;
    size_t length = 0;
    char *path = file_path(folder, "batches.meta.txt");
    bool sane =
        !file_read(path, 4096, &bytes, &length, NULL) && class_names_parse(bytes, length, names);
    for (int i = 0; i < CLASSES; i++)
        dataset_name_class(dataset, i, sane ? names[i] : class_name[i]);
    mem_free(bytes);
    mem_free(path);
}

struct files {
    const char *folder;
    unsigned char **bytes;
    uint32_t records[CIFAR10_FILES];
    bool failed[CIFAR10_FILES];
    struct err err[CIFAR10_FILES];
};

static void file_open(void *arg, int file)
{
    struct files *files = arg;
    struct err *err = &files->err[file];
    unsigned char **bytes = &files->bytes[file];
    size_t length;
    char *path = file_path(files->folder, cifar10_file[file]);
    if (!file_exists(path))
        files->failed[file] = err_set(
            err, ERR_FILE,
            "%s is missing: CIFAR-10 is data_batch_1.bin to data_batch_5.bin and test_batch.bin",
            path);
    else
        files->failed[file] = file_read(path, FILE_LIMIT, bytes, &length, err) ||
                              data_parse_cifar10(*bytes, length, path, &files->records[file], err);
    mem_free(path);
}

static void rows_append(struct rows *rows, const unsigned char *bytes, uint32_t records)
{
    for (size_t i = 0; i < records; i++) {
        rows->labels[rows->count] = bytes[i * RECORD];
        rows->pixels[rows->count++] = bytes + i * RECORD + 1;
    }
}

int cifar10_read(struct dataset *dataset, const struct data_options *options, const char *folder,
                 struct err *err)
{
    assert(options->validation_from >= 1 && options->validation_from <= CIFAR10_TEST);
    dataset->info.channels = CHANNELS;
    dataset->info.height = dataset->info.width = SIDE;
    dataset->info.classes = CLASSES;
    class_names_read(dataset, folder);

    struct files files = {.folder = folder, .bytes = dataset->files};
    const uint32_t *records = files.records;
    size_t training = 0;
    team_run(dataset->team, CIFAR10_FILES, file_open, &files);
    for (int file = 0; file < CIFAR10_FILES; file++) {
        if (files.failed[file]) {
            *err = files.err[file];
            return -1;
        }
        if (file != CIFAR10_TEST)
            training += records[file];
    }
    if (rows_init(&dataset->training, training, err) ||
        rows_init(&dataset->test, records[CIFAR10_TEST], err))
        return -1;
    dataset->training.count = dataset->test.count = 0;
    for (int file = 0; file < CIFAR10_TEST; file++) {
        if (file == options->validation_from - 1)
            dataset->validation_first = dataset->training.count;
        rows_append(&dataset->training, dataset->files[file], records[file]);
        if (file == options->validation_from - 1)
            dataset->validation_last = dataset->training.count;
    }
    rows_append(&dataset->test, dataset->files[CIFAR10_TEST], records[CIFAR10_TEST]);
    text_copy(dataset->validation_file, sizeof dataset->validation_file,
              cifar10_file[options->validation_from - 1]);
    return 0;
}
