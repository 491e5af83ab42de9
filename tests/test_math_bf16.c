/*
 * Rounding to bfloat16 and products of it against plain twins, bit for bit.
 */
#include "kdt/math.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 100 * 300, LANES = 16, WIDE = 32 };

static const struct math_bf16 *bf16;

static uint32_t bits(float x)
{
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    return word;
}

static float number(uint32_t word)
{
    float x;
    memcpy(&x, &word, sizeof x);
    return x;
}

static float widened(uint16_t x)
{
    return number((uint32_t)x << 16);
}

static uint16_t rounded(float x)
{
    const uint32_t word = bits(x), exponent = word >> 23 & 0xff;

    if (exponent == 0)
        return (uint16_t)(word >> 16 & 0x8000);
    if (exponent == 0xff) /* infinite, or a NaN, which stays one */
        return (uint16_t)(word >> 16 | ((word & 0x7fffff) != 0 ? 0x40 : 0));
    return (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

static void normal(float *out, size_t n, uint32_t sample)
{
    rng_normal_fill(1, RNG_SYNTHETIC, 0, sample, out, n);
}

static int find_bf16(void **state)
{
    (void)state;
    bf16 = math_bf16();
    return 0;
}

static void rounding_is_to_nearest_even(void **state)
{
    static const uint32_t low[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    float x[WIDE];
    uint16_t y[WIDE], pair[2 * WIDE];

    (void)state;
    if (bf16 == NULL)
        skip();
    for (uint32_t high = 0; high < 0x10000; high += WIDE)
        for (size_t l = 0; l < sizeof low / sizeof *low; l++) {
            for (uint32_t i = 0; i < WIDE; i++)
                x[i] = number((high + i) << 16 | low[l]);
            bf16->rows(1, WIDE, x, WIDE, y, WIDE);
            bf16->pairs(1, WIDE, x, WIDE, pair, WIDE);
            for (int i = 0; i < WIDE; i++) {
                assert_int_equal(y[i], rounded(x[i]));
                assert_int_equal(pair[2 * i], y[i]);
                assert_int_equal(pair[2 * i + 1], 0);
            }
        }
}

static void rows_and_pairs_end_in_zeros(void **state)
{
    static const int sizes[][2] = {{1, 1}, {2, 16}, {3, 17}, {7, 33}, {4, 100}, {5, 64}};
    enum { STRIDE = 128, FILLER = 0x1234 };
    static float x[8 * STRIDE];
    static uint16_t row[8 * STRIDE], pair[8 * STRIDE];

    (void)state;
    if (bf16 == NULL)
        skip();
    normal(x, sizeof x / sizeof *x, 1);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int rows = sizes[s][0], columns = sizes[s][1];
        for (int i = 0; i < 8 * STRIDE; i++)
            row[i] = pair[i] = FILLER;
        bf16->rows(rows, columns, x, STRIDE, row, STRIDE);
        bf16->pairs(rows, columns, x, STRIDE, pair, STRIDE);
        for (int r = 0; r < 8; r++)
            for (int c = 0; c < STRIDE; c++) {
                const bool given = r < rows && c < columns;
                const uint16_t value = given ? rounded(x[r * STRIDE + c]) : 0;
                const bool filled = r < rows && c < (columns + WIDE - 1) / WIDE * WIDE;
                const bool paired =
                    r < (rows + 1) / 2 * 2 && c < (columns + LANES - 1) / LANES * LANES;

                assert_int_equal(row[r * STRIDE + c], filled ? value : FILLER);
                assert_int_equal(pair[(r / 2 * STRIDE + c) * 2 + r % 2], paired ? value : FILLER);
            }
    }
}

/* One sum of an instruction's lane. */
static float take_in(float sum, float a0, float b0, float a1, float b1)
{
    return fmaf(a0, b0, fmaf(a1, b1, sum));
}

/* Element (i, k) of a matrix in rows, or (k, i) in pairs, as the number it is. */
static float element(const uint16_t *a, int lda, bool paired, int i, int k)
{
    return widened(paired ? a[(k / 2 * lda + i) * 2 + k % 2] : a[i * lda + k]);
}

static void products_match_their_twin(void **state)
{
    static const int shapes[][3] = {{100, 48, 256}, {128, 96, 100}, {1, 16, 1},
                                    {2, 32, 2},     {3, 64, 33},    {7, 80, 65},
                                    {13, 112, 4},   {21, 128, 31},  {8, 16, 10}};
    static float x[MOST], y[MOST], c[MOST], expected[MOST];
    static uint16_t a[2 * MOST], b[2 * MOST];

    (void)state;
    if (bf16 == NULL)
        skip();
    normal(x, MOST, 1);
    normal(y, MOST, 2);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int form = 0; form < 4; form++) {
            const int m = shapes[s][0], n = shapes[s][1], k = shapes[s][2], ldc = n + 3;
            const bool turned = form & 1, add = form & 2;
            const int lda = turned ? (m + 31) / 16 * 16 : (k + 63) / 32 * 32, ldb = n + 16;

            if (turned)
                bf16->pairs(k, m, x, m, a, lda);
            else
                bf16->rows(m, k, x, k, a, lda);
            bf16->pairs(k, n, y, n, b, ldb);
            normal(c, MOST, 3);
            memcpy(expected, c, sizeof c);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++) {
                    float sum = add ? c[i * ldc + j] : 0;
                    for (int d = 0; d < k; d += 2) {
                        const bool both = d + 1 < k;
                        sum =
                            take_in(sum, element(a, lda, turned, i, d), element(b, ldb, true, j, d),
                                    both ? element(a, lda, turned, i, d + 1) : 0,
                                    both ? element(b, ldb, true, j, d + 1) : 0);
                    }
                    expected[i * ldc + j] = sum;
                }
            bf16->gemm(turned ? MATH_TRANSPOSED : MATH_PLAIN, m, n, k, a, lda, b, ldb, add, c, ldc);
            assert_memory_equal(c, expected, sizeof c);
        }
}

static float dot(int k, const uint16_t *a, const uint16_t *b)
{
    float lane[LANES] = {0};

    for (int d = 0; d < k; d += WIDE)
        for (int i = 0; i < LANES; i++) {
            const int at = d + 2 * i;
            lane[i] = take_in(lane[i], widened(a[at]), widened(b[at]), widened(a[at + 1]),
                              widened(b[at + 1]));
        }
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

static void dots_match_their_twin(void **state)
{
    static const int shapes[][3] = {{100, 2, 256}, {1, 1, 1}, {3, 3, 33}, {9, 8, 65}, {4, 7, 32}};
    static float x[MOST], y[MOST], c[MOST], expected[MOST];
    static uint16_t a[2 * MOST], b[2 * MOST];

    (void)state;
    if (bf16 == NULL)
        skip();
    normal(x, MOST, 1);
    normal(y, MOST, 2);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int add = 0; add < 2; add++) {
            const int m = shapes[s][0], n = shapes[s][1], k = shapes[s][2], ldc = n + 3;
            const int lda = (k + 63) / 32 * 32, ldb = lda + 32;

            bf16->rows(m, k, x, k, a, lda);
            bf16->rows(n, k, y, k, b, ldb);
            normal(c, MOST, 3);
            memcpy(expected, c, sizeof c);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++)
                    expected[i * ldc + j] =
                        (add ? c[i * ldc + j] : 0) + dot(k, a + i * lda, b + j * ldb);
            bf16->dots(m, n, k, a, lda, b, ldb, add, c, ldc);
            assert_memory_equal(c, expected, sizeof c);
        }
}

static void what_is_not_finite_stays_so(void **state)
{
    enum { M = 9, N = 16, K = 5 };
    const float bad[] = {NAN, INFINITY, -INFINITY};
    float x[M * K], y[K * N], c[M * N];
    uint16_t a[M * WIDE], b[2 * K * N];

    (void)state;
    if (bf16 == NULL)
        skip();
    normal(y, K * N, 2);
    bf16->pairs(K, N, y, N, b, N);
    for (int i = 0; i < 3; i++) {
        normal(x, M * K, 1);
        x[4 * K + 4] = bad[i];
        bf16->rows(M, K, x, K, a, WIDE);
        bf16->gemm(MATH_PLAIN, M, N, K, a, WIDE, b, N, false, c, N);
        for (int r = 0; r < M; r++)
            for (int n = 0; n < N; n++)
                assert_true((isfinite(c[r * N + n]) != 0) == (r != 4));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_to_nearest_even),
        cmocka_unit_test(rows_and_pairs_end_in_zeros),
        cmocka_unit_test(products_match_their_twin),
        cmocka_unit_test(dots_match_their_twin),
        cmocka_unit_test(what_is_not_finite_stays_so),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, find_bf16, NULL);
}
