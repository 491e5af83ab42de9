/*
 * Random numbers as pure functions of key and counter, and normal ones made
 * of them. The only door to Random123.
 *
 * rng_draw is Random123's own generator and defines the numbers. The rest is
 * straight-line code over 16 lanes, without branches and calls, so that a
 * compiler makes vector code of it. The numbers do not depend on the vectors'
 * width: a lane's arithmetic is integers and correctly rounded +, - and *, in
 * one order (the build forbids contraction to fused multiply-add), and no lane
 * looks at another. So the copies for wider processors give the same bits.
 *
 * Layout of rng_normal_fill: value 64 g + 16 w + l comes of word w of block
 * 16 g + l. Words 0 and 1 of a block make one Box-Muller pair, 2 and 3 another.
 */
#include "rng.h"

#include <Random123/philox.h>
#include <assert.h>
#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { LANES = 16, GROUP = 4 * LANES };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

struct rng_words rng_draw(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                          uint32_t block)
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{block, sample, epoch, (uint32_t)stream}};
    philox4x32_ctr_t drawn = philox4x32_R(10, counter, key);
    return (struct rng_words){{drawn.v[0], drawn.v[1], drawn.v[2], drawn.v[3]}};
}

ALWAYS_INLINE void draw_16(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                           uint32_t block, uint32_t out[4][LANES])
{
    for (uint32_t lane = 0; lane < LANES; lane++) {
        uint32_t word0 = block + lane, word1 = sample, word2 = epoch, word3 = (uint32_t)stream;
        uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
        for (int round = 0; round < 10; round++) {
            uint64_t product0 = (uint64_t)PHILOX_M4x32_0 * word0;
            uint64_t product1 = (uint64_t)PHILOX_M4x32_1 * word2;
            word0 = (uint32_t)(product1 >> 32) ^ word1 ^ key0;
            word2 = (uint32_t)(product0 >> 32) ^ word3 ^ key1;
            word1 = (uint32_t)product1;
            word3 = (uint32_t)product0;
            key0 += PHILOX_W32_0;
            key1 += PHILOX_W32_1;
        }
        out[0][lane] = word0;
        out[1][lane] = word1;
        out[2][lane] = word2;
        out[3][lane] = word3;
    }
}

#ifdef __x86_64__
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

/* The same with the instruction that multiplies the lower halves of 64 bits,
 * which compilers do not find. It ignores the upper halves, so whatever is in
 * them may stay. Even and odd lanes are apart until the end. */
AVX512 static void draw_16_avx512(uint64_t seed, enum rng_stream stream, uint32_t epoch,
                                  uint32_t sample, uint32_t block, uint32_t out[4][LANES])
{
    const __m512i m0 = _mm512_set1_epi64(PHILOX_M4x32_0), m1 = _mm512_set1_epi64(PHILOX_M4x32_1);
    const __m512i lanes = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    __m512i word[4][2];
    for (int odd = 0; odd < 2; odd++) {
        word[0][odd] = _mm512_add_epi64(lanes, _mm512_set1_epi64((int64_t)block + odd));
        word[1][odd] = _mm512_set1_epi64(sample);
        word[2][odd] = _mm512_set1_epi64(epoch);
        word[3][odd] = _mm512_set1_epi64(stream);
    }
    for (int round = 0; round < 10; round++) {
        const __m512i k0 = _mm512_set1_epi64(key0), k1 = _mm512_set1_epi64(key1);
        for (int odd = 0; odd < 2; odd++) {
            __m512i product0 = _mm512_mul_epu32(m0, word[0][odd]);
            __m512i product1 = _mm512_mul_epu32(m1, word[2][odd]);
            __m512i high0 = _mm512_srli_epi64(product0, 32);
            __m512i high1 = _mm512_srli_epi64(product1, 32);
            word[0][odd] = _mm512_xor_si512(_mm512_xor_si512(high1, word[1][odd]), k0);
            word[2][odd] = _mm512_xor_si512(_mm512_xor_si512(high0, word[3][odd]), k1);
            word[1][odd] = product1;
            word[3][odd] = product0;
        }
        key0 += PHILOX_W32_0;
        key1 += PHILOX_W32_1;
    }
    for (int i = 0; i < 4; i++)
        _mm512_storeu_si512(
            out[i], _mm512_mask_blend_epi32(0xaaaa, word[i][0], _mm512_slli_epi64(word[i][1], 32)));
}
#endif

void rng_draw_16(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                 uint32_t block, uint32_t out[4][16])
{
    draw_16(seed, stream, epoch, sample, block, out);
}

ALWAYS_INLINE uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

ALWAYS_INLINE float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Signed on the way, since baseline x86-64 converts nothing else. */
ALWAYS_INLINE float uniform(uint32_t word)
{
    return (float)(int32_t)((word >> 8) + 1) * 0x1p-24f;
}

float rng_uniform(uint32_t word)
{
    return uniform(word);
}

/* ln x, relative error below 2e-7; x normal and positive. x = 2^e m with
 * sqrt(1/2) <= m < sqrt(2), f = m - 1, ln m = f - f^2/2 + f^3 P(f), P a
 * minimax polynomial. */
ALWAYS_INLINE float logarithm(float x)
{
    const uint32_t root_half = 0x3f3504f3, one = 0x3f800000;
    uint32_t shifted = bits_of(x) + (one - root_half);
    float e = (float)((int32_t)(shifted >> 23) - 127);
    float f = float_of((shifted & 0x7fffff) + root_half) - 1.0f;
    float p = 0.08700360f;
    p = p * f - 0.14267476f;
    p = p * f + 0.14914787f;
    p = p * f - 0.16577587f;
    p = p * f + 0.19963062f;
    p = p * f - 0.25001338f;
    p = p * f + 0.33333910f;
    float square = f * f;
    return e * 0.69314718f + (f + square * (p * f - 0.5f));
}

/* The root of x >= 0, relative error below 3e-7: three Newton steps towards
 * 1/sqrt(x) from a guess by halving the exponent. sqrtf would set errno, which
 * keeps compilers from vectorising it. */
ALWAYS_INLINE float root(float x)
{
    float half = 0.5f * x;
    float y = float_of(0x5f3759df - (bits_of(x) >> 1));
    y = y * (1.5f - half * y * y);
    y = y * (1.5f - half * y * y);
    y = y * (1.5f - half * y * y);
    return x * y;
}

/* Cosine and sine of 2 pi word / 2^32. The upper bits are the nearest quarter
 * of the circle, the lower ones the angle from there, at most pi/4, for which
 * two minimax polynomials do. */
ALWAYS_INLINE void circle(uint32_t word, float *cosine, float *sine)
{
    uint32_t turned = word + 0x20000000;
    uint32_t quarter = turned >> 30;
    float x = (float)((int32_t)(turned & 0x3fffffff) - 0x20000000) * (1.57079633f * 0x1p-30f);
    float z = x * x;
    float s = ((-0.00019495634f * z + 0.008331979f) * z - 0.16666651f) * z * x + x;
    float c = ((2.443845e-05f * z - 0.0013887368f) * z + 0.041666646f) * z * z - 0.5f * z + 1.0f;
    /* Odd quarters swap the two; the sine is negative in quarters 2 and 3, the
     * cosine in 1 and 2. */
    uint32_t odd = 0u - (quarter & 1), s_bits = bits_of(s), c_bits = bits_of(c);
    uint32_t cosine_sign = ((quarter + 1) & 2) << 30, sine_sign = (quarter & 2) << 30;
    *cosine = float_of(((s_bits & odd) | (c_bits & ~odd)) ^ cosine_sign);
    *sine = float_of(((c_bits & odd) | (s_bits & ~odd)) ^ sine_sign);
}

ALWAYS_INLINE void normal_pair(uint32_t a, uint32_t b, float *first, float *second)
{
    float cosine, sine;
    float radius = root(-2.0f * logarithm(uniform(a)));
    circle(b, &cosine, &sine);
    *first = radius * cosine;
    *second = radius * sine;
}

void rng_normal_pair(uint32_t a, uint32_t b, float out[2])
{
    normal_pair(a, b, &out[0], &out[1]);
}

typedef void draw_function(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                           uint32_t block, uint32_t out[4][LANES]);

ALWAYS_INLINE void normal_group(draw_function *draw, uint64_t seed, enum rng_stream stream,
                                uint32_t epoch, uint32_t sample, uint32_t block,
                                float *restrict out)
{
    uint32_t word[4][LANES];
    draw(seed, stream, epoch, sample, block, word);
    /* Both in one loop: each alone would wait for its own results. */
    for (int lane = 0; lane < LANES; lane++) {
        normal_pair(word[0][lane], word[1][lane], &out[lane], &out[LANES + lane]);
        normal_pair(word[2][lane], word[3][lane], &out[2 * LANES + lane], &out[3 * LANES + lane]);
    }
}

/* The part of a group from `skip` on, at most n values; returns how many. */
ALWAYS_INLINE size_t normal_part(draw_function *draw, uint64_t seed, enum rng_stream stream,
                                 uint32_t epoch, uint32_t sample, uint32_t block, size_t skip,
                                 float *out, size_t n)
{
    float group[GROUP];
    size_t count = n < GROUP - skip ? n : GROUP - skip;
    normal_group(draw, seed, stream, epoch, sample, block, group);
    memcpy(out, group + skip, count * sizeof *out);
    return count;
}

ALWAYS_INLINE void normal_fill(draw_function *draw, uint64_t seed, enum rng_stream stream,
                               uint32_t epoch, uint32_t sample, size_t first, float *out, size_t n)
{
    uint32_t block = (uint32_t)(first / GROUP * LANES);
    if (first % GROUP && n) {
        size_t done = normal_part(draw, seed, stream, epoch, sample, block, first % GROUP, out, n);
        n -= done, out += done, block += LANES;
    }
    for (; n >= GROUP; n -= GROUP, out += GROUP, block += LANES)
        normal_group(draw, seed, stream, epoch, sample, block, out);
    if (n)
        normal_part(draw, seed, stream, epoch, sample, block, 0, out, n);
}

static void fill_plain(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                       size_t first, float *out, size_t n)
{
    normal_fill(draw_16, seed, stream, epoch, sample, first, out, n);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void fill_avx2(uint64_t seed, enum rng_stream stream,
                                                      uint32_t epoch, uint32_t sample, size_t first,
                                                      float *out, size_t n)
{
    normal_fill(draw_16, seed, stream, epoch, sample, first, out, n);
}

AVX512 static void fill_avx512(uint64_t seed, enum rng_stream stream, uint32_t epoch,
                               uint32_t sample, size_t first, float *out, size_t n)
{
    normal_fill(draw_16_avx512, seed, stream, epoch, sample, first, out, n);
}
#endif

enum { COPIES = 3 };
static struct rng_fill copies[COPIES];
static size_t copies_count;

static void find_copies(void)
{
    copies[copies_count++] = (struct rng_fill){"plain", fill_plain};
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        copies[copies_count++] = (struct rng_fill){"avx2", fill_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        copies[copies_count++] = (struct rng_fill){"avx512", fill_avx512};
#endif
}

const struct rng_fill *rng_fill_copy(size_t i)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_copies);
    return i < copies_count ? &copies[i] : NULL;
}

void rng_normal_part(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                     size_t first, float *out, size_t n)
{
    assert((first + n) / 4 <= UINT32_MAX);
    rng_fill_copy(0);
    copies[copies_count - 1].fill(seed, stream, epoch, sample, first, out, n);
}

void rng_normal_fill(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                     float *out, size_t n)
{
    rng_normal_part(seed, stream, epoch, sample, 0, out, n);
}
