/* The run to compare with: the best of those beside a run, whatever else is there. */
#include "run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

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

static void train(const char *name, const char *setting)
{
    struct settings settings;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, setting);
    fixture_end(fixture_start(&fixture, &settings, name), RUN_FINISHED, NULL);
}

/* A run of other data. */
static void train_elsewhere(const char *name)
{
    struct settings settings;
    struct data_options options;
    struct fixture other = fixture;
    struct err err;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "data.train_size=380");
    run_data_options(&settings, &options);
    if (data_open(&options, &other.dataset, &err) != 0)
        fail_msg("%s", err.text);
    fixture_end(fixture_start(&other, &settings, name), RUN_FINISHED, NULL);
    data_close(other.dataset);
}

static void write_metrics(const char *name, const char *rows)
{
    struct text text = {0};
    struct err err;
    text_print(&text,
               "epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_loss,"
               "validation_accuracy\n%s",
               rows);
    char *path = fixture_path(&fixture, name, "metrics.csv");
    const struct file_part part = {text.bytes, text.length};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    mem_free(path);
    text_fini(&text);
}

static bool find(const char *name, int64_t steps_per_epoch, struct earlier_run *out)
{
    const atomic_bool stop = false;
    char runs[300];
    snprintf(runs, sizeof runs, "%s/runs", fixture.directory);
    mem_free(out->evaluations);
    return run_earlier_find(runs, name, steps_per_epoch, &stop, out);
}

static void test_finds_the_best(void **state)
{
    (void)state;
    struct earlier_run found = {0};
    train("mine", "train.seed=1");
    assert_false(find("mine", 20, &found)); /* itself it is not */
    assert_false(find("nobody", 20, &found));
    train("good", "train.seed=2");
    train("better", "train.seed=3");
    train_elsewhere("elsewhere");
    write_metrics("good", "1,20,1,0.1,1,0.5,1,0.5\n2,40,2,0.1,1,0.5,1,0.75\n");
    /* After 35 it was undone: what counts are 10, 20, 30; the best is of the whole run. */
    write_metrics("better",
                  "0,10,1,0.1,1,0.5,1,0.4\n1,20,1,0.1,1,0.5,1,0.5\n"
                  "1,35,1,0.1,1,0.5,1,0.9\n1,30,3,0.1,1,0.5,2,0.6\n");
    write_metrics("elsewhere", "1,19,1,0.1,1,0.5,1,0.99\n");
    assert_true(find("mine", 40, &found));
    assert_string_equal(found.name, "better");
    assert_true(found.best_validation_accuracy == 0.9);
    assert_int_equal(found.evaluation_count, 3);
    static const int64_t steps[] = {20, 40, 60}; /* an epoch of theirs is one of ours */
    static const double accuracies[] = {0.4, 0.5, 0.6};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(found.evaluations[i].step, steps[i]);
        assert_true(found.evaluations[i].validation_accuracy == accuracies[i]);
    }
    /* One that is still trained is passed over. */
    int lock = -1;
    struct err err;
    char *directory = fixture_path(&fixture, "better", "");
    assert_int_equal(run_lock(directory, &lock, &err), 0);
    assert_true(find("mine", 40, &found));
    assert_string_equal(found.name, "good");
    close(lock);
    mem_free(directory);
    const atomic_bool stop = true;
    struct earlier_run none;
    char runs[300];
    snprintf(runs, sizeof runs, "%s/runs", fixture.directory);
    assert_false(run_earlier_find(runs, "mine", 40, &stop, &none));

    /* What is damaged is passed over, and so is what has come to no epoch's end. */
    static const char *const damaged[] = {"1,20,1,0.1,1,0.5,1,much\n", "1,20,1\n", "\0",
                                          "0,7,1,0.1,1,0.5,1,0.9\n", "1,20,1,0.1,1,0.5,nan,nan\n"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        write_metrics("better", damaged[i]);
        assert_true(find("mine", 20, &found));
        assert_string_equal(found.name, "good");
        assert_int_equal(found.evaluation_count, 2);
    }
    char *path = fixture_path(&fixture, "good", "journal.jsonl");
    const struct file_part part = {"{\"seq\":1}\n", 10};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    mem_free(path);
    path = fixture_path(&fixture, "empty", "");
    assert_int_equal(mkdir(path, 0777), 0);
    mem_free(path);
    assert_false(find("mine", 20, &found));
    mem_free(found.evaluations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_finds_the_best, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
