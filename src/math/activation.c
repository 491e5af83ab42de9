/*
 * Activations. A derivative is taken from the output: every activation here
 * keeps the sign of its input, and ELU's derivative below 0 is y + slope.
 */
#include "internal.h"

#include <tgmath.h>

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

void math_elu(int rows, int columns, real slope, real *x, int stride)
{
    for (int r = 0; r < rows; r++, x += stride)
        for (int c = 0; c < columns; c++)
            x[c] = x[c] > 0 ? x[c] : slope * (exp(x[c]) - 1);
}

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
