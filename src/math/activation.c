/*
 * Activations. A derivative is taken from the output: every activation here
 * keeps the sign of its input, and ELU's derivative below 0 is y + slope.
 */
#include "kdt/math.h"

#include <tgmath.h>

void math_leaky_relu(int rows, int columns, real slope, real *x, int stride)
{
    for (int r = 0; r < rows; r++, x += stride)
        for (int c = 0; c < columns; c++)
            x[c] *= x[c] > 0 ? 1 : slope;
}

void math_leaky_relu_backward(int rows, int columns, real slope, const real *restrict y,
                              real *restrict g, int stride)
{
    for (int r = 0; r < rows; r++, y += stride, g += stride)
        for (int c = 0; c < columns; c++)
            g[c] *= y[c] > 0 ? 1 : slope;
}

void math_elu(int rows, int columns, real slope, real *x, int stride)
{
    for (int r = 0; r < rows; r++, x += stride)
        for (int c = 0; c < columns; c++)
            x[c] = x[c] > 0 ? x[c] : slope * (exp(x[c]) - 1);
}

void math_elu_backward(int rows, int columns, real slope, const real *restrict y, real *restrict g,
                       int stride)
{
    for (int r = 0; r < rows; r++, y += stride, g += stride)
        for (int c = 0; c < columns; c++)
            g[c] *= y[c] > 0 ? 1 : y[c] + slope;
}
