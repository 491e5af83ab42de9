/*
 * The optimizers' updates, each one pass over gradient, velocity and weights;
 * and the check that nothing has run away.
 */
#include "internal.h"

#include <float.h>
#include <tgmath.h>

MATH_BODY void math_update_momentum_body(size_t n, real rate, real momentum, real decay,
                                         const real *restrict g, real *restrict v, real *restrict w)
{
    for (size_t i = 0; i < n; i++) {
        v[i] = momentum * v[i] + rate * (g[i] + decay * w[i]);
        w[i] -= v[i];
    }
}
MATH_KERNEL(void, math_update_momentum,
            (size_t n, real rate, real momentum, real decay, const real *g, real *v, real *w),
            (n, rate, momentum, decay, g, v, w))

MATH_BODY void math_update_nesterov_body(size_t n, real rate, real momentum, real decay,
                                         const real *restrict g, real *restrict v, real *restrict w)
{
    for (size_t i = 0; i < n; i++) {
        const real d = rate * (g[i] + decay * w[i]);
        v[i] = momentum * v[i] + d;
        w[i] -= momentum * v[i] + d;
    }
}
MATH_KERNEL(void, math_update_nesterov,
            (size_t n, real rate, real momentum, real decay, const real *g, real *v, real *w),
            (n, rate, momentum, decay, g, v, w))

MATH_BODY void math_update_adam_body(size_t n, const struct math_adam *adam, const real *restrict g,
                                     real *restrict m, real *restrict u, real *restrict w)
{
    const real rate = adam->rate, epsilon = adam->epsilon, momentum = adam->momentum;
    const real square = adam->square, decay = adam->decay, shrink = adam->shrink;

    for (size_t i = 0; i < n; i++) {
        const real d = g[i] + decay * w[i];
        m[i] = momentum * m[i] + (1 - momentum) * d;
        u[i] = square * u[i] + (1 - square) * (d * d);
        w[i] -= rate * m[i] / (sqrt(u[i]) + epsilon) + shrink * w[i];
    }
}
MATH_KERNEL(void, math_update_adam,
            (size_t n, const struct math_adam *adam, const real *g, real *m, real *u, real *w),
            (n, adam, g, m, u, w))

MATH_BODY bool math_finite_body(size_t n, const real *x)
{
    const real largest = sizeof(real) == sizeof(float) ? (real)FLT_MAX : (real)DBL_MAX;
    int outside = 0;

    /* Without a way out in the middle this is vector code; NaN fails too. */
    for (size_t i = 0; i < n; i++)
        outside |= !(fabs(x[i]) <= largest);
    return !outside;
}
MATH_KERNEL(bool, math_finite, (size_t n, const real *x), (n, x))
