/*
 * Small datasets for tests of data, written below a folder of the test's own.
 */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include "kdt/data.h"

enum { RECORD = 3073, PIXELS = 3072 };

extern struct err err;
extern struct text test_packed;

/* The path of a name in the test's folder; good until the next but one call. */
char *test_path(const char *name);
/* Writes a file, and the folders above it. */
void test_file_put(const char *name, const void *bytes, size_t length);
/* Packs with gzip into test_packed. */
void test_pack(const void *bytes, size_t length);
void idx_word_put(unsigned char *out, uint32_t word);
/* An IDX file in memory: a head of `words` words, then data. Returns its length. */
size_t idx_make(unsigned char *out, const uint32_t *head, int words, const unsigned char *data,
                size_t length);
/* Writes such a file, as FOLDER/FILE or packed as FOLDER/FILE.gz. */
void idx_put(const char *folder, const char *file, bool packed, const uint32_t *head, int words,
             const unsigned char *data, size_t length);
/* Pixel p of training image i is 10 i + p, of test image i 200 + i; the label is
 * i % 3. Five training images of 2x3 and two test images. */
void idx_folder_put(const char *folder, bool packed);
/* Batch b (0 … 5; 5 is the test's) has b + 1 records. Record r of batch b has label
 * (b + r) % 10; its pixels are 10 b + r, plus 100 in green, 200 - b in blue. */
void cifar10_folder_put(const char *folder);
struct data_options test_options(enum data_kind kind, const char *path);
struct dataset *test_opened(const struct data_options *options);
/* data_open fails with this code and a text that holds the fragment. */
void test_refused(const struct data_options *options, enum err_code code, const char *fragment);
/* Whole rows one behind the other, and their labels. */
void test_gather(const struct dataset *dataset, enum data_split split, const uint32_t *index,
                 uint64_t first, int count, const struct data_transform *transform, float *x,
                 uint8_t *labels);
/* Of the group of tests. */
int test_folder_make(void **state);
int test_folder_remove(void **state);

#endif
