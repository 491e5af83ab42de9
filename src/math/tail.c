/*
 * Products for a few units, where full vectors over the units would be mostly
 * empty: vectors run along the inputs instead, so weights are [units][inputs].
 * Sixteen lanes and fused multiply-adds whatever the processor, so that every
 * width gives the same bits.
 */
#include "internal.h"

#ifdef KDT_REAL_DOUBLE
#define FMA __builtin_fma
#else
#define FMA __builtin_fmaf
#endif

enum { LANES = MATH_TAIL_LANES, GROUP_ROWS = 4, GROUP_UNITS = 2, BLOCK = 4 * LANES };

int math_tail_units(int n)
{
    return n > LANES && n % LANES <= MATH_TAIL_UNITS && math_has_fma() ? n % LANES : 0;
}

/* Lanes of up to GROUP_ROWS rows and GROUP_UNITS units, of `units_all`; in
 * registers where the numbers are constants. */
MATH_BODY void product_group(int rows, int units, int inputs, const real *restrict x, int x_stride,
                             const real *restrict w, int w_stride, bool add, real *restrict lanes,
                             int units_all)
{
    real sum[GROUP_ROWS][GROUP_UNITS][LANES];
    int d = 0;

    for (int r = 0; r < rows; r++)
        for (int h = 0; h < units; h++)
            for (int i = 0; i < LANES; i++)
                sum[r][h][i] = add ? lanes[(r * units_all + h) * LANES + i] : 0;
    for (; d + LANES <= inputs; d += LANES)
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < units; h++)
                for (int i = 0; i < LANES; i++)
                    sum[r][h][i] =
                        FMA(x[r * x_stride + d + i], w[h * w_stride + d + i], sum[r][h][i]);
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < units; h++)
            for (int i = 0; i < LANES; i++)
                lanes[(r * units_all + h) * LANES + i] = sum[r][h][i];
    for (int i = 0; d < inputs; d++, i++)
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < units; h++) {
                real *lane = &lanes[(r * units_all + h) * LANES + i];
                *lane = FMA(x[r * x_stride + d], w[h * w_stride + d], *lane);
            }
}

MATH_BODY void math_tail_product_body(int rows, int units, int inputs, const real *x, int x_stride,
                                      const real *w, int w_stride, bool add, real *lanes)
{
    for (int h = 0; h < units; h += GROUP_UNITS, w += GROUP_UNITS * w_stride) {
        const bool pair = units - h >= GROUP_UNITS;
        const real *from = x;
        real *to = lanes + h * LANES;
        int r = 0;

        for (; r + GROUP_ROWS <= rows; r += GROUP_ROWS) {
            if (pair)
                product_group(GROUP_ROWS, GROUP_UNITS, inputs, from, x_stride, w, w_stride, add, to,
                              units);
            else
                product_group(GROUP_ROWS, 1, inputs, from, x_stride, w, w_stride, add, to, units);
            from += GROUP_ROWS * x_stride;
            to += GROUP_ROWS * units * LANES;
        }
        for (; r < rows; r++, from += x_stride, to += units * LANES)
            product_group(1, pair ? GROUP_UNITS : 1, inputs, from, x_stride, w, w_stride, add, to,
                          units);
    }
}
MATH_KERNEL(void, math_tail_product,
            (int rows, int units, int inputs, const real *x, int x_stride, const real *w,
             int w_stride, bool add, real *lanes),
            (rows, units, inputs, x, x_stride, w, w_stride, add, lanes))

void math_tail_sum(int rows, int units, const real *lanes, real *y, int y_stride)
{
    for (int r = 0; r < rows; r++, y += y_stride)
        for (int h = 0; h < units; h++, lanes += LANES) {
            real sum[LANES / 2];

            for (int i = 0; i < LANES / 2; i++)
                sum[i] = lanes[i] + lanes[i + LANES / 2];
            for (int half = LANES / 4; half > 0; half /= 2)
                for (int i = 0; i < half; i++)
                    sum[i] += sum[i + half];
            y[h] = sum[0];
        }
}

MATH_BODY void gradient_block(int rows, int units, int inputs, const real *restrict x, int x_stride,
                              const real *restrict g, int g_stride, real *restrict out,
                              int out_stride)
{
    real sum[GROUP_UNITS][BLOCK];

    for (int h = 0; h < units; h++)
        for (int i = 0; i < inputs; i++)
            sum[h][i] = 0;
    for (int r = 0; r < rows; r++, x += x_stride, g += g_stride)
        for (int h = 0; h < units; h++)
            for (int i = 0; i < inputs; i++)
                sum[h][i] = FMA(g[h], x[i], sum[h][i]);
    for (int h = 0; h < units; h++)
        for (int i = 0; i < inputs; i++)
            out[h * out_stride + i] = sum[h][i];
}

MATH_BODY void math_tail_gradient_body(int rows, int units, int inputs, const real *x, int x_stride,
                                       const real *g, int g_stride, real *out, int out_stride)
{
    for (int h = 0; h < units;
         h += GROUP_UNITS, g += GROUP_UNITS, out += GROUP_UNITS * out_stride) {
        const bool pair = units - h >= GROUP_UNITS;
        int d = 0;

        for (; d + BLOCK <= inputs; d += BLOCK)
            if (pair)
                gradient_block(rows, GROUP_UNITS, BLOCK, x + d, x_stride, g, g_stride, out + d,
                               out_stride);
            else
                gradient_block(rows, 1, BLOCK, x + d, x_stride, g, g_stride, out + d, out_stride);
        if (d < inputs)
            gradient_block(rows, pair ? GROUP_UNITS : 1, inputs - d, x + d, x_stride, g, g_stride,
                           out + d, out_stride);
    }
}
MATH_KERNEL(void, math_tail_gradient,
            (int rows, int units, int inputs, const real *x, int x_stride, const real *g,
             int g_stride, real *out, int out_stride),
            (rows, units, inputs, x, x_stride, g, g_stride, out, out_stride))
