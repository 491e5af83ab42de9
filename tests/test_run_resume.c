/* Runs that are left and go on: they end with the bits of one that was never left. */
#include "../src/run/internal.h"
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

#define EDITS                                                                                      \
    "@3 set train.learning_rate /2\n@7 toggle augment.noise\n@7 set augment.noise_level 0.2\n"     \
    "@20 set train.momentum 0.8 network.dropout 0.3 train.label_smoothing 0.1\n"                   \
    "@29 evaluate\n@31 set train.learning_rate *3\n"                                               \
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
        "@20 set train.momentum 0.8 network.dropout 0.3 train.label_smoothing 0.1\n"
        "@20 pause\n@21 pause\n"
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
static void check_returns(const char *name)
{
    char saved[64], abandoned[64];
    static const char edits[] =
        "@3 set train.learning_rate /2\n@5 set augment.flip on augment.shift 1\n"
        "@9 toggle augment.noise\n@12 undo\n@14 set network.dropout 0.3 train.momentum 0.99\n"
        "@20 set augment.shift 3 augment.contrast 0.5\n@25 rollback best\n@27 undo\n@28 redo\n@28 "
        "undo\n"
        "@30 set train.l2 0.001 augment.brightness 0.2\n@36 undo\n@38 undo\n@39 redo\n@44 "
        "checkpoint mine\n"
        "@48 rollback 44\n@51 set train.learning_rate 0.02\n@55 undo\n";
    struct script *whole = fixture_script(edits);
    snprintf(saved, sizeof saved, "%s-saved", name);
    snprintf(abandoned, sizeof abandoned, "%s-abandoned", name);
    fixture_end(fixture_start_script(&fixture, name, whole), RUN_FINISHED, NULL);
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
    assert_true(fixture_train_in_parts(&fixture, saved, script, false) >= 10);
    fixture_assert_same(&fixture, name, saved);
    assert_true(fixture_train_in_parts(&fixture, abandoned, script, true) >= 10);
    fixture_assert_same(&fixture, name, abandoned);
    text_fini(&parts);
    script_free(script);
    script_free(whole);
}

static void test_returns(void **state)
{
    (void)state;
    check_returns("returns");
    fixture.more = "train.optimizer=adam";
    check_returns("returns-adam");
    fixture.more = "train.optimizer=adamw";
    check_returns("returns-adamw");
    fixture.more = NULL;
}

/* ---- what viewers see of the journal ---- */

/* That the feed has the file's lines, from the first on; how many. */
static size_t check_journal(const char *name, struct feed *feed, struct journal_record *out,
                            size_t most)
{
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    struct snapshot now;
    feed->snapshot(feed, &now);
    size_t count = feed->journal(feed, 1, out, most);
    assert_int_equal(count, fixture_count_lines(journal));
    assert_int_equal(now.journal, count);
    for (size_t i = 0; i < count; i++) {
        json_t *line = fixture_journal_line(journal, (int)i + 1);
        assert_int_equal(out[i].seq, i + 1);
        assert_int_equal(out[i].step, json_integer_value(json_object_get(line, "step")));
        assert_string_equal(out[i].command, fixture_member(line, "command"));
        assert_string_equal(out[i].source, fixture_member(line, "source"));
        assert_string_equal(out[i].time, fixture_member(line, "time"));
        assert_int_equal(out[i].refused, json_object_get(line, "refused") != NULL);
        json_decref(line);
    }
    mem_free(journal);
    return count;
}

static void test_journal_shown(void **state)
{
    (void)state;
    struct snapshot now;
    struct journal_record *lines = mem_alloc(64 * sizeof *lines);
    struct script *script =
        fixture_script("@3 set train.l2 0.5\n@5 note seen\n@9 undo\n@11 pause\n");
    struct run *run = fixture_start_script(&fixture, "shown", script);
    fixture_wait(run_feed(run), fixture_paused, &now);
    fixture_expect_refused(run_feed(run), "set train.l2 -1", "train.l2");
    assert_int_equal(check_journal("shown", run_feed(run), lines, 64), 6);
    assert_non_null(strstr(lines[0].text, ", data "));
    assert_non_null(strstr(lines[1].text, "l2 "));
    assert_int_equal(lines[1].back_to, 0);
    assert_string_equal(lines[2].command, "note seen");
    assert_string_equal(lines[3].text, "to step 3 (edit-2)");
    assert_int_equal(lines[3].back_to, 1);
    assert_true(lines[5].refused && strstr(lines[5].text, "train.l2"));
    assert_int_equal(run_feed(run)->journal(run_feed(run), 3, lines, 2), 2);
    assert_int_equal(lines[0].seq, 3);
    assert_int_equal(run_feed(run)->journal(run_feed(run), 7, lines, 2), 0);
    run_interrupt(run, "SIGTERM");
    fixture_end(run, RUN_INTERRUPTED, NULL);

    struct script *pause = fixture_script("@14 pause\n");
    run = fixture_resume(&fixture, "shown", NULL, pause);
    fixture_wait(run_feed(run), fixture_paused, &now);
    assert_true(check_journal("shown", run_feed(run), lines, 64) > 7);
    assert_string_equal(lines[3].text, "to step 3 (edit-2)");
    assert_int_equal(lines[3].back_to, 1);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    script_free(script);
    script_free(pause);
    mem_free(lines);
}

/* The newest lines stay. */
static void test_journal_bounded(void **state)
{
    (void)state;
    struct err err;
    struct run *run = mem_alloc(sizeof *run);
    struct journal_record *lines = mem_alloc(FEED_JOURNAL_LINES * sizeof *lines);
    assert_int_equal(publication_init(&run->publication, &err), 0);
    publication_feed(&run->feed);
    for (uint64_t seq = 1; seq <= 2 * FEED_JOURNAL_LINES + 5; seq++) {
        const struct journal_record record = {.seq = seq};
        publication_journal(&run->publication, &record);
        size_t count = run->feed.journal(&run->feed, 1, lines, FEED_JOURNAL_LINES);
        assert_true(count == seq || count >= FEED_JOURNAL_LINES * 3 / 4);
        assert_int_equal(lines[count - 1].seq, seq);
        assert_int_equal(lines[0].seq, seq + 1 - count);
        assert_int_equal(run->feed.journal(&run->feed, seq, lines, FEED_JOURNAL_LINES), 1);
        assert_int_equal(lines[0].seq, seq);
    }
    publication_fini(&run->publication);
    mem_free(lines);
    mem_free(run);
}

/* ---- what is damaged ---- */

static void damage(const char *name, const char *file)
{
    size_t length;
    struct err err;
    char *path = fixture_path(&fixture, name, file);
    char *bytes = fixture_read(&fixture, name, file, &length);
    bytes[length / 2] ^= 16;
    const struct file_part part = {bytes, length};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    mem_free(bytes);
    mem_free(path);
}

static struct resume *open_resume(const char *name)
{
    struct resume *resume;
    struct err err;
    char *directory = fixture_path(&fixture, name, "");
    if (resume_open(directory, &resume, &err) != 0)
        fail_msg("%s", err.text);
    mem_free(directory);
    return resume;
}

static void expect_closed(const char *name, enum err_code code, const char *why)
{
    struct resume *resume;
    struct err err;
    char *directory = fixture_path(&fixture, name, "");
    assert_int_equal(resume_open(directory, &resume, &err), -1);
    if (err.code != code || !strstr(err.text, why))
        fail_msg("%s", err.text);
    mem_free(directory);
}

/* Left at the step. */
static void leave_at(const char *name, const struct script *script)
{
    struct snapshot now;
    struct run *run = fixture_start_script(&fixture, name, script);
    fixture_wait(run_feed(run), fixture_paused, &now);
    run_interrupt(run, "test");
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* One after the other, newest first, until nothing is left: then from the beginning. */
static void test_damaged(void **state)
{
    (void)state;
    static const char *const newest_first[] = {"step-47", "edit-9", "step-40", "mine",   "edit-7",
                                               "edit-5",  "best",   "edit-4",  "edit-3", "edit-2"};
    struct script *whole = fixture_script(EDITS);
    fixture_end(fixture_start_script(&fixture, "undamaged", whole), RUN_FINISHED, NULL);
    script_free(whole);
    whole = fixture_script(
        "@3 set train.learning_rate /2\n@7 toggle augment.noise\n"
        "@7 set augment.noise_level 0.2\n"
        "@20 set train.momentum 0.8 network.dropout 0.3 train.label_smoothing 0.1\n"
        "@29 evaluate\n@31 set train.learning_rate *3\n@34 checkpoint mine\n"
        "@41 toggle augment.noise\n@47 pause\n");
    for (size_t count = 1; count <= sizeof newest_first / sizeof newest_first[0]; count += 3) {
        char name[32];
        snprintf(name, sizeof name, "damaged-%zu", count);
        leave_at(name, whole);
        for (size_t i = 0; i < count; i++) {
            char file[64];
            snprintf(file, sizeof file, "checkpoints/%s.safetensors", newest_first[i]);
            if (fixture_has(&fixture, name, file))
                damage(name, file);
        }
        struct resume *resume = open_resume(name);
        int64_t step;
        (void)resume_from(resume, &step);
        assert_true(step < 47);
        assert_non_null(strstr(resume_notes(resume), "step-47.safetensors skipped: "));
        if (count == sizeof newest_first / sizeof newest_first[0])
            assert_int_equal(step, 0);
        resume_close(resume);
        fixture_end(fixture_resume(&fixture, name, NULL, NULL), RUN_FINISHED, NULL);
        fixture_assert_same(&fixture, "undamaged", name);
    }
    script_free(whole);
}

static void append(const char *name, const char *file, const char *text)
{
    struct file_log *log;
    struct err err;
    char *path = fixture_path(&fixture, name, file);
    assert_int_equal(file_log_open(path, false, &log, &err), 0);
    assert_int_equal(file_log_append(log, text, strlen(text), true, &err), 0);
    file_log_close(log);
    mem_free(path);
}

/* What a crash leaves at the end of files goes; damage before it is named. */
static void test_torn(void **state)
{
    (void)state;
    struct script *script = fixture_script(EDITS "@55 pause\n");
    leave_at("torn", script);
    append("torn", "journal.jsonl", "{\"seq\":14,\"step\":55,\"epo");
    append("torn", "steps.csv", "55,0.3");
    append("torn", "metrics.csv", "3,");
    struct resume *resume = open_resume("torn");
    assert_non_null(strstr(resume_notes(resume), "journal.jsonl:"));
    assert_non_null(strstr(resume_notes(resume), "was not written to its end"));
    resume_close(resume);
    fixture_end(fixture_resume(&fixture, "torn", NULL, script), RUN_FINISHED, NULL);
    fixture_assert_same(&fixture, "whole", "torn");
    char *journal = fixture_read(&fixture, "torn", "journal.jsonl", NULL);
    (void)fixture_check_journal(journal);
    mem_free(journal);
    leave_at("broken", script);
    damage("broken", "journal.jsonl");
    expect_closed("broken", ERR_FILE, "journal.jsonl:");
    leave_at("rows", script);
    script_free(script);
    damage("rows", "metrics.csv");
    resume = open_resume("rows");
    struct run *run;
    struct err err;
    assert_int_equal(resume_start(resume, fixture.dataset, &run, &err), -1);
    assert_non_null(strstr(err.text, "metrics.csv:"));
    resume_close(resume);
}

static void test_refused(void **state)
{
    (void)state;
    struct script *script = fixture_script("@33 pause\n");
    leave_at("refused", script);
    struct resume *resume = open_resume("refused");
    struct run *run;
    struct err err;
    /* Nobody else may have it now. */
    expect_closed("refused", ERR_USAGE, "another process is training this run");
    assert_int_equal(resume_set(resume, "train.seed=3", &err), -1);
    assert_non_null(strstr(err.text, "train.seed is the run's own"));
    assert_int_equal(resume_set(resume, "train.momentun=0.5", &err), -1);
    assert_int_equal(resume_set(resume, "train.momentum=5", &err), -1);
    assert_int_equal(resume_set(resume, "train.epochs=many", &err), -1);
    assert_int_equal(resume_return(resume, "32", &err), -1);
    assert_non_null(strstr(err.text, "no state of step 32 is kept; there are those of 20, 33"));
    assert_int_equal(resume_return(resume, "nothing.safetensors", &err), -1);
    assert_int_equal(resume_set(resume, "train.epochs=1", &err), 0);
    assert_int_equal(resume_start(resume, fixture.dataset, &run, &err), -1);
    assert_non_null(strstr(err.text, "train.epochs 1: 1 epochs and 13 steps are done already"));
    resume_close(resume);
    /* Other data than it was trained on. */
    struct settings settings;
    struct data_options options;
    struct dataset *other;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "data.train_size=300");
    run_data_options(&settings, &options);
    assert_int_equal(data_open(&options, &other, &err), 0);
    resume = open_resume("refused");
    assert_int_equal(resume_start(resume, other, &run, &err), -1);
    assert_non_null(strstr(err.text, "trained on other data"));
    resume_close(resume);
    data_close(other);
    script_free(script);
}

/* ---- what a person sees of it ---- */

static void test_history(void **state)
{
    (void)state;
    struct script *script = fixture_script(
        "@3 set train.learning_rate /2\n@8 set augment.shift 1\n@10 set augment.shift 0\n"
        "@12 toggle augment.noise\n@27 undo\n@33 pause\n@34 pause\n");
    struct run *run = fixture_start_script(&fixture, "history", script);
    static struct loss_bucket before[128], after[128];
    struct evaluation rows_before[8], rows_after[8];
    struct edit_mark edits_before[8], edits_after[8];
    struct snapshot was, now;
    fixture_wait(run_feed(run), fixture_paused, &was);
    struct feed *feed = run_feed(run);
    size_t buckets = feed->buckets(feed, 0, INT64_MAX, before, 128);
    size_t rows = feed->evaluations(feed, 0, rows_before, 8);
    size_t edits = feed->edits(feed, 0, edits_before, 8);
    run_interrupt(run, "test");
    fixture_end(run, RUN_INTERRUPTED, &was);

    static const char *const set[] = {"train.momentum=0.7", "train.epochs=5", NULL};
    run = fixture_resume(&fixture, "history", set, script);
    size_t past_rows, past_edits;
    run_past(run, &past_rows, &past_edits);
    assert_int_equal(past_rows, rows);
    assert_int_equal(past_edits, edits);
    feed = run_feed(run);
    fixture_wait(feed, fixture_paused, &now);
    assert_int_equal(now.step, 34);
    assert_int_equal(now.epochs, 5);
    assert_int_equal(now.total_steps, 5 * FIXTURE_STEPS);
    assert_true(now.seconds >= was.seconds);
    assert_true(now.settings.train.momentum == 0.7);
    assert_int_equal(now.best_step, was.best_step);
    assert_true(feed->buckets(feed, 0, INT64_MAX, after, 128) > buckets);
    for (size_t i = 0; i < buckets; i++) {
        assert_int_equal(before[i].first, after[i].first);
        assert_int_equal(before[i].last, after[i].last);
        assert_true(before[i].mean == after[i].mean && before[i].minimum == after[i].minimum &&
                    before[i].maximum == after[i].maximum &&
                    before[i].learning_rate == after[i].learning_rate);
        assert_int_equal(before[i].abandoned, after[i].abandoned);
        assert_int_equal(before[i].noise, after[i].noise);
        assert_int_equal(before[i].augmented, after[i].augmented);
    }
    assert_true(feed->evaluations(feed, 0, rows_after, 8) >= rows);
    for (size_t i = 0; i < rows; i++) {
        assert_memory_equal(&rows_before[i], &rows_after[i],
                            offsetof(struct evaluation, abandoned));
        assert_int_equal(rows_before[i].abandoned, rows_after[i].abandoned);
    }
    /* The two that the resume made follow. */
    assert_int_equal(feed->edits(feed, 0, edits_after, 8), edits + 2);
    for (size_t i = 0; i < edits; i++) {
        assert_int_equal(edits_after[i].seq, edits_before[i].seq);
        assert_int_equal(edits_after[i].step, edits_before[i].step);
        assert_int_equal(edits_after[i].abandoned, edits_before[i].abandoned);
        assert_int_equal(edits_after[i].returned, edits_before[i].returned);
        assert_string_equal(edits_after[i].label, edits_before[i].label);
    }
    assert_string_equal(edits_after[edits].label, "epochs 3 → 5");
    assert_string_equal(edits_after[edits + 1].label, "momentum 0.9 → 0.7");
    assert_int_equal(edits_after[edits + 1].step, 33);
    fixture_expect_applied(feed, "continue", "running");
    fixture_end(run, RUN_FINISHED, &now);
    assert_int_equal(now.step, 5 * FIXTURE_STEPS);
    script_free(script);
}

static void test_finished(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    struct run_result result;
    struct err err;
    fixture_settings(&fixture, &settings);
    fixture_end(fixture_start(&fixture, &settings, "finished"), RUN_FINISHED, &now);
    struct resume *resume = open_resume("finished");
    assert_int_equal(resume_result(resume, &result, &err), 1);
    assert_true(result.test_accuracy == now.test_accuracy);
    assert_true(result.best_validation_accuracy == now.best_validation_accuracy);
    assert_false(resume_goes_on(resume));
    assert_int_equal(resume_set(resume, "train.momentum=0.5", &err), 0);
    assert_false(resume_goes_on(resume));
    /* From an earlier state, which a file elsewhere holds. */
    char *here = fixture_path(&fixture, "finished", "checkpoints/step-40.safetensors");
    char *there = fixture_path(&fixture, "", "elsewhere.safetensors");
    assert_int_equal(rename(here, there), 0);
    resume_close(resume);
    resume = open_resume("finished");
    assert_int_equal(resume_return(resume, there, &err), 0);
    assert_true(resume_goes_on(resume));
    struct run *run;
    assert_int_equal(resume_start(resume, fixture.dataset, &run, &err), 0);
    fixture_end(run, RUN_FINISHED, &now);
    assert_int_equal(now.step, 60);
    assert_int_equal(now.returns, 1);
    assert_int_equal(now.undo_step, 60);
    mem_free(here);
    mem_free(there);
    /* The same way again: the same rows, and the first ones are abandoned. */
    char *text = fixture_read(&fixture, "finished", "steps.csv", NULL);
    char *first = strstr(text, "\n40,"), *second = strstr(first + 1, "\n40,");
    assert_non_null(second);
    assert_memory_equal(first, second, strlen(second));
    mem_free(text);
    /* Without its result it is tested again. */
    here = fixture_path(&fixture, "finished", "result.json");
    assert_int_equal(unlink(here), 0);
    fixture_end(fixture_resume(&fixture, "finished", NULL, NULL), RUN_FINISHED, &now);
    assert_true(fixture_has(&fixture, "finished", "result.json"));
    append("finished", "result.json", "x");
    resume = open_resume("finished");
    assert_int_equal(resume_result(resume, &result, &err), -1);
    assert_non_null(strstr(err.text, "result.json"));
    resume_close(resume);
    mem_free(here);
}

static bool evaluating(const struct snapshot *now)
{
    return now->state == RUN_EVALUATING || fixture_ended(now);
}

/* Left wherever it is just then, an evaluation as often as not. */
static void test_evaluating(void **state)
{
    (void)state;
    struct script *script = fixture_script("@5 evaluate\n@13 evaluate\n@33 evaluate\n");
    fixture_end(fixture_start_script(&fixture, "measured", script), RUN_FINISHED, NULL);
    struct run *run = fixture_start_script(&fixture, "measuring", script);
    for (int part = 0; part < 30; part++) {
        struct snapshot now;
        fixture_wait(run_feed(run), evaluating, &now);
        run_interrupt(run, "test");
        fixture_wait(run_feed(run), fixture_ended, &now);
        run_destroy(run);
        if (now.state == RUN_FINISHED)
            break;
        run = fixture_resume(&fixture, "measuring", threads[part % 3], script);
        if (part == 29)
            fixture_end(run, RUN_FINISHED, NULL);
    }
    fixture_assert_same(&fixture, "measured", "measuring");
    script_free(script);
}

/* The best state is the one that was measured, not one of the same step with an edit since. */
static void test_best(void **state)
{
    (void)state;
    struct script *script =
        fixture_script("@20 set train.momentum 0.1\n@20 checkpoint later\n@20 pause\n@21 pause\n");
    struct run *run = fixture_start_script(&fixture, "best", script);
    struct snapshot now;
    struct answer answer;
    fixture_wait(run_feed(run), fixture_paused, &now);
    assert_int_equal(now.best_step, 20);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    run = fixture_resume(&fixture, "best", NULL, script);
    fixture_wait(run_feed(run), fixture_paused, &now);
    assert_int_equal(now.step, 21);
    fixture_command(run_feed(run), "rollback 20", &answer);
    fixture_command(run_feed(run), "rollback best", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    run_feed(run)->snapshot(run_feed(run), &now);
    assert_int_equal(now.step, 20);
    assert_true(now.settings.train.momentum == 0.9);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_returns),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_finished),
        cmocka_unit_test(test_evaluating),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_journal_shown),
        cmocka_unit_test(test_journal_bounded),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
