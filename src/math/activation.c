/*
 * Activations. A derivative is taken from the output: every activation here
 * keeps the sign of its input, and ELU's derivative below 0 is y + slope.
 */
#include "internal.h"

#include <assert.h>
#include <string.h>

MATH_BODY void math_leaky_relu_body(int rows, int columns, real slope, real *x, int stride)
{
    for (int r = 0; r < rows; r++, x += stride)
        for (int c = 0; c < columns; c++)
            x[c] *= x[c] > 0 ? 1 : slope;
}
MATH_KERNEL(void, math_leaky_relu, (int rows, int columns, real slope, real *x, int stride),
            (rows, columns, slope, x, stride))

MATH_BODY void math_leaky_relu_backward_body(int rows, int columns, real slope,
                                             const real *restrict y, real *restrict g, int stride)
{
    for (int r = 0; r < rows; r++, y += stride, g += stride)
        for (int c = 0; c < columns; c++)
            g[c] *= y[c] > 0 ? 1 : slope;
}
MATH_KERNEL(void, math_leaky_relu_backward,
            (int rows, int columns, real slope, const real *y, real *g, int stride),
            (rows, columns, slope, y, g, stride))

MATH_BODY void math_elu_body(int rows, int columns, real slope, real *x, int stride)
{
    for (int r = 0; r < rows; r++, x += stride)
        for (int c = 0; c < columns; c++)
            x[c] = x[c] > 0 ? x[c] : slope * (math_exp(x[c]) - 1);
}
MATH_KERNEL(void, math_elu, (int rows, int columns, real slope, real *x, int stride),
            (rows, columns, slope, x, stride))

MATH_BODY void math_elu_backward_body(int rows, int columns, real slope, const real *restrict y,
                                      real *restrict g, int stride)
{
    for (int r = 0; r < rows; r++, y += stride, g += stride)
        for (int c = 0; c < columns; c++)
            g[c] *= y[c] > 0 ? 1 : y[c] + slope;
}
MATH_KERNEL(void, math_elu_backward,
            (int rows, int columns, real slope, const real *y, real *g, int stride),
            (rows, columns, slope, y, g, stride))

/* A group of rows is turned round, so that each lane is a row. */
MATH_BODY void softmax_lanes(int columns, real scale, real *restrict x, real *restrict largest,
                             real *restrict sum)
{
    real most[MATH_LANES], share[MATH_LANES], total[MATH_LANES] = {0};

    for (int i = 0; i < MATH_LANES; i++)
        most[i] = x[i];
    for (int c = 1; c < columns; c++)
        for (int i = 0; i < MATH_LANES; i++)
            most[i] = x[c * MATH_LANES + i] > most[i] ? x[c * MATH_LANES + i] : most[i];
    for (int c = 0; c < columns; c++)
        for (int i = 0; i < MATH_LANES; i++) {
            const real power = math_exp(x[c * MATH_LANES + i] - most[i]);
            x[c * MATH_LANES + i] = power;
            total[i] += power;
        }
    for (int i = 0; i < MATH_LANES; i++)
        share[i] = scale / total[i];
    for (int c = 0; c < columns; c++)
        for (int i = 0; i < MATH_LANES; i++)
            x[c * MATH_LANES + i] *= share[i];
    memcpy(largest, most, sizeof most);
    memcpy(sum, total, sizeof total);
}

MATH_BODY void math_softmax_body(int rows, int columns, real scale, const real *restrict x,
                                 int stride, real *restrict y, real *restrict largest,
                                 real *restrict sum)
{
    const int padded = (columns + MATH_LANES - 1) / MATH_LANES * MATH_LANES;
    const size_t beyond = (size_t)((padded - columns) * MATH_LANES) * sizeof *x;
    real group[MATH_SOFTMAX_COLUMNS * MATH_LANES], most[MATH_LANES], total[MATH_LANES];

    assert(columns <= MATH_SOFTMAX_COLUMNS);
    memset(group, 0, (size_t)(padded * MATH_LANES) * sizeof *group); /* rows that are missing */
    for (int r = 0; r < rows; r += MATH_LANES, x += MATH_LANES * stride, y += MATH_LANES * stride) {
        const int n = rows - r < MATH_LANES ? rows - r : MATH_LANES;

        math_transpose(n, padded, x, stride, group, MATH_LANES);
        softmax_lanes(columns, scale, group, most, total);
        memset(group + columns * MATH_LANES, 0, beyond);
        math_transpose(padded, n, group, MATH_LANES, y, stride);
        memcpy(largest + r, most, (size_t)n * sizeof *most);
        memcpy(sum + r, total, (size_t)n * sizeof *total);
    }
}
MATH_KERNEL(void, math_softmax,
            (int rows, int columns, real scale, const real *x, int stride, real *y, real *largest,
             real *sum),
            (rows, columns, scale, x, stride, y, largest, sum))
