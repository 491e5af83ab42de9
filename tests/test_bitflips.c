/*
 * Damaged checkpoints: bits turned over, ends cut off, blocks lost. Every one is
 * refused, by an error that names the file, and nothing is read beyond an end.
 *
 * KDTUI_LONG=1 damages 100,000 times, else some.
 */
#include "run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* ---- damage ---- */

/* Pure in (trial, draw), so that a failure can be had again. */
static size_t draw(uint32_t trial, uint32_t *draws, size_t below)
{
    struct rng_words words = rng_draw(1, RNG_SYNTHETIC, 0, trial, (*draws)++);
    return ((uint64_t)words.word[0] << 32 | words.word[1]) % below;
}

static void flip(uint32_t trial, uint32_t *draws, unsigned char *bytes, size_t length)
{
    bytes[draw(trial, draws, length)] ^= (unsigned char)(1 << draw(trial, draws, 8));
}

/* A copy of `length` bytes with something wrong; *length is what is left of them. */
static unsigned char *damage(uint32_t trial, const char *whole, size_t *length)
{
    size_t all = *length;
    unsigned char *bytes = malloc(all);
    assert_non_null(bytes);
    do {
        uint32_t draws = 0;
        memcpy(bytes, whole, all);
        switch (draw(trial, &draws, 8)) {
        case 0: /* cut off */
            *length = draw(trial, &draws, all);
            bytes = realloc(bytes, *length ? *length : 1);
            assert_non_null(bytes);
            return bytes;
        case 1: { /* a block that never reached the disk */
            size_t first = draw(trial, &draws, all), block = 1 + draw(trial, &draws, 512);
            memset(bytes + first, 0, block < all - first ? block : all - first);
            break;
        }
        case 2:
            for (size_t flips = 2 + draw(trial, &draws, 7); flips; flips--)
                flip(trial, &draws, bytes, all);
            break;
        default:
            flip(trial, &draws, bytes, all);
        }
        trial += 1000000007; /* again, where nothing has changed */
    } while (memcmp(bytes, whole, all) == 0);
    return bytes;
}

static uint32_t trials(void)
{
    return getenv("KDTUI_LONG") ? 50000 : 4000;
}

/* ---- checkpoints ---- */

static void test_checkpoints(void **state)
{
    (void)state;
    struct settings settings;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "network.batch_norm_learned=on");
    fixture_end(fixture_start(&fixture, &settings, "whole"), RUN_FINISHED, NULL);
    size_t whole_length;
    char *whole = fixture_read(&fixture, "whole", "checkpoints/last.safetensors", &whole_length);
    for (uint32_t trial = 0; trial < trials(); trial++) {
        struct checkpoint checkpoint;
        struct err err = {.code = ERR_OK};
        size_t length = whole_length;
        unsigned char *bytes = damage(trial, whole, &length);
        if (checkpoint_parse(bytes, length, "x.safetensors", &checkpoint, &err) == 0) {
            size_t at = 0;
            while (bytes[at] == (unsigned char)whole[at])
                at++;
            fail_msg("damage %u, at byte %zu of %zu, was not seen: %.40s, was %.40s", trial, at,
                     length, bytes + at, whole + at);
        }
        if (err.code != ERR_FILE || strncmp(err.text, "x.safetensors: ", 15) != 0)
            fail_msg("damage %u: %s", trial, err.text);
        free(bytes);
    }
    mem_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
