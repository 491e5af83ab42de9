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

/* In blocks whose lines stay in the first-level cache. */
void math_transpose(int rows, int columns, const real *restrict x, int stride, real *restrict y,
                    int y_stride)
{
    enum { BLOCK = 16 };

    for (int r = 0; r < rows; r += BLOCK)
        for (int c = 0; c < columns; c += BLOCK) {
            const int r_end = r + BLOCK < rows ? r + BLOCK : rows;
            const int c_end = c + BLOCK < columns ? c + BLOCK : columns;
            for (int j = c; j < c_end; j++)
                for (int i = r; i < r_end; i++)
                    y[(size_t)j * (size_t)y_stride + (size_t)i] =
                        x[(size_t)i * (size_t)stride + (size_t)j];
        }
}

void math_expect(size_t n, const real *x)
{
    enum { LINE = 64 / sizeof(real), SECOND_LEVEL = 2 };

    for (size_t i = 0; i < n; i += LINE)
        __builtin_prefetch(x + i, 0, SECOND_LEVEL);
}
