/*
 * Random numbers: the published vectors, the same bits by every way to get
 * them, and the shape of the normal distribution.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/base/rng.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { DRAWS = 1 << 20 };
static float values[DRAWS], others[DRAWS];

static void *fill_in_thread(void *out)
{
    rng_normal_fill(3, RNG_NOISE, 1, 2, out, 1000);
    return NULL;
}

/* First of all tests, so that the threads meet in the choice of the copy. */
static void test_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    static float out[THREADS][1000];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fill_in_thread, out[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < THREADS; i++)
        assert_memory_equal(out[i], out[0], sizeof out[0]);
}

/* The known answers that Random123 publishes for philox4x32 with 10 rounds. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const uint32_t *counter = known[i].counter;
        uint64_t seed = (uint64_t)known[i].key[1] << 32 | known[i].key[0];
        struct rng_words drawn =
            rng_draw(seed, (enum rng_stream)counter[3], counter[2], counter[1], counter[0]);
        assert_memory_equal(drawn.word, known[i].answer, sizeof drawn.word);
    }
}

static void check_16(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                     uint32_t block)
{
    uint32_t out[4][16];
    rng_draw_16(seed, stream, epoch, sample, block, out);
    for (uint32_t lane = 0; lane < 16; lane++) {
        struct rng_words drawn = rng_draw(seed, stream, epoch, sample, block + lane);
        for (int word = 0; word < 4; word++)
            assert_int_equal(out[word][lane], drawn.word[word]);
    }
}

static void test_draw_16(void **state)
{
    (void)state;
    check_16(0, RNG_INIT, 0, 0, 0);
    check_16(UINT64_MAX, (enum rng_stream)UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX - 5);
    for (uint32_t i = 0; i < 1000; i++) {
        struct rng_words at = rng_draw(7, RNG_SYNTHETIC, 0, 0, i);
        check_16((uint64_t)at.word[0] << 32 | at.word[1], RNG_NOISE, at.word[2], at.word[3],
                 at.word[0] ^ at.word[3]);
    }
}

/* What a word makes, in double precision. */
static void expected_pair(uint32_t word, double pair[2])
{
    double u = ((word & 0x7fffff00) | 0x80) * 0x1p-31;
    double radius = sqrt(-2 * log(u)) * (word >> 31 ? -1 : 1);
    double angle = (word % 16 + ((double)(word & 0xffff) - 0x8000) * 0x1p-16) * acos(-1) / 16;
    pair[0] = radius * cos(angle);
    pair[1] = radius * sin(angle);
}

static void check_pair(uint32_t word, double *worst)
{
    float pair[2] = {0, 0};
    double expected[2];
    rng_normal_add_pair(word, 1, &pair[0], &pair[1]);
    expected_pair(word, expected);
    *worst = fmax(*worst, fabs(pair[0] - expected[0]));
    *worst = fmax(*worst, fabs(pair[1] - expected[1]));
    assert_true(isfinite(pair[0]) && isfinite(pair[1]));
}

static void test_normal_pair(void **state)
{
    (void)state;
    double worst = 0;
    for (uint32_t i = 0; i < 300000; i++) {
        check_pair(i * 14321, &worst); /* all over the range */
        check_pair(i, &worst);         /* far out, in both halves of the circle */
        check_pair(0u - i, &worst);
        check_pair(0x7fffffffu - i, &worst); /* near 0 */
        check_pair(0x80000000u + i, &worst);
    }
    assert_true(worst < 8e-6);
    float pair[2] = {1, 2};
    rng_normal_add_pair(12345, 0, &pair[0], &pair[1]);
    assert_true(pair[0] == 1 && pair[1] == 2);
}

/* The numbers are those of the words, in the order that normal.c states. */
static void test_layout(void **state)
{
    (void)state;
    enum { N = 64 * 5 + 1 };
    const uint64_t seed = 0x123456789abcdef;
    rng_normal_fill(seed, RNG_NOISE, 4, 5, values, N);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t group = i / 64, half = i / 32 % 2, lane = i % 16;
        struct rng_words drawn = rng_draw(seed, RNG_NOISE, 4, 5, 8 * group + lane / 2);
        float pair[2] = {0, 0};
        rng_normal_add_pair(drawn.word[2 * half + 1 - lane % 2], 1, &pair[0], &pair[1]);
        assert_memory_equal(&values[i], &pair[i / 16 % 2], sizeof *pair);
    }
}

/* Bytes, factors and offsets for some rows. */
enum { MOST_ROWS = 9, LONGEST = 2300 * 64 + 13 };
static uint8_t mean_bytes[LONGEST + MOST_ROWS];
static const uint8_t *mean_row[MOST_ROWS];
static float mean_factor[LONGEST], mean_offset[LONGEST];
static const struct rng_means means = {mean_row, mean_factor, mean_offset};

static int means_make(void **state)
{
    (void)state;
    for (int i = 0; i < LONGEST + MOST_ROWS; i++)
        mean_bytes[i] = (uint8_t)rng_draw(1, RNG_SYNTHETIC, 0, 0, (uint32_t)i).word[0];
    for (int r = 0; r < MOST_ROWS; r++)
        mean_row[r] = mean_bytes + r;
    for (int i = 0; i < LONGEST; i++) {
        mean_factor[i] = 0.004F + 0.0001F * (float)(i % 7);
        mean_offset[i] = 0.5F + 0.01F * (float)(i % 11);
    }
    return 0;
}

/* Any part of any rows gets its own numbers, and nothing beside it. */
static void test_parts(void **state)
{
    (void)state;
    enum { LONG = 260, STRIDE = LONG + 3 };
    static float whole[MOST_ROWS][LONG], x[MOST_ROWS * STRIDE];
    const struct rng_normal normal = {1, RNG_NOISE, 2, 0.3F};
    uint32_t sample[MOST_ROWS];
    for (uint32_t r = 0; r < MOST_ROWS; r++)
        sample[r] = 1000 - 77 * r;
    rng_normal_rows(&normal, &means, sample, MOST_ROWS, 0, LONG, whole[0], LONG);
    for (size_t first = 0; first < LONG; first += 13)
        for (size_t n = 0; first + n <= LONG; n += 19)
            for (int rows = 0; rows <= MOST_ROWS; rows += 1 + (int)(n % 3)) {
                const uint8_t *row[MOST_ROWS];
                for (int r = 0; r < MOST_ROWS; r++)
                    row[r] = mean_row[r] + first;
                const struct rng_means part = {row, mean_factor + first, mean_offset + first};
                memset(x, 0, sizeof x);
                rng_normal_rows(&normal, &part, sample, rows, first, n, x, STRIDE);
                for (int r = 0; r < MOST_ROWS; r++)
                    for (size_t i = 0; i < STRIDE; i++)
                        assert_true(x[(size_t)r * STRIDE + i] ==
                                    (r < rows && i < n ? whole[r][first + i] : 0));
            }
}

/* Means and deviation are what is asked for. */
static void test_means(void **state)
{
    (void)state;
    enum { N = 700 };
    const struct rng_normal normal = {6, RNG_NOISE, 7, 0.3F}, certain = {6, RNG_NOISE, 7, 0};
    const uint32_t sample = 8;
    rng_normal_fill(6, RNG_NOISE, 7, 8, others, N);
    rng_normal_rows(&normal, &means, &sample, 1, 0, N, values, N);
    rng_normal_rows(&certain, &means, &sample, 1, 0, N, values + N, N);
    for (int i = 0; i < N; i++) {
        double mean = mean_bytes[i] * (double)mean_factor[i] - mean_offset[i];
        assert_true(fabs(values[N + i] - mean) < 1e-6);
        assert_true(fabs(values[i] - mean - 0.3 * others[i]) < 1e-6);
    }
}

/* Every copy gives the plain one's bits, to rows at unaligned places too; the
 * digest is that of every compiler and processor. */
static void test_copies(void **state)
{
    (void)state;
    enum { ROWS = 7, GROUPS = LONGEST / 64, AT = 13, STRIDE = LONGEST + 5 };
    _Static_assert(ROWS * STRIDE < DRAWS, "the rows have room");
    const struct rng_normal normal = {0xfedcba9876543210, RNG_NOISE, 12, 0.7F};
    const uint32_t sample[ROWS] = {0, 1, 2, 0xffffffff, 13, 1u << 31, 49999};
    const struct rng_normal_copy *copy = rng_normal_copy(0);
    assert_string_equal(copy->name, "plain");
    memset(values, 0, sizeof values);
    copy->draw(&normal, &means, AT, sample, ROWS, 16, GROUPS, values + 1, STRIDE);
    assert_int_equal(digest_crc32(0, values, sizeof values), 0x31928962);
    for (size_t i = 1; (copy = rng_normal_copy(i)); i++)
        for (int rows = 1; rows <= ROWS; rows += 2) {
            memset(others, 0, sizeof others);
            copy->draw(&normal, &means, AT, sample, rows, 16, GROUPS, others + 1, STRIDE);
            for (int r = 0; r < ROWS; r++)
                for (size_t k = 0; k < STRIDE; k++)
                    if (others[1 + (size_t)r * STRIDE + k] !=
                        (r < rows ? values[1 + (size_t)r * STRIDE + k] : 0))
                        fail_msg("%s differs from plain in row %d at %zu", copy->name, r, k);
        }
    /* The last blocks that there are. */
    static float last[2][128];
    for (size_t i = 0; (copy = rng_normal_copy(i)); i++) {
        copy->draw(&normal, &means, 0, sample, 1, UINT32_MAX - 15, 2, last[i > 0], 0);
        assert_memory_equal(last[i > 0], last[0], sizeof last[0]);
    }
}

#ifdef __x86_64__
/* Computing threads flush denormals to zero; it must not show in the numbers. */
static void test_flush_to_zero(void **state)
{
    (void)state;
    enum { SAMPLES = 7 };
    const struct rng_normal normal = {1, RNG_NOISE, 0, 1};
    const uint32_t sample[SAMPLES] = {1, 2, 3, 4, 5, 6, 7};
    const struct rng_normal_copy *copy;
    unsigned before = __builtin_ia32_stmxcsr();
    for (size_t i = 0; (copy = rng_normal_copy(i)); i++) {
        memset(values, 0, sizeof values);
        memset(others, 0, sizeof others);
        copy->draw(&normal, &means, 0, sample, SAMPLES, 0, LONGEST / 64, values, LONGEST);
        __builtin_ia32_ldmxcsr(before | 0x8040);
        copy->draw(&normal, &means, 0, sample, SAMPLES, 0, LONGEST / 64, others, LONGEST);
        __builtin_ia32_ldmxcsr(before);
        assert_memory_equal(others, values, sizeof values);
    }
}
#endif

static int by_value(const void *a, const void *b)
{
    float first = *(const float *)a, second = *(const float *)b;
    return (first > second) - (first < second);
}

/* Each bound is about four standard errors of its estimate. */
static void test_distribution(void **state)
{
    (void)state;
    enum { MOMENTS = 8 };
    /* Of the normal distribution, up to the 16th. */
    const double normal_moment[] = {1, 0,   1, 0,     3, 0,      15, 0,      105,
                                    0, 945, 0, 10395, 0, 135135, 0,  2027025};
    const double n = DRAWS, root = sqrt(n);
    rng_normal_fill(2026, RNG_NOISE, 1, 1, values, DRAWS);
    double moment[MOMENTS + 1] = {0}, beyond[6] = {0};
    for (size_t i = 0; i < DRAWS; i++) {
        double value = values[i], power = 1;
        assert_true(isfinite(value));
        for (int k = 1; k <= MOMENTS; k++)
            moment[k] += power *= value;
        for (int k = 1; k <= 5; k++)
            beyond[k] += fabs(value) > k;
    }
    for (int k = 1; k <= MOMENTS; k++) {
        double deviation = sqrt(normal_moment[2 * k] - normal_moment[k] * normal_moment[k]);
        assert_true(fabs(moment[k] / n - normal_moment[k]) < 4 * deviation / root);
    }
    for (int k = 1; k <= 5; k++) {
        double expected = n * erfc(k / sqrt(2));
        assert_true(fabs(beyond[k] - expected) < 4 * sqrt(expected) + 1);
    }

    /* Kolmogorov and Smirnov, at the level of 1%. */
    qsort(values, DRAWS, sizeof *values, by_value);
    double largest = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        double probability = 0.5 * erfc(-values[i] / sqrt(2));
        largest =
            fmax(largest, fmax(probability - (double)i / n, (double)(i + 1) / n - probability));
    }
    assert_true(largest * root < 1.63);
}

/* Radius and angle of the pairs fill the circle evenly, although they come of
 * one word: Pearson's test with as many rings and sectors as there are. */
static void test_pairs(void **state)
{
    (void)state;
    enum { RINGS = 64, CUTS = 64, CELLS = RINGS * CUTS };
    static double count[CELLS];
    double expected = DRAWS / 2.0 / CELLS, sum = 0;
    rng_normal_fill(2027, RNG_NOISE, 1, 1, values, DRAWS);
    for (size_t i = 0; i < DRAWS; i++) {
        if (i / 16 % 2)
            continue;
        double x = values[i], y = values[i + 16];
        double ring = exp(-(x * x + y * y) / 2), cut = 0.5 + atan2(y, x) / (2 * acos(-1));
        count[(int)fmin(ring * RINGS, RINGS - 1) * CUTS + (int)fmin(cut * CUTS, CUTS - 1)]++;
    }
    for (int i = 0; i < CELLS; i++)
        sum += (count[i] - expected) * (count[i] - expected) / expected;
    assert_true(fabs(sum - (CELLS - 1)) < 4 * sqrt(2.0 * CELLS));
}

/* Neither the numbers nor their squares have anything to do with each other. */
static void check_unrelated(const float *one, const float *other, size_t n)
{
    double product = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double a = one[i], b = other[i];
        product += a * b;
        squares += (a * a - 1) * (b * b - 1);
    }
    assert_true(fabs(product) < 4 * sqrt((double)n));
    assert_true(fabs(squares) < 4 * 2 * sqrt((double)n));
}

static void test_independence(void **state)
{
    (void)state;
    enum { N = 1 << 18 };
    const size_t lags[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 128, 784, 3072};
    rng_normal_fill(1, RNG_NOISE, 1, 1, values, N + 3072);
    for (size_t i = 0; i < sizeof lags / sizeof *lags; i++)
        check_unrelated(values, values + lags[i], N);
    /* Neighbouring samples, epochs, streams and seeds. */
    for (int i = 0; i < 5; i++) {
        uint64_t seed = i == 0 ? 2 : i == 1 ? 1 | UINT64_C(1) << 32 : 1;
        enum rng_stream stream = i == 2 ? RNG_AUGMENT : RNG_NOISE;
        rng_normal_fill(seed, stream, i == 3 ? 2 : 1, i == 4 ? 2 : 1, others, N);
        check_unrelated(values, others, N);
    }
    /* One place of many samples, as one pixel sees it. */
    for (uint32_t i = 0; i < N / 16; i++) {
        rng_normal_fill(1, RNG_NOISE, 1, i, others, 720);
        memcpy(values + 16 * (size_t)i, others + 704, 16 * sizeof *values);
    }
    check_unrelated(values, values + 16, N - 16);
    check_unrelated(values, values + 1600, N - 1600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_draw_16),       cmocka_unit_test(test_normal_pair),
        cmocka_unit_test(test_layout),        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_means),         cmocka_unit_test(test_copies),
#ifdef __x86_64__
        cmocka_unit_test(test_flush_to_zero),
#endif
        cmocka_unit_test(test_distribution),  cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_independence),
    };
    return cmocka_run_group_tests_name("base_rng", tests, means_make, NULL);
}
