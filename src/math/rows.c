/*
 * From stored images to rows for a product, and a block the other way round.
 */
#include "internal.h"

MATH_BODY void bytes_affine_row(int n, const uint8_t *restrict bytes, const real *restrict factor,
                                const real *restrict offset, real *restrict x)
{
    for (int i = 0; i < n; i++)
        x[i] = (real)bytes[i] * factor[i] - offset[i];
}

MATH_BODY void math_bytes_affine_body(int rows, int n, const uint8_t *const *bytes,
                                      const real *factor, const real *offset, real *x, int stride)
{
    for (int r = 0; r < rows; r++)
        bytes_affine_row(n, bytes[r], factor, offset, x + (size_t)r * (size_t)stride);
}
MATH_KERNEL(void, math_bytes_affine,
            (int rows, int n, const uint8_t *const *bytes, const real *factor, const real *offset,
             real *x, int stride),
            (rows, n, bytes, factor, offset, x, stride))

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
