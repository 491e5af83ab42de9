/*
 * Normal numbers: Philox's words through the transform of Box and Muller.
 *
 * A word w makes two of them, radius cos(angle) and radius sin(angle):
 *   radius  sqrt(-2 ln u), u = W / 2^31, W being bits 8 to 30 of w in their
 *           place with 0x80 below them: 23 bits, u in (0, 1)
 *   angle   17 bits: bit 31 says which half of the circle, the lowest four
 *           which of its 16 sectors, the lower 16 where in it
 * The two share a byte, the radius's lowest and the angle's highest within a
 * sector: the 2^32 pairs are an even net over radius and angle, symmetric to
 * (0, 0).
 *
 * Layout: value 64 g + 32 h + 16 k + l is the cosine's (k = 0) or the sine's
 * (k = 1) of word 2 h + 1 - l % 2 of block 8 g + l / 2. These are the lanes in
 * which the last round of Philox leaves the words.
 *
 * Three copies compute the same: a plain one, and two in vector code. Their
 * operations are on integers or correctly rounded (+, *, multiply-add, root)
 * and in one order, so the bits are the same.
 */
#include "rng.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { GROUP = 64, BLOCKS = 8, LANES = 16, SECTORS = 16, MOST_ROWS = 4 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* W = 2^(e + 1) m with 1/2 <= m < 1, e as a float's exponent counts, f = m - 1:
 * the radius's square is LOG_EXPONENT (e - 30) + f Q(f), Q minimax for
 * -2 ln(1 + f) / f. The factor has 20 bits, so that its product with 30 is exact
 * and the square never negative. */
#define LOG_EXPONENT (-0x1.62e42p+0f)
enum { UNIT_EXPONENT = 30 };
#define LOG_1 (-1.9998889f)
#define LOG_2 1.0057267f
#define LOG_3 (-0.583166718f)
#define LOG_4 1.00899541f
#define LOG_5 1.02723277f
#define LOG_6 1.98763204f
enum { RADIUS_BITS = 0x7fffff00, RADIUS_MIDDLE = 0x80 };

/* z = -2^15 ... 2^15 - 1 is the angle STEP z from the middle of a sector, a = STEP z:
 * cos a = COS_0 + COS_2 a^2, tan a = a (TAN_1 + TAN_3 a^2), both minimax. */
#define STEP 2.99605631e-6f /* pi / 2^20 */
#define COS_0 0.99999952f
#define COS_2 (-0.49959853f * STEP * STEP)
#define TAN_1 (0.99999844f * STEP)
#define TAN_3 (0.33462347f * STEP * STEP * STEP)
/* The lower half of a word under this exponent is the float 2^23 + half. */
enum { HALF_BITS = 0xffff, HALF_EXPONENT = 0x4b000000 };
#define HALF_MIDDLE 0x1.01p+23f

/* The sectors' middles. */
#define C0 0.980785251f
#define C1 0.923879504f
#define C2 0.831469595f
#define C3 0.707106769f
#define C4 0.555570245f
#define C5 0.382683426f
#define C6 0.195090324f
static const float sector_cosine[SECTORS] = {1, C0,  C1,  C2,  C3,  C4,  C5,  C6,
                                             0, -C6, -C5, -C4, -C3, -C2, -C1, -C0};
static const float sector_sine[SECTORS] = {0, C6, C5, C4, C3, C2, C1, C0,
                                           1, C0, C1, C2, C3, C4, C5, C6};

/* ---- plain ---- */

#if defined FP_FAST_FMAF
#define multiply_add fmaf
#else
/* fmaf, which C libraries compute with much ado where the processor has no
 * such instruction. The product is exact in double; the sum is rounded to odd,
 * so that rounding it again to float is as good as rounding once. */
ALWAYS_INLINE float multiply_add(float a, float b, float c)
{
    double product = (double)a * b, sum = product + c;
    double of_c = sum - product, lost = (product - (sum - of_c)) + (c - of_c);
    int64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if (lost != 0 && !(bits & 1))
        bits += (lost > 0) == (sum > 0) ? 1 : -1;
    memcpy(&sum, &bits, sizeof sum);
    return (float)sum;
}
#endif

/* Negative in the second half of the circle. */
static float radius(uint32_t word)
{
    float w = (float)(int32_t)((word & RADIUS_BITS) | RADIUS_MIDDLE);
    uint32_t bits;
    memcpy(&bits, &w, sizeof bits);
    float e = (float)((int32_t)(bits >> 23) - 127);
    bits = (bits & 0x7fffff) | 0x3f000000;
    float m;
    memcpy(&m, &bits, sizeof m);
    float f = m - 1;
    float t = multiply_add(e, LOG_EXPONENT, -LOG_EXPONENT * UNIT_EXPONENT);
    float q = LOG_6;
    q = multiply_add(q, f, LOG_5);
    q = multiply_add(q, f, LOG_4);
    q = multiply_add(q, f, LOG_3);
    q = multiply_add(q, f, LOG_2);
    q = multiply_add(q, f, LOG_1);
    float r = sqrtf(multiply_add(q, f, t));
    return word >> 31 ? -r : r;
}

void rng_normal_add_pair(uint32_t word, float deviation, float *first, float *second)
{
    uint32_t bits = (word & HALF_BITS) | HALF_EXPONENT;
    float z;
    memcpy(&z, &bits, sizeof z);
    z -= HALF_MIDDLE;
    float square = z * z;
    float tangent = z * multiply_add(square, TAN_3, TAN_1);
    float cosine = multiply_add(square, deviation * COS_2, deviation * COS_0);
    float scale = radius(word) * cosine;
    float middle_cosine = sector_cosine[word % SECTORS], middle_sine = sector_sine[word % SECTORS];
    *first = multiply_add(scale, multiply_add(-middle_sine, tangent, middle_cosine), *first);
    *second = multiply_add(scale, multiply_add(middle_cosine, tangent, middle_sine), *second);
}

static void draw_group(const struct rng_normal *normal, uint32_t sample, uint32_t block, float *x)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        struct rng_words drawn =
            rng_draw(normal->seed, normal->stream, normal->epoch, sample, block + i);
        for (uint32_t w = 0; w < 4; w++) {
            float *at = x + w / 2 * 2 * LANES + 2 * i + 1 - w % 2;
            rng_normal_add_pair(drawn.word[w], normal->deviation, at, at + LANES);
        }
    }
}

static void draw_plain(const struct rng_normal *normal, const struct rng_means *means, size_t at,
                       const uint32_t *sample, int rows, uint32_t block, size_t groups, float *x,
                       size_t stride)
{
    for (int r = 0; r < rows; r++, x += stride) {
        for (size_t i = at; i < at + groups * GROUP; i++)
            x[i] = (float)means->bytes[r][i] * means->factor[i] - means->offset[i];
        for (size_t g = 0; g < groups; g++)
            draw_group(normal, sample[r], block + (uint32_t)g * BLOCKS, x + at + g * GROUP);
    }
}

/* ---- vector code ---- */

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
/* Arrays of vectors are registers once such loops are unrolled. */
#define EACH(i, n) _Pragma("GCC unroll 4") for (int i = 0; i < (n); i++)

/* What Philox needs beside the block number. The counter's other words are the
 * same in all lanes, and but for the sample in all rows, so the first rounds
 * are partly done once:
 *   round 1 makes (of the sample, of the epoch, of the block, of the block),
 *   round 2 (of the block, of the block, of block ^ sample, of the sample). */
struct philox {
    uint64_t key0[RNG_ROUNDS], key1[RNG_ROUNDS];
    uint32_t word0, word1; /* after round 1, but for the sample */
};

static void philox_init(struct philox *philox, const struct rng_normal *normal)
{
    uint32_t key0 = (uint32_t)normal->seed, key1 = (uint32_t)(normal->seed >> 32);
    uint64_t product = (uint64_t)RNG_MULTIPLIER_1 * normal->epoch;
    philox->word0 = (uint32_t)(product >> 32) ^ key0;
    philox->word1 = (uint32_t)product;
    for (int round = 0; round < RNG_ROUNDS; round++) {
        philox->key0[round] = key0;
        philox->key1[round] = key1;
        key0 += RNG_WEYL_0;
        key1 += RNG_WEYL_1;
    }
}

/* The product of round 2 that only the sample decides. */
static uint64_t philox_row(const struct philox *philox, uint32_t sample)
{
    return (uint64_t)RNG_MULTIPLIER_0 * (philox->word0 ^ sample);
}

/* In all vectors a block's words are in the lower halves of 64 bits; the upper
 * halves hold what may, since the multiplication ignores them. Only the last
 * round fills both: word 1 below word 0, word 3 below word 2. */

#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define HIGH(a) _mm512_srli_epi64(a, 32)
#define ALL64(a) _mm512_set1_epi64((int64_t)(a))

AVX512 ALWAYS_INLINE void words_avx512(const int rows, const struct philox *philox,
                                       const struct rng_normal *normal, const uint64_t *row,
                                       uint32_t block, __m512i out[MOST_ROWS][2])
{
    const __m512i m0 = ALL64(RNG_MULTIPLIER_0), m1 = ALL64(RNG_MULTIPLIER_1);
    const uint64_t *key0 = philox->key0, *key1 = philox->key1;
    __m512i word0[MOST_ROWS], word1[MOST_ROWS], word2[MOST_ROWS], word3[MOST_ROWS];

    __m512i lanes = _mm512_add_epi64(ALL64(block), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    __m512i first = _mm512_mul_epu32(m0, lanes);
    __m512i second = _mm512_xor_si512(HIGH(first), ALL64((uint32_t)normal->stream ^ key1[0]));
    second = _mm512_mul_epu32(m1, second);
    __m512i third = _mm512_xor_si512(HIGH(second), ALL64(philox->word1 ^ key0[1]));
    third = _mm512_mul_epu32(m0, third);
    first = _mm512_xor_si512(first, ALL64(key1[1]));
    EACH(r, rows)
    {
        __m512i product = _mm512_mul_epu32(m1, _mm512_xor_si512(first, ALL64(row[r] >> 32)));
        word0[r] = XOR3(HIGH(product), second, ALL64(key0[2]));
        word1[r] = product;
        word2[r] = XOR3(HIGH(third), ALL64(row[r]), ALL64(key1[2]));
        word3[r] = third;
    }
    _Pragma("GCC unroll 10") for (int round = 3; round < RNG_ROUNDS - 1; round++)
    {
        __m512i product0[MOST_ROWS], product1[MOST_ROWS];
        EACH(r, rows)
        {
            product0[r] = _mm512_mul_epu32(m0, word0[r]);
            product1[r] = _mm512_mul_epu32(m1, word2[r]);
        }
        EACH(r, rows)
        {
            word0[r] = XOR3(HIGH(product1[r]), word1[r], ALL64(key0[round]));
            word2[r] = XOR3(HIGH(product0[r]), word3[r], ALL64(key1[round]));
            word1[r] = product1[r];
            word3[r] = product0[r];
        }
    }
    EACH(r, rows)
    {
        const int last = RNG_ROUNDS - 1;
        out[r][0] = XOR3(_mm512_mul_epu32(m1, word2[r]), _mm512_slli_epi64(word1[r], 32),
                         ALL64(key0[last] << 32));
        out[r][1] = XOR3(_mm512_mul_epu32(m0, word0[r]), _mm512_slli_epi64(word3[r], 32),
                         ALL64(key1[last] << 32));
    }
}

#define ALL(a) _mm512_set1_ps(a)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define BITS(a) _mm512_castps_si512(a)
#define FLOATS(a) _mm512_castsi512_ps(a)

AVX512 ALWAYS_INLINE __m512 mean_avx512(const uint8_t *bytes, const float *factor,
                                        const float *offset)
{
    __m512 byte = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)bytes)));
    return _mm512_sub_ps(_mm512_mul_ps(byte, _mm512_loadu_ps(factor)), _mm512_loadu_ps(offset));
}

/* A row's part of a group: two vectors at once, since each alone would wait
 * for its own results. */
AVX512 ALWAYS_INLINE void pairs_avx512(const __m512i word[2], float deviation, const uint8_t *bytes,
                                       const float *factor, const float *offset, float *x)
{
    /* a & b | c and a | b & c */
    enum { AND_OR = 0xea, OR_AND = 0xf8 };
    const __m512 middle_cosine = _mm512_loadu_ps(sector_cosine);
    const __m512 middle_sine = _mm512_loadu_ps(sector_sine);
    __m512 w[2], e[2], f[2], q[2], z[2], square[2], tangent[2], cosine[2];

    EACH(i, 2)
    w[i] = _mm512_cvtepi32_ps(_mm512_ternarylogic_epi32(word[i], _mm512_set1_epi32(RADIUS_BITS),
                                                        _mm512_set1_epi32(RADIUS_MIDDLE), AND_OR));
    EACH(i, 2) f[i] = _mm512_getmant_ps(w[i], _MM_MANT_NORM_p5_1, _MM_MANT_SIGN_zero);
    EACH(i, 2) e[i] = _mm512_getexp_ps(w[i]);
    EACH(i, 2) f[i] = _mm512_sub_ps(f[i], ALL(1));
    EACH(i, 2) q[i] = FMA(ALL(LOG_6), f[i], ALL(LOG_5));
    EACH(i, 2) q[i] = FMA(q[i], f[i], ALL(LOG_4));
    EACH(i, 2) q[i] = FMA(q[i], f[i], ALL(LOG_3));
    EACH(i, 2) q[i] = FMA(q[i], f[i], ALL(LOG_2));
    EACH(i, 2) q[i] = FMA(q[i], f[i], ALL(LOG_1));
    EACH(i, 2) e[i] = FMA(e[i], ALL(LOG_EXPONENT), ALL(-LOG_EXPONENT * UNIT_EXPONENT));
    EACH(i, 2) q[i] = _mm512_sqrt_ps(FMA(q[i], f[i], e[i]));

    EACH(i, 2)
    z[i] = FLOATS(_mm512_ternarylogic_epi32(word[i], _mm512_set1_epi32(HALF_BITS),
                                            _mm512_set1_epi32(HALF_EXPONENT), AND_OR));
    EACH(i, 2) z[i] = _mm512_sub_ps(z[i], ALL(HALF_MIDDLE));
    EACH(i, 2) square[i] = _mm512_mul_ps(z[i], z[i]);
    EACH(i, 2) tangent[i] = FMA(square[i], ALL(TAN_3), ALL(TAN_1));
    EACH(i, 2) cosine[i] = FMA(square[i], ALL(deviation * COS_2), ALL(deviation * COS_0));
    EACH(i, 2) tangent[i] = _mm512_mul_ps(z[i], tangent[i]);
    EACH(i, 2)
    {
        __m512 c = _mm512_permutexvar_ps(word[i], middle_cosine);
        __m512 s = _mm512_permutexvar_ps(word[i], middle_sine);
        q[i] = FLOATS(
            _mm512_ternarylogic_epi32(BITS(q[i]), word[i], _mm512_set1_epi32(INT32_MIN), OR_AND));
        __m512 scale = _mm512_mul_ps(q[i], cosine[i]);
        const int first = i * 2 * LANES, second = first + LANES;
        c = _mm512_fnmadd_ps(s, tangent[i], c);
        s = FMA(_mm512_permutexvar_ps(word[i], middle_cosine), tangent[i], s);
        _mm512_storeu_ps(x + first,
                         FMA(scale, c, mean_avx512(bytes + first, factor + first, offset + first)));
        _mm512_storeu_ps(
            x + second,
            FMA(scale, s, mean_avx512(bytes + second, factor + second, offset + second)));
    }
}

AVX512 ALWAYS_INLINE void rows_avx512(const int rows, const struct philox *philox,
                                      const struct rng_normal *normal,
                                      const struct rng_means *means, size_t at,
                                      const uint32_t *sample, uint32_t block, size_t groups,
                                      float *x, size_t stride)
{
    const float deviation = normal->deviation;
    uint64_t row[MOST_ROWS];
    for (int r = 0; r < rows; r++)
        row[r] = philox_row(philox, sample[r]);
    for (size_t end = at + groups * GROUP; at < end; at += GROUP, block += BLOCKS) {
        __m512i word[MOST_ROWS][2];
        words_avx512(rows, philox, normal, row, block, word);
        EACH(r, rows)
        pairs_avx512(word[r], deviation, means->bytes[r] + at, means->factor + at,
                     means->offset + at, x + (size_t)r * stride + at);
    }
}

AVX512 static void draw_avx512(const struct rng_normal *normal, const struct rng_means *means,
                               size_t at, const uint32_t *sample, int rows, uint32_t block,
                               size_t groups, float *x, size_t stride)
{
    struct rng_means of = *means;
    struct philox philox;
    philox_init(&philox, normal);
    for (; rows >= MOST_ROWS; rows -= MOST_ROWS) {
        rows_avx512(MOST_ROWS, &philox, normal, &of, at, sample, block, groups, x, stride);
        sample += MOST_ROWS, of.bytes += MOST_ROWS, x += MOST_ROWS * stride;
    }
    for (; rows; rows--, sample++, of.bytes++, x += stride)
        rows_avx512(1, &philox, normal, &of, at, sample, block, groups, x, stride);
}

#undef XOR3
#undef HIGH
#undef ALL64
#undef ALL
#undef FMA
#undef BITS
#undef FLOATS

/* The same in halves: blocks 0 to 3 of a group, and 4 to 7. */

#define XOR3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#define HIGH(a) _mm256_srli_epi64(a, 32)
#define ALL64(a) _mm256_set1_epi64x((int64_t)(a))

AVX2 ALWAYS_INLINE void words_avx2(const struct philox *philox, const struct rng_normal *normal,
                                   uint64_t row, uint32_t block, __m256i out[2][2])
{
    const __m256i m0 = ALL64(RNG_MULTIPLIER_0), m1 = ALL64(RNG_MULTIPLIER_1);
    const uint64_t *key0 = philox->key0, *key1 = philox->key1;
    __m256i word0[2], word1[2], word2[2], word3[2];

    EACH(h, 2)
    {
        __m256i lanes =
            _mm256_add_epi64(ALL64(block + 4 * (uint32_t)h), _mm256_setr_epi64x(0, 1, 2, 3));
        __m256i first = _mm256_mul_epu32(m0, lanes);
        word0[h] = ALL64(row >> 32);
        word1[h] = ALL64(philox->word1);
        word2[h] = _mm256_xor_si256(HIGH(first), ALL64((uint32_t)normal->stream ^ key1[0]));
        word3[h] = first;
        __m256i second = _mm256_mul_epu32(m1, word2[h]);
        word2[h] = XOR3(word0[h], word3[h], ALL64(key1[1]));
        word0[h] = XOR3(HIGH(second), word1[h], ALL64(key0[1]));
        word1[h] = second;
        word3[h] = ALL64(row);
    }
    _Pragma("GCC unroll 10") for (int round = 2; round < RNG_ROUNDS - 1; round++) EACH(h, 2)
    {
        __m256i product0 = _mm256_mul_epu32(m0, word0[h]);
        __m256i product1 = _mm256_mul_epu32(m1, word2[h]);
        word0[h] = XOR3(HIGH(product1), word1[h], ALL64(key0[round]));
        word2[h] = XOR3(HIGH(product0), word3[h], ALL64(key1[round]));
        word1[h] = product1;
        word3[h] = product0;
    }
    EACH(h, 2)
    {
        const int last = RNG_ROUNDS - 1;
        out[0][h] = XOR3(_mm256_mul_epu32(m1, word2[h]), _mm256_slli_epi64(word1[h], 32),
                         ALL64(key0[last] << 32));
        out[1][h] = XOR3(_mm256_mul_epu32(m0, word0[h]), _mm256_slli_epi64(word3[h], 32),
                         ALL64(key1[last] << 32));
    }
}

#define ALL(a) _mm256_set1_ps(a)
#define ALL32(a) _mm256_set1_epi32(a)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define BITS(a) _mm256_castps_si256(a)
#define FLOATS(a) _mm256_castsi256_ps(a)

/* A table of 16, of which the instruction takes 8. */
AVX2 ALWAYS_INLINE __m256 look_up_avx2(const float table[SECTORS], __m256i word)
{
    __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), word);
    __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), word);
    return _mm256_blendv_ps(low, high, FLOATS(_mm256_slli_epi32(word, 28)));
}

AVX2 ALWAYS_INLINE __m256 mean_avx2(const uint8_t *bytes, const float *factor, const float *offset)
{
    __m256 byte = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)bytes)));
    return _mm256_sub_ps(_mm256_mul_ps(byte, _mm256_loadu_ps(factor)), _mm256_loadu_ps(offset));
}

AVX2 ALWAYS_INLINE void pairs_avx2(__m256i word, float deviation, const uint8_t *bytes,
                                   const float *factor, const float *offset, float *x)
{
    __m256 w = _mm256_cvtepi32_ps(
        _mm256_or_si256(_mm256_and_si256(word, ALL32(RADIUS_BITS)), ALL32(RADIUS_MIDDLE)));
    __m256i exponent = _mm256_srli_epi32(BITS(w), 23);
    __m256 e = _mm256_cvtepi32_ps(_mm256_sub_epi32(exponent, ALL32(127)));
    __m256i mantissa = _mm256_and_si256(BITS(w), ALL32(0x7fffff));
    __m256 f = _mm256_sub_ps(FLOATS(_mm256_or_si256(mantissa, ALL32(0x3f000000))), ALL(1));
    e = FMA(e, ALL(LOG_EXPONENT), ALL(-LOG_EXPONENT * UNIT_EXPONENT));
    __m256 q = FMA(ALL(LOG_6), f, ALL(LOG_5));
    q = FMA(q, f, ALL(LOG_4));
    q = FMA(q, f, ALL(LOG_3));
    q = FMA(q, f, ALL(LOG_2));
    q = FMA(q, f, ALL(LOG_1));
    q = _mm256_sqrt_ps(FMA(q, f, e));
    q = _mm256_or_ps(q, _mm256_and_ps(FLOATS(word), ALL(-0.0f)));

    __m256i half = _mm256_and_si256(word, ALL32(HALF_BITS));
    __m256 z = _mm256_sub_ps(FLOATS(_mm256_or_si256(half, ALL32(HALF_EXPONENT))), ALL(HALF_MIDDLE));
    __m256 square = _mm256_mul_ps(z, z);
    __m256 tangent = _mm256_mul_ps(z, FMA(square, ALL(TAN_3), ALL(TAN_1)));
    __m256 cosine = FMA(square, ALL(deviation * COS_2), ALL(deviation * COS_0));
    __m256 c = look_up_avx2(sector_cosine, word), s = look_up_avx2(sector_sine, word);
    __m256 scale = _mm256_mul_ps(q, cosine);
    c = _mm256_fnmadd_ps(s, tangent, c);
    s = FMA(look_up_avx2(sector_cosine, word), tangent, s);
    _mm256_storeu_ps(x, FMA(scale, c, mean_avx2(bytes, factor, offset)));
    _mm256_storeu_ps(x + LANES,
                     FMA(scale, s, mean_avx2(bytes + LANES, factor + LANES, offset + LANES)));
}

AVX2 static void draw_avx2(const struct rng_normal *normal, const struct rng_means *means,
                           size_t at, const uint32_t *sample, int rows, uint32_t block,
                           size_t groups, float *x, size_t stride)
{
    struct philox philox;
    philox_init(&philox, normal);
    for (int r = 0; r < rows; r++, x += stride) {
        const uint64_t row = philox_row(&philox, sample[r]);
        for (size_t g = 0; g < groups; g++) {
            __m256i word[2][2];
            words_avx2(&philox, normal, row, block + (uint32_t)g * BLOCKS, word);
            for (int i = 0; i < 4; i++) {
                const size_t to = at + g * GROUP + (size_t)(i / 2 * 2 * LANES + i % 2 * LANES / 2);
                pairs_avx2(word[i / 2][i % 2], normal->deviation, means->bytes[r] + to,
                           means->factor + to, means->offset + to, x + to);
            }
        }
    }
}
#endif

/* ---- the copy in use, and parts of groups ---- */

enum { COPIES = 3 };
static struct rng_normal_copy copies[COPIES];
static size_t copies_count;

static void find_copies(void)
{
    copies[copies_count++] = (struct rng_normal_copy){"plain", draw_plain};
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        copies[copies_count++] = (struct rng_normal_copy){"avx2", draw_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        copies[copies_count++] = (struct rng_normal_copy){"avx512", draw_avx512};
#endif
}

const struct rng_normal_copy *rng_normal_copy(size_t i)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_copies);
    return i < copies_count ? &copies[i] : NULL;
}

/* Numbers skip ... skip + n - 1 of one group, by way of a whole one. */
static void draw_part(const struct rng_normal_copy *copy, const struct rng_normal *normal,
                      const struct rng_means *means, size_t at, const uint32_t *sample, int rows,
                      uint32_t block, size_t skip, size_t n, float *x, size_t stride)
{
    uint8_t bytes[MOST_ROWS][GROUP] = {{0}};
    const uint8_t *row[MOST_ROWS];
    float factor[GROUP] = {0}, offset[GROUP] = {0}, drawn[MOST_ROWS][GROUP];
    const struct rng_means part = {row, factor, offset};
    memcpy(factor + skip, means->factor + at, n * sizeof *factor);
    memcpy(offset + skip, means->offset + at, n * sizeof *offset);
    for (int done = 0; done < rows; done += MOST_ROWS) {
        const int some = rows - done < MOST_ROWS ? rows - done : MOST_ROWS;
        for (int r = 0; r < some; r++) {
            row[r] = bytes[r];
            memcpy(bytes[r] + skip, means->bytes[done + r] + at, n);
        }
        copy->draw(normal, &part, 0, sample + done, some, block, 1, drawn[0], GROUP);
        for (int r = 0; r < some; r++)
            memcpy(x + (size_t)(done + r) * stride + at, drawn[r] + skip, n * sizeof *x);
    }
}

void rng_normal_rows(const struct rng_normal *normal, const struct rng_means *means,
                     const uint32_t *sample, int rows, size_t first, size_t n, float *x,
                     size_t stride)
{
    assert((first + n) / BLOCKS <= UINT32_MAX);
    rng_normal_copy(0);
    const struct rng_normal_copy *copy = &copies[copies_count - 1];
    uint32_t block = (uint32_t)(first / GROUP * BLOCKS);
    size_t skip = first % GROUP, at = 0;
    if (skip) {
        at = n < GROUP - skip ? n : GROUP - skip;
        draw_part(copy, normal, means, 0, sample, rows, block, skip, at, x, stride);
        block += BLOCKS;
    }
    size_t groups = (n - at) / GROUP;
    copy->draw(normal, means, at, sample, rows, block, groups, x, stride);
    at += groups * GROUP;
    if (at < n)
        draw_part(copy, normal, means, at, sample, rows, block + (uint32_t)groups * BLOCKS, 0,
                  n - at, x, stride);
}

void rng_normal_fill(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                     float *out, size_t n)
{
    static const uint8_t bytes[GROUP];
    static const float zero[GROUP];
    const uint8_t *const row = bytes;
    const struct rng_means means = {&row, zero, zero};
    const struct rng_normal normal = {seed, stream, epoch, 1};
    for (size_t at = 0; at < n; at += GROUP)
        rng_normal_rows(&normal, &means, &sample, 1, at, n - at < GROUP ? n - at : GROUP, out + at,
                        0);
}
