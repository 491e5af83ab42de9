/*
 * What the machine could do, to hold against what it does: arithmetic in
 * registers, reading memory, handing over a cache line.
 */
#include "kdt/math.h"

#include <math.h>
#include <stdatomic.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Independent sums in registers: more than a multiply-add takes cycles, on processors that start
 * two in each. */
enum { CHAINS = 12, PLAIN_LANES = 4 * CHAINS };
enum { ROUNDS = 1 << 20 };

/* Each loop is x = x scale + shift for every chain, round after round. No compiler knows the
 * numbers, so none knows the end. */
static float float32_plain(float scale, float shift)
{
    float x[PLAIN_LANES];
    float sum = 0;

    for (int i = 0; i < PLAIN_LANES; i++)
        x[i] = (float)i;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < PLAIN_LANES; i++)
#ifdef __FP_FAST_FMAF
            x[i] = fmaf(x[i], scale, shift);
#else
            x[i] = x[i] * scale + shift;
#endif
    for (int i = 0; i < PLAIN_LANES; i++)
        sum += x[i];
    return sum;
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static float float32_avx2(float scale, float shift)
{
    const __m256 scales = _mm256_set1_ps(scale), shifts = _mm256_set1_ps(shift);
    __m256 x[CHAINS];

    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm256_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm256_fmadd_ps(x[i], scales, shifts);
    for (int i = 1; i < CHAINS; i++)
        x[0] = _mm256_add_ps(x[0], x[i]);
    return _mm256_cvtss_f32(x[0]);
}

__attribute__((target("avx512f"))) static float float32_avx512(float scale, float shift)
{
    const __m512 scales = _mm512_set1_ps(scale), shifts = _mm512_set1_ps(shift);
    __m512 x[CHAINS];

    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_fmadd_ps(x[i], scales, shifts);
    for (int i = 1; i < CHAINS; i++)
        x[0] = _mm512_add_ps(x[0], x[i]);
    return _mm512_cvtss_f32(x[0]);
}

/* Each sum takes in two products of a pair of bfloat16. */
__attribute__((target("avx512f,avx512bf16"))) static float bfloat16_avx512(float scale, float shift)
{
    const __m512bh pairs = _mm512_cvtne2ps_pbh(_mm512_set1_ps(scale), _mm512_set1_ps(shift));
    __m512 x[CHAINS];

    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_dpbf16_ps(x[i], pairs, pairs);
    for (int i = 1; i < CHAINS; i++)
        x[0] = _mm512_add_ps(x[0], x[i]);
    return _mm512_cvtss_f32(x[0]);
}
#endif

/* A loop and how many operations one run of it is; NULL: there is none. The result is kept where
 * somebody might read it, so that no compiler leaves the work out. */
struct arithmetic {
    float (*run)(float scale, float shift);
    double operations;
    _Atomic float result;
};

static struct arithmetic arithmetic_of(enum math_peak peak)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (peak == MATH_PEAK_BFLOAT16) {
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16"))
            return (struct arithmetic){.run = bfloat16_avx512,
                                       .operations = 64.0 * CHAINS * ROUNDS};
    } else {
        if (__builtin_cpu_supports("avx512f"))
            return (struct arithmetic){.run = float32_avx512, .operations = 32.0 * CHAINS * ROUNDS};
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            return (struct arithmetic){.run = float32_avx2, .operations = 16.0 * CHAINS * ROUNDS};
    }
#endif
    if (peak == MATH_PEAK_FLOAT32)
        return (struct arithmetic){.run = float32_plain, .operations = 2.0 * PLAIN_LANES * ROUNDS};
    return (struct arithmetic){.run = NULL};
}

static void arithmetic_piece(void *arg, int i)
{
    struct arithmetic *arithmetic = arg;

    (void)i;
    atomic_store(&arithmetic->result, arithmetic->run(0.5f, 0.5f));
}

double math_peak_flops(struct team *team, enum math_peak peak)
{
    struct arithmetic arithmetic = arithmetic_of(peak);
    const int threads = team_threads(team);

    if (arithmetic.run == NULL)
        return 0;
    const double start = clock_seconds();
    team_run(team, threads, arithmetic_piece, &arithmetic);
    return threads * arithmetic.operations / (clock_seconds() - start);
}

/* ---- memory ---- */

struct reading {
    const uint64_t *words;
    size_t count; /* of a piece */
    _Atomic uint64_t result;
};

static void reading_piece(void *arg, int piece)
{
    struct reading *reading = arg;
    const uint64_t *words = reading->words + (size_t)piece * reading->count;
    uint64_t sum[8] = {0};

    for (size_t i = 0; i < reading->count; i += 8)
        for (int j = 0; j < 8; j++)
            sum[j] += words[i + (size_t)j];
    for (int j = 1; j < 8; j++)
        sum[0] += sum[j];
    atomic_store(&reading->result, sum[0]);
}

double math_peak_read(struct team *team, const void *memory, size_t bytes)
{
    const int threads = team_threads(team);
    struct reading reading = {.words = memory, .count = bytes / (size_t)threads / 64 * 8};
    const double start = clock_seconds();

    team_run(team, threads, reading_piece, &reading);
    return (double)((size_t)threads * reading.count * 8) / (clock_seconds() - start);
}

/* ---- between two threads ---- */

enum { HANDOVERS = 400, WARM_HANDOVERS = 40, GIVEN_UP = -1 };
static const double PATIENCE = 0.05; /* seconds to wait for the other */

/* Thread 0 makes an even ball odd, thread 1 an odd one even. */
struct exchange {
    _Alignas(64) atomic_int ball;
    _Alignas(64) double seconds; /* of thread 0 */
};

/* Whether the ball came to be `value`. */
static bool exchange_wait(struct exchange *exchange, int value)
{
    const double start = clock_seconds();

    for (;;) {
        for (int spin = 0; spin < 10000; spin++) {
            const int ball = atomic_load_explicit(&exchange->ball, memory_order_acquire);
            if (ball == value)
                return true;
            if (ball == GIVEN_UP)
                return false;
        }
        if (clock_seconds() - start > PATIENCE)
            return false;
    }
}

static void exchange_piece(void *arg, int i)
{
    struct exchange *exchange = arg;
    double start = 0;

    if (i > 1)
        return;
    for (int ball = i; ball < WARM_HANDOVERS + HANDOVERS; ball += 2) {
        if (!exchange_wait(exchange, ball)) {
            atomic_store(&exchange->ball, GIVEN_UP);
            return;
        }
        if (ball == WARM_HANDOVERS)
            start = clock_seconds();
        atomic_store_explicit(&exchange->ball, ball + 1, memory_order_release);
    }
    if (i == 0 && exchange_wait(exchange, WARM_HANDOVERS + HANDOVERS))
        exchange->seconds = clock_seconds() - start;
}

double math_peak_exchange(struct team *team)
{
    struct exchange exchange = {.seconds = NAN};

    atomic_init(&exchange.ball, 0);
    if (team_threads(team) > 1)
        team_run(team, team_threads(team), exchange_piece, &exchange);
    return exchange.seconds / HANDOVERS;
}
