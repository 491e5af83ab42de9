/*
 * Damaged checkpoints and journals: bits turned over, ends cut off, blocks lost.
 * Every one is refused, by an error that names the file, and nothing is read
 * beyond an end. Of a journal the lines before a torn end are believed, as they
 * are whole.
 *
 *   test_bitflips [TIMES]
 */
#include "run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fixture fixture;
static uint32_t times = 5000; /* each kind of file is damaged */

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
    for (uint32_t trial = 0; trial < times; trial++) {
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

/* ---- journals ---- */

static void test_journals(void **state)
{
    (void)state;
    struct script *script = fixture_script(
        "@3 set train.learning_rate /2\n@7 toggle augment.noise\n"
        "@12 note a text with \"quotes\" and umlauts: äöü\n"
        "@20 set train.momentum 0.8 train.l2 0\n@29 evaluate\n"
        "@31 undo\n@40 checkpoint mine\n@42 stop\n");
    struct run_options options = {.name = "lines", .script = script};
    struct run *run;
    struct err err;
    fixture_settings(&fixture, &options.settings);
    snprintf(options.runs_directory, sizeof options.runs_directory, "%s/runs", fixture.directory);
    assert_int_equal(run_create(&options, fixture.dataset, &run, &err), 0);
    fixture_end(run, RUN_FINISHED, NULL);
    script_free(script);
    size_t whole_length;
    char *whole = fixture_read(&fixture, "lines", "journal.jsonl", &whole_length);
    uint64_t all = (uint64_t)fixture_count_lines(whole), count, sound;
    assert_true(all >= 8);
    assert_int_equal(run_parse_journal(whole, whole_length, "x", &count, &sound, &err), 0);
    assert_true(count == all && sound == whole_length);
    for (uint32_t trial = 0; trial < times; trial++) {
        size_t length = whole_length;
        unsigned char *bytes = damage(trial, whole, &length);
        if (run_parse_journal((char *)bytes, length, "x", &count, &sound, &err) == 0) {
            if (count >= all || sound > length || memcmp(bytes, whole, sound) != 0)
                fail_msg("damage %u was not seen", trial);
            /* Nothing but the end of the last line is taken for torn. */
            if (length == whole_length && count < all - 1)
                fail_msg("damage %u: only %u lines are believed", trial, (unsigned)count);
        } else if (err.code != ERR_FILE || strncmp(err.text, "x:", 2) != 0) {
            fail_msg("damage %u: %s", trial, err.text);
        }
        free(bytes);
    }
    mem_free(whole);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        times = (uint32_t)atol(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_journals),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
