/*
 * The compiled copies of rng_normal_fill, for the tests that compare them.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "kdt/base.h"

struct rng_fill {
    const char *name;
    void (*fill)(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                 size_t first, float *out, size_t n);
};
/* Copy i of those that this processor runs, the plain one first and the widest
 * last; NULL after the end. */
const struct rng_fill *rng_fill_copy(size_t i);

#endif
