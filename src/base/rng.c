/*
 * Random words as pure functions of key and counter. The only door to
 * Random123, whose generator defines them.
 */
#include "rng.h"

#include <Random123/philox.h>

enum { LANES = 16 };
_Static_assert(RNG_MULTIPLIER_0 == PHILOX_M4x32_0 && RNG_MULTIPLIER_1 == PHILOX_M4x32_1 &&
                   RNG_WEYL_0 == PHILOX_W32_0 && RNG_WEYL_1 == PHILOX_W32_1,
               "the constants of Random123");

struct rng_words rng_draw(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                          uint32_t block)
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{block, sample, epoch, (uint32_t)stream}};
    philox4x32_ctr_t drawn = philox4x32_R(RNG_ROUNDS, counter, key);
    return (struct rng_words){{drawn.v[0], drawn.v[1], drawn.v[2], drawn.v[3]}};
}

void rng_draw_16(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                 uint32_t block, uint32_t out[4][LANES])
{
    for (uint32_t lane = 0; lane < LANES; lane++) {
        uint32_t word0 = block + lane, word1 = sample, word2 = epoch, word3 = (uint32_t)stream;
        uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
        for (int round = 0; round < RNG_ROUNDS; round++) {
            uint64_t product0 = (uint64_t)RNG_MULTIPLIER_0 * word0;
            uint64_t product1 = (uint64_t)RNG_MULTIPLIER_1 * word2;
            word0 = (uint32_t)(product1 >> 32) ^ word1 ^ key0;
            word2 = (uint32_t)(product0 >> 32) ^ word3 ^ key1;
            word1 = (uint32_t)product1;
            word3 = (uint32_t)product0;
            key0 += RNG_WEYL_0;
            key1 += RNG_WEYL_1;
        }
        out[0][lane] = word0;
        out[1][lane] = word1;
        out[2][lane] = word2;
        out[3][lane] = word3;
    }
}
