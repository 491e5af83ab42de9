/*
 * NPY, the format of NumPy's arrays: magic number, version and length of the head,
 * the head, which is a Python dictionary in plain text, then the numbers.
 *
 *   "\x93NUMPY" 1 0, length of the head in 2 bytes, little-endian; of versions 2 and 3 in 4
 *   {'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }  spaces, newline
 *   numbers, the last index runs fastest
 *
 * Images are bytes: [N][D], a row of D pixels; [N][H][W]; [N][H][W][C] or [N][C][H][W],
 * where C is the last size if that is at most MAX_CHANNELS, else the second. Labels are
 * whole numbers of any size and byte order, [N] or [N][1].
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CHANNELS = 4, MAX_DIMENSIONS = 4, TYPE_SIZE = 8 };
enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS };

const char *const npy_file[NPY_FILES] = {
    "train_images.npy",
    "train_labels.npy",
    "test_images.npy",
    "test_labels.npy",
};

/* ---- the head ---- */

struct array {
    char type[TYPE_SIZE]; /* "|u1" */
    bool fortran;
    int dimensions;
    uint64_t size[MAX_DIMENSIONS];
    const unsigned char *numbers;
    size_t length; /* bytes of them */
};

/* What is left of the head. */
struct cursor {
    const unsigned char *at, *end;
};

static void skip_spaces(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n'))
        cursor->at++;
}

/* Takes the character, after spaces; false where another is there. */
static bool take(struct cursor *cursor, char wanted)
{
    skip_spaces(cursor);
    if (cursor->at == cursor->end || *cursor->at != (unsigned char)wanted)
        return false;
    cursor->at++;
    return true;
}

/* A word in quotes, without any escape in it. */
static bool take_text(struct cursor *cursor, char *out, size_t size)
{
    size_t length = 0;
    if (!take(cursor, '\'') && !take(cursor, '"'))
        return false;
    const unsigned char quote = cursor->at[-1];
    for (; cursor->at < cursor->end && *cursor->at != quote; cursor->at++) {
        if (*cursor->at < ' ' || *cursor->at > '~' || *cursor->at == '\\' || length + 1 >= size)
            return false;
        out[length++] = (char)*cursor->at;
    }
    out[length] = '\0';
    return cursor->at++ < cursor->end;
}

static bool take_word(struct cursor *cursor, const char *word)
{
    const size_t length = strlen(word);
    skip_spaces(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static bool take_number(struct cursor *cursor, uint64_t *out)
{
    skip_spaces(cursor);
    const unsigned char *first = cursor->at;
    *out = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++)
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(*cursor->at - '0'), out))
            return false;
    return cursor->at > first;
}

/* "(60000, 28, 28)", "(60000,)" or "()". More sizes than there is room for are counted. */
static bool take_shape(struct cursor *cursor, struct array *array)
{
    if (!take(cursor, '('))
        return false;
    for (array->dimensions = 0; !take(cursor, ')'); array->dimensions++) {
        uint64_t size;
        if (!take_number(cursor, &size) || array->dimensions > MAX_PIXELS)
            return false;
        if (array->dimensions < MAX_DIMENSIONS)
            array->size[array->dimensions] = size;
        if (!take(cursor, ',')) {
            array->dimensions++;
            return take(cursor, ')');
        }
    }
    return true;
}

/* The three keys, in any order, each once. */
static bool parse_dictionary(struct cursor *cursor, struct array *array)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    int seen = 0;
    if (!take(cursor, '{'))
        return false;
    while (!take(cursor, '}')) {
        char key[sizeof "fortran_order"];
        int one = 0;
        if (!take_text(cursor, key, sizeof key) || !take(cursor, ':'))
            return false;
        if (strcmp(key, "descr") == 0 && take_text(cursor, array->type, sizeof array->type))
            one = DESCR;
        else if (strcmp(key, "shape") == 0 && take_shape(cursor, array))
            one = SHAPE;
        else if (strcmp(key, "fortran_order") == 0 &&
                 ((array->fortran = take_word(cursor, "True")) || take_word(cursor, "False")))
            one = ORDER;
        if (!one || seen & one)
            return false;
        seen |= one;
        if (!take(cursor, ','))
            return take(cursor, '}') && seen == ALL;
    }
    return seen == ALL;
}

static int parse_head(const unsigned char *bytes, size_t length, const char *name,
                      struct array *out, struct err *err)
{
    enum { MAGIC = 6, PREFIX = 8 };
    if (length < MAGIC || memcmp(bytes, "\x93NUMPY", MAGIC) != 0)
        return err_set(err, ERR_FILE, "%s: not an NPY file", name);
    if (length < PREFIX)
        return err_set(err, ERR_FILE, "%s: truncated, %zu bytes", name, length);
    const int major = bytes[MAGIC], minor = bytes[MAGIC + 1];
    if (major < 1 || major > 3 || minor != 0)
        return err_set(err, ERR_FILE, "%s: NPY version %d.%d, 1.0 to 3.0 expected", name, major,
                       minor);
    const size_t begin = PREFIX + (major == 1 ? 2 : 4);
    size_t head = 0;
    if (length < begin)
        return err_set(err, ERR_FILE, "%s: truncated, %zu bytes", name, length);
    for (size_t i = begin; i-- > PREFIX;)
        head = head << 8 | bytes[i];
    if (head > length - begin)
        return err_set(err, ERR_FILE, "%s: truncated, %zu bytes of the %zu that its head takes",
                       name, length, begin + head);
    struct cursor cursor = {bytes + begin, bytes + begin + head};
    *out = (struct array){.numbers = cursor.end, .length = length - begin - head};
    if (!parse_dictionary(&cursor, out))
        return err_set(err, ERR_FILE,
                       "%s: its head is not {'descr': '...', 'fortran_order': ..., 'shape': (...)} "
                       "of one array of numbers",
                       name);
    skip_spaces(&cursor);
    if (cursor.at < cursor.end)
        return err_set(err, ERR_FILE, "%s: something follows the dictionary in its head", name);
    return 0;
}

/* "(60000, 28, 28)" */
static void print_shape(const struct array *array, char *out, size_t size)
{
    struct text text = {0};
    text_print(&text, "(");
    for (int i = 0; i < array->dimensions && i < MAX_DIMENSIONS; i++)
        text_print(&text, "%s%" PRIu64, i ? ", " : "", array->size[i]);
    text_print(&text, array->dimensions > MAX_DIMENSIONS ? ", ...)"
                      : array->dimensions == 1           ? ",)"
                                                         : ")");
    text_copy(out, size, text.bytes);
    text_fini(&text);
}

/* That so many numbers of `width` bytes follow the head. */
static int check_length(const struct array *array, uint64_t count, uint64_t width, const char *name,
                        struct err *err)
{
    uint64_t expected;
    char shape[128];
    print_shape(array, shape, sizeof shape);
    if (__builtin_mul_overflow(count, width, &expected) || array->length < expected)
        return err_set(err, ERR_FILE, "%s: truncated, %zu bytes follow the head, too few for %s",
                       name, array->length, shape);
    if (array->length > expected)
        return err_set(err, ERR_FILE, "%s: %" PRIu64 " bytes after the end of %s", name,
                       array->length - expected, shape);
    return 0;
}

static int check_count(const struct array *array, const char *name, const char *what,
                       struct err *err)
{
    if (array->size[0] == 0)
        return err_set(err, ERR_FILE, "%s: holds no %s", name, what);
    if (array->size[0] > UINT32_MAX)
        return err_set(err, ERR_FILE, "%s: %" PRIu64 " %s are too many", name, array->size[0],
                       what);
    return 0;
}

/* ---- images and labels ---- */

int data_parse_npy_images(const unsigned char *bytes, size_t length, const char *name,
                          struct data_images *out, bool *channels_last, struct err *err)
{
    struct array array;
    char shape[128];
    if (parse_head(bytes, length, name, &array, err))
        return -1;
    print_shape(&array, shape, sizeof shape);
    const char *type = array.type + (array.type[0] && strchr("|<>=", array.type[0]) ? 1 : 0);
    if (strcmp(type, "u1") != 0)
        return err_set(err, ERR_FILE, "%s: images of type %s, bytes (uint8, |u1) are expected",
                       name, array.type);
    if (array.fortran)
        return err_set(err, ERR_FILE, "%s: in Fortran's order, C's is expected", name);
    if (array.dimensions < 2 || array.dimensions > 4)
        return err_set(err, ERR_FILE,
                       "%s: shape %s; (N, D), (N, H, W), (N, H, W, C) or (N, C, H, W) is expected",
                       name, shape);
    if (check_count(&array, name, "images", err))
        return -1;
    uint64_t channels = 1, height = 1, width = array.size[1];
    *channels_last = false;
    if (array.dimensions >= 3)
        height = array.size[1], width = array.size[2];
    if (array.dimensions == 4) {
        *channels_last = array.size[3] <= MAX_CHANNELS;
        channels = array.size[*channels_last ? 3 : 1];
        if (!*channels_last)
            height = array.size[2], width = array.size[3];
    }
    if (channels < 1 || channels > MAX_CHANNELS)
        return err_set(err, ERR_FILE,
                       "%s: shape %s; 1 to %d channels are expected, last or after the number of "
                       "images",
                       name, shape, MAX_CHANNELS);
    if (height < 1 || width < 1 || height > MAX_PIXELS || width > MAX_PIXELS ||
        channels * height * width > MAX_PIXELS)
        return err_set(err, ERR_FILE, "%s: shape %s; images of 1 to %d numbers are expected", name,
                       shape, MAX_PIXELS);
    *out = (struct data_images){.count = (uint32_t)array.size[0],
                                .channels = (uint32_t)channels,
                                .height = (uint32_t)height,
                                .width = (uint32_t)width,
                                .pixels = array.numbers};
    return check_length(&array, array.size[0], channels * height * width, name, err);
}

/* The number of so many bytes; UINT64_MAX where it is negative. */
static uint64_t whole(const unsigned char *bytes, size_t width, bool big, bool is_signed)
{
    uint64_t value = 0;
    if (is_signed && bytes[big ? 0 : width - 1] >> 7)
        return UINT64_MAX;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[big ? i : width - 1 - i];
    return value;
}

int data_parse_npy_labels(const unsigned char *bytes, size_t length, const char *name,
                          uint32_t *count, uint8_t **labels, struct err *err)
{
    struct array array;
    char shape[128];
    if (parse_head(bytes, length, name, &array, err))
        return -1;
    print_shape(&array, shape, sizeof shape);
    const char *type = array.type + (array.type[0] && strchr("|<>=", array.type[0]) ? 1 : 0);
    const bool whole_numbers =
        (type[0] == 'u' || type[0] == 'i') && type[1] && strchr("1248", type[1]) && type[2] == '\0';
    if (!whole_numbers)
        return err_set(err, ERR_FILE,
                       "%s: labels of type %s, whole numbers (uint8, int64 and so on) are expected",
                       name, array.type);
    const bool column = array.dimensions == 2 && array.size[1] == 1;
    if (array.dimensions != 1 && !column)
        return err_set(err, ERR_FILE, "%s: shape %s; (N,) or (N, 1) is expected", name, shape);
    const size_t width = (size_t)(type[1] - '0');
    if (check_count(&array, name, "labels", err) ||
        check_length(&array, array.size[0], width, name, err))
        return -1;
    *count = (uint32_t)array.size[0];
    *labels = mem_array(*count, 1, err);
    if (!*labels)
        return -1;
    for (size_t i = 0; i < *count; i++) {
        const uint64_t label =
            whole(array.numbers + i * width, width, array.type[0] == '>', type[0] == 'i');
        if (label >= DATA_MAX_CLASSES) {
            mem_free(*labels);
            return err_set(err, ERR_FILE, "%s: label %zu is not 0 to %d", name, i,
                           DATA_MAX_CLASSES - 1);
        }
        (*labels)[i] = (uint8_t)label;
    }
    return 0;
}

/* ---- the dataset ---- */

/* Images with the channels of each pixel side by side become planes, one behind the
 * other. */
struct turning {
    const struct data_images *images;
    unsigned char *to;
};

static void turn_piece(void *arg, int i)
{
    const struct turning *turning = arg;
    const struct data_images *images = turning->images;
    const size_t plane = (size_t)images->height * images->width, channels = images->channels;
    const size_t last = piece_first(images->count, i + 1);
    for (size_t row = piece_first(images->count, i); row < last; row++) {
        const unsigned char *from = images->pixels + row * plane * channels;
        unsigned char *to = turning->to + row * plane * channels;
        for (size_t channel = 0; channel < channels; channel++)
            for (size_t pixel = 0; pixel < plane; pixel++)
                *to++ = from[pixel * channels + channel];
    }
}

/* Leaves the file's bytes, or the planes that they became, in *bytes. */
static int read_images(struct dataset *dataset, const char *path, unsigned char **bytes,
                       struct data_images *images, struct err *err)
{
    size_t length;
    bool channels_last;
    if (file_read(path, FILE_LIMIT, bytes, &length, err) ||
        data_parse_npy_images(*bytes, length, path, images, &channels_last, err))
        return -1;
    if (!channels_last || images->channels == 1)
        return 0;
    const size_t inputs = (size_t)images->channels * images->height * images->width;
    struct turning turning = {images, mem_array(images->count, inputs, err)};
    if (!turning.to)
        return -1;
    team_run(dataset->team, PIECES, turn_piece, &turning);
    mem_free(*bytes);
    *bytes = turning.to;
    images->pixels = turning.to;
    return 0;
}

static int read_labels(const char *path, const struct data_images *images, uint8_t *labels,
                       struct err *err)
{
    unsigned char *bytes;
    uint8_t *parsed;
    size_t length;
    uint32_t count;
    if (file_read(path, FILE_LIMIT, &bytes, &length, err))
        return -1;
    int failed = data_parse_npy_labels(bytes, length, path, &count, &parsed, err);
    mem_free(bytes);
    if (failed)
        return -1;
    if (count == images->count)
        memcpy(labels, parsed, count);
    else
        failed = err_set(err, ERR_FILE, "%s: %u labels for %u images", path, count, images->count);
    mem_free(parsed);
    return failed;
}

/* One pair of files, `file` the images and file + 1 their labels. */
static int read_pair(struct dataset *dataset, const char *folder, int file, struct rows *rows,
                     struct data_images *images, struct err *err)
{
    char *pixels = file_path(folder, npy_file[file]),
         *labels = file_path(folder, npy_file[file + 1]);
    int failed = read_images(dataset, pixels, &dataset->files[file], images, err) ||
                 rows_init(rows, images->count, err) ||
                 read_labels(labels, images, rows->labels, err);
    const size_t inputs = failed ? 0 : (size_t)images->channels * images->height * images->width;
    for (size_t i = 0; i < rows->count && !failed; i++)
        rows->pixels[i] = images->pixels + i * inputs;
    mem_free(pixels);
    mem_free(labels);
    return failed;
}

int npy_read(struct dataset *dataset, const char *folder, struct err *err)
{
    struct data_images training, test;
    if (read_pair(dataset, folder, TRAIN_IMAGES, &dataset->training, &training, err) ||
        read_pair(dataset, folder, TEST_IMAGES, &dataset->test, &test, err))
        return -1;
    if (training.channels != test.channels || training.height != test.height ||
        training.width != test.width)
        return err_set(err, ERR_FILE,
                       "%s: training images of %ux%ux%u, but test images of %ux%ux%u (channels, "
                       "height, width)",
                       folder, training.channels, training.height, training.width, test.channels,
                       test.height, test.width);
    dataset->info.channels = (int)training.channels;
    dataset->info.height = (int)training.height;
    dataset->info.width = (int)training.width;
    dataset->validation_first = 0;
    dataset->validation_last = dataset->training.count;
    text_copy(dataset->validation_file, sizeof dataset->validation_file, npy_file[TRAIN_IMAGES]);
    return dataset_number_classes(dataset, folder, err);
}
