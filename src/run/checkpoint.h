/*
 * Inside of the room run: complete states, in memory and as files.
 */
#ifndef KDT_RUN_CHECKPOINT_H
#define KDT_RUN_CHECKPOINT_H

#include <pthread.h>

#include "metrics.h"

/* ---- safetensors.c: the container ---- */

struct safetensors_tensor {
    char *name;
    int dimensions;
    int64_t size[2];
    const unsigned char *bytes; /* little-endian float32, not aligned */
    size_t count;               /* of numbers */
};
struct safetensors;
/* Takes the bytes over, also where it fails. */
int safetensors_read(unsigned char *bytes, size_t length, const char *name,
                     struct safetensors **out, struct err *err);
void safetensors_free(struct safetensors *file);
const char *safetensors_name(const struct safetensors *file);
size_t safetensors_count(const struct safetensors *file);
const char *safetensors_metadata(const struct safetensors *file, const char *key); /* or NULL */
/* In the order of their data. */
const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t i);
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);
uint32_t safetensors_checksum(const struct safetensors *file); /* CRC-32 of all tensor bytes */

struct safetensors_pair {
    const char *key;
    char *value;
};
struct safetensors_shape {
    const char *name;
    int dimensions, size[2];
};
/* The bytes before the tensors' own, which follow without gaps in this order. */
void safetensors_header(const struct safetensors_pair *metadata, size_t pairs,
                        const struct safetensors_shape *shapes, size_t tensors, struct text *out);

/* ---- image.c: complete states in memory ---- */

/* The net's tensors and the length of all of them; immutable. */
struct layout {
    int count;
    struct net_tensor *tensors;
    size_t numbers;
};
/* The numbers of a net's tensors; immutable until the last holder releases it. */
struct copy {
    float *values; /* [layout.numbers] */
    int holders;   /* under copies.lock */
    struct copy *next;
};
struct copies {
    struct layout layout; /* immutable */
    pthread_mutex_t lock;
    /* Under lock. */
    struct copy *spare;
    int spare_count;
};
int copies_init(struct copies *copies, const struct net *net, struct err *err);
void copies_fini(struct copies *copies);
/* Gets memory for one more where there is little in advance; any thread. */
void copies_prepare(struct copies *copies);
/* A copy of the net's numbers, held once. */
struct copy *copies_take(struct copies *copies, const struct net *net, struct err *err);
struct copy *copies_hold(struct copies *copies, struct copy *copy); /* NULL is fine */
void copies_release(struct copies *copies, struct copy *copy);      /* NULL is fine */

/* A state. about.factor and .offset are the dataset's, about.tensors NULL. */
struct image {
    struct checkpoint about;
    struct copy *copy; /* NULL: none */
};
void image_restore(const struct image *image, const struct copies *copies, struct net *net);
/* From a file that is checked against the layout before anything is kept of it;
 * without the data's transform. Holds a copy once. */
int image_load(struct image *out, struct copies *copies, const char *path, struct err *err);

/* ---- checkpoint.c ---- */

size_t net_tensor_numbers(const struct net_tensor *tensor);
int image_write(const struct image *image, const struct layout *layout, const char *path,
                struct err *err);
/* Copies the tensor's numbers, or says why it does not fit. */
int checkpoint_tensor(const struct checkpoint *checkpoint, const struct net_tensor *wanted,
                      float *out, struct err *err);
/* That the file holds so many tensors of a net. */
int checkpoint_check_count(const struct checkpoint *checkpoint, int tensors, struct err *err);

#endif
