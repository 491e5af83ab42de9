/*
 * How wide the processor's vectors are.
 */
#include "internal.h"

enum math_width math_width = MATH_WIDTH_PLAIN;

enum math_width math_width_widest(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return MATH_WIDTH_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return MATH_WIDTH_AVX2;
#endif
    return MATH_WIDTH_PLAIN;
}

bool math_has_fma(void)
{
#ifdef __x86_64__
    return math_width_widest() != MATH_WIDTH_PLAIN;
#else
    return true;
#endif
}
