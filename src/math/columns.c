/*
 * Kernels on the columns of a matrix: one column is one unit of a layer, one
 * row one sample. The inner loops run along a row, so they are vector code and
 * each column is still summed in the order of its rows.
 */
#include "internal.h"

#include <assert.h>
#include <string.h>

MATH_BODY void math_columns_add_body(int rows, int columns, const real *restrict v,
                                     real *restrict x, int stride)
{
    for (int r = 0; r < rows; r++, x += stride)
        for (int c = 0; c < columns; c++)
            x[c] += v[c];
}
MATH_KERNEL(void, math_columns_add, (int rows, int columns, const real *v, real *x, int stride),
            (rows, columns, v, x, stride))

MATH_BODY void math_columns_affine_body(int rows, int columns, const real *restrict x,
                                        const real *restrict scale, const real *restrict shift,
                                        real *restrict y, int stride)
{
    for (int r = 0; r < rows; r++, x += stride, y += stride)
        for (int c = 0; c < columns; c++)
            y[c] = scale[c] * x[c] + shift[c];
}
MATH_KERNEL(void, math_columns_affine,
            (int rows, int columns, const real *x, const real *scale, const real *shift, real *y,
             int stride),
            (rows, columns, x, scale, shift, y, stride))

/* sum[c] = the sum over the rows of `term`, lanes of matrices at `at` and of
 * vectors at `column`; so many vectors at a time that their sums, independent of
 * each other, stay in registers. */
#define SUM_VECTORS(vectors, sum, term)                                                            \
    for (; c + (vectors)*MATH_LANES <= columns; c += (vectors)*MATH_LANES) {                       \
        math_lanes strip[vectors] = {{0}};                                                         \
        for (int r = 0; r < rows; r++)                                                             \
            for (int i = 0; i < (vectors); i++) {                                                  \
                const int column = c + i * MATH_LANES;                                             \
                const size_t at = (size_t)r * (size_t)stride + (size_t)column;                     \
                strip[i] += (term);                                                                \
            }                                                                                      \
        memcpy((sum) + c, strip, sizeof strip);                                                    \
    }
#define SUM_COLUMNS(sum, term)                                                                     \
    do {                                                                                           \
        int c = 0;                                                                                 \
        assert(columns % MATH_LANES == 0);                                                         \
        SUM_VECTORS(4, sum, term)                                                                  \
        SUM_VECTORS(1, sum, term)                                                                  \
    } while (0)
#define AT(x) MATH_LANES_AT((x) + at)
#define COLUMN(v) MATH_LANES_AT((v) + column)

MATH_BODY void math_columns_sum_body(int rows, int columns, const real *restrict x, int stride,
                                     real *restrict sum)
{
    SUM_COLUMNS(sum, AT(x));
}
MATH_KERNEL(void, math_columns_sum, (int rows, int columns, const real *x, int stride, real *sum),
            (rows, columns, x, stride, sum))

MATH_BODY void math_columns_gather_body(int rows, int columns, int count,
                                        const real *restrict parts, size_t part_stride,
                                        const real *restrict bias, real *restrict y, int stride)
{
    for (int r = 0; r < rows; r++, parts += stride, y += stride) {
        memcpy(y, bias, (size_t)columns * sizeof *y);
        for (int p = 0; p < count; p++) {
            const real *part = parts + (size_t)p * part_stride;
            for (int c = 0; c < columns; c++)
                y[c] += part[c];
        }
    }
}
MATH_KERNEL(void, math_columns_gather,
            (int rows, int columns, int count, const real *parts, size_t part_stride,
             const real *bias, real *y, int stride),
            (rows, columns, count, parts, part_stride, bias, y, stride))
