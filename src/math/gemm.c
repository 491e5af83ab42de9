/*
 * Matrix products: by generated kernels where there are, by OpenBLAS otherwise.
 * The only door to cblas.h.
 */
#include "internal.h"

#include <assert.h>
#include <cblas.h>
#include <stdio.h>
#include <string.h>

#ifdef KDT_REAL_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

static char library[192];

void math_init(void)
{
    /* The team divides the work; a product that starts threads of its own
     * would be slower and would round differently with their number. */
    openblas_set_num_threads(1);

    /* The configuration reads "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …". */
    char name[32] = "OpenBLAS", version[32] = "unknown";
    sscanf(openblas_get_config(), "%31s %31s", name, version);
    xsmm_init();
    snprintf(library, sizeof library, "%s %s %s%s%s", name, version, openblas_get_corename(),
             xsmm_enabled ? ", " : "", xsmm_name());
    math_width = math_width_widest();
}

const char *math_library(void)
{
    assert(library[0] != '\0');
    return library;
}

static CBLAS_TRANSPOSE blas_transpose(enum math_transpose transpose)
{
    return transpose == MATH_TRANSPOSED ? CblasTrans : CblasNoTrans;
}

int math_gemm_width(int n)
{
    return (n + 15) / 16 * 16;
}

void math_gemm(enum math_transpose transpose_a, enum math_transpose transpose_b, int m, int n,
               int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta,
               real *c, int ldc)
{
#ifndef KDT_REAL_DOUBLE
    if (transpose_b == MATH_PLAIN && alpha == 1 && (beta == 0 || beta == 1) &&
        xsmm_gemm(transpose_a == MATH_TRANSPOSED, m, n, k, a, lda, b, ldb, beta == 1, c, ldc))
        return;
#endif
    GEMM(CblasRowMajor, blas_transpose(transpose_a), blas_transpose(transpose_b), m, n, k, alpha, a,
         lda, b, ldb, beta, c, ldc);
}
