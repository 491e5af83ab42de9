/*
 * What every computing thread sets up for itself.
 */
#include "kdt/math.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* Denormals cost a hundred times a normal number in some units, and weights
 * that decay to nothing are made of them. */
void math_thread_init(void)
{
#if defined(__SSE2__)
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
#elif defined(__aarch64__)
    uint64_t control;
    const uint64_t flush_to_zero = UINT64_C(1) << 24;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | flush_to_zero));
#endif
}
