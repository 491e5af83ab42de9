/*
 * Matrix products: the only door to cblas.h.
 */
#include "kdt/math.h"

#include <assert.h>
#include <cblas.h>
#include <stdio.h>
#include <string.h>

#ifdef KDT_REAL_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

static char library[128];

void math_init(void)
{
    /* The team divides the work; a product that starts threads of its own
     * would be slower and would round differently with their number. */
    openblas_set_num_threads(1);

    /* The configuration reads "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …". */
    char name[32] = "OpenBLAS", version[32] = "unknown";
    sscanf(openblas_get_config(), "%31s %31s", name, version);
    snprintf(library, sizeof library, "%s %s %s", name, version, openblas_get_corename());
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

void math_gemm(enum math_transpose transpose_a, enum math_transpose transpose_b, int m, int n,
               int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta,
               real *c, int ldc)
{
    GEMM(CblasRowMajor, blas_transpose(transpose_a), blas_transpose(transpose_b), m, n, k, alpha, a,
         lda, b, ldb, beta, c, ldc);
}
