/*
 * Small datasets for tests of data, written below a folder of the test's own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data_files.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>

struct err err;
struct text test_packed;
static char top[256]; /* the test's folder */

char *test_path(const char *name)
{
    static char path[2][512];
    static int next;
    char *out = path[next++ % 2];
    snprintf(out, sizeof path[0], "%s/%s", top, name);
    return out;
}

void test_file_put(const char *name, const void *bytes, size_t length)
{
    struct file_part part = {bytes, length};
    char *slash, folder[512];
    text_copy(folder, sizeof folder, test_path(name));
    slash = strrchr(folder, '/');
    *slash = 0;
    assert_int_equal(file_make_directories(folder, &err), 0);
    assert_int_equal(file_write(test_path(name), &part, 1, &err), 0);
}

void test_pack(const void *bytes, size_t length)
{
    z_stream stream = {0};
    static unsigned char out[1 << 16];
    static unsigned char in[1 << 16];
    assert_true(length <= sizeof in);
    memcpy(in, bytes, length);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = in;
    stream.avail_in = (uInt)length;
    stream.next_out = out;
    stream.avail_out = sizeof out;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    test_packed.length = 0;
    text_append(&test_packed, (const char *)out, stream.total_out);
    deflateEnd(&stream);
}

void idx_word_put(unsigned char *out, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(word >> (24 - 8 * i));
}

size_t idx_make(unsigned char *out, const uint32_t *head, int words, const unsigned char *data,
                size_t length)
{
    for (int i = 0; i < words; i++)
        idx_word_put(out + 4 * i, head[i]);
    memcpy(out + 4 * words, data, length);
    return 4 * (size_t)words + length;
}

void idx_put(const char *folder, const char *file, bool packed, const uint32_t *head, int words,
             const unsigned char *data, size_t length)
{
    unsigned char bytes[8192];
    char name[256];
    assert_true(length + 16 <= sizeof bytes);
    size_t size = idx_make(bytes, head, words, data, length);
    snprintf(name, sizeof name, "%s/%s%s", folder, file, packed ? ".gz" : "");
    if (packed) {
        test_pack(bytes, size);
        test_file_put(name, test_packed.bytes, test_packed.length);
    } else {
        test_file_put(name, bytes, size);
    }
}

void idx_folder_put(const char *folder, bool packed)
{
    unsigned char pixels[5 * 6], labels[5], test_pixels[2 * 6], test_labels[2];
    for (int i = 0; i < 5; i++) {
        labels[i] = (unsigned char)(i % 3);
        for (int p = 0; p < 6; p++)
            pixels[6 * i + p] = (unsigned char)(10 * i + p);
    }
    for (int i = 0; i < 2; i++) {
        test_labels[i] = (unsigned char)i;
        memset(test_pixels + 6 * i, 200 + i, 6);
    }
    idx_put(folder, "train-images-idx3-ubyte", packed, (uint32_t[]){0x803, 5, 2, 3}, 4, pixels, 30);
    idx_put(folder, "train-labels-idx1-ubyte", packed, (uint32_t[]){0x801, 5}, 2, labels, 5);
    idx_put(folder, "t10k-images-idx3-ubyte", packed, (uint32_t[]){0x803, 2, 2, 3}, 4, test_pixels,
            12);
    idx_put(folder, "t10k-labels-idx1-ubyte", packed, (uint32_t[]){0x801, 2}, 2, test_labels, 2);
}

static const char *const batch_name[] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
    "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
};

void cifar10_folder_put(const char *folder)
{
    unsigned char bytes[6 * RECORD];
    for (int b = 0; b < 6; b++) {
        for (int r = 0; r <= b; r++) {
            unsigned char *record = bytes + r * RECORD;
            record[0] = (unsigned char)((b + r) % 10);
            memset(record + 1, 10 * b + r, 1024);
            memset(record + 1025, 10 * b + r + 100, 1024);
            memset(record + 2049, 200 - b, 1024);
        }
        char name[256];
        snprintf(name, sizeof name, "%s/%s", folder, batch_name[b]);
        test_file_put(name, bytes, (size_t)(b + 1) * RECORD);
    }
}

struct data_options test_options(enum data_kind kind, const char *path)
{
    return (struct data_options){
        .kind = kind, .path = path, .validation_size = 1, .validation_from = 2, .seed = 1};
}

struct dataset *test_opened(const struct data_options *options)
{
    struct dataset *dataset = NULL;
    if (data_open(options, &dataset, &err))
        fail_msg("%s", err.text);
    return dataset;
}

void test_refused(const struct data_options *options, enum err_code code, const char *fragment)
{
    struct dataset *dataset = NULL;
    assert_int_equal(data_open(options, &dataset, &err), -1);
    assert_null(dataset);
    if (!strstr(err.text, fragment))
        fail_msg("\"%s\" has no \"%s\"", err.text, fragment);
    assert_int_equal(err.code, code);
}

void test_gather(const struct dataset *dataset, enum data_split split, const uint32_t *index,
                 uint64_t first, int count, const struct data_transform *transform, float *x,
                 uint8_t *labels)
{
    const int inputs = data_info(dataset)->inputs;
    const struct data_choice choice = {
        .split = split, .index = index, .first = first, .count = count};
    const struct data_part part = {.inputs = inputs, .stride = inputs};

    data_gather(dataset, &choice, transform, NULL, &part, x);
    data_labels(dataset, &choice, labels);
}

int test_folder_make(void **state)
{
    (void)state;
    unsetenv("KDTUI_DATA");
    const char *base = getenv("TMPDIR");
    snprintf(top, sizeof top, "%s/test_data.XXXXXX", base && base[0] ? base : "/tmp");
    return mkdtemp(top) ? setenv("XDG_DATA_HOME", test_path("xdg"), 1) : -1;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

int test_folder_remove(void **state)
{
    (void)state;
    text_fini(&test_packed);
    return nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
