/*
 * Kernels against plain twins.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/math.h"
#include "../src/math/internal.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void normal(float *out, size_t n, uint32_t sample)
{
    rng_normal_fill(1, RNG_SYNTHETIC, 0, sample, out, n);
}

static void library_is_named(void **state)
{
    (void)state;
    assert_memory_equal(math_library(), "OpenBLAS ", 9);
    assert_non_null(strchr(math_library() + 9, ' '));
    assert_null(strstr(math_library(), "unknown"));
}

static void products_match_the_definition(void **state)
{
    enum { M = 13, N = 18, K = 37, STRIDE = 40 };
    float a[STRIDE * STRIDE], b[STRIDE * STRIDE], c[STRIDE * STRIDE], before[STRIDE * STRIDE];

    (void)state;
    normal(a, STRIDE * STRIDE, 1);
    normal(b, STRIDE * STRIDE, 2);
    normal(before, STRIDE * STRIDE, 3);
    for (int form = 0; form < 8; form++) {
        const enum math_transpose ta = form & 1 ? MATH_TRANSPOSED : MATH_PLAIN;
        const enum math_transpose tb = form & 2 ? MATH_TRANSPOSED : MATH_PLAIN;
        const float beta = form & 4 ? 0.5F : 0;

        memcpy(c, before, sizeof c);
        math_gemm(ta, tb, M, N, K, 2, a, STRIDE, b, STRIDE, beta, c, STRIDE);
        for (int i = 0; i < STRIDE; i++)
            for (int j = 0; j < STRIDE; j++) {
                double sum = 0;
                if (i >= M || j >= N) {
                    assert_true(c[i * STRIDE + j] == before[i * STRIDE + j]);
                    continue;
                }
                for (int k = 0; k < K; k++)
                    sum += (double)(ta ? a[k * STRIDE + i] : a[i * STRIDE + k]) *
                           (double)(tb ? b[j * STRIDE + k] : b[k * STRIDE + j]);
                sum = 2 * sum + (double)(beta * before[i * STRIDE + j]);
                assert_true(fabs(sum - (double)c[i * STRIDE + j]) < 1e-4);
            }
    }
}

/* Generated kernels against OpenBLAS at the shapes of a step, odd ones included. */
static void generated_products_match_openblas(void **state)
{
    static const int shapes[][3] = {{100, 56, 384}, {100, 64, 98}, {37, 96, 65}, {1, 16, 1},
                                    {64, 24, 784},  {3, 7, 5},     {96, 64, 100}};
    enum { MOST = 100 * 800 };
    static float a[MOST], b[MOST], c[MOST], expected[MOST];
    const bool enabled = xsmm_enabled;

    (void)state;
    if (!enabled)
        skip();
    normal(a, MOST, 1);
    normal(b, MOST, 2);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int form = 0; form < 4; form++) {
            const int m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
            const bool turned = form & 1, add = form & 2;
            const int lda = turned ? m + 3 : k + 3, ldc = n + 5;

            normal(c, MOST, 3);
            memcpy(expected, c, sizeof c);
            assert_true(xsmm_gemm(turned, m, n, k, a, lda, b, n, add, c, ldc));
            xsmm_enabled = false;
            math_gemm(turned ? MATH_TRANSPOSED : MATH_PLAIN, MATH_PLAIN, m, n, k, 1, a, lda, b, n,
                      add, expected, ldc);
            xsmm_enabled = enabled;
            for (int i = 0; i < MOST; i++)
                if (i / ldc < m && i % ldc < n)
                    assert_true(fabsf(c[i] - expected[i]) < 5e-4F);
                else
                    assert_true(c[i] == expected[i]);
        }
}

static void widths_fill_vectors(void **state)
{
    (void)state;
    for (int n = 1; n < 200; n++) {
        const int width = math_gemm_width(n);
        const int tail = math_tail_units(n);
        assert_true(width >= n && width < n + 16 && width % 16 == 0);
        assert_true(tail == 0 || (n > 16 && (n - tail) % 16 == 0));
    }
}

enum { ROWS = 11, COLUMNS = 80, WIDE = 96 };
static float x[ROWS * WIDE], y[ROWS * WIDE], out[ROWS * WIDE];
static float p[COLUMNS], q[COLUMNS], u[COLUMNS];

static void fill_matrices(void)
{
    normal(x, ROWS * WIDE, 1);
    normal(y, ROWS * WIDE, 2);
    normal(out, ROWS * WIDE, 3);
    normal(p, COLUMNS, 4);
    normal(q, COLUMNS, 5);
    normal(u, COLUMNS, 6);
}

static void assert_near(float value, double expected)
{
    if (!(fabs((double)value - expected) <= 1e-5 * (1 + fabs(expected))))
        fail_msg("%.9g instead of %.9g", (double)value, expected);
}

/* out[r][c] must equal EXPECTED, a formula of r, c and i; beside the columns
 * nothing may have changed. */
#define ASSERT_MATRIX(expected)                                                                    \
    for (int r = 0; r < ROWS; r++)                                                                 \
        for (int c = 0; c < WIDE; c++) {                                                           \
            const int i = r * WIDE + c;                                                            \
            if (c < COLUMNS)                                                                       \
                assert_near(out[i], (double)(expected));                                           \
            else                                                                                   \
                assert_true(out[i] == was[i]);                                                     \
        }

static void columns_match_their_formulas(void **state)
{
    float was[ROWS * WIDE], sum[COLUMNS];

    (void)state;
    fill_matrices();
    memcpy(was, out, sizeof was);
    math_columns_add(ROWS, COLUMNS, p, out, WIDE);
    ASSERT_MATRIX(was[i] + p[c])
    math_columns_affine(ROWS, COLUMNS, x, p, q, out, WIDE);
    ASSERT_MATRIX(p[c] * x[i] + q[c])
    math_columns_sum(ROWS, COLUMNS, x, WIDE, sum);
    for (int c = 0; c < COLUMNS; c++) {
        double s = 0;
        for (int i = c; i < ROWS * WIDE; i += WIDE)
            s += (double)x[i];
        assert_near(sum[c], s);
    }

    /* Three parts that lie one behind the other. */
    enum { PART = 100 * WIDE };
    static float parts[3 * PART];
    normal(parts, 3 * PART, 8);
    math_columns_gather(ROWS, COLUMNS, 3, parts, PART, p, out, WIDE);
    ASSERT_MATRIX(p[c] + parts[i] + parts[PART + i] + parts[2 * PART + i])
}

/* One column by the formulas, in double; forward leaves y^ in `standard`, backward
 * takes the gradient of the output from `g`, and its own results go to the arrays. */
struct plain_norm {
    double mean, variance, inverse, sum, dot, bias_sum;
    double score[ROWS], standard[ROWS], output[ROWS], g[ROWS];
};

static void plain_norm_column(struct plain_norm *plain, int rows, double scale, double shift,
                              double slope, double epsilon)
{
    for (int r = 0; r < rows; r++)
        plain->mean += plain->score[r] / rows;
    for (int r = 0; r < rows; r++)
        plain->variance += pow(plain->score[r] - plain->mean, 2) / rows;
    plain->inverse = 1 / sqrt(plain->variance + epsilon);
    for (int r = 0; r < rows; r++) {
        plain->standard[r] = (plain->score[r] - plain->mean) * plain->inverse;
        plain->output[r] = scale * plain->standard[r] + shift;
        plain->output[r] *= plain->output[r] > 0 ? 1 : slope;
        plain->g[r] *= plain->output[r] > 0 ? 1 : slope;
        plain->sum += plain->g[r];
        plain->dot += plain->g[r] * plain->standard[r];
    }
    for (int r = 0; r < rows; r++) {
        plain->g[r] = scale * plain->inverse *
                      (plain->g[r] - plain->sum / rows - plain->standard[r] * plain->dot / rows);
        plain->bias_sum += plain->g[r];
    }
}

/* Whole chains of rows and such as are left over; one part with and without a bias, and three. */
static void normalization_matches_its_formulas(void **state)
{
    enum { LEAST_ROWS = 4, PART = 100 * WIDE };
    static float parts[3 * PART], standard[ROWS * WIDE], output[ROWS * WIDE];
    float mean[COLUMNS], variance[COLUMNS], inverse[COLUMNS];
    float sum[COLUMNS], dot[COLUMNS], bias_sum[COLUMNS];

    (void)state;
    normal(parts, 3 * PART, 8);
    for (int rows = LEAST_ROWS; rows <= ROWS; rows++)
        for (int count = 0; count <= 3; count += count + 1) {
            fill_matrices();
            memcpy(standard, y, sizeof standard);
            memcpy(output, y, sizeof output);
            const struct math_norm norm = {.bias = count == 0 ? NULL : p,
                                           .scale = q,
                                           .shift = u,
                                           .epsilon = 0.01F,
                                           .slope = 0.25F,
                                           .mean = mean,
                                           .variance = variance,
                                           .inverse = inverse,
                                           .standard = standard,
                                           .output = output};
            math_norm_forward(rows, COLUMNS, count == 0 ? 1 : count, parts, PART, WIDE, &norm);
            memcpy(x, out, sizeof x);
            math_norm_backward(rows, COLUMNS, out, WIDE, &norm, sum, dot, bias_sum);
            for (int c = 0; c < COLUMNS; c++) {
                struct plain_norm plain = {0};
                for (int r = 0; r < rows; r++) {
                    plain.score[r] = count == 0 ? 0 : (double)p[c];
                    for (int k = 0; k < (count == 0 ? 1 : count); k++)
                        plain.score[r] += (double)parts[k * PART + r * WIDE + c];
                    plain.g[r] = (double)x[r * WIDE + c];
                }
                plain_norm_column(&plain, rows, (double)q[c], (double)u[c], 0.25, 0.01);
                assert_near(mean[c], plain.mean);
                assert_near(variance[c], plain.variance);
                assert_near(inverse[c], plain.inverse);
                assert_near(sum[c], plain.sum);
                assert_near(dot[c], plain.dot);
                assert_near(bias_sum[c], plain.bias_sum);
                for (int r = 0; r < rows; r++) {
                    assert_near(standard[r * WIDE + c], plain.standard[r]);
                    assert_near(output[r * WIDE + c], plain.output[r]);
                    assert_near(out[r * WIDE + c], plain.g[r]);
                }
            }
            for (int r = 0; r < ROWS; r++)
                for (int i = r * WIDE + (r < rows ? COLUMNS : 0); i < (r + 1) * WIDE; i++)
                    assert_true(standard[i] == y[i] && output[i] == y[i] && out[i] == x[i]);
        }
}

static void activations_match_their_formulas(void **state)
{
    float was[ROWS * WIDE];

    (void)state;
    fill_matrices();
    memcpy(was, out, sizeof was);
    math_leaky_relu(ROWS, COLUMNS, 0.25F, out, WIDE);
    ASSERT_MATRIX(was[i] > 0 ? was[i] : 0.25F * was[i])
    memcpy(out, was, sizeof out);
    math_leaky_relu_backward(ROWS, COLUMNS, 0.25F, x, out, WIDE);
    ASSERT_MATRIX(was[i] * (x[i] > 0 ? 1 : 0.25F))
    memcpy(out, was, sizeof out);
    math_elu(ROWS, COLUMNS, 0.5F, out, WIDE);
    ASSERT_MATRIX(was[i] > 0 ? (double)was[i] : 0.5 * (exp((double)was[i]) - 1))
    memcpy(y, x, sizeof y);
    math_elu(ROWS, COLUMNS, 0.5F, y, WIDE);
    memcpy(out, was, sizeof out);
    math_elu_backward(ROWS, COLUMNS, 0.5F, y, out, WIDE);
    ASSERT_MATRIX((double)was[i] * (x[i] > 0 ? 1 : 0.5 * exp((double)x[i])))

    out[0] = NAN;
    math_leaky_relu(1, 1, 0, out, WIDE);
    assert_true(isnan(out[0]));
    math_elu(1, 1, 0.5F, out, WIDE);
    assert_true(isnan(out[0]));
}

static void bytes_are_adjusted_within_their_range(void **state)
{
    static const double factors[] = {0, 0.3, 1, 1.7, 2, -0.5};
    static const double lifts[] = {-510, -60.25, 0, 0.5, 33, 510};
    uint8_t bytes[256];

    (void)state;
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++)
        for (size_t l = 0; l < sizeof lifts / sizeof *lifts; l++) {
            const int32_t gain = (int32_t)(65536 * factors[f]), lift = (int32_t)(65536 * lifts[l]);
            for (int i = 0; i < 256; i++)
                bytes[i] = (uint8_t)i;
            math_bytes_adjust(256 - 3, gain, lift, bytes);
            for (int i = 0; i < 256 - 3; i++)
                assert_int_equal(bytes[i],
                                 fmax(0, fmin(255, floor(((double)i * gain + lift) / 65536))));
            assert_true(bytes[253] == 253 && bytes[255] == 255);
        }
}

static void updates_match_their_formulas(void **state)
{
    enum { N = 37 };
    float g[N], velocity[N], weight[N], velocity_was[N], weight_was[N];

    (void)state;
    normal(g, N, 1);
    normal(velocity_was, N, 2);
    normal(weight_was, N, 3);
    memcpy(velocity, velocity_was, sizeof velocity);
    memcpy(weight, weight_was, sizeof weight);
    math_update_momentum(N, 0.1F, 0.9F, 0.02F, g, velocity, weight);
    for (int i = 0; i < N; i++) {
        const double d = 0.1 * ((double)g[i] + 0.02 * (double)weight_was[i]);
        assert_near(velocity[i], 0.9 * (double)velocity_was[i] + d);
        assert_near(weight[i], (double)weight_was[i] - (0.9 * (double)velocity_was[i] + d));
    }
    memcpy(velocity, velocity_was, sizeof velocity);
    memcpy(weight, weight_was, sizeof weight);
    math_update_nesterov(N, 0.1F, 0.9F, 0.02F, g, velocity, weight);
    for (int i = 0; i < N; i++) {
        const double d = 0.1 * ((double)g[i] + 0.02 * (double)weight_was[i]);
        const double after = 0.9 * (double)velocity_was[i] + d;
        assert_near(velocity[i], after);
        assert_near(weight[i], (double)weight_was[i] - (0.9 * after + d));
    }
}

static void adam_matches_its_formula(void **state)
{
    enum { N = 37 };
    static const struct math_adam adam = {.rate = 0.1F,
                                          .momentum = 0.9F,
                                          .square = 0.999F,
                                          .epsilon = 0.01F,
                                          .decay = 0.02F,
                                          .shrink = 0.3F};
    float g[N], m[N], v[N], w[N], m_was[N], v_was[N], w_was[N];

    (void)state;
    normal(g, N, 1);
    normal(m_was, N, 2);
    normal(v_was, N, 3);
    normal(w_was, N, 4);
    for (int i = 0; i < N; i++)
        v_was[i] *= v_was[i];
    g[0] = m_was[0] = v_was[0] = 0; /* what nothing has moved yet */
    memcpy(m, m_was, sizeof m);
    memcpy(v, v_was, sizeof v);
    memcpy(w, w_was, sizeof w);
    math_update_adam(N, &adam, g, m, v, w);
    for (int i = 0; i < N; i++) {
        const double d = (double)g[i] + 0.02 * (double)w_was[i];
        const double first = 0.9 * (double)m_was[i] + 0.1 * d;
        const double second = 0.999 * (double)v_was[i] + 0.001 * d * d;
        assert_near(m[i], first);
        assert_near(v[i], second);
        assert_near(w[i], (double)w_was[i] - 0.1 * first / (sqrt(second) + 0.01) -
                              0.3 * (double)w_was[i]);
    }
}

static void rows_match_their_formulas(void **state)
{
    enum { N = 37, STRIDE = 50 };
    uint8_t bytes[ROWS][N];
    const uint8_t *row[ROWS];
    float factor[N], offset[N], fed[ROWS * STRIDE], turned[COLUMNS * STRIDE];

    (void)state;
    fill_matrices();
    normal(factor, N, 9);
    normal(offset, N, 10);
    for (int r = 0; r < ROWS; r++) {
        row[r] = bytes[r];
        for (int i = 0; i < N; i++)
            bytes[r][i] = (uint8_t)(255 - 7 * i - 50 * r);
    }
    memset(fed, 0, sizeof fed);
    math_bytes_affine(ROWS, N, row, factor, offset, fed, STRIDE);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < STRIDE; i++)
            assert_near(fed[r * STRIDE + i],
                        i < N ? (double)bytes[r][i] * (double)factor[i] - (double)offset[i] : 0);

    memset(turned, 0, sizeof turned);
    math_transpose(ROWS, COLUMNS, x, WIDE, turned, STRIDE);
    for (int c = 0; c < COLUMNS; c++)
        for (int r = 0; r < STRIDE; r++)
            assert_true(turned[c * STRIDE + r] == (r < ROWS ? x[r * WIDE + c] : 0));
}

/* Few units, even and odd numbers of rows, units and inputs, in two calls. */
static void tails_match_the_definition(void **state)
{
    enum { MOST_ROWS = 10, MOST_INPUTS = 150, SPLIT = 48, STRIDE = 160 };
    static float from[MOST_ROWS * STRIDE], weight[MATH_TAIL_UNITS * STRIDE], g[MOST_ROWS * STRIDE];
    static float lanes[MOST_ROWS * MATH_TAIL_UNITS * MATH_TAIL_LANES];
    static const int inputs[] = {49, 64, 127, 128, MOST_INPUTS};

    (void)state;
    normal(from, MOST_ROWS * STRIDE, 1);
    normal(weight, MATH_TAIL_UNITS * STRIDE, 2);
    normal(g, MOST_ROWS * STRIDE, 3);
    for (int rows = 1; rows <= MOST_ROWS; rows++)
        for (int units = 1; units <= MATH_TAIL_UNITS; units++)
            for (int n = 0; n < 5; n++) {
                float score[MOST_ROWS * 20], gradient[MATH_TAIL_UNITS * STRIDE];

                math_tail_product(rows, units, SPLIT, from, STRIDE, weight, STRIDE, false, lanes);
                math_tail_product(rows, units, inputs[n] - SPLIT, from + SPLIT, STRIDE,
                                  weight + SPLIT, STRIDE, true, lanes);
                math_tail_sum(rows, units, lanes, score, 20);
                math_tail_gradient(rows, units, inputs[n], from, STRIDE, g, STRIDE, gradient,
                                   STRIDE);
                for (int h = 0; h < units; h++) {
                    for (int r = 0; r < rows; r++) {
                        double sum = 0;
                        for (int d = 0; d < inputs[n]; d++)
                            sum += (double)from[r * STRIDE + d] * (double)weight[h * STRIDE + d];
                        assert_true(fabs(sum - (double)score[r * 20 + h]) < 1e-4);
                    }
                    for (int d = 0; d < inputs[n]; d++) {
                        double sum = 0;
                        for (int r = 0; r < rows; r++)
                            sum += (double)g[r * STRIDE + h] * (double)from[r * STRIDE + d];
                        assert_near(gradient[h * STRIDE + d], sum);
                    }
                }
            }
}

/* Each sum is a chain of multiply-adds where the product is our own: the same bits as these. */
static void gradients_match_the_definition(void **state)
{
    enum { SAMPLES = 37, INPUTS = 19, UNITS = 144, STRIDE = 160 };
    static const int units[] = {1, 10, 16, 32, 48, 64, 80, 96, 112, 128, 144};
    static float given[SAMPLES * STRIDE], g[SAMPLES * STRIDE], soon[INPUTS * UNITS],
        result[INPUTS * UNITS + 1];
    const float *const both[] = {soon, soon};

    (void)state;
    normal(given, SAMPLES * STRIDE, 1);
    normal(g, SAMPLES * STRIDE, 2);
    for (size_t n = 0; n < sizeof units / sizeof *units; n++)
        for (int rows = 1; rows <= SAMPLES; rows += 9)
            for (int inputs = 1; inputs <= INPUTS; inputs++) {
                const bool own = math_gradient_inputs(units[n], 0) == inputs;

                result[inputs * units[n]] = 7;
                math_gradient(rows, inputs, units[n], given, STRIDE, g, STRIDE, both, result);
                assert_true(result[inputs * units[n]] == 7);
                for (int d = 0; d < inputs; d++)
                    for (int h = 0; h < units[n]; h++) {
                        float sum = 0;
                        for (int r = 0; r < rows; r++)
                            sum = fmaf(given[r * STRIDE + d], g[r * STRIDE + h], sum);
                        if (own)
                            assert_true(result[d * units[n] + h] == sum);
                        else
                            assert_near(result[d * units[n] + h], (double)sum);
                    }
            }
}

static void softmax_matches_the_definition(void **state)
{
    enum { SAMPLES = 35, STRIDE = 48 }; /* whole groups of rows and a part of one */
    static const int columns[] = {1, 2, 10, 16, 17, 40};
    float logits[SAMPLES * STRIDE], share[SAMPLES * STRIDE], largest[SAMPLES], sum[SAMPLES];

    (void)state;
    for (size_t n = 0; n < sizeof columns / sizeof *columns; n++) {
        normal(logits, SAMPLES * STRIDE, 5);
        for (int i = 0; i < STRIDE; i++) {
            logits[STRIDE + i] = 1000 + 100 * logits[STRIDE + i];
            logits[(SAMPLES - 1) * STRIDE + i] -= 1000;
        }
        for (int i = 0; i < SAMPLES * STRIDE; i++)
            share[i] = 7;
        math_softmax(SAMPLES, columns[n], 0.5F, logits, STRIDE, share, largest, sum);
        for (int r = 0; r < SAMPLES; r++) {
            const float *row = logits + r * STRIDE;
            float most = row[0];
            double total = 0;

            for (int c = 0; c < columns[n]; c++)
                most = fmaxf(most, row[c]);
            for (int c = 0; c < columns[n]; c++)
                total += exp((double)row[c] - (double)most);
            assert_true(largest[r] == most);
            assert_near(sum[r], total);
            for (int c = 0; c < (columns[n] + 15) / 16 * 16; c++)
                assert_near(share[r * STRIDE + c],
                            c < columns[n] ? 0.5 * exp((double)row[c] - (double)most) / total : 0);
            assert_true(columns[n] == 40 || share[r * STRIDE + STRIDE - 1] == 7);
        }
    }
    logits[0] = NAN;
    logits[STRIDE + 1] = NAN;
    logits[2 * STRIDE] = INFINITY;
    math_softmax(3, 10, 1, logits, STRIDE, share, largest, sum);
    for (int r = 0; r < 3; r++)
        assert_false(isfinite(sum[r]) && isfinite(largest[r]));
}

/* All results of all kernels at one width of the vectors. */
struct results {
    double squares[2];
    float matrix[19][ROWS * WIDE], vector[9][COLUMNS];
    uint8_t adjusted[ROWS * WIDE];
};

static void run_kernels(struct results *results)
{
    static const struct math_adam adam = {0.1F, 0.9F, 0.999F, 1e-8F, 0.02F, 0.03F};
    static uint8_t bytes[ROWS * WIDE];
    const uint8_t *row[ROWS];
    float(*m)[ROWS * WIDE] = results->matrix, (*s)[COLUMNS] = results->vector;

    fill_matrices();
    for (int i = 0; i < ROWS * WIDE; i++)
        bytes[i] = (uint8_t)(31 * i);
    for (int i = 0; i < 19; i++)
        memcpy(m[i], out, sizeof out);
    math_columns_add(ROWS, COLUMNS, p, m[0], WIDE);
    math_columns_affine(ROWS, COLUMNS, x, p, q, m[1], WIDE);
    const struct math_norm norm = {p, q, u, 0.01F, 0.1F, s[1], s[2], s[3], m[2], m[3]};
    math_norm_forward(ROWS / 2, COLUMNS, 2, x, ROWS / 2 * WIDE, WIDE, &norm);
    math_norm_backward(ROWS / 2, COLUMNS, m[11], WIDE, &norm, s[6], s[7], s[8]);
    math_columns_gather(ROWS / 2, COLUMNS, 2, x, ROWS / 2 * WIDE, p, m[4], WIDE);
    math_leaky_relu(ROWS, COLUMNS, 0.1F, m[5], WIDE);
    math_leaky_relu_backward(ROWS, COLUMNS, 0.1F, x, m[6], WIDE);
    math_elu_backward(ROWS, COLUMNS, 0.1F, x, m[7], WIDE);
    math_update_momentum(ROWS * WIDE - 3, 0.1F, 0.9F, 0.02F, x, m[8], m[9]);
    math_update_nesterov(ROWS * WIDE - 3, 0.1F, 0.9F, 0.02F, x, m[8], m[9]);
    for (int i = 0; i < ROWS * WIDE; i++)
        m[17][i] *= m[17][i];
    math_update_adam(ROWS * WIDE - 3, &adam, x, m[16], m[17], m[18]);
    for (int r = 0; r < ROWS; r++)
        row[r] = bytes + r * WIDE;
    math_bytes_affine(ROWS, WIDE - 3, row, x, y, m[10], WIDE);
    memcpy(results->adjusted, bytes, sizeof bytes);
    math_bytes_adjust(ROWS * WIDE - 3, 100000, -900000, results->adjusted);
    math_columns_sum(ROWS, COLUMNS, x, WIDE, s[0]);
    s[4][0] = math_finite(ROWS * WIDE, x);
    results->squares[0] = math_squares(ROWS * WIDE - 3, x);
    results->squares[1] = math_squares_apart(ROWS * WIDE - 3, x, y);
    math_elu(ROWS, COLUMNS - 3, 0.1F, m[12], WIDE);
    math_softmax(ROWS, 21, 0.1F, x, WIDE, m[13], s[4] + 1, s[5]);
    math_tail_product(ROWS - 4, 5, WIDE - 3, x, WIDE, y, WIDE, false, m[14]);
    math_tail_gradient(ROWS, 5, WIDE - 3, x, WIDE, y, WIDE, m[15], WIDE);
}

static void every_width_gives_the_same_bits(void **state)
{
    static struct results plain, wide;
    const enum math_width widest = math_width;

    (void)state;
    assert_int_equal(widest, math_width_widest());
    math_width = MATH_WIDTH_PLAIN;
    run_kernels(&plain);
    for (int width = MATH_WIDTH_PLAIN; width < (int)widest; width++) {
        math_width = (enum math_width)(width + 1);
        run_kernels(&wide);
        assert_memory_equal(&plain, &wide, sizeof plain);
    }
    math_width = widest;
}

static void squares_match_the_definition(void **state)
{
    (void)state;
    fill_matrices();
    for (size_t n = 0; n <= 100; n++) {
        double squares = 0, apart = 0;
        for (size_t i = 0; i < n; i++) {
            squares += pow((double)x[i], 2);
            apart += pow((double)x[i] - (double)y[i], 2);
        }
        assert_true(fabs(math_squares(n, x) - squares) <= 1e-14 * squares);
        assert_true(fabs(math_squares_apart(n, x, y) - apart) <= 1e-14 * apart);
    }
}

static void finite_sees_every_place(void **state)
{
    enum { N = 37 };
    const float bad[] = {NAN, INFINITY, -INFINITY};
    float values[N];

    (void)state;
    normal(values, N, 1);
    values[0] = -FLT_MAX;
    assert_true(math_finite(0, values));
    assert_true(math_finite(N, values));
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++) {
            const float good = values[i];
            values[i] = bad[k];
            assert_false(math_finite(N, values));
            values[i] = good;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_is_named),
        cmocka_unit_test(products_match_the_definition),
        cmocka_unit_test(generated_products_match_openblas),
        cmocka_unit_test(gradients_match_the_definition),
        cmocka_unit_test(widths_fill_vectors),
        cmocka_unit_test(columns_match_their_formulas),
        cmocka_unit_test(normalization_matches_its_formulas),
        cmocka_unit_test(activations_match_their_formulas),
        cmocka_unit_test(bytes_are_adjusted_within_their_range),
        cmocka_unit_test(updates_match_their_formulas),
        cmocka_unit_test(adam_matches_its_formula),
        cmocka_unit_test(rows_match_their_formulas),
        cmocka_unit_test(tails_match_the_definition),
        cmocka_unit_test(softmax_matches_the_definition),
        cmocka_unit_test(every_width_gives_the_same_bits),
        cmocka_unit_test(squares_match_the_definition),
        cmocka_unit_test(finite_sees_every_place),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
