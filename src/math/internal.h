/*
 * math: kernels compiled once for every vector width, and generated products.
 *
 * A kernel is written as an inlined NAME_body; MATH_KERNEL makes the public
 * function out of it, with a copy for each width that the processor may have.
 * Nothing is contracted or reordered, so all copies give the same bits.
 */
#ifndef KDT_MATH_INTERNAL_H
#define KDT_MATH_INTERNAL_H

#include "kdt/math.h"

#define MATH_BODY static inline __attribute__((always_inline))

/* The copy in use: plain until math_init has looked at the processor. */
enum math_width { MATH_WIDTH_PLAIN, MATH_WIDTH_AVX2, MATH_WIDTH_AVX512 };
extern enum math_width math_width;
enum math_width math_width_widest(void); /* of this processor */

#ifdef __x86_64__
#define MATH_KERNEL(type, name, parameters, arguments)                                             \
    static type name##_plain parameters                                                            \
    {                                                                                              \
        return name##_body arguments;                                                              \
    }                                                                                              \
    __attribute__((target("avx2"))) static type name##_avx2 parameters                             \
    {                                                                                              \
        return name##_body arguments;                                                              \
    }                                                                                              \
    __attribute__((                                                                                \
        target("avx512f,avx512dq,avx512bw,avx512vl"))) static type name##_avx512 parameters        \
    {                                                                                              \
        return name##_body arguments;                                                              \
    }                                                                                              \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*const copies[]) parameters = {name##_plain, name##_avx2, name##_avx512};      \
        return copies[math_width] arguments;                                                       \
    }
#else
#define MATH_KERNEL(type, name, parameters, arguments)                                             \
    type name parameters                                                                           \
    {                                                                                              \
        return name##_body arguments;                                                              \
    }
#endif

/* xsmm.c: products of float32 by kernels generated for their shape. */
extern bool xsmm_enabled; /* set by xsmm_init; the tests switch it off */
void xsmm_init(void);     /* once */
/* "libxsmm 1.17 cpx", or "" where there is none. */
const char *xsmm_name(void);
/* C = A B, or C += A B, as math_gemm; false where there is no such kernel. */
bool xsmm_gemm(bool transpose_a, int m, int n, int k, const float *a, int lda, const float *b,
               int ldb, bool add, float *c, int ldc);
/* Whether n columns, a multiple of 8, are as fast as their number promises
 * without being a multiple of 16. */
bool xsmm_has_halves(int n);

#endif
