/*
 * Activations. A derivative is taken from the output: every activation here
 * keeps the sign of its input, and ELU's derivative below 0 is y + slope.
 */
#include "internal.h"

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

MATH_BODY void math_softmax_body(int rows, int columns, real scale, const real *restrict x,
                                 int stride, real *restrict y, real *restrict largest,
                                 real *restrict sum)
{
    enum { LANES = 16 };
    const int padded = (columns + LANES - 1) / LANES * LANES;

    for (int r = 0; r < rows; r++, x += stride, y += stride) {
        real lanes[LANES] = {0}, most = x[0];

        for (int c = 1; c < columns; c++)
            most = x[c] > most ? x[c] : most;
        for (int c = 0; c < padded; c++)
            y[c] = math_exp(x[c] - most);
        for (int c = columns; c < padded; c++)
            y[c] = 0;
        for (int c = 0; c < padded; c += LANES)
            for (int i = 0; i < LANES; i++)
                lanes[i] += y[c + i];
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int i = 0; i < half; i++)
                lanes[i] += lanes[i + half];
        largest[r] = most;
        sum[r] = lanes[0];
        const real share = scale / lanes[0];
        for (int c = 0; c < padded; c++)
            y[c] *= share;
    }
}
MATH_KERNEL(void, math_softmax,
            (int rows, int columns, real scale, const real *x, int stride, real *y, real *largest,
             real *sum),
            (rows, columns, scale, x, stride, y, largest, sum))
