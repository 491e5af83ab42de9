/*
 * Damaged checkpoints and journals: bits turned over, ends cut off, blocks lost.
 * Every one is refused, by an error that names the file, and nothing is read
 * beyond an end. Of a journal the lines before a torn end are believed, as they
 * are whole.
 *
 *   test_bitflips [TIMES]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "run_fixture.h"

#include <dirent.h>
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

static size_t last_damage(const unsigned char *bytes, const char *whole, size_t length)
{
    while (length && bytes[length - 1] == (unsigned char)whole[length - 1])
        length--;
    return length - 1;
}

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
    const size_t last_line = (size_t)((char *)memrchr(whole, '\n', whole_length - 1) + 1 - whole);
    for (uint32_t trial = 0; trial < times; trial++) {
        size_t length = whole_length;
        unsigned char *bytes = damage(trial, whole, &length);
        if (run_parse_journal((char *)bytes, length, "x", &count, &sound, &err) == 0) {
            if (count >= all || sound > length || memcmp(bytes, whole, sound) != 0)
                fail_msg("damage %u was not seen", trial);
            /* Nothing that does not reach into the last line is taken for a torn end. */
            if (length == whole_length && last_damage(bytes, whole, length) < last_line)
                fail_msg("damage %u: only %u lines are believed", trial, (unsigned)count);
        } else if (err.code != ERR_FILE || strncmp(err.text, "x:", 2) != 0) {
            fail_msg("damage %u: %s", trial, err.text);
        }
        free(bytes);
    }
    mem_free(whole);
}

/* ---- the generation before ---- */

static void copy_run(const char *from, const char *to)
{
    static const char *const parts[] = {"", "checkpoints"};
    for (int i = 0; i < 2; i++) {
        struct err err;
        char *source = fixture_path(&fixture, from, parts[i]);
        char *target = fixture_path(&fixture, to, parts[i]);
        assert_int_equal(file_make_directories(target, &err), 0);
        DIR *stream = opendir(source);
        assert_non_null(stream);
        for (const struct dirent *entry; (entry = readdir(stream));) {
            unsigned char *bytes;
            char *a = file_path(source, entry->d_name), *b = file_path(target, entry->d_name);
            struct file_part part = {.bytes = NULL};
            if (entry->d_type == DT_REG) {
                assert_int_equal(file_read(a, (size_t)1 << 24, &bytes, &part.length, &err), 0);
                part.bytes = bytes;
                assert_int_equal(file_write(b, &part, 1, &err), 0);
                mem_free(bytes);
            }
            mem_free(a);
            mem_free(b);
        }
        closedir(stream);
        mem_free(source);
        mem_free(target);
    }
}

static void damage_file(uint32_t trial, const char *run, const char *file)
{
    size_t length;
    struct err err;
    char *path = fixture_path(&fixture, run, file);
    char *whole = fixture_read(&fixture, run, file, &length);
    unsigned char *bytes = damage(trial, whole, &length);
    struct file_part part = {bytes, length};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    free(bytes);
    mem_free(whole);
    mem_free(path);
}

/* The checkpoint that it goes on from. */
static void find_newest(const char *run, char *name, size_t size)
{
    struct resume *resume;
    struct err err;
    int64_t step;
    char *directory = fixture_path(&fixture, run, "");
    if (resume_open(directory, &resume, &err) != 0)
        fail_msg("%s", err.text);
    text_copy(name, size, resume_from(resume, &step));
    resume_close(resume);
    mem_free(directory);
}

/* Newer and newer checkpoints are damaged; it goes on from the one before, to the same bits. */
static void test_generations(void **state)
{
    (void)state;
    static const char edits[] =
        "@3 set train.learning_rate /2\n@7 toggle augment.noise\n"
        "@20 set train.momentum 0.8 train.l2 0\n@29 evaluate\n@31 undo\n"
        "@40 checkpoint mine\n@44 toggle augment.noise\n";
    struct script *script = fixture_script(edits);
    struct text text = {0};
    text_print(&text, "%s@50 pause\n", edits);
    struct script *until = fixture_script(text.bytes);
    struct snapshot now;
    fixture_end(fixture_start_script(&fixture, "sound", script), RUN_FINISHED, NULL);
    struct run *run = fixture_start_script(&fixture, "left", until);
    fixture_wait(run_feed(run), fixture_paused, &now);
    run_interrupt(run, "test");
    fixture_end(run, RUN_INTERRUPTED, NULL);
    for (uint32_t trial = 0; trial < 36; trial++) {
        char it[32], newest[128], before[128];
        snprintf(it, sizeof it, "it-%u", trial);
        copy_run("left", it);
        for (uint32_t damaged = 0; damaged <= trial % 4; damaged++) {
            struct text file = {0};
            find_newest(it, newest, sizeof newest);
            text_print(&file, "checkpoints/%s.safetensors", newest);
            damage_file(trial * 4 + damaged, it, file.bytes);
            find_newest(it, before, sizeof before);
            assert_string_not_equal(before, newest);
            assert_true(before[0]);
            text_fini(&file);
        }
        fixture_end(fixture_resume(&fixture, it, NULL, until), RUN_FINISHED, NULL);
        fixture_assert_same(&fixture, "sound", it);
    }
    text_fini(&text);
    script_free(until);
    script_free(script);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        times = (uint32_t)atol(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_journals),
        cmocka_unit_test(test_generations),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
