/*
 * Sums of squares, for norms: in double, in sixteen lanes that are added in a
 * fixed order.
 */
#include "internal.h"

/* Of x, or where there is a y of x - y. */
MATH_BODY double sum_squares(size_t n, const real *restrict x, const real *restrict y)
{
    double lanes[MATH_LANES] = {0};
    size_t at = 0;

    for (; at + MATH_LANES <= n; at += MATH_LANES)
        for (int i = 0; i < MATH_LANES; i++) {
            const double d = (double)x[at + (size_t)i] - (y ? (double)y[at + (size_t)i] : 0);
            lanes[i] += d * d;
        }
    for (int i = 0; at < n; at++, i++) {
        const double d = (double)x[at] - (y ? (double)y[at] : 0);
        lanes[i] += d * d;
    }
    for (int half = MATH_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

MATH_BODY double math_squares_body(size_t n, const real *x)
{
    return sum_squares(n, x, NULL);
}
MATH_KERNEL(double, math_squares, (size_t n, const real *x), (n, x))

MATH_BODY double math_squares_apart_body(size_t n, const real *x, const real *y)
{
    return sum_squares(n, x, y);
}
MATH_KERNEL(double, math_squares_apart, (size_t n, const real *x, const real *y), (n, x, y))
