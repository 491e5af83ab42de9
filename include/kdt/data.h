/*
 * data: datasets as immutable arrays; batches, shuffling and augmentation as
 * pure functions of (seed, epoch, sample). Nothing changes after data_open, so
 * any number of threads and runs may read one dataset.
 */
#ifndef KDT_DATA_H
#define KDT_DATA_H

#include "kdt/base.h"

enum data_kind {
    DATA_AUTO,
    DATA_CIFAR10,
    DATA_FASHION_MNIST,
    DATA_MNIST,
    DATA_IDX,
    DATA_NPY,
    DATA_SYNTHETIC,
};
enum data_mean { DATA_MEAN_GLOBAL, DATA_MEAN_CHANNEL, DATA_MEAN_PIXEL, DATA_MEAN_NONE };
enum data_scale { DATA_SCALE_UNIT, DATA_SCALE_STD };
enum data_split { DATA_TRAIN, DATA_VALIDATION, DATA_TEST };
enum { DATA_SPLITS = 3, DATA_MAX_CLASSES = 256 };

struct data_options {
    enum data_kind kind;
    const char *path;    /* a folder; "" for the usual places */
    uint64_t train_size; /* 0: all that validation leaves */
    uint64_t validation_size;
    int validation_from; /* cifar10: batch 1 … 5 whose last images validate */
    enum data_mean mean;
    enum data_scale scale;
    uint64_t seed; /* of the synthetic problem */
};

/* What a dataset is; lives as long as the dataset. */
struct data_info {
    enum data_kind kind; /* never DATA_AUTO */
    char name[32];       /* "cifar10" */
    char why[256];       /* which was taken and why, for the person: one line */
    char path[1024];     /* the folder, "" for synthetic */
    int channels, height, width, classes;
    int inputs; /* channels * height * width, channel planes one after another */
    uint64_t count[DATA_SPLITS];
    const char *class_name[DATA_MAX_CLASSES]; /* "airplane", or "0" … */
    uint32_t digest;                          /* CRC-32 of all bytes and labels used */
};

struct dataset;
int data_open(const struct data_options *options, struct dataset **out, struct err *err);
void data_close(struct dataset *dataset); /* NULL is fine */
const struct data_info *data_info(const struct dataset *dataset);

/* Preprocessing: fed = pixel * factor[i] - offset[i], of the training images
 * used. [inputs] floats each; kept in checkpoints so that eval can use them. */
struct data_transform {
    float *factor, *offset;
    int inputs;
};
const struct data_transform *data_transform(const struct dataset *dataset);

/* The permutation of epoch `epoch`: out[0 … n-1] holds each of 0 … n-1 once.
 * Fisher-Yates with the stream `shuffle`. */
void data_permute(uint64_t seed, uint32_t epoch, uint32_t n, uint32_t *out);

/* Which images of a split: index[0 … count-1], or first, first+1, … where index
 * is NULL. */
struct data_choice {
    enum data_split split;
    const uint32_t *index;
    uint64_t first;
    int count;
    const uint8_t *made; /* in place of their own pixels: [count][inputs]; NULL: none */
};
/* A part of rows: inputs begin … begin+inputs-1, in x from x[0] on, the rows
 * `stride` apart. */
struct data_part {
    int begin, inputs, stride;
};
/* sigma * N(0, 1), keyed by (seed, stream noise, epoch, image), so a row's noise
 * depends neither on its place in the batch nor on the part. */
struct data_noise {
    uint64_t seed;
    uint32_t epoch;
    double sigma;
};
/* Rows for the net with the given transform (NULL: the dataset's own), and with
 * noise (NULL: none). */
void data_gather(const struct dataset *dataset, const struct data_choice *choice,
                 const struct data_transform *transform, const struct data_noise *noise,
                 const struct data_part *part, float *x);
/* The same rows and inputs are gathered soon: brings the pixels near. */
void data_expect(const struct dataset *dataset, const struct data_choice *choice, int begin,
                 int inputs);
/* Copies the bytes of an image as they were read, info->inputs of them. */
void data_pixels(const struct dataset *dataset, enum data_split split, uint64_t image,
                 uint8_t *out);
void data_labels(const struct dataset *dataset, const struct data_choice *choice, uint8_t *labels);

/* What is done to training images before they are fed. Each is mirrored left to
 * right or not, and moved by up to `shift` pixels in both directions, where its
 * edge is repeated. Then its pixels p, of the mean m, become m + c (p - m) + 255 b,
 * rounded and within 0 … 255, where c is uniform in 1 - contrast … 1 + contrast and
 * b in -brightness … brightness. Keyed by (seed, stream augment, epoch, image). */
struct data_augment {
    uint64_t seed;
    uint32_t epoch;
    bool flip;
    int shift;
    double brightness, contrast; /* 0 … 1 */
};
/* Of the numbers of an image as they are fed to the net. */
struct data_sums {
    double sum, square_sum;
};
/* Makes the training images index[0 … count-1]: pixels [count][inputs], and where
 * sums is not NULL what data_batch_std wants to know of them, [count]. */
void data_augment(const struct dataset *dataset, const struct data_augment *augment,
                  const uint32_t *index, int count, uint8_t *pixels, struct data_sums *sums);

/* Population standard deviation of a training mini-batch as it is fed to the net
 * without noise, from each image's sums: those kept beside the data, or of
 * images that were made anew `made` [count]. */
double data_batch_std(const struct dataset *dataset, const uint32_t *index, int count,
                      const struct data_sums *made);

/* Readers of outside bytes, parsed from memory; also the fuzz targets. `name`
 * is used in error texts. */
struct data_images {
    uint32_t count, channels, height, width;
    const unsigned char *pixels; /* into the caller's bytes */
};
int data_parse_idx_images(const unsigned char *bytes, size_t length, const char *name,
                          struct data_images *out, struct err *err);
int data_parse_idx_labels(const unsigned char *bytes, size_t length, const char *name,
                          uint32_t *count, const unsigned char **labels, struct err *err);
/* NPY, as NumPy saves arrays: bytes [N][D], [N][H][W], [N][H][W][C] (channels_last) or
 * [N][C][H][W]. Copies nothing. */
int data_parse_npy_images(const unsigned char *bytes, size_t length, const char *name,
                          struct data_images *out, bool *channels_last, struct err *err);
/* Whole numbers from 0 to 255, [N] or [N][1]. The caller frees *labels with mem_free. */
int data_parse_npy_labels(const unsigned char *bytes, size_t length, const char *name,
                          uint32_t *count, uint8_t **labels, struct err *err);
/* CIFAR-10: records of a label byte and 3,072 pixels. Copies nothing. */
int data_parse_cifar10(const unsigned char *bytes, size_t length, const char *name,
                       uint32_t *records, struct err *err);
/* gzip to memory, at most `limit` bytes. The caller frees *out with mem_free. */
int data_gunzip(const unsigned char *bytes, size_t length, const char *name, size_t limit,
                unsigned char **out, size_t *out_length, struct err *err);

#endif
