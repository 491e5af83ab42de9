/*
 * The gradient of a few inputs' weights: a product in tiles that stay in
 * registers. What a library's product cannot know of is what comes after it:
 * while the rows go by, the numbers that the gradient is to update come in.
 *
 * Each sum is one chain of multiply-adds down the rows.
 */
#include "internal.h"

#if defined(__x86_64__) && !defined(KDT_REAL_DOUBLE)
#include <immintrin.h>

/* Of 32 registers, 24 sums. Four vectors of units leave room for six inputs. */
enum { LANES = 16, WIDE_VECTORS = 4, WIDE_INPUTS = 6, VECTORS = 3, INPUTS = 8 };

struct gradient {
    int rows, units;
    const float *x, *g;
    int x_stride, g_stride;
    const float *soon[2];
    float *out;
};

/* Of inputs 0 … inputs-1 and vectors of units from h on. */
__attribute__((target("avx512f"))) MATH_BODY void tile(const int inputs, const int vectors,
                                                       const struct gradient *gradient, int h)
{
    const int rows = gradient->rows, units = gradient->units;
    const float *x = gradient->x, *g = gradient->g + h;
    __m512 sum[INPUTS][WIDE_VECTORS];

#pragma GCC unroll 8
    for (int i = 0; i < inputs; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[i][v] = _mm512_setzero_ps();
    for (int r = 0; r < rows; r++, x += gradient->x_stride, g += gradient->g_stride) {
        __m512 of_g[WIDE_VECTORS];

        if (r < inputs * vectors) {
            const int line = r / vectors * units + h + r % vectors * LANES;
            _mm_prefetch((const void *)(gradient->soon[0] + line), _MM_HINT_T0);
            _mm_prefetch((const void *)(gradient->soon[1] + line), _MM_HINT_T0);
        }
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            of_g[v] = _mm512_loadu_ps(g + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < inputs; i++) {
            const __m512 of_x = _mm512_set1_ps(x[i]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[i][v] = _mm512_fmadd_ps(of_x, of_g[v], sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < inputs; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_ps(gradient->out + i * units + h + v * LANES, sum[i][v]);
}

__attribute__((target("avx512f"))) static void tiles(const struct gradient *gradient)
{
    const int units = gradient->units;
    int h = 0;

    if (units % (WIDE_VECTORS * LANES) == 0) {
        for (; h < units; h += WIDE_VECTORS * LANES)
            tile(WIDE_INPUTS, WIDE_VECTORS, gradient, h);
        return;
    }
    for (; h + VECTORS * LANES <= units; h += VECTORS * LANES)
        tile(INPUTS, VECTORS, gradient, h);
    if (units - h == 2 * LANES)
        tile(INPUTS, 2, gradient, h);
    else if (units - h == LANES)
        tile(INPUTS, 1, gradient, h);
}

int math_gradient_inputs(int units, int most)
{
    if (math_width != MATH_WIDTH_AVX512 || units % LANES != 0)
        return most;
    return units % (WIDE_VECTORS * LANES) == 0 ? WIDE_INPUTS : INPUTS;
}
#else
int math_gradient_inputs(int units, int most)
{
    (void)units;
    return most;
}
#endif

void math_gradient(int rows, int inputs, int units, const real *x, int x_stride, const real *g,
                   int g_stride, const real *const soon[2], real *out)
{
#if defined(__x86_64__) && !defined(KDT_REAL_DOUBLE)
    const struct gradient gradient = {rows, units, x, g, x_stride, g_stride, {soon[0], soon[1]},
                                      out};

    if (inputs == math_gradient_inputs(units, 0)) {
        tiles(&gradient);
        return;
    }
#endif
    (void)soon;
    math_gemm(MATH_TRANSPOSED, MATH_PLAIN, inputs, units, rows, 1, x, x_stride, g, g_stride, 0, out,
              units);
}
