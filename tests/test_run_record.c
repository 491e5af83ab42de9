/* What a run has left on disk, read again, against what it showed. */
#include "run_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void compare_edits(struct feed *feed, const struct run_record *record)
{
    struct edit_mark shown[16];
    const size_t count = feed->edits(feed, 0, shown, 16);
    assert_int_equal(record->edit_count, count);
    for (size_t i = 0; i < count; i++) {
        const struct edit_mark *read = &record->edits[i];
        assert_int_equal(read->seq, shown[i].seq);
        assert_int_equal(read->step, shown[i].step);
        assert_int_equal(read->source, shown[i].source);
        assert_int_equal(read->abandoned, shown[i].abandoned);
        assert_int_equal(read->returned, shown[i].returned);
        assert_string_equal(read->label, shown[i].label);
    }
}

static void compare_evaluations(struct feed *feed, const struct run_record *record)
{
    struct evaluation shown[16];
    const size_t count = feed->evaluations(feed, 0, shown, 16);
    assert_int_equal(record->evaluation_count, count);
    for (size_t i = 0; i < count; i++) {
        const struct evaluation *read = &record->evaluations[i];
        assert_int_equal(read->step, shown[i].step);
        assert_int_equal(read->epoch, shown[i].epoch);
        assert_int_equal(read->abandoned, shown[i].abandoned);
        assert_true(read->validation_loss == shown[i].validation_loss);
        assert_true(read->train_accuracy == shown[i].train_accuracy);
    }
}

/* Losses are rows of steps.csv there and steps here: their spans and sums are the same. */
static void compare_losses(struct feed *feed, const struct run_record *record)
{
    static struct loss_bucket shown[FEED_MAX_BUCKETS];
    const size_t count = feed->buckets(feed, 0, INT64_MAX, shown, FEED_MAX_BUCKETS);
    double live[2] = {0}, gone[2] = {0}, seconds = 0;
    for (size_t i = 0; i < count; i++)
        (shown[i].abandoned ? gone : live)[0] +=
            shown[i].mean * (double)(shown[i].last - shown[i].first + 1);
    for (size_t i = 0; i < record->loss_count; i++) {
        const struct loss_bucket *row = &record->losses[i];
        (row->abandoned ? gone : live)[1] += row->mean * (double)(row->last - row->first + 1);
        assert_true(row->minimum <= row->mean + 1e-6 && row->mean <= row->maximum + 1e-6);
        assert_true(row->seconds >= seconds);
        seconds = row->seconds;
    }
    assert_true(fabs(live[0] - live[1]) < 1e-3 * live[0]);
    assert_true(fabs(gone[0] - gone[1]) < 1e-3 * fmax(gone[0], 1));
}

/* Edits, two ways back and a way on, with evaluations on all of them. */
static void test_record(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct run_record record;
    struct snapshot end;
    struct err err;
    fixture_open(&fixture);
    struct script *script = fixture_script(
        "@5 set train.learning_rate *2\n"
        "@25 toggle augment.noise\n"
        "@45 undo\n"
        "@30 set train.momentum 0.5\n"
        "@50 rollback best\n");
    struct run *run = fixture_start_script(&fixture, "left", script);
    struct feed *feed = run_feed(run);
    fixture_wait(feed, fixture_ended, &end);
    char *directory = fixture_path(&fixture, "left", "");
    assert_int_equal(run_record_load(directory, &record, &err), 0);
    assert_string_equal(record.name, "left");
    assert_int_equal(record.state, RUN_FINISHED);
    assert_int_equal(record.data_digest, data_info(fixture.dataset)->digest);
    assert_int_equal(record.steps_per_epoch, FIXTURE_STEPS);
    assert_true(record.started > 1.5e9);
    assert_true(record.result.test_accuracy == end.test_accuracy);
    assert_int_equal(record.edit_count, 5);
    compare_edits(feed, &record);
    compare_evaluations(feed, &record);
    compare_losses(feed, &record);
    assert_int_equal(run_record_best(&record)->step, end.best_step);
    run_record_fini(&record);
    run_destroy(run);
    script_free(script);
    mem_free(directory);
    fixture_close(&fixture);
}

static void test_errors(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct run_record record;
    struct snapshot end;
    struct err err;
    fixture_open(&fixture);
    struct settings settings;
    fixture_settings(&fixture, &settings);
    fixture_end(fixture_start(&fixture, &settings, "one"), RUN_FINISHED, &end);
    static const char *const files[] = {"metrics.csv", "steps.csv", "journal.jsonl", "result.json",
                                        "settings.ini"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *directory = fixture_path(&fixture, "one", "");
        char *path = fixture_path(&fixture, "one", files[i]);
        size_t length;
        char *kept = fixture_read(&fixture, "one", files[i], &length);
        assert_int_equal(file_write(path, &(struct file_part){"!\n", 2}, 1, &err), 0);
        assert_int_equal(run_record_load(directory, &record, &err), -1);
        assert_non_null(strstr(err.text, files[i]));
        assert_null(record.evaluations);
        assert_int_equal(file_write(path, &(struct file_part){kept, length}, 1, &err), 0);
        mem_free(kept);
        mem_free(path);
        mem_free(directory);
    }
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
