/*
 * IDX, the format of MNIST: big-endian 32-bit words, the magic number and one
 * size per dimension, then the bytes. Packed with gzip or plain.
 *
 *   images  00000803 count height width, count * height * width pixels
 *   labels  00000801 count, count labels
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum { IMAGES_MAGIC = 0x803, IMAGES_HEAD = 16, LABELS_MAGIC = 0x801, LABELS_HEAD = 8 };
enum { MNIST_SIDE = 28, MNIST_CLASSES = 10 };
enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS };

const char *const idx_file[IDX_FILES] = {
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
};

static const char *const fashion_class_name[MNIST_CLASSES] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot",
};

static uint32_t word_at(const unsigned char *bytes, size_t index)
{
    const unsigned char *at = bytes + 4 * index;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int magic_check(const unsigned char *bytes, size_t length, const char *name, size_t head,
                       uint32_t magic, const char *what, struct err *err)
{
    if (length < head)
        return err_set(err, ERR_FILE, "%s: %zu bytes, too short for the %zu-byte head of IDX %s",
                       name, length, head, what);
    if (word_at(bytes, 0) != magic)
        return err_set(err, ERR_FILE, "%s: magic number 0x%08x, 0x%08x expected (IDX %s)", name,
                       word_at(bytes, 0), magic, what);
    if (word_at(bytes, 1) == 0)
        return err_set(err, ERR_FILE, "%s: holds no %s", name, what);
    return 0;
}

static int length_check(size_t length, uint64_t expected, const char *name, const char *what,
                        struct err *err)
{
    if (length < expected)
        return err_set(err, ERR_FILE, "%s: truncated, %zu bytes of the %llu that %s take", name,
                       length, (unsigned long long)expected, what);
    if (length > expected)
        return err_set(err, ERR_FILE, "%s: %llu bytes after the end of the %llu that %s take", name,
                       (unsigned long long)(length - expected), (unsigned long long)expected, what);
    return 0;
}

/* What the file must be long by its head; no sum here can overflow: counts
 * are below 2^32 and images at most MAX_PIXELS. */
static int images_size(const unsigned char *bytes, size_t length, const char *name, uint64_t *size,
                       struct err *err)
{
    if (magic_check(bytes, length, name, IMAGES_HEAD, IMAGES_MAGIC, "images", err))
        return -1;
    uint64_t height = word_at(bytes, 2), width = word_at(bytes, 3);
    if (height == 0 || width == 0 || height > MAX_PIXELS || width > MAX_PIXELS ||
        height * width > MAX_PIXELS)
        return err_set(err, ERR_FILE, "%s: images of %llux%llu, 1 to %d pixels expected", name,
                       (unsigned long long)height, (unsigned long long)width, MAX_PIXELS);
    *size = IMAGES_HEAD + word_at(bytes, 1) * (height * width);
    return 0;
}

static int labels_size(const unsigned char *bytes, size_t length, const char *name, uint64_t *size,
                       struct err *err)
{
    if (magic_check(bytes, length, name, LABELS_HEAD, LABELS_MAGIC, "labels", err))
        return -1;
    *size = LABELS_HEAD + (uint64_t)word_at(bytes, 1);
    return 0;
}

int data_parse_idx_images(const unsigned char *bytes, size_t length, const char *name,
                          struct data_images *out, struct err *err)
{
    uint64_t size;
    if (images_size(bytes, length, name, &size, err))
        return -1;
    *out = (struct data_images){.count = word_at(bytes, 1),
                                .channels = 1,
                                .height = word_at(bytes, 2),
                                .width = word_at(bytes, 3),
                                .pixels = bytes + IMAGES_HEAD};
    char what[64];
    snprintf(what, sizeof what, "%u images of %ux%u", out->count, out->height, out->width);
    return length_check(length, size, name, what, err);
}

int data_parse_idx_labels(const unsigned char *bytes, size_t length, const char *name,
                          uint32_t *count, const unsigned char **labels, struct err *err)
{
    uint64_t size;
    if (labels_size(bytes, length, name, &size, err))
        return -1;
    *count = word_at(bytes, 1);
    *labels = bytes + LABELS_HEAD;
    char what[32];
    snprintf(what, sizeof what, "%u labels", *count);
    return length_check(length, size, name, what, err);
}

/* Unpacks to what the packed head declares, and not a byte more. */
static int unpack(unsigned char **bytes, size_t *length, const char *name, bool images,
                  struct err *err)
{
    unsigned char head[IMAGES_HEAD];
    size_t got = gzip_head(*bytes, *length, head, images ? IMAGES_HEAD : LABELS_HEAD);
    uint64_t size = sizeof head;
    /* A head that cannot be unpacked is told about by data_gunzip. */
    if (got == (images ? IMAGES_HEAD : LABELS_HEAD) &&
        (images ? images_size(head, got, name, &size, err)
                : labels_size(head, got, name, &size, err)))
        return -1;
    if (size >= FILE_LIMIT)
        return err_set(err, ERR_FILE, "%s: %llu bytes unpacked are too many", name,
                       (unsigned long long)size);
    unsigned char *unpacked;
    if (data_gunzip(*bytes, *length, name, (size_t)size, &unpacked, length, err))
        return -1;
    mem_free(*bytes);
    *bytes = unpacked;
    return 0;
}

struct files {
    const char *folder;
    unsigned char **bytes;
    char *path[IDX_FILES];
    size_t length[IDX_FILES];
    bool failed[IDX_FILES];
    struct err err[IDX_FILES];
};

/* Finds the file, plain or packed, and reads it. */
static int file_open(struct files *files, int file, struct err *err)
{
    char *path = files->path[file] = file_path(files->folder, idx_file[file]);
    if (!file_exists(path)) {
        struct text packed = {0};
        text_print(&packed, "%s.gz", path);
        if (!file_exists(packed.bytes)) {
            text_fini(&packed);
            return err_set(err, ERR_FILE, "%s is missing, and so is %s.gz", path, idx_file[file]);
        }
        mem_free(path);
        path = files->path[file] = packed.bytes;
    }
    unsigned char **bytes = &files->bytes[file];
    size_t *length = &files->length[file];
    if (file_read(path, FILE_LIMIT, bytes, length, err))
        return -1;
    if (!gzip_is(*bytes, *length))
        return 0;
    return unpack(bytes, length, path, file == TRAIN_IMAGES || file == TEST_IMAGES, err);
}

static void file_piece(void *arg, int file)
{
    struct files *files = arg;
    files->failed[file] = file_open(files, file, &files->err[file]);
}

/* One pair of files, `file` the images and file + 1 their labels. */
static int pair_parse(const struct files *files, int file, struct rows *rows,
                      struct data_images *images, struct err *err)
{
    uint32_t count;
    const unsigned char *labels;
    for (int i = file; i < file + 2; i++)
        if (files->failed[i]) {
            *err = files->err[i];
            return -1;
        }
    if (data_parse_idx_images(files->bytes[file], files->length[file], files->path[file], images,
                              err) ||
        data_parse_idx_labels(files->bytes[file + 1], files->length[file + 1],
                              files->path[file + 1], &count, &labels, err))
        return -1;
    if (count != images->count)
        return err_set(err, ERR_FILE, "%s: %u labels for %u images", files->path[file + 1], count,
                       images->count);
    if (rows_init(rows, count, err))
        return -1;
    size_t inputs = (size_t)images->height * images->width;
    for (size_t i = 0; i < count; i++)
        rows->pixels[i] = images->pixels + i * inputs;
    memcpy(rows->labels, labels, count);
    return 0;
}

/* MNIST and its kind have a known shape and ten classes; of others the highest
 * label tells. */
static int find_classes(struct dataset *dataset, enum data_kind kind, const char *folder,
                        struct err *err)
{
    struct data_info *info = &dataset->info;
    if (kind == DATA_IDX)
        return dataset_number_classes(dataset, folder, err);
    const int highest = dataset_highest_label(dataset);
    if (info->height != MNIST_SIDE || info->width != MNIST_SIDE || highest >= MNIST_CLASSES)
        return err_set(err, ERR_FILE,
                       "%s: images of %dx%d with labels to %d, %s has 28x28 and 9 "
                       "(data.dataset = idx takes any)",
                       folder, info->height, info->width, highest, data_kind_name(kind));
    info->classes = MNIST_CLASSES;
    for (int i = 0; i < MNIST_CLASSES; i++) {
        const char digit[] = {(char)('0' + i), '\0'};
        dataset_name_class(dataset, i, kind == DATA_FASHION_MNIST ? fashion_class_name[i] : digit);
    }
    return 0;
}

int idx_read(struct dataset *dataset, enum data_kind kind, const char *folder, struct err *err)
{
    struct data_images training, test;
    struct files files = {.folder = folder, .bytes = dataset->files};
    team_run(dataset->team, IDX_FILES, file_piece, &files);
    int failed = pair_parse(&files, TRAIN_IMAGES, &dataset->training, &training, err) ||
                 pair_parse(&files, TEST_IMAGES, &dataset->test, &test, err);
    for (int file = 0; file < IDX_FILES; file++)
        mem_free(files.path[file]);
    if (failed)
        return -1;
    if (training.height != test.height || training.width != test.width)
        return err_set(err, ERR_FILE, "%s: training images of %ux%u, but test images of %ux%u",
                       folder, training.height, training.width, test.height, test.width);
    dataset->info.channels = 1;
    dataset->info.height = (int)training.height;
    dataset->info.width = (int)training.width;
    if (find_classes(dataset, kind, folder, err))
        return -1;
    dataset->validation_first = 0;
    dataset->validation_last = dataset->training.count;
    text_copy(dataset->validation_file, sizeof dataset->validation_file, idx_file[TRAIN_IMAGES]);
    return 0;
}
