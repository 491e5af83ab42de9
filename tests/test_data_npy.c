/*
 * NPY files: what the parsers take and refuse, and datasets of four of them.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { MOST = 4096 };

/* A file in memory, its head padded as NumPy does; returns its length. */
static size_t npy_make(unsigned char *out, int version, const char *head, const void *numbers,
                       size_t length)
{
    const size_t prefix = version == 1 ? 10 : 12;
    const size_t padded = (prefix + strlen(head) + 1 + 63) / 64 * 64 - prefix;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[7] = 0;
    for (size_t i = 8; i < prefix; i++)
        out[i] = (unsigned char)(padded >> 8 * (i - 8));
    memset(out + prefix, ' ', padded);
    memcpy(out + prefix, head, strlen(head));
    out[prefix + padded - 1] = '\n';
    if (length)
        memcpy(out + prefix + padded, numbers, length);
    return prefix + padded + length;
}

static const char *dictionary(const char *type, const char *order, const char *shape)
{
    static char text[256];
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", type, order,
             shape);
    return text;
}

static const unsigned char pixels[120] = {1, 2, 3, 4, 5, 6};

static void expect_error(int result, const char *fragment)
{
    assert_int_equal(result, -1);
    assert_int_equal(err.code, ERR_FILE);
    assert_memory_equal(err.text, "file: ", 6);
    if (!strstr(err.text, fragment))
        fail_msg("\"%s\" has no \"%s\"", err.text, fragment);
}

/* Parsed from a block of its own, so that a sanitizer sees each byte too many. */
static void images_refused(const void *bytes, size_t length, const char *fragment)
{
    struct data_images images;
    bool last;
    unsigned char *copy = mem_alloc(length);
    memcpy(copy, bytes, length);
    const int result = data_parse_npy_images(copy, length, "file", &images, &last, &err);
    mem_free(copy);
    expect_error(result, fragment);
}

static void labels_refused(const void *bytes, size_t length, const char *fragment)
{
    uint32_t count;
    uint8_t *labels;
    unsigned char *copy = mem_alloc(length);
    memcpy(copy, bytes, length);
    const int result = data_parse_npy_labels(copy, length, "file", &count, &labels, &err);
    mem_free(copy);
    expect_error(result, fragment);
}

static void head_refused(const char *head, size_t length, const char *fragment)
{
    unsigned char bytes[MOST];
    images_refused(bytes, npy_make(bytes, 1, head, pixels, length), fragment);
}

static void shape_refused(const char *shape, size_t length, const char *fragment)
{
    head_refused(dictionary("|u1", "False", shape), length, fragment);
}

/* ---- images ---- */

static void test_images(void **state)
{
    (void)state;
    static const struct {
        const char *shape;
        uint32_t channels, height, width;
        bool last;
    } shapes[] = {
        {"(2, 60)", 1, 1, 60, false},      {"(2, 6, 10)", 1, 6, 10, false},
        {"(2, 5, 4, 3)", 3, 5, 4, true},   {"(2, 3, 4, 5)", 3, 4, 5, false},
        {"(2, 3, 20, 1)", 1, 3, 20, true}, {"(2, 1, 6, 10)", 1, 6, 10, false},
        {"( 2,3 ,5,4 )", 4, 3, 5, true},   {"(2,60,)", 1, 1, 60, false},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int version = 1; version <= 3; version++) {
            unsigned char bytes[MOST];
            struct data_images images;
            bool last;
            const size_t length = npy_make(
                bytes, version, dictionary("|u1", "False", shapes[i].shape), pixels, sizeof pixels);
            assert_int_equal(data_parse_npy_images(bytes, length, "file", &images, &last, &err), 0);
            assert_int_equal(images.count, 2);
            assert_int_equal(images.channels, shapes[i].channels);
            assert_int_equal(images.height, shapes[i].height);
            assert_int_equal(images.width, shapes[i].width);
            assert_int_equal(last, shapes[i].last);
            assert_ptr_equal(images.pixels, bytes + length - sizeof pixels);
            for (size_t cut = 0; cut < length; cut++)
                images_refused(bytes, cut, cut < 6 ? "not an NPY file" : "truncated");
            images_refused(bytes, length + 1, "1 bytes after the end of (2, ");
        }
}

static void test_images_refused(void **state)
{
    (void)state;
    unsigned char bytes[MOST] = {0};
    size_t length = npy_make(bytes, 1, dictionary("|u1", "False", "(2, 60)"), pixels, 120);
    bytes[6] = 4;
    images_refused(bytes, length, "NPY version 4.0");
    bytes[6] = 1, bytes[7] = 1;
    images_refused(bytes, length, "NPY version 1.1");
    bytes[7] = 0, bytes[0] = 0x92;
    images_refused(bytes, length, "not an NPY file");
    length = npy_make(bytes, 2, dictionary("|u1", "False", "(2, 60)"), pixels, 120);
    memset(bytes + 8, 0xff, 4);
    images_refused(bytes, length, "of the 4294967307 that its head takes");

    static const char *const types[] = {"|i1", "<u2", "<f4", "|b1", "|S1", "|u10", "", "u"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        head_refused(dictionary(types[i], "False", "(2, 60)"), 120,
                     "bytes (uint8, |u1) are expected");
    head_refused(dictionary("|u1", "True", "(2, 60)"), 120, "in Fortran's order");

    shape_refused("()", 1, "shape (); (N, D)");
    shape_refused("(120,)", 120, "shape (120,); (N, D)");
    shape_refused("(2, 3, 4, 5, 1)", 120, "shape (2, 3, 4, 5, ...); (N, D)");
    shape_refused("(0, 60)", 0, "holds no images");
    shape_refused("(2, 0)", 0, "images of 1 to 1048576 numbers");
    shape_refused("(2, 0, 5)", 0, "images of 1 to 1048576 numbers");
    shape_refused("(2, 5, 4, 0)", 0, "1 to 4 channels are expected");
    shape_refused("(1, 5, 4, 6)", 120, "1 to 4 channels are expected");
    shape_refused("(1, 1024, 1025)", 120, "images of 1 to 1048576 numbers");
    shape_refused("(4294967295, 1024, 1024)", 120, "too few for (4294967295, 1024, 1024)");
    shape_refused("(4294967296, 1)", 120, "4294967296 images are too many");
    shape_refused("(18446744073709551615, 2)", 120, "are too many");
    /* Products that are small again once they have overflowed. */
    shape_refused("(2, 4294967296, 4294967296)", 0, "images of 1 to 1048576 numbers");
    shape_refused("(1, 4611686018427387905, 1, 4)", 4, "images of 1 to 1048576 numbers");

    static const char *const heads[] = {
        "",
        "{",
        "{}",
        "{'descr'",
        "{'descr': }",
        "{'descr': '|u1'}",
        "{'descr': '|u1', 'shape': (2, 60)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2, 60)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 60), 'more': 1}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 60)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (2, 60)}",
        "{'descr': [('r', '|u1'), ('g', '|u1')], 'fortran_order': False, 'shape': (60,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2 60)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, -60)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 18446744073709551616)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 60}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': (2, 60)}",
        "{'descr': '|u\\x31', 'fortran_order': False, 'shape': (2, 60)}",
        "{'descr': '|u1",
        "{'descr': '|u1',,}",
        "{'descr': '12345678901234567890', 'fortran_order': False, 'shape': (2, 60)}",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        head_refused(heads[i], 120, "its head is not {");
    head_refused("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 60)} }", 120,
                 "something follows the dictionary");
}

/* ---- labels ---- */

static void labels_taken(const char *type, const char *shape, const void *numbers, size_t length)
{
    unsigned char bytes[MOST];
    uint32_t count;
    uint8_t *labels;
    length = npy_make(bytes, 1, dictionary(type, "False", shape), numbers, length);
    if (data_parse_npy_labels(bytes, length, "file", &count, &labels, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 3);
    assert_memory_equal(labels, ((uint8_t[]){0, 7, 100}), 3);
    mem_free(labels);
}

static void test_labels(void **state)
{
    (void)state;
    for (int size = 1; size <= 8; size *= 2)
        for (int big = 0; big < 2; big++)
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                unsigned char bytes[MOST], numbers[3 * 8] = {0};
                const int low = big ? size - 1 : 0;
                char type[16];
                numbers[size + low] = 7;
                numbers[2 * size + low] = 100;
                snprintf(type, sizeof type, "%c%c%d", big ? '>' : '<', is_signed ? 'i' : 'u', size);
                labels_taken(type, "(3,)", numbers, 3 * (size_t)size);
                labels_taken(type, "(3, 1)", numbers, 3 * (size_t)size);
                /* -1, or what is too large. */
                memset(numbers + size, 0xff, (size_t)size);
                const size_t length = npy_make(bytes, 2, dictionary(type, "False", "(3,)"), numbers,
                                               3 * (size_t)size);
                if (size > 1 || is_signed)
                    labels_refused(bytes, length, "label 1 is not 0 to 255");
                for (size_t cut = 0; cut < length; cut++)
                    labels_refused(bytes, cut, cut < 6 ? "not an NPY file" : "truncated");
            }
    labels_taken("|u1", "(3,)", (uint8_t[]){0, 7, 100}, 3);

    unsigned char bytes[MOST];
    static const char *const types[] = {"<f8", "|b1", "<i3", "|S1", "<U8", "", "i", "<i16", "<u0"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        labels_refused(bytes, npy_make(bytes, 1, dictionary(types[i], "False", "(3,)"), pixels, 3),
                       "whole numbers");
    static const char *const shapes[] = {"()", "(3, 2)", "(1, 3)", "(3, 1, 1)"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        labels_refused(bytes, npy_make(bytes, 1, dictionary("|u1", "False", shapes[i]), pixels, 3),
                       "(N,) or (N, 1) is expected");
    labels_refused(bytes, npy_make(bytes, 1, dictionary("|u1", "False", "(0,)"), pixels, 0),
                   "holds no labels");
    labels_refused(
        bytes, npy_make(bytes, 1, dictionary("<i8", "False", "(2305843009213693953,)"), pixels, 8),
        "are too many");
}

/* ---- datasets ---- */

static void npy_put(const char *file, const char *type, const char *shape, const void *numbers,
                    size_t length)
{
    unsigned char bytes[MOST];
    char name[128];
    snprintf(name, sizeof name, "npy/%s", file);
    test_file_put(name, bytes,
                  npy_make(bytes, 1, dictionary(type, "False", shape), numbers, length));
}

/* Five training images of 2x3x4 (height, width, channels) and two test images: the value
 * tells where a number is. */
static void folder_put(void)
{
    unsigned char numbers[5 * 24];
    for (int i = 0; i < 5 * 24; i++)
        numbers[i] = (unsigned char)i;
    npy_put("train_images.npy", "|u1", "(5, 2, 3, 4)", numbers, sizeof numbers);
    npy_put("test_images.npy", "|u1", "(2, 2, 3, 4)", numbers, 48);
    npy_put("train_labels.npy", "<i8", "(5,)", (int64_t[]){0, 1, 2, 0, 11}, 40);
    npy_put("test_labels.npy", "|u1", "(2, 1)", (uint8_t[]){2, 1}, 2);
}

static void test_dataset(void **state)
{
    (void)state;
    struct data_options options = test_options(DATA_NPY, test_path("npy"));
    char *folder = mem_text(options.path);
    uint8_t made[24], labels[5];
    options.path = folder;
    folder_put();
    for (int automatic = 0; automatic < 2; automatic++) {
        options.kind = automatic ? DATA_AUTO : DATA_NPY;
        struct dataset *dataset = test_opened(&options);
        const struct data_info *info = data_info(dataset);
        assert_int_equal(info->kind, DATA_NPY);
        assert_string_equal(info->name, "npy");
        assert_true(info->channels == 4 && info->height == 2 && info->width == 3);
        assert_true(info->inputs == 24 && info->classes == 12);
        assert_string_equal(info->class_name[11], "11");
        assert_true(info->count[DATA_TRAIN] == 4 && info->count[DATA_VALIDATION] == 1);
        assert_true(info->count[DATA_TEST] == 2);
        for (uint64_t image = 0; image < 4; image++) {
            data_pixels(dataset, DATA_TRAIN, image, made);
            for (int channel = 0; channel < 4; channel++)
                for (int pixel = 0; pixel < 6; pixel++)
                    assert_int_equal(made[channel * 6 + pixel],
                                     24 * (int)image + 4 * pixel + channel);
        }
        const struct data_choice choice = {.split = DATA_TRAIN, .count = 4};
        data_labels(dataset, &choice, labels);
        assert_memory_equal(labels, ((uint8_t[]){0, 1, 2, 0}), 4);
        data_close(dataset);
    }
    options.kind = DATA_NPY;

    npy_put("test_labels.npy", "|u1", "(3,)", (uint8_t[]){2, 1, 0}, 3);
    test_refused(&options, ERR_FILE, "npy/test_labels.npy: 3 labels for 2 images");
    folder_put();
    npy_put("test_images.npy", "|u1", "(2, 3, 2, 4)", pixels, 48);
    test_refused(&options, ERR_FILE, "training images of 4x2x3, but test images of 4x3x2");
    npy_put("test_images.npy", "|u1", "(2, 3, 2, 4)", pixels, 47);
    test_refused(&options, ERR_FILE, "npy/test_images.npy: truncated, 47 bytes follow the head");
    unlink(test_path("npy/test_images.npy"));
    test_refused(&options, ERR_FILE, "npy/test_images.npy");
    folder_put();
    npy_put("train_labels.npy", "|u1", "(5,)", (uint8_t[]){0, 0, 0, 0, 0}, 5);
    npy_put("test_labels.npy", "|u1", "(2,)", (uint8_t[]){0, 0}, 2);
    test_refused(&options, ERR_FILE, "every label is 0");
    mem_free(folder);
    options.path = test_path("empty-npy");
    assert_int_equal(file_make_directories(options.path, &err), 0);
    test_refused(&options, ERR_FILE, "expected train_images.npy, train_labels.npy");
    options.kind = DATA_AUTO;
    test_refused(&options, ERR_FILE, "nor train_images.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_images_refused),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_dataset),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
