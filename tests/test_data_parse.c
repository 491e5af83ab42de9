/*
 * The parsers of outside bytes: what they take and what they refuse.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void idx_images_refused(const void *bytes, size_t length, const char *fragment)
{
    struct data_images images;
    /* A block of its own, so that a sanitizer sees each byte too many. */
    unsigned char *copy = mem_alloc(length);
    memcpy(copy, bytes, length);
    assert_int_equal(data_parse_idx_images(copy, length, "file", &images, &err), -1);
    mem_free(copy);
    assert_int_equal(err.code, ERR_FILE);
    assert_memory_equal(err.text, "file: ", 6);
    if (!strstr(err.text, fragment))
        fail_msg("\"%s\" has no \"%s\"", err.text, fragment);
}

static void idx_head_refused(uint32_t magic, uint32_t count, uint32_t height, uint32_t width,
                             size_t length, const char *fragment)
{
    unsigned char bytes[64] = {0}, data[48] = {0};
    uint32_t head[] = {magic, count, height, width};
    idx_make(bytes, head, 4, data, sizeof data);
    idx_images_refused(bytes, length, fragment);
}

static void test_parse_idx_images(void **state)
{
    (void)state;
    unsigned char bytes[64] = {0}, data[6] = {1, 2, 3, 4, 5, 6};
    struct data_images images;
    size_t length = idx_make(bytes, (uint32_t[]){0x803, 1, 2, 3}, 4, data, 6);
    assert_int_equal(data_parse_idx_images(bytes, length, "file", &images, &err), 0);
    assert_int_equal(images.count, 1);
    assert_int_equal(images.channels, 1);
    assert_int_equal(images.height, 2);
    assert_int_equal(images.width, 3);
    assert_ptr_equal(images.pixels, bytes + 16);

    for (size_t i = 0; i < 16; i++)
        idx_images_refused(bytes, i, "too short");
    for (size_t i = 16; i < length; i++)
        idx_images_refused(bytes, i, "truncated");
    idx_images_refused(bytes, length + 1, "1 bytes after the end");
    idx_head_refused(0x801, 1, 2, 3, 22, "magic number 0x00000801, 0x00000803 expected");
    idx_head_refused(0x03080000, 1, 2, 3, 22, "magic number");
    idx_head_refused(0x803, 0, 2, 3, 16, "holds no images");
    idx_head_refused(0x803, 1, 0, 3, 16, "images of 0x3");
    idx_head_refused(0x803, 1, 2, 0, 16, "images of 2x0");
    idx_head_refused(0x803, 1, 1025, 1024, 22, "1 to 1048576 pixels");
    idx_head_refused(0x803, UINT32_MAX, 1024, 1024, 22, "truncated");
    /* Products that are small again once they have overflowed. */
    idx_head_refused(0x803, 1, 0x10000, 0x10000, 16, "images of 65536x65536");
    idx_head_refused(0x803, UINT32_MAX, UINT32_MAX, UINT32_MAX, 17, "pixels expected");
    idx_head_refused(0x803, 0x40000000, 2, 2, 16, "truncated");
}

static void test_parse_idx_labels(void **state)
{
    (void)state;
    unsigned char bytes[16] = {0}, data[4] = {3, 1, 4, 1};
    const unsigned char *labels;
    uint32_t count;
    size_t length = idx_make(bytes, (uint32_t[]){0x801, 4}, 2, data, 4);
    assert_int_equal(data_parse_idx_labels(bytes, length, "file", &count, &labels, &err), 0);
    assert_int_equal(count, 4);
    assert_memory_equal(labels, data, 4);

    static const struct {
        size_t length;
        uint32_t magic, count;
        const char *fragment;
    } bad[] = {
        {0, 0x801, 4, "too short"},
        {7, 0x801, 4, "too short"},
        {11, 0x801, 4, "truncated, 11 bytes of the 12"},
        {13, 0x801, 4, "1 bytes after"},
        {12, 0x803, 4, "0x00000801 expected"},
        {8, 0x801, 0, "holds no labels"},
        {12, 0x801, UINT32_MAX, "truncated"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        idx_make(bytes, (uint32_t[]){bad[i].magic, bad[i].count}, 2, data, 4);
        assert_int_equal(data_parse_idx_labels(bytes, bad[i].length, "file", &count, &labels, &err),
                         -1);
        assert_non_null(strstr(err.text, bad[i].fragment));
    }
}

static void test_parse_cifar10(void **state)
{
    (void)state;
    static unsigned char bytes[3 * RECORD];
    uint32_t records;
    bytes[RECORD] = 9;
    assert_int_equal(data_parse_cifar10(bytes, sizeof bytes, "file", &records, &err), 0);
    assert_int_equal(records, 3);
    assert_int_equal(data_parse_cifar10(bytes, 0, "file", &records, &err), -1);
    assert_string_equal(err.text, "file: empty, records of 3073 bytes expected");
    assert_int_equal(data_parse_cifar10(bytes, RECORD + 1, "file", &records, &err), -1);
    assert_string_equal(err.text, "file: 3074 bytes, not a whole number of 3073-byte records");
    bytes[RECORD] = 10;
    assert_int_equal(data_parse_cifar10(bytes, sizeof bytes, "file", &records, &err), -1);
    assert_string_equal(err.text, "file: record 2 of 3 has label 10, 0 to 9 expected");
}

static void gzip_refused(const void *bytes, size_t length, size_t limit, const char *fragment)
{
    unsigned char *out;
    size_t out_length;
    unsigned char *copy = mem_alloc(length);
    memcpy(copy, bytes, length);
    assert_int_equal(data_gunzip(copy, length, "file", limit, &out, &out_length, &err), -1);
    mem_free(copy);
    assert_null(out);
    if (!strstr(err.text, fragment))
        fail_msg("\"%s\" has no \"%s\"", err.text, fragment);
}

static void test_gunzip(void **state)
{
    (void)state;
    static unsigned char zeros[60000];
    unsigned char *out;
    size_t length;
    test_pack("hello", 5);
    assert_int_equal(data_gunzip((unsigned char *)test_packed.bytes, test_packed.length, "file", 5,
                                 &out, &length, &err),
                     0);
    assert_int_equal(length, 5);
    assert_memory_equal(out, "hello", 5);
    mem_free(out);
    gzip_refused(test_packed.bytes, test_packed.length, 4, "more than the 4 bytes");
    gzip_refused(test_packed.bytes, test_packed.length, 0, "more than the 0 bytes");
    for (size_t i = 0; i < test_packed.length; i++)
        gzip_refused(test_packed.bytes, i, 100, "truncated");
    text_append(&test_packed, "x", 1);
    gzip_refused(test_packed.bytes, test_packed.length, 100,
                 "1 bytes after the end of the gzip stream");

    /* The last eight bytes are CRC and length. */
    for (size_t back = 1; back <= 8; back++) {
        test_pack("hello", 5);
        test_packed.bytes[test_packed.length - back] ^= 1;
        gzip_refused(test_packed.bytes, test_packed.length, 100, "damaged gzip stream");
    }
    gzip_refused("\x1f\x8bnonsense...", 12, 100, "damaged");

    test_pack("", 0);
    assert_int_equal(data_gunzip((unsigned char *)test_packed.bytes, test_packed.length, "file", 0,
                                 &out, &length, &err),
                     0);
    assert_int_equal(length, 0);
    mem_free(out);
    /* Far more than it is packed: the buffer grows on the way. */
    test_pack(zeros, sizeof zeros);
    static unsigned char many[1 << 16];
    size_t packed = test_packed.length;
    memcpy(many, test_packed.bytes, packed);
    assert_int_equal(data_gunzip(many, packed, "file", SIZE_MAX - 1, &out, &length, &err), 0);
    assert_int_equal(length, sizeof zeros);
    assert_memory_equal(out, zeros, sizeof zeros);
    mem_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_idx_images),
        cmocka_unit_test(test_parse_idx_labels),
        cmocka_unit_test(test_parse_cifar10),
        cmocka_unit_test(test_gunzip),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
