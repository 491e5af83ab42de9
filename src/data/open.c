/*
 * Opening a dataset: find it, read it, split it, learn its transform.
 *
 * Validation is taken first, from the end of the training file (CIFAR-10: of
 * one batch file); the rest is for training, in file order.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum { LEAST_TRAINING = 2 };

int rows_init(struct rows *rows, size_t count, struct err *err)
{
    rows->count = count;
    rows->pixels = mem_array(count, sizeof *rows->pixels, err);
    rows->labels = mem_array(count, sizeof *rows->labels, err);
    return rows->pixels && rows->labels ? 0 : -1;
}

size_t piece_first(size_t count, int i)
{
    return count / PIECES * (size_t)i + count % PIECES * (size_t)i / PIECES;
}

static void rows_fini(struct rows *rows)
{
    mem_free(rows->pixels);
    mem_free(rows->labels);
}

static struct rows rows_part(const struct rows *rows, size_t first, size_t count)
{
    return (struct rows){rows->pixels + first, rows->labels + first, count};
}

void dataset_name_class(struct dataset *dataset, int class, const char *name)
{
    text_copy(dataset->class_name[class], sizeof dataset->class_name[class], name);
    dataset->info.class_name[class] = dataset->class_name[class];
}

int dataset_highest_label(const struct dataset *dataset)
{
    int highest = 0;
    const struct rows *both[] = {&dataset->training, &dataset->test};
    for (int i = 0; i < 2; i++)
        for (size_t row = 0; row < both[i]->count; row++)
            highest = both[i]->labels[row] > highest ? both[i]->labels[row] : highest;
    return highest;
}

int dataset_number_classes(struct dataset *dataset, const char *folder, struct err *err)
{
    const int highest = dataset_highest_label(dataset);
    if (highest == 0)
        return err_set(err, ERR_FILE, "%s: every label is 0, two classes expected", folder);
    dataset->info.classes = highest + 1;
    for (int i = 0; i <= highest; i++) {
        char number[CLASS_NAME_SIZE];
        snprintf(number, sizeof number, "%d", i);
        dataset_name_class(dataset, i, number);
    }
    return 0;
}

/* Moves rows first … last - 1 behind all others, which keep their order. */
static int rows_to_end(struct rows *rows, size_t first, size_t last, struct err *err)
{
    struct rows moved;
    size_t count = last - first, after = rows->count - last;
    int failed = rows_init(&moved, count, err);
    if (!failed) {
        memcpy(moved.pixels, rows->pixels + first, count * sizeof *rows->pixels);
        memcpy(moved.labels, rows->labels + first, count);
        memmove(rows->pixels + first, rows->pixels + last, after * sizeof *rows->pixels);
        memmove(rows->labels + first, rows->labels + last, after);
        memcpy(rows->pixels + first + after, moved.pixels, count * sizeof *rows->pixels);
        memcpy(rows->labels + first + after, moved.labels, count);
    }
    rows_fini(&moved);
    return failed;
}

static int split(struct dataset *dataset, const struct data_options *options, struct err *err)
{
    struct rows *training = &dataset->training;
    size_t there = dataset->validation_last - dataset->validation_first;
    size_t spare = training->count < LEAST_TRAINING ? 0 : training->count - LEAST_TRAINING;
    size_t most = there < spare ? there : spare;
    if (options->validation_size > most)
        return err_set(err, ERR_USAGE,
                       "data.validation_size = %llu: at most %zu of the %zu images of %s can be "
                       "kept aside",
                       (unsigned long long)options->validation_size, most, there,
                       dataset->validation_file);
    size_t validation = (size_t)options->validation_size, rest = training->count - validation;
    if (options->train_size && (options->train_size < LEAST_TRAINING || options->train_size > rest))
        return err_set(err, ERR_USAGE,
                       "data.train_size = %llu: %d to %zu are possible with "
                       "data.validation_size = %zu, or 0 for all",
                       (unsigned long long)options->train_size, LEAST_TRAINING, rest, validation);
    size_t last = dataset->validation_last;
    if (rows_to_end(training, last - validation, last, err))
        return -1;
    size_t train = options->train_size ? (size_t)options->train_size : rest;
    dataset->split[DATA_TRAIN] = rows_part(training, 0, train);
    dataset->split[DATA_VALIDATION] = rows_part(training, rest, validation);
    dataset->split[DATA_TEST] = rows_part(&dataset->test, 0, dataset->test.count);
    for (int i = 0; i < DATA_SPLITS; i++)
        dataset->info.count[i] = dataset->split[i].count;
    return 0;
}

struct digest {
    const struct rows *rows;
    size_t inputs;
    uint32_t crc[PIECES];
};

static void digest_piece(void *arg, int i)
{
    struct digest *digest = arg;
    const size_t last = piece_first(digest->rows->count, i + 1);
    for (size_t row = piece_first(digest->rows->count, i); row < last; row++)
        digest->crc[i] = digest_crc32(digest->crc[i], digest->rows->pixels[row], digest->inputs);
}

/* Of the shape, then of each split's size, labels and pixels. */
static uint32_t digest_compute(const struct dataset *dataset)
{
    const struct data_info *info = &dataset->info;
    char head[160];
    int length = snprintf(head, sizeof head, "%dx%dx%d %d classes, %llu %llu %llu images",
                          info->channels, info->height, info->width, info->classes,
                          (unsigned long long)info->count[DATA_TRAIN],
                          (unsigned long long)info->count[DATA_VALIDATION],
                          (unsigned long long)info->count[DATA_TEST]);
    uint32_t crc = digest_crc32(0, head, (size_t)length);
    for (int i = 0; i < DATA_SPLITS; i++) {
        const struct rows *rows = &dataset->split[i];
        crc = digest_crc32(crc, rows->labels, rows->count);
        struct digest digest = {.rows = rows, .inputs = (size_t)info->inputs};
        team_run(dataset->team, PIECES, digest_piece, &digest);
        for (int piece = 0; piece < PIECES; piece++) {
            size_t count = piece_first(rows->count, piece + 1) - piece_first(rows->count, piece);
            crc = digest_crc32_join(crc, digest.crc[piece], count * digest.inputs);
        }
    }
    return crc;
}

static int dataset_read(struct dataset *dataset, const struct data_options *options,
                        const struct place *place, struct err *err)
{
    switch (place->kind) {
    case DATA_CIFAR10:
        return cifar10_read(dataset, options, place->folder, err);
    case DATA_FASHION_MNIST:
    case DATA_MNIST:
    case DATA_IDX:
        return idx_read(dataset, place->kind, place->folder, err);
    case DATA_NPY:
        return npy_read(dataset, place->folder, err);
    case DATA_SYNTHETIC:
    case DATA_AUTO:
        break;
    }
    return synthetic_make(dataset, options->seed, err);
}

static int dataset_open(struct dataset *dataset, const struct data_options *options,
                        struct err *err)
{
    struct place place;
    struct data_info *info = &dataset->info;
    if (data_find(options, &place, err) || dataset_read(dataset, options, &place, err))
        return -1;
    info->kind = place.kind;
    info->inputs = info->channels * info->height * info->width;
    text_copy(info->name, sizeof info->name, data_kind_name(place.kind));
    text_copy(info->why, sizeof info->why, place.why);
    text_copy(info->path, sizeof info->path, place.folder);
    if (split(dataset, options, err) ||
        transform_compute(dataset, options->mean, options->scale, err))
        return -1;
    info->digest = digest_compute(dataset);
    return 0;
}

int data_open(const struct data_options *options, struct dataset **out, struct err *err)
{
    struct dataset *dataset = mem_alloc(sizeof *dataset);
    /* Where there can be no more threads, the caller's does it. */
    int failed = team_create(0, &dataset->team, NULL) && team_create(1, &dataset->team, err);
    failed = failed || dataset_open(dataset, options, err);
    team_destroy(dataset->team);
    dataset->team = NULL;
    if (failed) {
        data_close(dataset);
        *out = NULL;
        return -1;
    }
    *out = dataset;
    return 0;
}

void data_close(struct dataset *dataset)
{
    if (!dataset)
        return;
    for (int i = 0; i < MAX_FILES; i++)
        mem_free(dataset->files[i]);
    rows_fini(&dataset->training);
    rows_fini(&dataset->test);
    mem_free(dataset->transform.factor);
    mem_free(dataset->transform.offset);
    mem_free(dataset->sums);
    mem_free(dataset);
}

const struct data_info *data_info(const struct dataset *dataset)
{
    return &dataset->info;
}

const struct data_transform *data_transform(const struct dataset *dataset)
{
    return &dataset->transform;
}
