/*
 * From stored images to rows for a product, and a block the other way round.
 */
#include "internal.h"

/* Four rows at once, so that factor and offset are read once. */
MATH_BODY void bytes_group(int n, const uint8_t *restrict a, const uint8_t *restrict b,
                           const uint8_t *restrict c, const uint8_t *restrict d,
                           const real *restrict factor, const real *restrict offset,
                           real *restrict x, int stride)
{
    real *restrict xa = x, *restrict xb = xa + stride, *restrict xc = xb + stride,
                   *restrict xd = xc + stride;
    for (int i = 0; i < n; i++) {
        xa[i] = (real)a[i] * factor[i] - offset[i];
        xb[i] = (real)b[i] * factor[i] - offset[i];
        xc[i] = (real)c[i] * factor[i] - offset[i];
        xd[i] = (real)d[i] * factor[i] - offset[i];
    }
}

MATH_BODY void bytes_row(int n, const uint8_t *restrict bytes, const real *restrict factor,
                         const real *restrict offset, real *restrict x)
{
    for (int i = 0; i < n; i++)
        x[i] = (real)bytes[i] * factor[i] - offset[i];
}

MATH_BODY void math_bytes_affine_body(int rows, int n, const uint8_t *const *bytes,
                                      const real *factor, const real *offset, real *x, int stride)
{
    int r = 0;

    for (; r + 4 <= rows; r += 4, x += 4 * stride)
        bytes_group(n, bytes[r], bytes[r + 1], bytes[r + 2], bytes[r + 3], factor, offset, x,
                    stride);
    for (; r < rows; r++, x += stride)
        bytes_row(n, bytes[r], factor, offset, x);
}
MATH_KERNEL(void, math_bytes_affine,
            (int rows, int n, const uint8_t *const *bytes, const real *factor, const real *offset,
             real *x, int stride),
            (rows, n, bytes, factor, offset, x, stride))

MATH_BODY void math_add_scaled_body(int n, real scale, const real *restrict v, real *restrict x)
{
    for (int i = 0; i < n; i++)
        x[i] += scale * v[i];
}
MATH_KERNEL(void, math_add_scaled, (int n, real scale, const real *v, real *x), (n, scale, v, x))

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
