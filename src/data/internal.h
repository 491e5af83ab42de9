/*
 * Inside data: what a reader fills, and the steps of data_open.
 *
 * A reader keeps the bytes of its files as they are and lists where each image
 * starts, so the pixels are in memory once; the three splits are stretches of
 * these lists.
 */
#ifndef DATA_INTERNAL_H
#define DATA_INTERNAL_H

#include "kdt/data.h"
#include "kdt/math.h"

enum { CLASS_NAME_SIZE = 32, MAX_FILES = 6, MAX_PIXELS = 1 << 20 };

/* Larger files are none that this program could train on. */
#define FILE_LIMIT ((size_t)UINT32_MAX)

/* Where images start, and their labels. */
struct rows {
    const unsigned char **pixels;
    uint8_t *labels;
    size_t count;
};

/* What takes long is done by all processors, in so many pieces. */
enum { PIECES = 64 };

struct dataset {
    struct team *team; /* while it is opened */
    struct data_info info;
    char class_name[DATA_MAX_CLASSES][CLASS_NAME_SIZE];
    struct data_transform transform;

    /* Filled by a reader: the bytes that `pixels` point into, the images in
     * file order, and which training images validation is the end of. */
    unsigned char *files[MAX_FILES];
    struct rows training, test;
    size_t validation_first, validation_last; /* the last one is not included */
    char validation_file[CLASS_NAME_SIZE];

    struct rows split[DATA_SPLITS]; /* parts of training and test */
    struct data_sums *sums;         /* of each image of DATA_TRAIN */
    bool plain_planes;              /* the transform is the same within a channel */
};

/* find.c: the kind and folder that the options mean, and why. */
struct place {
    enum data_kind kind;
    char folder[sizeof((struct data_info *)0)->path];
    char why[sizeof((struct data_info *)0)->why];
};
int data_find(const struct data_options *options, struct place *out, struct err *err);
const char *data_kind_name(enum data_kind kind); /* "fashion-mnist" */

/* The names of the files of a dataset. */
enum { CIFAR10_FILES = 6, CIFAR10_TEST = 5, IDX_FILES = 4, NPY_FILES = 4 };
extern const char *const cifar10_file[CIFAR10_FILES];
extern const char *const idx_file[IDX_FILES]; /* without ".gz" */
extern const char *const npy_file[NPY_FILES];

/* Readers. */
int cifar10_read(struct dataset *dataset, const struct data_options *options, const char *folder,
                 struct err *err);
int idx_read(struct dataset *dataset, enum data_kind kind, const char *folder, struct err *err);
int npy_read(struct dataset *dataset, const char *folder, struct err *err);
int synthetic_make(struct dataset *dataset, uint64_t seed, struct err *err);

int rows_init(struct rows *rows, size_t count, struct err *err);
/* Where piece i of `count` things begins; it ends where the next one begins. */
size_t piece_first(size_t count, int i);
void dataset_name_class(struct dataset *dataset, int class, const char *name);
int dataset_highest_label(const struct dataset *dataset);
/* As many classes as the highest label tells, named by their numbers. */
int dataset_number_classes(struct dataset *dataset, const char *folder, struct err *err);

/* gzip.c */
bool gzip_is(const unsigned char *bytes, size_t length);
/* The first bytes of what is packed; returns how many of `size` there are. */
size_t gzip_head(const unsigned char *bytes, size_t length, unsigned char *out, size_t size);

/* transform.c: the transform and the sums, from the training images used. */
int transform_compute(struct dataset *dataset, enum data_mean mean, enum data_scale scale,
                      struct err *err);
uint64_t pixels_sum(const unsigned char *pixels, size_t count);
/* Of an image with these pixels. */
struct data_sums transform_sums(const struct dataset *dataset, const unsigned char *pixels);

#endif
