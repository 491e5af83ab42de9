/*
 * Products by kernels that libxsmm generates at run time: the only door to
 * libxsmm.h. A kernel is made at a shape's first product and found again after
 * that, so a shape's products are the same bits whoever asks for them first.
 *
 * libxsmm is column-major: it sees each of our matrices transposed, and so
 * computes C^T = B^T A^T.
 */
#include "internal.h"

bool xsmm_enabled;

#if defined(KDT_XSMM) && !defined(KDT_REAL_DOUBLE)
#include <libxsmm.h>
#include <pthread.h>
#include <stdio.h>

static int widest;         /* architecture that libxsmm has found */
static bool double_pumped; /* a 512-bit vector takes as long as two of 256 bits */
static char name[64];
/* The architecture is global to the library. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Multiples of 8, not 16, for which the kernels with vectors of eight are fast. */
bool xsmm_has_halves(int n)
{
    return xsmm_enabled && double_pumped && (n == 24 || n == 56);
}

static libxsmm_smmfunction find_kernel(bool transpose_a, int m, int n, int k, int lda, int ldb,
                                       bool add, int ldc)
{
    const int flags = transpose_a ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const int prefetch = LIBXSMM_PREFETCH_NONE;
    const float alpha = 1, beta = add ? 1 : 0;
    const bool halves = xsmm_has_halves(n);

    pthread_mutex_lock(&lock);
    if (halves)
        libxsmm_set_target_archid(LIBXSMM_X86_AVX2);
    libxsmm_smmfunction kernel =
        libxsmm_smmdispatch(n, m, k, &ldb, &lda, &ldc, &alpha, &beta, &flags, &prefetch);
    if (halves)
        libxsmm_set_target_archid(widest);
    pthread_mutex_unlock(&lock);
    return kernel;
}

void xsmm_init(void)
{
    libxsmm_init();
    widest = libxsmm_get_target_archid();
#ifdef __x86_64__
    __builtin_cpu_init();
    double_pumped = widest >= LIBXSMM_X86_AVX512 && __builtin_cpu_is("amdfam19h");
#endif
    /* Older processors are OpenBLAS's; some systems forbid generated code. */
    xsmm_enabled = widest >= LIBXSMM_X86_AVX2 && find_kernel(false, 16, 16, 16, 16, 16, false, 16);
    if (xsmm_enabled)
        snprintf(name, sizeof name, "libxsmm %s %s", LIBXSMM_VERSION, libxsmm_get_target_arch());
}

const char *xsmm_name(void)
{
    return name;
}

bool xsmm_gemm(bool transpose_a, int m, int n, int k, const float *a, int lda, const float *b,
               int ldb, bool add, float *c, int ldc)
{
    if (!xsmm_enabled)
        return false;
    const libxsmm_smmfunction kernel = find_kernel(transpose_a, m, n, k, lda, ldb, add, ldc);
    if (kernel)
        kernel(b, a, c);
    return kernel;
}

#else

void xsmm_init(void)
{
}

const char *xsmm_name(void)
{
    return "";
}

bool xsmm_gemm(bool transpose_a, int m, int n, int k, const float *a, int lda, const float *b,
               int ldb, bool add, float *c, int ldc)
{
    (void)transpose_a, (void)m, (void)n, (void)k, (void)a, (void)lda, (void)b, (void)ldb;
    (void)add, (void)c, (void)ldc;
    return false;
}

bool xsmm_has_halves(int n)
{
    (void)n;
    return false;
}

#endif
