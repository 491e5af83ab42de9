/*
 * From stored images to rows for a product, and a block the other way round.
 */
#include "internal.h"

#if defined(__x86_64__) && !defined(KDT_REAL_DOUBLE)
#include <immintrin.h>
#endif

/* Rows at once, so that factor and offset are read once for all of them. */
enum { GROUP_ROWS = 4 };

static void bytes_end(int rows, int begin, int n, const uint8_t *const *bytes, const real *factor,
                      const real *offset, real *x, int stride)
{
    for (int r = 0; r < rows; r++)
        for (int i = begin; i < n; i++)
            x[(size_t)r * (size_t)stride + (size_t)i] = (real)bytes[r][i] * factor[i] - offset[i];
}

static void bytes_plain(int rows, int n, const uint8_t *const *bytes, const real *factor,
                        const real *offset, real *x, int stride)
{
    bytes_end(rows, 0, n, bytes, factor, offset, x, stride);
}

#if defined(__x86_64__) && !defined(KDT_REAL_DOUBLE)
/* Compilers go from bytes to numbers in more steps than these. */
#define BYTES_GROUP(lanes, vector, load, convert, multiply, subtract, store)                       \
    for (int i = 0; i + (lanes) <= n; i += (lanes)) {                                              \
        const vector by = load(factor + i), less = load(offset + i);                               \
        for (int r = 0; r < rows; r++)                                                             \
            store(x + r * stride + i, subtract(multiply(convert(bytes[r] + i), by), less));        \
    }
#define BYTES_ROWS(group)                                                                          \
    const int end = n / 16 * 16;                                                                   \
    bytes_end(rows, end, n, bytes, factor, offset, x, stride);                                     \
    for (; rows >= GROUP_ROWS; rows -= GROUP_ROWS, bytes += GROUP_ROWS, x += GROUP_ROWS * stride)  \
        group(GROUP_ROWS, end, bytes, factor, offset, x, stride);                                  \
    for (; rows > 0; rows--, bytes++, x += stride)                                                 \
        group(1, end, bytes, factor, offset, x, stride);

#define CONVERT_256(from)                                                                          \
    _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(from))))
#define CONVERT_512(from)                                                                          \
    _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(from))))

__attribute__((target("avx2"))) MATH_BODY void group_avx2(int rows, int n,
                                                          const uint8_t *const *bytes,
                                                          const float *factor, const float *offset,
                                                          float *x, int stride)
{
    BYTES_GROUP(8, __m256, _mm256_loadu_ps, CONVERT_256, _mm256_mul_ps, _mm256_sub_ps,
                _mm256_storeu_ps)
}

__attribute__((target("avx2"))) static void bytes_avx2(int rows, int n, const uint8_t *const *bytes,
                                                       const float *factor, const float *offset,
                                                       float *x, int stride)
{
    BYTES_ROWS(group_avx2)
}

__attribute__((target("avx512f"))) MATH_BODY void
group_avx512(int rows, int n, const uint8_t *const *bytes, const float *factor, const float *offset,
             float *x, int stride)
{
    BYTES_GROUP(16, __m512, _mm512_loadu_ps, CONVERT_512, _mm512_mul_ps, _mm512_sub_ps,
                _mm512_storeu_ps)
}

__attribute__((target("avx512f"))) static void
bytes_avx512(int rows, int n, const uint8_t *const *bytes, const float *factor, const float *offset,
             float *x, int stride)
{
    BYTES_ROWS(group_avx512)
}
#else
#define bytes_avx2 bytes_plain
#define bytes_avx512 bytes_plain
#endif

void math_bytes_affine(int rows, int n, const uint8_t *const *bytes, const real *factor,
                       const real *offset, real *x, int stride)
{
    static void (*const copies[])(int, int, const uint8_t *const *, const real *, const real *,
                                  real *, int) = {
        [MATH_WIDTH_PLAIN] = bytes_plain,
        [MATH_WIDTH_AVX2] = bytes_avx2,
        [MATH_WIDTH_AVX512] = bytes_avx512,
    };
    copies[math_width](rows, n, bytes, factor, offset, x, stride);
}

MATH_BODY void math_bytes_adjust_body(size_t n, int32_t gain, int32_t lift, uint8_t *bytes)
{
    for (size_t i = 0; i < n; i++) {
        int32_t value = bytes[i] * gain + lift;
        value = value < 0 ? 0 : value >> 16;
        bytes[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}
MATH_KERNEL(void, math_bytes_adjust, (size_t n, int32_t gain, int32_t lift, uint8_t *bytes),
            (n, gain, lift, bytes))

enum { BLOCK = 8 };
typedef real block_row
    __attribute__((vector_size(BLOCK * sizeof(real)), aligned(sizeof(real)), may_alias));

/* Rows i and i + 4 interleaved, three times over, are the columns. */
MATH_BODY void transpose_block(const real *restrict x, int stride, real *restrict y, int y_stride)
{
    block_row from[BLOCK], to[BLOCK];

    for (int i = 0; i < BLOCK; i++)
        from[i] = *(const block_row *)(x + i * stride);
    for (int time = 0; time < 3; time++) {
        for (int i = 0; i < BLOCK / 2; i++) {
            to[2 * i] = __builtin_shufflevector(from[i], from[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            to[2 * i + 1] =
                __builtin_shufflevector(from[i], from[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        for (int i = 0; i < BLOCK; i++)
            from[i] = to[i];
    }
    for (int i = 0; i < BLOCK; i++)
        *(block_row *)(y + i * y_stride) = from[i];
}

MATH_BODY void math_transpose_body(int rows, int columns, const real *x, int stride, real *y,
                                   int y_stride)
{
    const int whole_rows = rows / BLOCK * BLOCK, whole_columns = columns / BLOCK * BLOCK;

    for (int c = 0; c < whole_columns; c += BLOCK)
        for (int r = 0; r < whole_rows; r += BLOCK)
            transpose_block(x + (size_t)r * (size_t)stride + c, stride,
                            y + (size_t)c * (size_t)y_stride + r, y_stride);
    for (int r = 0; r < rows; r++)
        for (int c = r < whole_rows ? whole_columns : 0; c < columns; c++)
            y[(size_t)c * (size_t)y_stride + (size_t)r] = x[(size_t)r * (size_t)stride + (size_t)c];
}
MATH_KERNEL(void, math_transpose,
            (int rows, int columns, const real *x, int stride, real *y, int y_stride),
            (rows, columns, x, stride, y, y_stride))
