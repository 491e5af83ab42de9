/*
 * Products by kernels that libxsmm generates at run time: the only door to
 * libxsmm.h. A kernel is made at a shape's first product and found again after
 * that.
 *
 * libxsmm is column-major: it sees each of our matrices transposed, and so
 * computes C^T = B^T A^T.
 */
#include "internal.h"

bool xsmm_enabled;

#if defined(KDT_XSMM) && !defined(KDT_REAL_DOUBLE)
#include <libxsmm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* Kernels that were asked for, found again without a lock: an entry's shape is
 * written before its kernel, and neither changes after that. */
struct shape {
    int m, n, k, lda, ldb, ldc;
    bool transpose_a, add;
};
struct entry {
    struct shape shape;
    _Atomic(libxsmm_smmfunction) kernel;
};
enum { ENTRIES = 4096, MOST_PROBES = 32 };
static struct entry entries[ENTRIES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* to add an entry */
static char name[64];

static bool shape_equal(const struct shape *a, const struct shape *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->lda == b->lda && a->ldb == b->ldb &&
           a->ldc == b->ldc && a->transpose_a == b->transpose_a && a->add == b->add;
}

static uint32_t shape_hash(const struct shape *shape)
{
    const uint64_t sizes = (uint64_t)shape->m << 40 ^ (uint64_t)shape->n << 20 ^ (uint64_t)shape->k;
    const uint64_t rows =
        (uint64_t)shape->lda << 40 ^ (uint64_t)shape->ldb << 20 ^ (uint64_t)shape->ldc;
    const uint64_t kind = (uint64_t)(2 * shape->transpose_a + shape->add) << 62;

    return (uint32_t)((((sizes ^ kind) * 0x9e3779b97f4a7c15U ^ rows) * 0xd6e8feb86659fd93U) >> 40);
}

static libxsmm_smmfunction make_kernel(const struct shape *shape)
{
    const int flags = shape->transpose_a ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    const int prefetch = LIBXSMM_PREFETCH_NONE;
    const float alpha = 1, beta = shape->add ? 1 : 0;

    return libxsmm_smmdispatch(shape->n, shape->m, shape->k, &shape->ldb, &shape->lda, &shape->ldc,
                               &alpha, &beta, &flags, &prefetch);
}

/* NULL where a crowded table or libxsmm has no place for it. */
static libxsmm_smmfunction find_kernel(const struct shape *shape)
{
    const uint32_t home = shape_hash(shape);
    libxsmm_smmfunction kernel = NULL;

    for (uint32_t i = 0; i < MOST_PROBES; i++) {
        struct entry *entry = &entries[(home + i) % ENTRIES];
        kernel = atomic_load_explicit(&entry->kernel, memory_order_acquire);
        if (kernel == NULL)
            break;
        if (shape_equal(&entry->shape, shape))
            return kernel;
    }
    pthread_mutex_lock(&lock);
    kernel = make_kernel(shape);
    for (uint32_t i = 0; kernel != NULL && i < MOST_PROBES; i++) {
        struct entry *entry = &entries[(home + i) % ENTRIES];
        if (atomic_load_explicit(&entry->kernel, memory_order_relaxed) != NULL)
            continue;
        entry->shape = *shape;
        atomic_store_explicit(&entry->kernel, kernel, memory_order_release);
        break;
    }
    pthread_mutex_unlock(&lock);
    return kernel;
}

void xsmm_init(void)
{
    libxsmm_init();
    const struct shape probe = {.m = 16, .n = 16, .k = 16, .lda = 16, .ldb = 16, .ldc = 16};

    /* Older processors are OpenBLAS's; some systems forbid generated code. */
    xsmm_enabled = libxsmm_get_target_archid() >= LIBXSMM_X86_AVX2 && find_kernel(&probe);
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
    const struct shape shape = {.m = m,
                                .n = n,
                                .k = k,
                                .lda = lda,
                                .ldb = ldb,
                                .ldc = ldc,
                                .transpose_a = transpose_a,
                                .add = add};
    const libxsmm_smmfunction kernel = find_kernel(&shape);
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

#endif
