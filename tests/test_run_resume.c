/* Runs that are left and go on: they end with the bits of one that was never left. */
#include "run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define EDITS                                                                                      \
    "@3 set train.learning_rate /2\n@7 toggle augment.noise\n@7 set augment.noise_level 0.2\n"     \
    "@20 set train.momentum 0.8 train.l2 0\n@29 evaluate\n@31 set train.learning_rate *3\n"        \
    "@34 checkpoint mine\n@41 toggle augment.noise\n@52 note so far\n"

static void test_same_bits(void **state)
{
    (void)state;
    struct script *whole = fixture_script(EDITS);
    fixture_end(fixture_start_script(&fixture, "whole", whole), RUN_FINISHED, NULL);
    static const char parts[] =
        "@0 pause\n@1 pause\n"
        "@3 set train.learning_rate /2\n@3 pause\n"
        "@7 toggle augment.noise\n@7 pause\n"
        "@7 set augment.noise_level 0.2\n@8 pause\n@19 pause\n@20 pause\n"
        "@20 set train.momentum 0.8 train.l2 0\n@20 pause\n@21 pause\n"
        "@29 evaluate\n@29 pause\n@31 set train.learning_rate *3\n"
        "@33 pause\n@34 checkpoint mine\n@40 pause\n@40 pause\n@40 pause\n"
        "@41 toggle augment.noise\n@47 pause\n@52 note so far\n"
        "@53 pause\n@59 pause\n";
    struct script *script = fixture_script(parts);
    assert_true(fixture_train_in_parts(&fixture, "saved", script, false) >= 14);
    fixture_assert_same(&fixture, "whole", "saved");
    assert_true(fixture_train_in_parts(&fixture, "abandoned", script, true) >= 14);
    fixture_assert_same(&fixture, "whole", "abandoned");
    script_free(script);
    script_free(whole);
}

/* The same with ways that are left, and taken up again. */
static void test_returns(void **state)
{
    (void)state;
    static const char edits[] =
        "@3 set train.learning_rate /2\n@9 toggle augment.noise\n@12 undo\n"
        "@14 set train.momentum 0.5\n@25 rollback best\n@27 undo\n@28 redo\n@28 undo\n"
        "@30 set train.l2 0.001\n@36 undo\n@38 undo\n@39 redo\n@44 checkpoint mine\n"
        "@48 rollback 44\n@51 set train.learning_rate 0.02\n@55 undo\n";
    struct script *whole = fixture_script(edits);
    fixture_end(fixture_start_script(&fixture, "returns", whole), RUN_FINISHED, NULL);
    struct text parts = {0};
    int64_t before = -1;
    for (const char *line = edits; *line; line = strchr(line, '\n') + 1) {
        int64_t step = strtol(line + 1, NULL, 10);
        if (step > before + 2)
            text_print(&parts, "@%d pause\n", (int)step - 1);
        text_print(&parts, "%.*s\n@%d pause\n", (int)strcspn(line, "\n"), line, (int)step);
        before = step;
    }
    struct script *script = fixture_script(parts.bytes);
    assert_true(fixture_train_in_parts(&fixture, "returns-saved", script, false) >= 10);
    fixture_assert_same(&fixture, "returns", "returns-saved");
    assert_true(fixture_train_in_parts(&fixture, "returns-abandoned", script, true) >= 10);
    fixture_assert_same(&fixture, "returns", "returns-abandoned");
    text_fini(&parts);
    script_free(script);
    script_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_returns),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
