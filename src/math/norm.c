/*
 * Batch normalization of columns, with what comes right before and after it. A
 * strip of 16 columns at a time, as few times over the rows as the formulas
 * allow: what the cores exchange lies side by side in these matrices, so every
 * pass costs.
 *
 * Sums run down the rows in four chains, each of every fourth row, so that an
 * addition need not wait for the one before it.
 */
#include "internal.h"

#include <assert.h>
#include <string.h>
#include <tgmath.h>

enum { CHAINS = 4 };
typedef __typeof__((math_lanes){0} > (math_lanes){0}) math_mask;

#define TOTAL(chain) (((chain)[0] + (chain)[1]) + ((chain)[2] + (chain)[3]))
#define ALL(number) ((number) + (math_lanes){0})
/* a where the mask holds, b elsewhere */
#define PICK(mask, a, b) ((math_lanes)(((mask) & (math_mask)(a)) | (~(mask) & (math_mask)(b))))

/* `body` for each row r at its distance `at`, which is chain i's; the rows left over are the
 * first chain's. */
#define EACH_ROW(body)                                                                             \
    do {                                                                                           \
        int r = 0;                                                                                 \
        for (; r + CHAINS <= rows; r += CHAINS)                                                    \
            for (int i = 0; i < CHAINS; i++) {                                                     \
                const size_t at = (size_t)(r + i) * (size_t)stride;                                \
                body                                                                               \
            }                                                                                      \
        for (; r < rows; r++) {                                                                    \
            const int i = 0;                                                                       \
            const size_t at = (size_t)r * (size_t)stride;                                          \
            (void)i;                                                                               \
            body                                                                                   \
        }                                                                                          \
    } while (0)
#define AT(x) (*(math_lanes *)((x) + at))

MATH_BODY void forward_strip(int rows, int parts, const real *x, size_t part_stride, int stride,
                             const struct math_norm *norm, int c)
{
    const math_lanes scale = MATH_LANES_AT(norm->scale + c), shift = MATH_LANES_AT(norm->shift + c);
    const math_lanes slope = ALL(norm->slope), one = ALL(1);
    const real share = 1 / (real)rows;
    real *standard = norm->standard + c, *output = norm->output + c;
    math_lanes bias = {0}, sum[CHAINS] = {{0}}, square[CHAINS] = {{0}};

    x += c;
    if (norm->bias)
        bias = MATH_LANES_AT(norm->bias + c);
    EACH_ROW({
        math_lanes score = bias + MATH_LANES_AT(x + at);
        for (int p = 1; p < parts; p++)
            score += MATH_LANES_AT(x + (size_t)p * part_stride + at);
        AT(standard) = score;
        sum[i] += score;
    });
    const math_lanes mean = TOTAL(sum) * share;
    /* A pass of its own: the mean of the squares minus the square of the mean
     * would lose the variance of a column whose mean is large. */
    EACH_ROW({
        const math_lanes apart = AT(standard) - mean;
        square[i] += apart * apart;
    });
    const math_lanes variance = TOTAL(square) * share;
    math_lanes inverse;
    for (int i = 0; i < MATH_LANES; i++)
        inverse[i] = 1 / sqrt(variance[i] + norm->epsilon);
    EACH_ROW({
        const math_lanes normalized = (AT(standard) - mean) * inverse;
        const math_lanes y = scale * normalized + shift;
        AT(standard) = normalized;
        AT(output) = y * PICK(y > 0, one, slope);
    });
    memcpy(norm->mean + c, &mean, sizeof mean);
    memcpy(norm->variance + c, &variance, sizeof variance);
    memcpy(norm->inverse + c, &inverse, sizeof inverse);
}

MATH_BODY void math_norm_forward_body(int rows, int columns, int parts, const real *x,
                                      size_t part_stride, int stride, const struct math_norm *norm)
{
    assert(columns % MATH_LANES == 0);
    for (int c = 0; c < columns; c += MATH_LANES)
        forward_strip(rows, parts, x, part_stride, stride, norm, c);
}
MATH_KERNEL(void, math_norm_forward,
            (int rows, int columns, int parts, const real *x, size_t part_stride, int stride,
             const struct math_norm *norm),
            (rows, columns, parts, x, part_stride, stride, norm))

MATH_BODY void backward_strip(int rows, real *g, int stride, const struct math_norm *norm,
                              real *sum, real *dot, real *bias_sum, int c)
{
    const math_lanes factor = MATH_LANES_AT(norm->scale + c) * MATH_LANES_AT(norm->inverse + c);
    const math_lanes slope = ALL(norm->slope), one = ALL(1);
    const real share = 1 / (real)rows;
    const real *standard = norm->standard + c, *output = norm->output + c;
    math_lanes plain[CHAINS] = {{0}}, product[CHAINS] = {{0}}, below[CHAINS] = {{0}};

    g += c;
    EACH_ROW({
        const math_lanes inner = AT(g) * PICK(MATH_LANES_AT(output + at) > 0, one, slope);
        AT(g) = inner;
        plain[i] += inner;
        product[i] += inner * MATH_LANES_AT(standard + at);
    });
    const math_lanes sum_all = TOTAL(plain), dot_all = TOTAL(product);
    const math_lanes sum_share = share * sum_all, dot_share = share * dot_all;
    EACH_ROW({
        const math_lanes inner =
            factor * (AT(g) - sum_share - MATH_LANES_AT(standard + at) * dot_share);
        AT(g) = inner;
        below[i] += inner;
    });
    const math_lanes below_all = TOTAL(below);
    memcpy(sum + c, &sum_all, sizeof sum_all);
    memcpy(dot + c, &dot_all, sizeof dot_all);
    memcpy(bias_sum + c, &below_all, sizeof below_all);
}

MATH_BODY void math_norm_backward_body(int rows, int columns, real *g, int stride,
                                       const struct math_norm *norm, real *sum, real *dot,
                                       real *bias_sum)
{
    assert(columns % MATH_LANES == 0);
    for (int c = 0; c < columns; c += MATH_LANES)
        backward_strip(rows, g, stride, norm, sum, dot, bias_sum, c);
}
MATH_KERNEL(void, math_norm_backward,
            (int rows, int columns, real *g, int stride, const struct math_norm *norm, real *sum,
             real *dot, real *bias_sum),
            (rows, columns, g, stride, norm, sum, dot, bias_sum))
