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

static const char *const threads[][2] = {
    {"train.threads=1", NULL}, {"train.threads=2", NULL}, {"train.threads=3", NULL}};

static struct run *start(const char *name, const struct script *script)
{
    struct run_options options = {.name = "", .script = script};
    struct run *run;
    struct err err;
    fixture_settings(&fixture, &options.settings);
    text_copy(options.name, sizeof options.name, name);
    snprintf(options.runs_directory, sizeof options.runs_directory, "%s/runs", fixture.directory);
    if (run_create(&options, fixture.dataset, &run, &err) != 0)
        fail_msg("%s", err.text);
    return run;
}

static bool paused_or_ended(const struct snapshot *now)
{
    return fixture_paused(now) || fixture_ended(now);
}

/* Leaves wherever the script pauses, every second time without saving, and goes on with
 * another number of threads, until the run has finished. Returns how often it was left. */
static int train_in_parts(const char *name, const struct script *script, bool abandon)
{
    struct run *run = start(name, script);
    for (int part = 1;; part++) {
        struct snapshot now;
        fixture_wait(run_feed(run), paused_or_ended, &now);
        if (fixture_ended(&now)) {
            fixture_end(run, RUN_FINISHED, NULL);
            return part - 1;
        }
        if (abandon && part % 2)
            run_abandon(run);
        else
            run_interrupt(run, "test");
        fixture_end(run, RUN_INTERRUPTED, NULL);
        run = fixture_resume(&fixture, name, threads[part % 3], script);
    }
}

#define EDITS                                                                                      \
    "@3 set train.learning_rate /2\n@7 toggle augment.noise\n@7 set augment.noise_level 0.2\n"     \
    "@20 set train.momentum 0.8 train.l2 0\n@29 evaluate\n@31 set train.learning_rate *3\n"        \
    "@34 checkpoint mine\n@41 toggle augment.noise\n@52 note so far\n"

static void test_same_bits(void **state)
{
    (void)state;
    struct script *whole = fixture_script(EDITS);
    fixture_end(start("whole", whole), RUN_FINISHED, NULL);
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
    assert_true(train_in_parts("saved", script, false) >= 14);
    fixture_assert_same(&fixture, "whole", "saved");
    assert_true(train_in_parts("abandoned", script, true) >= 14);
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
    fixture_end(start("returns", whole), RUN_FINISHED, NULL);
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
    assert_true(train_in_parts("returns-saved", script, false) >= 10);
    fixture_assert_same(&fixture, "returns", "returns-saved");
    assert_true(train_in_parts("returns-abandoned", script, true) >= 10);
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
