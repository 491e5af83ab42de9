/*
 * Finding, reading and splitting datasets.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data_files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_idx(void **state)
{
    (void)state;
    idx_folder_put("plain", false);
    idx_folder_put("packed", true);
    struct data_options options = test_options(DATA_IDX, test_path("plain"));
    options.validation_size = 2;
    struct dataset *plain = test_opened(&options);
    const struct data_info *info = data_info(plain);
    assert_int_equal(info->kind, DATA_IDX);
    assert_string_equal(info->name, "idx");
    assert_string_equal(info->path, options.path);
    assert_int_equal(info->channels, 1);
    assert_int_equal(info->height, 2);
    assert_int_equal(info->width, 3);
    assert_int_equal(info->inputs, 6);
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_name[2], "2");
    assert_int_equal(info->count[DATA_TRAIN], 3);
    assert_int_equal(info->count[DATA_VALIDATION], 2);
    assert_int_equal(info->count[DATA_TEST], 2);
    assert_non_null(strstr(info->why, "IDX files from"));

    /* Images 0, 1, 2 train: their mean is 10 + 2.5. */
    const struct data_transform *transform = data_transform(plain);
    assert_int_equal(transform->inputs, 6);
    assert_float_equal(transform->factor[0], 1 / 255.0, 1e-9);
    assert_float_equal(transform->offset[5], 12.5 / 255, 1e-8);
    float x[18];
    uint8_t labels[3];
    test_gather(plain, DATA_VALIDATION, NULL, 0, 2, NULL, x, labels);
    assert_int_equal(labels[0], 0);
    assert_int_equal(labels[1], 1);
    assert_float_equal(x[0], (30 - 12.5) / 255, 1e-7);
    assert_float_equal(x[11], (45 - 12.5) / 255, 1e-7);
    test_gather(plain, DATA_TEST, NULL, 1, 1, NULL, x, labels);
    assert_int_equal(labels[0], 1);
    assert_float_equal(x[3], (201 - 12.5) / 255, 1e-7);
    test_gather(plain, DATA_TRAIN, (uint32_t[]){2, 0, 2}, 0, 3, NULL, x, labels);
    assert_memory_equal(labels, ((uint8_t[]){2, 0, 2}), 3);
    assert_float_equal(x[1], (21 - 12.5) / 255, 1e-7);
    assert_float_equal(x[7], (1 - 12.5) / 255, 1e-7);
    assert_memory_equal(x, x + 12, 6 * sizeof *x);

    options.path = test_path("packed");
    struct dataset *packed = test_opened(&options);
    assert_int_equal(data_info(packed)->digest, info->digest);
    data_close(packed);
    options.train_size = 2;
    packed = test_opened(&options);
    assert_int_not_equal(data_info(packed)->digest, info->digest);
    assert_int_equal(data_info(packed)->count[DATA_TRAIN], 2);
    assert_float_equal(data_transform(packed)->offset[0], 7.5 / 255, 1e-8);
    data_close(packed);
    data_close(plain);
    data_close(NULL);
}

static void test_idx_refused(void **state)
{
    (void)state;
    unsigned char bytes[100] = {0, 1, 2, 3};
    struct data_options options = test_options(DATA_IDX, test_path("bad"));
    char *folder = mem_text(options.path);
    options.path = folder;
    idx_folder_put("bad", false);

    options.validation_size = 4;
    test_refused(&options, ERR_USAGE, "data.validation_size = 4: at most 3 of the 5 images");
    options.validation_size = UINT64_MAX;
    test_refused(&options, ERR_USAGE, "data.validation_size = 18446744073709551615: at most 3");
    options.validation_size = 1;
    options.train_size = 5;
    test_refused(&options, ERR_USAGE, "data.train_size = 5: 2 to 4 are possible");
    options.train_size = 1;
    test_refused(&options, ERR_USAGE, "data.train_size = 1: 2 to 4 are possible");
    options.train_size = 4;
    data_close(test_opened(&options));
    options.train_size = 0;

    idx_put("bad", "t10k-labels-idx1-ubyte", false, (uint32_t[]){0x801, 1}, 2, bytes, 1);
    test_refused(&options, ERR_FILE, "bad/t10k-labels-idx1-ubyte: 1 labels for 2 images");
    idx_put("bad", "t10k-labels-idx1-ubyte", false, (uint32_t[]){0x801, 3}, 2, bytes, 2);
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte: truncated, 10 bytes of the 11");
    idx_put("bad", "t10k-labels-idx1-ubyte", false, (uint32_t[]){0x803, 2}, 2, bytes, 2);
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte: magic number");
    unlink(test_path("bad/t10k-labels-idx1-ubyte"));
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte is missing");

    /* A packed file that unpacks to more than its head declares, and others. */
    idx_put("bad", "t10k-labels-idx1-ubyte", true, (uint32_t[]){0x801, 2}, 2, bytes, 90);
    test_refused(&options, ERR_FILE,
                 "t10k-labels-idx1-ubyte.gz: unpacks to more than the 10 bytes");
    idx_put("bad", "t10k-labels-idx1-ubyte", true, (uint32_t[]){0x801, 2}, 2, bytes, 1);
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte.gz: truncated, 9 bytes of the 10");
    idx_put("bad", "t10k-labels-idx1-ubyte", true, (uint32_t[]){0x801}, 1, bytes, 0);
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte.gz: 4 bytes, too short");
    idx_put("bad", "t10k-labels-idx1-ubyte", true, (uint32_t[]){0x801, 2}, 2, bytes, 2);
    test_packed.bytes[test_packed.length - 6] ^= 1;
    test_file_put("bad/t10k-labels-idx1-ubyte.gz", test_packed.bytes, test_packed.length);
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte.gz: damaged gzip stream");
    test_packed.bytes[test_packed.length - 6] ^= 1;
    test_file_put("bad/t10k-labels-idx1-ubyte.gz", test_packed.bytes, test_packed.length - 3);
    test_refused(&options, ERR_FILE, "t10k-labels-idx1-ubyte.gz: truncated");
    /* Unpacked by a browser, but still called .gz. */
    unlink(test_path("bad/t10k-labels-idx1-ubyte.gz"));
    idx_put("bad", "t10k-labels-idx1-ubyte.gz", false, (uint32_t[]){0x801, 2}, 2, bytes, 2);
    data_close(test_opened(&options));

    idx_put("bad", "t10k-images-idx3-ubyte", false, (uint32_t[]){0x803, 2, 3, 2}, 4, bytes, 12);
    test_refused(&options, ERR_FILE, "training images of 2x3, but test images of 3x2");
    idx_folder_put("bad", false);
    options.kind = DATA_MNIST;
    test_refused(&options, ERR_FILE, "images of 2x3 with labels to 2, mnist has 28x28");
    options.kind = DATA_IDX;
    memset(bytes, 0, sizeof bytes);
    idx_put("bad", "train-labels-idx1-ubyte", false, (uint32_t[]){0x801, 5}, 2, bytes, 5);
    idx_put("bad", "t10k-labels-idx1-ubyte", false, (uint32_t[]){0x801, 2}, 2, bytes, 2);
    test_refused(&options, ERR_FILE, "every label is 0");
    bytes[0] = 255;
    idx_put("bad", "t10k-labels-idx1-ubyte", false, (uint32_t[]){0x801, 2}, 2, bytes, 2);
    struct dataset *dataset = test_opened(&options);
    assert_int_equal(data_info(dataset)->classes, 256);
    assert_string_equal(data_info(dataset)->class_name[255], "255");
    data_close(dataset);

    /* Two images: one to validate leaves one, which is too few. */
    idx_put("bad", "train-labels-idx1-ubyte", false, (uint32_t[]){0x801, 2}, 2, bytes, 2);
    idx_put("bad", "train-images-idx3-ubyte", false, (uint32_t[]){0x803, 2, 2, 3}, 4, bytes, 12);
    test_refused(&options, ERR_USAGE, "at most 0 of the 2 images");
    mem_free(folder);
}

static void test_fashion_mnist(void **state)
{
    (void)state;
    static unsigned char pixels[4 * 784], labels[4] = {9, 1, 2, 3};
    idx_put("fashion", "train-images-idx3-ubyte", true, (uint32_t[]){0x803, 4, 28, 28}, 4, pixels,
            sizeof pixels);
    idx_put("fashion", "train-labels-idx1-ubyte", true, (uint32_t[]){0x801, 4}, 2, labels, 4);
    idx_put("fashion", "t10k-images-idx3-ubyte", true, (uint32_t[]){0x803, 1, 28, 28}, 4, pixels,
            784);
    idx_put("fashion", "t10k-labels-idx1-ubyte", true, (uint32_t[]){0x801, 1}, 2, labels, 1);
    setenv("KDTUI_DATA", test_path("fashion"), 1);
    struct data_options options = test_options(DATA_FASHION_MNIST, "");
    struct dataset *dataset = test_opened(&options);
    assert_int_equal(data_info(dataset)->kind, DATA_FASHION_MNIST);
    assert_int_equal(data_info(dataset)->classes, 10);
    assert_string_equal(data_info(dataset)->class_name[9], "Ankle boot");
    assert_non_null(strstr(data_info(dataset)->why, "Fashion-MNIST from "));
    assert_non_null(strstr(data_info(dataset)->why, "($KDTUI_DATA)"));
    data_close(dataset);
    options.kind = DATA_MNIST;
    dataset = test_opened(&options);
    assert_string_equal(data_info(dataset)->class_name[9], "9");
    data_close(dataset);
    labels[2] = 10;
    idx_put("fashion", "train-labels-idx1-ubyte", true, (uint32_t[]){0x801, 4}, 2, labels, 4);
    test_refused(&options, ERR_FILE, "with labels to 10");
    unsetenv("KDTUI_DATA");
}

/* Which record a row is, from its first fed pixel without mean: 10 b + r. */
static int record_of(const struct dataset *dataset, enum data_split split, uint64_t row)
{
    static float x[PIXELS];
    uint8_t label;
    test_gather(dataset, split, NULL, row, 1, NULL, x, &label);
    int record = (int)lrintf(x[0] * 255);
    assert_int_equal(label, (record / 10 + record % 10) % 10);
    return record;
}

static void split_check(const struct dataset *dataset, enum data_split split, int count,
                        const int *records)
{
    assert_int_equal(data_info(dataset)->count[split], count);
    for (int i = 0; i < count; i++)
        assert_int_equal(record_of(dataset, split, (uint64_t)i), records[i]);
}

static void test_cifar10(void **state)
{
    (void)state;
    cifar10_folder_put("c10/cifar-10-batches-bin");
    struct data_options options = test_options(DATA_CIFAR10, test_path("c10"));
    options.mean = DATA_MEAN_NONE;
    options.validation_from = 3;
    options.validation_size = 2;
    struct dataset *dataset = test_opened(&options);
    const struct data_info *info = data_info(dataset);
    assert_string_equal(info->name, "cifar10");
    assert_string_equal(info->class_name[9], "truck");
    assert_int_equal(info->inputs, 3072);
    assert_non_null(strstr(info->path, "/c10/cifar-10-batches-bin"));
    split_check(dataset, DATA_TRAIN, 13,
                (int[]){0, 10, 11, 20, 30, 31, 32, 33, 40, 41, 42, 43, 44});
    split_check(dataset, DATA_VALIDATION, 2, (int[]){21, 22});
    split_check(dataset, DATA_TEST, 6, (int[]){50, 51, 52, 53, 54, 55});
    float x[PIXELS];
    uint8_t label;
    test_gather(dataset, DATA_TRAIN, (uint32_t[]){4}, 0, 1, NULL, x, &label);
    assert_float_equal(x[1023], 30 / 255.0, 1e-7);
    assert_float_equal(x[1024], 130 / 255.0, 1e-7);
    assert_float_equal(x[2047], 130 / 255.0, 1e-7);
    assert_float_equal(x[2048], 197 / 255.0, 1e-7);
    data_close(dataset);

    options.train_size = 4;
    options.validation_size = 1;
    options.validation_from = 1;
    dataset = test_opened(&options);
    split_check(dataset, DATA_TRAIN, 4, (int[]){10, 11, 20, 21});
    split_check(dataset, DATA_VALIDATION, 1, (int[]){0});
    data_close(dataset);
    options.validation_from = 5;
    options.validation_size = 5;
    options.train_size = 0;
    dataset = test_opened(&options);
    split_check(dataset, DATA_VALIDATION, 5, (int[]){40, 41, 42, 43, 44});
    split_check(dataset, DATA_TRAIN, 10, (int[]){0, 10, 11, 20, 21, 22, 30, 31, 32, 33});
    data_close(dataset);
    options.validation_size = 6;
    test_refused(&options, ERR_USAGE,
                 "data.validation_size = 6: at most 5 of the 5 images of data_batch_5.bin");
}

static void meta_check(const char *meta, const char *first, const char *last)
{
    test_file_put("meta/batches.meta.txt", meta, strlen(meta));
    struct data_options options = test_options(DATA_CIFAR10, test_path("meta"));
    struct dataset *dataset = test_opened(&options);
    assert_string_equal(data_info(dataset)->class_name[0], first);
    assert_string_equal(data_info(dataset)->class_name[9], last);
    data_close(dataset);
}

static void test_cifar10_class_names(void **state)
{
    (void)state;
    cifar10_folder_put("meta");
    meta_check("a0\na1\na2\na3\na4\na5\na6\na7\na8\nzoo animal\n\n", "a0", "zoo animal");
    meta_check("a0\r\na1\r\na2\na3\na4\na5\na6\na7\na8\na9", "a0", "a9");
    meta_check("a0\na1\na2\na3\na4\na5\na6\na7\na8\n", "airplane", "truck");
    meta_check("a0\na1\na2\na3\na4\na5\na6\na7\na8\na9\na10", "airplane", "truck");
    meta_check("a\x1b[2J\na1\na2\na3\na4\na5\na6\na7\na8\na9\n", "airplane", "truck");
    meta_check("a0\na1\na2\na3\na4\na5\na6\na7\na8\nnames of more than thirty-one characters\n",
               "airplane", "truck");
    meta_check("", "airplane", "truck");
}

static void test_cifar10_refused(void **state)
{
    (void)state;
    static unsigned char bytes[2 * RECORD];
    cifar10_folder_put("cbad");
    char *folder = mem_text(test_path("cbad"));
    struct data_options options = test_options(DATA_CIFAR10, folder);
    test_file_put("cbad/data_batch_3.bin", bytes, RECORD - 1);
    test_refused(&options, ERR_FILE,
                 "cbad/data_batch_3.bin: 3072 bytes, not a whole number of 3073-byte records");
    bytes[RECORD] = 77;
    test_file_put("cbad/data_batch_3.bin", bytes, sizeof bytes);
    test_refused(&options, ERR_FILE, "cbad/data_batch_3.bin: record 2 of 2 has label 77");
    unlink(test_path("cbad/data_batch_3.bin"));
    test_refused(&options, ERR_FILE, "cbad/data_batch_3.bin is missing");
    options.kind = DATA_AUTO;
    test_refused(&options, ERR_FILE, "cbad/data_batch_3.bin is missing");
    cifar10_folder_put("cbad");
    unlink(test_path("cbad/test_batch.bin"));
    test_refused(&options, ERR_FILE, "cbad/test_batch.bin is missing");
    mem_free(folder);
}

/* Where datasets are found. */

static void test_find(void **state)
{
    (void)state;
    char *home = mem_text(test_path("xdg"));
    setenv("XDG_DATA_HOME", home, 1);
    unsetenv("KDTUI_DATA");
    struct data_options options = test_options(DATA_CIFAR10, "");
    test_refused(&options, ERR_FILE, "no CIFAR-10 in ");
    test_refused(&options, ERR_FILE, "/xdg/kdtui/cifar-10-batches-bin; put data_batch_1.bin");
    options.kind = DATA_MNIST;
    test_refused(&options, ERR_FILE, "/xdg/kdtui/mnist; put ");

    cifar10_folder_put("xdg/kdtui/cifar-10-batches-bin");
    options.kind = DATA_AUTO;
    struct dataset *dataset = test_opened(&options);
    assert_int_equal(data_info(dataset)->kind, DATA_CIFAR10);
    assert_non_null(strstr(data_info(dataset)->path, "/xdg/kdtui/cifar-10-batches-bin"));
    data_close(dataset);

    /* $KDTUI_DATA goes first, but only where it holds the dataset. */
    cifar10_folder_put("environment");
    setenv("KDTUI_DATA", test_path("environment"), 1);
    dataset = test_opened(&options);
    assert_string_equal(data_info(dataset)->path, test_path("environment"));
    data_close(dataset);
    setenv("KDTUI_DATA", test_path("nothing"), 1);
    dataset = test_opened(&options);
    assert_non_null(strstr(data_info(dataset)->path, "/xdg/"));
    data_close(dataset);
    options.kind = DATA_IDX;
    idx_folder_put("xdg/kdtui/mnist", true);
    dataset = test_opened(&options);
    assert_non_null(strstr(data_info(dataset)->path, "/xdg/kdtui/mnist"));
    data_close(dataset);

    /* data.path goes before all, and nothing comes after it. */
    options.kind = DATA_AUTO;
    idx_folder_put("an idx", false);
    options.path = test_path("an idx");
    dataset = test_opened(&options);
    assert_int_equal(data_info(dataset)->kind, DATA_IDX);
    data_close(dataset);
    test_file_put("empty/README", "", 0);
    char *empty = mem_text(test_path("empty"));
    options.path = empty;
    test_refused(&options, ERR_FILE, "/empty holds no dataset");
    options.kind = DATA_CIFAR10;
    test_refused(&options, ERR_FILE, "/empty/cifar-10-batches-bin; expected data_batch_1.bin");
    options.kind = DATA_FASHION_MNIST;
    test_refused(&options, ERR_FILE, "no Fashion-MNIST in");
    options.path = test_path("nowhere");
    test_refused(&options, ERR_FILE, "No such file or directory");
    options.path = test_path("empty/README");
    test_refused(&options, ERR_FILE, "is not a folder");
    mem_free(empty);

    /* With nothing of CIFAR-10 there is still something to train on, and the
     * reason names the places. */
    setenv("XDG_DATA_HOME", test_path("nothing"), 1);
    unsetenv("KDTUI_DATA");
    options = test_options(DATA_AUTO, "");
    dataset = test_opened(&options);
    enum data_kind kind = data_info(dataset)->kind;
    assert_true(kind == DATA_FASHION_MNIST || kind == DATA_SYNTHETIC);
    assert_non_null(strstr(data_info(dataset)->why, "(no CIFAR-10 in "));
    assert_null(strchr(data_info(dataset)->why, '\n'));
    data_close(dataset);
    mem_free(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idx),
        cmocka_unit_test(test_idx_refused),
        cmocka_unit_test(test_fashion_mnist),
        cmocka_unit_test(test_cifar10),
        cmocka_unit_test(test_cifar10_class_names),
        cmocka_unit_test(test_cifar10_refused),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
