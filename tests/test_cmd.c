/*
 * The grammar of commands, and that both tables fit it.
 */
#include "kdt/cmd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct command command;
static struct err err;

static void accept(const char *line, enum command_id id, int words)
{
    if (command_parse(line, &command, &err))
        fail_msg("\"%s\" refused: %s", line, err.text);
    assert_int_equal(command.id, id);
    assert_int_equal(command.words, words);
}

/* The error must be of usage and name `part`. */
static void refuse(const char *line, const char *part)
{
    err = (struct err){0};
    assert_int_equal(command_parse(line, &command, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
}

static void test_words(void **state)
{
    (void)state;
    accept("  pause\t\n", COMMAND_PAUSE, 0);
    assert_string_equal(command.line, "pause");
    accept("set  train.learning_rate   *0.5", COMMAND_SET, 2);
    assert_string_equal(command.word[0], "train.learning_rate");
    assert_string_equal(command.word[1], "*0.5");
    assert_string_equal(command.line, "set  train.learning_rate   *0.5");
    accept("set train.learning_rate -1 train.l2 0", COMMAND_SET, 4);
    accept("set --help -n", COMMAND_SET, 2);
    accept("toggle augment.noise", COMMAND_TOGGLE, 1);
    accept("glyphs", COMMAND_GLYPHS, 0);
    accept("glyphs ascii", COMMAND_GLYPHS, 1);
    refuse("", "empty");
    refuse(" \t ", "empty");
    accept("pause when epoch end", COMMAND_PAUSE, 3);
    refuse("continue now", "stands alone");
    refuse("toggle", "KEY");
    refuse("toggle a b", "KEY");
    refuse("set", "KEY VALUE");
    refuse("set train.l2", "KEY VALUE");
    refuse("set train.l2 1 train.momentum", "KEY VALUE");
}

static void test_suggestion(void **state)
{
    (void)state;
    refuse("puase", "\"pause\"");
    refuse("Pause", "\"pause\"");
    refuse("evalute", "\"evaluate\"");
    refuse("pause-or-contine", "\"pause-or-continue\"");
    refuse("stpe 3", "\"step\"");
    refuse("frobnicate", "help");
    assert_null(strstr(err.text, "did you mean"));
}

static void test_note(void **state)
{
    (void)state;
    accept("note  two  spaces, \"quotes\" -- and more ", COMMAND_NOTE, 1);
    assert_string_equal(command.word[0], "two  spaces, \"quotes\" -- and more");
    accept("note \xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82", COMMAND_NOTE, 1);
    assert_string_equal(command.word[0], "\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82");
    refuse("note", "TEXT");
    refuse("note   ", "TEXT");
}

static void test_step(void **state)
{
    (void)state;
    accept("step", COMMAND_STEP, 0);
    assert_int_equal(command.number, 1);
    accept("step 1000000", COMMAND_STEP, 1);
    assert_int_equal(command.number, 1000000);
    refuse("step 0", "1 to 1000000");
    refuse("step -1", "1 to 1000000");
    refuse("step 1000001", "1 to 1000000");
    refuse("step 99999999999999999999", "1 to 1000000");
    refuse("step 1.5", "1 to 1000000");
    refuse("step x", "1 to 1000000");
    refuse("step 1 2", "[N]");
}

static void test_checkpoint(void **state)
{
    (void)state;
    char line[128] = "checkpoint ";
    accept("checkpoint", COMMAND_CHECKPOINT, 0);
    accept("checkpoint before_noise-2.5", COMMAND_CHECKPOINT, 1);
    accept("checkpoint bests", COMMAND_CHECKPOINT, 1);
    memset(line + strlen("checkpoint "), 'x', 64);
    accept(line, COMMAND_CHECKPOINT, 1);
    strcat(line, "x");
    refuse(line, "64");
    refuse("checkpoint .hidden", "'.'");
    refuse("checkpoint ../up", "'.'");
    refuse("checkpoint a/b", "letters");
    refuse("checkpoint \xc3\xa9", "letters");
    refuse("checkpoint best", "own");
    refuse("checkpoint last", "own");
    refuse("checkpoint step-5", "own");
    refuse("checkpoint edit-", "own");
    refuse("checkpoint a b", "[NAME]");
}

static void test_bytes(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x1b[2J",      /* escape */
        "a\x01",        /* control */
        "a\tb",         /* a tab inside */
        "a\nb",         /* two lines */
        "\x7f",         /* delete */
        "\xc2\x9bJ",    /* control of 8 bits */
        "\x80",         /* continuation alone */
        "\xc3",         /* cut off */
        "\xc0\xaf",     /* overlong */
        "\xe0\x80\xaf", /* overlong */
        "\xed\xa0\x80", /* surrogate */
        "\xf4\x90\x80\x80",
        "\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char line[64] = "note ";
        strcat(line, bad[i]);
        strcat(line, ".");
        refuse(line, "UTF-8");
    }
}

static void test_limits(void **state)
{
    (void)state;
    char line[2 * COMMAND_LINE];
    memset(line, 'x', sizeof line);
    memcpy(line, "note ", 5);
    line[COMMAND_LINE - 1] = '\0';
    accept(line, COMMAND_NOTE, 1);
    assert_int_equal(strlen(command.line), COMMAND_LINE - 1);
    line[COMMAND_LINE - 1] = 'x';
    line[COMMAND_LINE] = '\0';
    refuse(line, "1023");

    strcpy(line, "set");
    for (int i = 0; i < COMMAND_WORDS; i++)
        strcat(line, " a");
    accept(line, COMMAND_SET, COMMAND_WORDS);
    strcat(line, " a a");
    refuse(line, "64 words");

    /* A long wrong name leaves an error of whole characters. */
    memset(line, 0, sizeof line);
    for (int i = 0; i < 300; i++)
        strcat(line, "\xe2\x82\xac");
    refuse(line, "\xe2\x82\xac\"");
}

static void test_random_bytes(void **state)
{
    (void)state;
    static const char *const starts[] = {"", "set ", "note ", "step ", "checkpoint ", "toggle "};
    for (uint32_t trial = 0; trial < 20000; trial++) {
        char line[128] = {0};
        struct rng_words draw = rng_draw(1, RNG_SYNTHETIC, 0, trial, 0);
        const char *start = starts[draw.word[0] % (sizeof starts / sizeof *starts)];
        size_t at = strlen(start), length = at + draw.word[1] % 40;
        memcpy(line, start, at);
        for (; at < length; at++) {
            uint32_t word = rng_draw(1, RNG_SYNTHETIC, 1, trial, (uint32_t)at).word[0];
            /* Mostly printable, so that some get through. */
            line[at] = draw.word[2] % 2 ? (char)word : " 019az.-_*/xE\xc3\xa9"[word % 15];
        }
        if (command_parse(line, &command, &err))
            continue;
        const struct command_info *info = command_info(command.id);
        assert_true(command.words >= info->least);
        assert_true(info->most < 0 || command.words <= info->most);
        for (int i = 0; i < command.words; i++) {
            assert_true(command.word[i] > command.text);
            assert_true(command.word[i] + strlen(command.word[i]) < command.text + COMMAND_LINE);
            assert_true(*command.word[i]);
        }
        if (command.id == COMMAND_STEP)
            assert_in_range(command.number, 1, 1000000);
    }
}

static void test_table(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command_info *info = command_info((enum command_id)i);
        assert_int_equal(info->id, i);
        assert_true(*info->name && *info->meaning);
        assert_int_equal(info->most != 0, *info->arguments != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(info->name, command_info((enum command_id)j)->name);
    }
    assert_string_equal(command_source_name(SOURCE_KEY), "key");
    assert_string_equal(command_source_name(SOURCE_REPLAY), "replay");
}

static void test_keys(void **state)
{
    (void)state;
    bool reachable[COMMAND_COUNT] = {false};
    for (size_t i = 0; i < key_count(); i++) {
        const struct key_info *row = key_row(i);
        assert_true(key_group(i) != NULL && *row->meaning);
        if (row->command == NULL)
            continue;
        if (command_parse(row->command, &command, &err))
            fail_msg("key \"%s\": %s", row->keys, err.text);
        reachable[command.id] = true;
        assert_int_equal(row->rank != 0, *row->brief != '\0');
        char keys[64], *rest = keys;
        assert_true(strlen(row->keys) < sizeof keys);
        strcpy(keys, row->keys);
        /* The first row with the key is this one, so no key is bound twice. */
        for (char *key; (key = strtok_r(rest, " ", &rest));)
            assert_ptr_equal(key_find(key), row);
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (command_info((enum command_id)i)->scope == COMMAND_SCOPE_VIEW && !reachable[i])
            fail_msg("no key for \"%s\"", command_info((enum command_id)i)->name);
    assert_string_equal(key_group(0), "Steering");
    for (size_t i = 0; i < key_count(); i++)
        if (key_row(i) == key_find("q"))
            assert_string_equal(key_group(i), "Leaving");
    assert_string_equal(key_find("space")->command, "pause-or-continue");
    assert_string_equal(key_find("ctrl-c")->command, "quit");
    assert_null(key_find(""));
    assert_null(key_find("ctrl"));
    assert_null(key_find("space p"));
    assert_null(key_find("Q"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),      cmocka_unit_test(test_suggestion),
        cmocka_unit_test(test_note),       cmocka_unit_test(test_step),
        cmocka_unit_test(test_checkpoint), cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests_name("cmd", tests, NULL, NULL);
}
