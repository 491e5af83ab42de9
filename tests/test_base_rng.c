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

static void test_uniform(void **state)
{
    (void)state;
    assert_true(rng_uniform(0) == 0x1p-24f);
    assert_true(rng_uniform(255) == 0x1p-24f);
    assert_true(rng_uniform(UINT32_MAX) == 1.0f);
    assert_true(rng_uniform(0x7fffff00) == 0.5f);
}

/* Against the formula in double precision, at the ends of both words' ranges
 * and in between. */
static void test_normal_pair(void **state)
{
    (void)state;
    double worst = 0;
    for (uint32_t i = 0; i < 300000; i++) {
        struct rng_words drawn = rng_draw(3, RNG_NOISE, 0, 0, i);
        uint32_t a = drawn.word[0], b = drawn.word[1];
        if (i % 4 == 1)
            a = i << 6; /* far out */
        if (i % 4 == 2)
            a = UINT32_MAX - (i << 6); /* near 0 */
        if (i % 4 == 3)
            b = (i << 29) + (i >> 4) % 64 - 32; /* where the eighths of the circle meet */
        float pair[2];
        rng_normal_pair(a, b, pair);
        double radius = sqrt(-2 * log(((a >> 8) + 1) * 0x1p-24));
        double angle = b * 0x1p-31 * acos(-1);
        worst = fmax(worst, fabs(pair[0] - radius * cos(angle)));
        worst = fmax(worst, fabs(pair[1] - radius * sin(angle)));
    }
    assert_true(worst < 2e-6);
    float zero[2];
    rng_normal_pair(UINT32_MAX, 0, zero);
    assert_true(zero[0] == 0 && zero[1] == 0);
}

/* rng_normal_fill is rng_draw and rng_normal_pair in the order that rng.c states. */
static void test_fill_layout(void **state)
{
    (void)state;
    enum { N = 64 * 5 + 1 };
    const uint64_t seed = 0x123456789abcdef;
    rng_normal_fill(seed, RNG_NOISE, 4, 5, values, N);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t group = i / 64, word = i / 16 % 4, lane = i % 16;
        struct rng_words drawn = rng_draw(seed, RNG_NOISE, 4, 5, 16 * group + lane);
        float pair[2];
        rng_normal_pair(drawn.word[word & 2], drawn.word[(word & 2) + 1], pair);
        assert_memory_equal(&values[i], &pair[word & 1], sizeof *pair);
    }
}

static void test_fill_length(void **state)
{
    (void)state;
    enum { LONGEST = 200 };
    rng_normal_fill(1, RNG_NOISE, 2, 3, values, LONGEST);
    for (size_t n = 0; n <= LONGEST; n++) {
        others[n] = 42;
        rng_normal_fill(1, RNG_NOISE, 2, 3, others, n);
        assert_memory_equal(others, values, n * sizeof *values);
        assert_true(others[n] == 42);
    }
    /* Any part of them alone. */
    for (size_t first = 0; first < LONGEST; first += 13)
        for (size_t n = 0; first + n <= LONGEST; n += 7) {
            others[n] = 42;
            rng_normal_part(1, RNG_NOISE, 2, 3, first, others, n);
            assert_memory_equal(others, values + first, n * sizeof *values);
            assert_true(others[n] == 42);
        }
}

/* Every copy gives the plain one's bits, from unaligned places too; the digest
 * is that of every compiler and processor. */
static void test_copies(void **state)
{
    (void)state;
    enum { N = 100003 };
    const struct rng_fill *copy = rng_fill_copy(0);
    assert_string_equal(copy->name, "plain");
    copy->fill(11, RNG_NOISE, 12, 13, 0, values, N);
    assert_int_equal(digest_crc32(0, values, N * sizeof *values), 0x130f84cf);
    for (size_t i = 1; (copy = rng_fill_copy(i)); i++) {
        memset(others, 0, sizeof others);
        copy->fill(11, RNG_NOISE, 12, 13, 0, others + 1, N);
        if (memcmp(others + 1, values, N * sizeof *values))
            fail_msg("%s differs from plain", copy->name);
    }
    rng_normal_fill(11, RNG_NOISE, 12, 13, others, N);
    assert_memory_equal(others, values, N * sizeof *values);
}

#ifdef __x86_64__
/* Computing threads flush denormals to zero; it must not show in the numbers. */
static void test_flush_to_zero(void **state)
{
    (void)state;
    const struct rng_fill *copy;
    unsigned before = __builtin_ia32_stmxcsr();
    for (size_t i = 0; (copy = rng_fill_copy(i)); i++) {
        copy->fill(1, RNG_NOISE, 0, 0, 0, values, DRAWS);
        __builtin_ia32_ldmxcsr(before | 0x8040);
        copy->fill(1, RNG_NOISE, 0, 0, 0, others, DRAWS);
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
    const double n = DRAWS, root = sqrt(n);
    rng_normal_fill(2026, RNG_NOISE, 1, 1, values, DRAWS);
    double moment[5] = {0}, along = 0, across = 0;
    double beyond[6] = {0};
    for (size_t i = 0; i < DRAWS; i++) {
        double value = values[i], power = 1;
        assert_true(isfinite(value));
        for (int k = 1; k <= 4; k++)
            moment[k] += power *= value;
        for (int k = 1; k <= 5; k++)
            beyond[k] += fabs(value) > k;
        along += value * values[(i + 1) % DRAWS];
        across += value * values[i ^ 16]; /* the other of the pair */
    }
    assert_true(fabs(moment[1] / n) < 4 / root);
    assert_true(fabs(moment[2] / n - 1) < 4 * sqrt(2) / root);
    assert_true(fabs(moment[3] / n) < 4 * sqrt(15) / root);
    assert_true(fabs(moment[4] / n - 3) < 4 * sqrt(96) / root);
    assert_true(fabs(along / n) < 4 / root);
    assert_true(fabs(across / n) < 4 / root);
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

/* Neighbouring samples, epochs, streams and seeds have nothing in common. */
static void test_independence(void **state)
{
    (void)state;
    enum { N = 1 << 16 };
    rng_normal_fill(1, RNG_NOISE, 1, 1, values, N);
    for (int i = 0; i < 5; i++) {
        uint64_t seed = i == 0 ? 2 : i == 1 ? 1 | UINT64_C(1) << 32 : 1;
        enum rng_stream stream = i == 2 ? RNG_AUGMENT : RNG_NOISE;
        rng_normal_fill(seed, stream, i == 3 ? 2 : 1, i == 4 ? 2 : 1, others, N);
        double sum = 0;
        for (size_t k = 0; k < N; k++)
            sum += (double)values[k] * others[k];
        assert_true(fabs(sum / N) < 4 / sqrt(N));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_draw_16),       cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal_pair),   cmocka_unit_test(test_fill_layout),
        cmocka_unit_test(test_fill_length),   cmocka_unit_test(test_copies),
#ifdef __x86_64__
        cmocka_unit_test(test_flush_to_zero),
#endif
        cmocka_unit_test(test_distribution),  cmocka_unit_test(test_independence),
    };
    return cmocka_run_group_tests_name("base_rng", tests, NULL, NULL);
}
