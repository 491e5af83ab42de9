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
