/*
 * The constants of Philox4x32-10, for normal.c, and what tests of normal numbers
 * compare: a single pair, and the copies of the code for whole groups.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "kdt/base.h"

enum { RNG_ROUNDS = 10 };
#define RNG_MULTIPLIER_0 UINT32_C(0xd2511f53)
#define RNG_MULTIPLIER_1 UINT32_C(0xcd9e8d57)
#define RNG_WEYL_0 UINT32_C(0x9e3779b9)
#define RNG_WEYL_1 UINT32_C(0xbb67ae85)

/* Adds the two numbers that a word makes to these. */
void rng_normal_add_pair(uint32_t word, float deviation, float *first, float *second);

struct rng_normal_copy {
    const char *name;
    /* From place `at` of each row on, `groups` times 64 numbers, those of blocks
     * `block` to `block + 7` first. */
    void (*draw)(const struct rng_normal *normal, const struct rng_means *means, size_t at,
                 const uint32_t *sample, int rows, uint32_t block, size_t groups, float *x,
                 size_t stride);
};
/* Copy i of those that this processor runs, the plain one first and the widest
 * last; NULL after the end. */
const struct rng_normal_copy *rng_normal_copy(size_t i);

#endif
