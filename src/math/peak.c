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

/* x = x scale + shift for every chain, round after round, goes towards 1. */
#define SCALE 0.5f
#define SHIFT 0.5f

static float float32_plain(void)
{
    float x[PLAIN_LANES];
    float sum = 0;

    for (int i = 0; i < PLAIN_LANES; i++)
        x[i] = (float)i;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < PLAIN_LANES; i++)
#ifdef __FP_FAST_FMAF
            x[i] = fmaf(x[i], SCALE, SHIFT);
#else
            x[i] = x[i] * SCALE + SHIFT;
#endif
    for (int i = 0; i < PLAIN_LANES; i++)
        sum += x[i];
    return sum;
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static float float32_avx2(void)
{
    const __m256 scale = _mm256_set1_ps(SCALE), shift = _mm256_set1_ps(SHIFT);
    __m256 x[CHAINS];

    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm256_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm256_fmadd_ps(x[i], scale, shift);
    for (int i = 1; i < CHAINS; i++)
        x[0] = _mm256_add_ps(x[0], x[i]);
    return _mm256_cvtss_f32(x[0]);
}

__attribute__((target("avx512f"))) static float float32_avx512(void)
{
    const __m512 scale = _mm512_set1_ps(SCALE), shift = _mm512_set1_ps(SHIFT);
    __m512 x[CHAINS];

    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_fmadd_ps(x[i], scale, shift);
    for (int i = 1; i < CHAINS; i++)
        x[0] = _mm512_add_ps(x[0], x[i]);
    return _mm512_cvtss_f32(x[0]);
}

/* Each sum takes in two products of a pair of bfloat16. */
__attribute__((target("avx512f,avx512bf16"))) static float bfloat16_avx512(void)
{
    const __m512bh one = _mm512_cvtne2ps_pbh(_mm512_set1_ps(SCALE), _mm512_set1_ps(SHIFT));
    __m512 x[CHAINS];

    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_dpbf16_ps(x[i], one, one);
    for (int i = 1; i < CHAINS; i++)
        x[0] = _mm512_add_ps(x[0], x[i]);
    return _mm512_cvtss_f32(x[0]);
}
#endif

/* A loop and how many operations one run of it is; NULL: there is none. */
struct arithmetic {
    float (*run)(void);
    double operations;
};

static struct arithmetic arithmetic_of(enum math_peak peak)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (peak == MATH_PEAK_BFLOAT16) {
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16"))
            return (struct arithmetic){bfloat16_avx512, 64.0 * CHAINS * ROUNDS};
    } else {
        if (__builtin_cpu_supports("avx512f"))
            return (struct arithmetic){float32_avx512, 32.0 * CHAINS * ROUNDS};
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            return (struct arithmetic){float32_avx2, 16.0 * CHAINS * ROUNDS};
    }
#endif
    if (peak == MATH_PEAK_FLOAT32)
        return (struct arithmetic){float32_plain, 2.0 * PLAIN_LANES * ROUNDS};
    return (struct arithmetic){NULL, 0};
}

/* Takes the results, so that no compiler leaves the work out. */
static _Atomic float taken;

static void arithmetic_piece(void *arg, int i)
{
    const struct arithmetic *arithmetic = arg;

    (void)i;
    atomic_store_explicit(&taken, arithmetic->run(), memory_order_relaxed);
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
};

static void reading_piece(void *arg, int piece)
{
    const struct reading *reading = arg;
    const uint64_t *words = reading->words + (size_t)piece * reading->count;
    uint64_t sum[8] = {0};

    for (size_t i = 0; i < reading->count; i += 8)
        for (int j = 0; j < 8; j++)
            sum[j] += words[i + (size_t)j];
    for (int j = 1; j < 8; j++)
        sum[0] += sum[j];
    atomic_store_explicit(&taken, (float)sum[0], memory_order_relaxed);
}

double math_peak_read(struct team *team, const void *memory, size_t bytes)
{
    const int threads = team_threads(team);
    struct reading reading = {memory, bytes / (size_t)threads / 64 * 8};
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
