/* Replays: the same bits again, and what is found where they are not. */
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

/* Every kind of command, and runs that are left in between. */
static const char script_text[] =
    "@3 set train.learning_rate /2\n@9 toggle augment.noise\n@11 pause\n@12 undo\n"
    "@14 set train.momentum 0.5\n@14 evaluate\n@17 note here\n@17 pause\n@25 rollback best\n"
    "@27 undo\n@28 redo\n@28 pause\n@30 set train.l2 0.001\n@33 pause\n@36 undo\n@38 redo\n"
    "@44 checkpoint mine\n@45 pause\n@48 rollback 44\n@51 set train.learning_rate 0.02\n";

static struct run *replay(struct replay *replay, const char *name)
{
    struct run_options options = {.settings = *replay_settings(replay), .replay = replay};
    struct run *run;
    struct err err;
    text_copy(options.name, sizeof options.name, name);
    text_copy(options.runs_directory, sizeof options.runs_directory, replay_runs_directory(replay));
    if (run_create(&options, fixture.dataset, &run, &err) != 0)
        fail_msg("%s", err.text);
    return run;
}

static struct replay *open_replay(const char *name, bool verify)
{
    struct replay *opened;
    struct err err;
    char *directory = fixture_path(&fixture, name, "");
    if (replay_open(directory, verify, &opened, &err) != 0)
        fail_msg("%s", err.text);
    mem_free(directory);
    return opened;
}

static void expect_verified(const char *name)
{
    struct replay *opened = open_replay(name, true);
    struct snapshot now;
    struct err err;
    char again[128];
    replay_name(opened, replay_runs_directory(opened), again, sizeof again);
    assert_int_equal(replay_set(opened, "train.threads=2", &err), 0);
    assert_int_equal(replay_set(opened, "train.seed=2", &err), -1);
    struct run *run = replay(opened, again);
    fixture_wait(run_feed(run), fixture_ended, &now);
    if (now.state != RUN_FINISHED || !strstr(run_verified(run), "the same bits"))
        fail_msg("%s: %s", name, now.error);
    run_destroy(run);
    replay_close(opened);
}

static void expect_difference(const char *name, const char *what)
{
    struct replay *opened;
    struct snapshot now;
    struct err err = {.text = ""};
    char *directory = fixture_path(&fixture, name, "");
    char again[128];
    int result = replay_open(directory, true, &opened, &err);
    mem_free(directory);
    if (result == 0) {
        replay_name(opened, replay_runs_directory(opened), again, sizeof again);
        struct run *run = replay(opened, again);
        fixture_end(run, RUN_FAILED, &now);
        text_copy(err.text, sizeof err.text, now.error);
        replay_close(opened);
    }
    if (!strstr(err.text, what))
        fail_msg("%s, not %s", err.text, what);
}

static void test_verify(void **state)
{
    (void)state;
    struct script *script = fixture_script(script_text);
    (void)fixture_train_in_parts(&fixture, "parts", script, true);
    expect_verified("parts");
    assert_true(fixture_has(&fixture, "parts-replay", "result.json"));
    fixture_assert_same(&fixture, "parts", "parts-replay");
    /* A replay is a run as any other. */
    expect_verified("parts-replay");
    fixture.more = "train.optimizer=adam";
    (void)fixture_train_in_parts(&fixture, "adam", script, true);
    fixture.more = NULL;
    expect_verified("adam");
    /* One that was left for good ends where it was left. */
    struct run *run = fixture_start_script(&fixture, "left", script);
    struct snapshot now;
    fixture_wait(run_feed(run), fixture_paused, &now);
    run_interrupt(run, "test");
    fixture_end(run, RUN_INTERRUPTED, &now);
    expect_verified("left");
    script_free(script);
}

static void change_file(const char *name, const char *file, const char *from, const char *to)
{
    size_t length;
    struct err err;
    char *bytes = fixture_read(&fixture, name, file, &length);
    char *path = fixture_path(&fixture, name, file), *at = strstr(bytes, from);
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    const struct file_part part = {bytes, length};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    mem_free(path);
    mem_free(bytes);
}

/* Flips one bit of a number of the last tensor. */
static void flip_bit(const char *name, const char *file)
{
    size_t length;
    struct err err;
    char *bytes = fixture_read(&fixture, name, file, &length);
    char *path = fixture_path(&fixture, name, file);
    bytes[length - 40] ^= 1;
    const struct file_part part = {bytes, length};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    mem_free(path);
    mem_free(bytes);
}

static void test_differences(void **state)
{
    (void)state;
    struct settings settings;
    fixture_settings(&fixture, &settings);
    static const char *const names[] = {"bit", "row", "steps", "rows"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fixture_end(fixture_start(&fixture, &settings, names[i]), RUN_FINISHED, NULL);
    flip_bit("bit", "checkpoints/step-40.safetensors");
    expect_difference("bit", "step-40.safetensors");
    char *metrics = fixture_read(&fixture, "row", "metrics.csv", NULL);
    /* The training loss of the second row. */
    char *second = strstr(metrics, "\n2,40,") + 1, *number = second;
    for (int i = 0; i < 4; i++)
        number = strchr(number, ',') + 1;
    char from[32] = "", to[32] = "";
    memcpy(from, number, 10);
    memcpy(to, number, 10);
    to[9] = to[9] == '5' ? '6' : '5';
    mem_free(metrics);
    change_file("row", "metrics.csv", from, to);
    expect_difference("row", "first difference at step 40: the training loss is");
    change_file("steps", "steps.csv", "\n33,", "\n34,");
    expect_difference("steps", "first difference at step 33: the row's step is 33");
    metrics = fixture_read(&fixture, "rows", "metrics.csv", NULL);
    char *path = fixture_path(&fixture, "rows", "metrics.csv");
    struct text more = {0};
    struct err err;
    text_print(&more, "%s%s", metrics, strstr(metrics, "\n3,60,") + 1);
    const struct file_part part = {more.bytes, more.length};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    text_fini(&more);
    mem_free(path);
    mem_free(metrics);
    expect_difference("rows", "first difference at step 60: the other run went on");
}

/* With other settings: commands at the same steps, on another way. */
static void test_changed(void **state)
{
    (void)state;
    struct script *script = fixture_script(script_text);
    (void)fixture_train_in_parts(&fixture, "seed", script, false);
    script_free(script);
    struct replay *opened = open_replay("seed", false);
    struct err err;
    assert_int_equal(replay_set(opened, "train.seed=7", &err), 0);
    fixture_end(replay(opened, "seed-7"), RUN_FINISHED, NULL);
    replay_close(opened);
    char *journal = fixture_read(&fixture, "seed-7", "journal.jsonl", NULL);
    (void)fixture_check_journal(journal);
    assert_non_null(strstr(journal, "\"source\":\"replay\",\"command\":\"set train.l2 0.001\""));
    mem_free(journal);
}

/* What rules did is done again; with other settings they act anew. */
static void test_rules(void **state)
{
    (void)state;
    struct settings settings;
    struct err err;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.learning_rate=300");
    fixture_set(&settings, "network.batch_norm=none");
    fixture_set(&settings, "train.on_divergence=halve");
    fixture_end(fixture_start(&fixture, &settings, "wild"), RUN_FINISHED, NULL);
    char *journal = fixture_read(&fixture, "wild", "journal.jsonl", NULL);
    assert_non_null(strstr(journal, "\"source\":\"rule\""));
    mem_free(journal);
    expect_verified("wild");
    struct replay *opened = open_replay("wild", false);
    assert_int_equal(replay_set(opened, "train.seed=3", &err), 0);
    fixture_end(replay(opened, "wild-3"), RUN_FINISHED, NULL);
    replay_close(opened);
    journal = fixture_read(&fixture, "wild-3", "journal.jsonl", NULL);
    (void)fixture_check_journal(journal);
    assert_non_null(strstr(journal, "\"source\":\"rule\""));
    assert_null(strstr(journal, "\"source\":\"replay\",\"command\":\"rollback"));
    mem_free(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
