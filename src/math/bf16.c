/*
 * Products of bfloat16 numbers, summed in float32, for processors with
 * AVX512_BF16. libxsmm has such kernels, too, but wants widths of whole vectors
 * and one operand turned round.
 *
 * The instruction multiplies pairs: each lane of a sum s takes in a0 b0 + a1 b1,
 * s = fma(a0, b0, fma(a1, b1, s)), every step rounded to nearest even, denormals
 * taken for zero. A sum runs through its pairs in order, so an element of a
 * product is the same bits however rows and columns are cut, and also where one
 * call continues another's sum.
 */
#include "internal.h"

#include <assert.h>
#include <string.h>

#if defined(__x86_64__) && !defined(KDT_REAL_DOUBLE)
#include <immintrin.h>

#define BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#define BF16_INLINE BF16 static inline __attribute__((always_inline))

enum { LANES = 16, PAIR = 2 };
/* As many sums as fit into the registers and hide the instruction's latency. */
enum { MOST_ROWS = 8, MOST_VECTORS = 3, DOT_ROWS = 4, DOT_UNITS = 2 };

/* ---- rounding ---- */

/* Numbers begin … of a row of n, 0 beyond it. */
BF16_INLINE __m512 load(const float *x, int begin, int n)
{
    const int left = n - begin;

    if (left >= LANES)
        return _mm512_loadu_ps(x + begin);
    return left <= 0 ? _mm512_setzero_ps()
                     : _mm512_maskz_loadu_ps((__mmask16)((1U << left) - 1), x + begin);
}

BF16 static void bf16_rows(int rows, int columns, const float *x, int stride, uint16_t *y,
                           int y_stride)
{
    assert(y_stride % (PAIR * LANES) == 0);
    for (int r = 0; r < rows; r++, x += stride, y += y_stride)
        for (int c = 0; c < columns; c += PAIR * LANES) {
            const __m512bh both =
                _mm512_cvtne2ps_pbh(load(x, c + LANES, columns), load(x, c, columns));
            _mm512_storeu_si512(y + c, (__m512i)both);
        }
}

/* Puts the numbers of the second half of a vector behind those of the first. */
BF16_INLINE __m512i interleaved(__m512bh both)
{
    const __m512i first =
        _mm512_set_epi32(0x001f000f, 0x001e000e, 0x001d000d, 0x001c000c, 0x001b000b, 0x001a000a,
                         0x00190009, 0x00180008, 0x00170007, 0x00160006, 0x00150005, 0x00140004,
                         0x00130003, 0x00120002, 0x00110001, 0x00100000);
    return _mm512_permutexvar_epi16(first, (__m512i)both);
}

BF16 static void bf16_pairs(int rows, int columns, const float *x, int stride, uint16_t *y,
                            int y_stride)
{
    assert(y_stride % LANES == 0);
    for (int r = 0; r < rows; r += 2, x += 2 * stride, y += PAIR * y_stride) {
        const int second = r + 1 < rows ? columns : 0;
        for (int c = 0; c < columns; c += LANES) {
            const __m512bh both =
                _mm512_cvtne2ps_pbh(load(x + stride, c, second), load(x, c, columns));
            _mm512_storeu_si512(y + PAIR * c, interleaved(both));
        }
    }
}

/* ---- products ---- */

BF16_INLINE __m512bh pair_everywhere(const uint16_t *x)
{
    int32_t pair;

    memcpy(&pair, x, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

BF16_INLINE __m512bh pairs(const uint16_t *x)
{
    return (__m512bh)_mm512_loadu_si512(x);
}

/* A block of C in registers; `rows` and `vectors` are constants. The pairs of A
 * are a_row apart from row to row, a_pair from one to the next. */
BF16_INLINE void block(int rows, int vectors, int count, const uint16_t *a, size_t a_row,
                       size_t a_pair, const uint16_t *b, size_t b_pair, bool add, float *c, int ldc)
{
    __m512 sum[MOST_ROWS][MOST_VECTORS];

    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            sum[r][v] = add ? _mm512_loadu_ps(c + r * ldc + v * LANES) : _mm512_setzero_ps();
    for (int p = 0; p < count; p++, a += a_pair, b += b_pair) {
        __m512bh column[MOST_VECTORS];
        for (int v = 0; v < vectors; v++)
            column[v] = pairs(b + v * PAIR * LANES);
        for (int r = 0; r < rows; r++) {
            const __m512bh row = pair_everywhere(a + (size_t)r * a_row);
            for (int v = 0; v < vectors; v++)
                sum[r][v] = _mm512_dpbf16_ps(sum[r][v], column[v], row);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_ps(c + r * ldc + v * LANES, sum[r][v]);
}

/* Rows i … of a column of blocks, as many at a time as `rows`; how far it got. */
BF16_INLINE int blocks(int rows, int vectors, int i, int m, int count, const uint16_t *a,
                       size_t a_row, size_t a_pair, const uint16_t *b, size_t b_pair, bool add,
                       float *c, int ldc)
{
    for (; i + rows <= m; i += rows)
        block(rows, vectors, count, a + (size_t)i * a_row, a_row, a_pair, b, b_pair, add,
              c + (size_t)i * (size_t)ldc, ldc);
    return i;
}

BF16_INLINE void columns(int vectors, int m, int count, const uint16_t *a, size_t a_row,
                         size_t a_pair, const uint16_t *b, size_t b_pair, bool add, float *c,
                         int ldc)
{
    int i = 0;

    i = blocks(MOST_ROWS, vectors, i, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
    i = blocks(MOST_ROWS / 2, vectors, i, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
    i = blocks(MOST_ROWS / 4, vectors, i, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
    blocks(1, vectors, i, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
}

BF16 static void bf16_gemm(enum math_transpose transpose_a, int m, int n, int k, const uint16_t *a,
                           int lda, const uint16_t *b, int ldb, bool add, float *c, int ldc)
{
    const size_t far = (size_t)lda * (transpose_a == MATH_TRANSPOSED ? PAIR : 1);
    const size_t a_row = transpose_a == MATH_TRANSPOSED ? PAIR : far;
    const size_t a_pair = transpose_a == MATH_TRANSPOSED ? far : PAIR;
    const size_t b_pair = (size_t)ldb * PAIR;
    const int count = (k + 1) / 2;

    assert(n % LANES == 0);
    while (n > 0) {
        /* Four are two and two rather than three and one. */
        const int vectors = n == 4 * LANES             ? 2
                            : n / LANES < MOST_VECTORS ? n / LANES
                                                       : MOST_VECTORS;
        switch (vectors) {
        case 1:
            columns(1, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
            break;
        case 2:
            columns(2, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
            break;
        default:
            columns(MOST_VECTORS, m, count, a, a_row, a_pair, b, b_pair, add, c, ldc);
            break;
        }
        b += vectors * LANES * PAIR;
        c += vectors * LANES;
        n -= vectors * LANES;
    }
}

/* The sum of the lanes, added in halves. */
BF16_INLINE float lanes_sum(__m512 x)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* `rows` and `units` are constants. */
BF16_INLINE void dot_block(int rows, int units, int k, const uint16_t *a, size_t lda,
                           const uint16_t *b, size_t ldb, bool add, float *c, size_t ldc)
{
    __m512 sum[DOT_ROWS][DOT_UNITS];

    for (int r = 0; r < rows; r++)
        for (int h = 0; h < units; h++)
            sum[r][h] = _mm512_setzero_ps();
    for (int i = 0; i < k; i += PAIR * LANES) {
        __m512bh weight[DOT_UNITS];
        for (int h = 0; h < units; h++)
            weight[h] = pairs(b + (size_t)h * ldb + i);
        for (int r = 0; r < rows; r++) {
            const __m512bh row = pairs(a + (size_t)r * lda + i);
            for (int h = 0; h < units; h++)
                sum[r][h] = _mm512_dpbf16_ps(sum[r][h], row, weight[h]);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < units; h++) {
            float *to = c + (size_t)r * ldc + h;
            *to = (add ? *to : 0) + lanes_sum(sum[r][h]);
        }
}

BF16_INLINE void dot_columns(int units, int m, int k, const uint16_t *a, size_t lda,
                             const uint16_t *b, size_t ldb, bool add, float *c, size_t ldc)
{
    int i = 0;

    for (; i + DOT_ROWS <= m; i += DOT_ROWS)
        dot_block(DOT_ROWS, units, k, a + (size_t)i * lda, lda, b, ldb, add, c + (size_t)i * ldc,
                  ldc);
    for (; i < m; i++)
        dot_block(1, units, k, a + (size_t)i * lda, lda, b, ldb, add, c + (size_t)i * ldc, ldc);
}

BF16 static void bf16_dots(int m, int n, int k, const uint16_t *a, int lda, const uint16_t *b,
                           int ldb, bool add, float *c, int ldc)
{
    int h = 0;

    assert(lda % (PAIR * LANES) == 0 && ldb % (PAIR * LANES) == 0);
    for (; h + DOT_UNITS <= n; h += DOT_UNITS)
        dot_columns(DOT_UNITS, m, k, a, (size_t)lda, b + (size_t)h * (size_t)ldb, (size_t)ldb, add,
                    c + h, (size_t)ldc);
    for (; h < n; h++)
        dot_columns(1, m, k, a, (size_t)lda, b + (size_t)h * (size_t)ldb, (size_t)ldb, add, c + h,
                    (size_t)ldc);
}

const struct math_bf16 *math_bf16(void)
{
    static const struct math_bf16 kernels = {bf16_rows, bf16_pairs, bf16_gemm, bf16_dots};

    return math_width_widest() == MATH_WIDTH_AVX512 && __builtin_cpu_supports("avx512bf16")
               ? &kernels
               : NULL;
}

#else

const struct math_bf16 *math_bf16(void)
{
    return NULL;
}

#endif
