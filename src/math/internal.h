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

#include <math.h>

#define MATH_BODY static inline __attribute__((always_inline))

/* Sixteen numbers, added and multiplied lane by lane, where a compiler's own
 * vectors do not stay in registers. */
enum { MATH_LANES = 16 };
typedef real math_lanes
    __attribute__((vector_size(MATH_LANES * sizeof(real)), aligned(sizeof(real)), may_alias));
#define MATH_LANES_AT(x) (*(const math_lanes *)(x))

/* The copy in use: plain until math_init has looked at the processor. */
enum math_width { MATH_WIDTH_PLAIN, MATH_WIDTH_AVX2, MATH_WIDTH_AVX512 };
extern enum math_width math_width;
enum math_width math_width_widest(void); /* of this processor */
bool math_has_fma(void);                 /* whether a fused multiply-add is one instruction */

#ifdef __x86_64__
#define MATH_KERNEL(type, name, parameters, arguments)                                             \
    static type name##_plain parameters                                                            \
    {                                                                                              \
        return name##_body arguments;                                                              \
    }                                                                                              \
    __attribute__((target("avx2,fma"))) static type name##_avx2 parameters                         \
    {                                                                                              \
        return name##_body arguments;                                                              \
    }                                                                                              \
    __attribute__((                                                                                \
        target("fma,avx512f,avx512dq,avx512bw,avx512vl"))) static type name##_avx512 parameters    \
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

/* e^x for x <= 0, within 2 units in the last place down to e^-87, which is the
 * least: after S. Moshier's Cephes library, and such that compilers make vector
 * code of it. NaN stays NaN. */
MATH_BODY real math_exp(real x)
{
#ifdef KDT_REAL_DOUBLE
    return exp(x);
#else
    static const float coefficients[] = {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                         4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};
    /* The sum's low bits are x / ln 2, rounded to an integer. */
    const float shift = 0x1.8p23F;
    union {
        float number;
        uint32_t bits;
    } shifted, power;
    float polynomial = coefficients[0];

    x = x < -87 ? -87 : x;
    shifted.number = x * 1.44269504F + shift;
    const float n = shifted.number - shift;
    const float rest = x - n * 0.693359375F - n * -2.12194440e-4F;
    for (int i = 1; i < 6; i++)
        polynomial = polynomial * rest + coefficients[i];
    power.bits = (shifted.bits << 23) + 0x3f800000U;
    return (polynomial * rest * rest + rest + 1) * power.number;
#endif
}

/* xsmm.c: products of float32 by kernels generated for their shape. */
extern bool xsmm_enabled; /* set by xsmm_init; the tests switch it off */
void xsmm_init(void);     /* once */
/* "libxsmm 1.17 cpx", or "" where there is none. */
const char *xsmm_name(void);
/* C = A B, or C += A B, as math_gemm; false where there is no such kernel. */
bool xsmm_gemm(bool transpose_a, int m, int n, int k, const float *a, int lda, const float *b,
               int ldb, bool add, float *c, int ldc);

#endif
