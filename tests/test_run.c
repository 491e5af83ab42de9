/* Whole runs on a tiny problem: how they begin, their files and their bits. */
#include "run_fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

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

/* ---- a run from start to end ---- */

static void check_metrics(const char *name, const struct evaluation *rows, size_t count)
{
    char *text = fixture_read(&fixture, name, "metrics.csv", NULL), *line = strchr(text, '\n') + 1;
    assert_memory_equal(text,
                        "epoch,step,seconds,learning_rate,train_loss,train_accuracy,"
                        "validation_loss,validation_accuracy\n",
                        (size_t)(line - text));
    assert_int_equal(fixture_count_lines(line), count);
    for (size_t i = 0; i < count; i++, line = strchr(line, '\n') + 1) {
        struct evaluation row;
        assert_int_equal(sscanf(line, "%" SCNd64 ",%" SCNd64 ",%lf,%lf,%lf,%lf,%lf,%lf", &row.epoch,
                                &row.step, &row.seconds, &row.learning_rate, &row.train_loss,
                                &row.train_accuracy, &row.validation_loss,
                                &row.validation_accuracy),
                         8);
        /* `abandoned` is in no row, and padding follows it. */
        assert_memory_equal(&row, &rows[i], offsetof(struct evaluation, abandoned));
    }
    mem_free(text);
}

static void check_settings(const char *name, const struct settings *settings)
{
    size_t length;
    char *text = fixture_read(&fixture, name, "settings.ini", &length);
    struct settings read;
    struct err err;
    settings_init(&read);
    assert_int_equal(settings_parse(&read, text, length, "settings.ini", &err), 0);
    for (size_t i = 0; i < settings_count(); i++) {
        char a[SETTINGS_TEXT], b[SETTINGS_TEXT];
        settings_format(&read, settings_row(i), a, sizeof a);
        settings_format(settings, settings_row(i), b, sizeof b);
        assert_string_equal(a, b);
    }
    mem_free(text);
}

static void check_head(const char *name)
{
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    char digest[16];
    snprintf(digest, sizeof digest, "%08" PRIx32, data_info(fixture.dataset)->digest);
    assert_int_equal(fixture_check_journal(journal), 1);
    json_t *head = fixture_journal_line(journal, 1);
    assert_string_equal(fixture_member(head, "command"), "start");
    assert_string_equal(fixture_member(head, "kernels"), math_library());
    assert_string_equal(fixture_member(head, "precision"), "float32");
    assert_string_equal(fixture_member(head, "data_digest"), digest);
    assert_int_equal(json_integer_value(json_object_get(head, "format")), 1);
    assert_int_equal(json_integer_value(json_object_get(head, "seed")), 1);
    json_decref(head);
    mem_free(journal);
}

static void test_files(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    struct evaluation rows[8];
    struct loss_bucket buckets[100];
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=4");
    struct run *run = fixture_start(&fixture, &settings, "files");
    struct feed *feed = run_feed(run);
    fixture_wait(feed, fixture_ended, &now);
    size_t evaluations = feed->evaluations(feed, 0, rows, 8);
    assert_int_equal(feed->evaluations(feed, 3, rows + 4, 4), 1);
    assert_memory_equal(&rows[3], &rows[4], sizeof rows[0]);
    assert_int_equal(feed->evaluations(feed, 4, rows + 4, 4), 0);
    assert_int_equal(feed->buckets(feed, 0, INT64_MAX, buckets, 100), 4 * FIXTURE_STEPS);
    assert_int_equal(buckets[79].last, 79);
    fixture_end(run, RUN_FINISHED, &now);

    assert_int_equal(evaluations, 4);
    assert_int_equal(now.evaluations, 4);
    assert_int_equal(now.step, 4 * FIXTURE_STEPS);
    assert_int_equal(now.epoch, 4);
    assert_string_equal(now.network, "36-8-6-4 relu, batch norm before");
    assert_string_equal(now.warning, "");
    assert_int_equal(now.checkpoint_step, now.step);
    assert_true(now.best_validation_accuracy > 0.5);
    assert_true(now.test_accuracy > 0.5);
    check_metrics("files", rows, 4);
    fixture_check_steps(&fixture, "files", now.step);
    fixture_check_result(&fixture, "files", &now);
    check_settings("files", &settings);
    check_head("files");
    assert_true(fixture_has(&fixture, "files", "checkpoints/best.safetensors"));
    assert_true(fixture_has(&fixture, "files", "checkpoints/step-60.safetensors"));
    assert_false(fixture_has(&fixture, "files", "checkpoints/step-40.safetensors"));
    assert_int_equal(fixture_inode(&fixture, "files", "checkpoints/last.safetensors"),
                     fixture_inode(&fixture, "files", "checkpoints/step-80.safetensors"));
    assert_int_not_equal(fixture_inode(&fixture, "files", "checkpoints/last.safetensors"),
                         fixture_inode(&fixture, "files", "checkpoints/best.safetensors"));
}

/* The dataset that was found is recorded, however it was asked for. */
static void test_dataset(void **state)
{
    (void)state;
    struct settings settings, recorded;
    struct data_options options;
    struct checkpoint checkpoint;
    struct dataset *dataset, *again;
    struct run *run;
    struct err err;
    fixture_settings(&fixture, &settings);
    recorded = settings;
    recorded.data.dataset = DATASET_IDX; /* what auto takes such files for */
    fixture_set(&settings, "data.dataset=auto");
    fixture_set(&settings, "data.path=./runs/..");
    int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(before >= 0);
    assert_int_equal(chdir(fixture.directory), 0);
    run_data_options(&settings, &options);
    assert_int_equal(data_open(&options, &dataset, &err), 0);
    struct run_options run_options = {.settings = settings, .name = "dataset"};
    snprintf(run_options.runs_directory, sizeof run_options.runs_directory, "%s/runs",
             fixture.directory);
    int created = run_create(&run_options, dataset, &run, &err);
    assert_int_equal(fchdir(before), 0);
    close(before);
    assert_int_equal(created, 0);
    fixture_end(run, RUN_FINISHED, NULL);
    check_settings("dataset", &recorded);
    char *path = fixture_path(&fixture, "dataset", "checkpoints/best.safetensors");
    assert_int_equal(checkpoint_load(path, &checkpoint, &err), 0);
    run_data_options(&checkpoint.settings, &options);
    assert_int_equal(data_open(&options, &again, &err), 0);
    assert_int_equal(data_info(again)->digest, checkpoint.data_digest);
    assert_string_equal(data_info(again)->path, fixture.directory);
    checkpoint_fini(&checkpoint);
    data_close(again);
    data_close(dataset);
    mem_free(path);
}

/* One that is made has no folder. */
static void test_synthetic(void **state)
{
    (void)state;
    struct settings settings;
    struct data_options options;
    struct dataset *dataset;
    struct run *run;
    struct err err;
    settings_init(&settings);
    fixture_set(&settings, "data.dataset=synthetic");
    fixture_set(&settings, "data.train_size=128");
    fixture_set(&settings, "data.validation_size=64");
    run_data_options(&settings, &options);
    assert_int_equal(data_open(&options, &dataset, &err), 0);
    struct run_options run_options = {.settings = settings, .name = "synthetic"};
    snprintf(run_options.runs_directory, sizeof run_options.runs_directory, "%s/runs",
             fixture.directory);
    fixture_set(&run_options.settings, "data.dataset=auto");
    assert_int_equal(run_create(&run_options, dataset, &run, &err), 0);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    check_settings("synthetic", &settings);
    data_close(dataset);
}

/* ---- the same bits ---- */

static void expect_same_bits(const char *const names[4], const char *precision)
{
    static const char *const threads[] = {"train.threads=1", "train.threads=1", "train.threads=2",
                                          "train.threads=3"};
    for (int i = 0; i < 4; i++) {
        struct settings settings;
        fixture_settings(&fixture, &settings);
        fixture_set(&settings, "augment.noise=on");
        fixture_set(&settings, "augment.noise_level=0.1");
        fixture_set(&settings, "augment.flip=on");
        fixture_set(&settings, "augment.shift=2");
        fixture_set(&settings, "augment.brightness=0.1");
        fixture_set(&settings, "augment.contrast=0.3");
        fixture_set(&settings, precision);
        fixture_set(&settings, threads[i]);
        fixture_end(fixture_start(&fixture, &settings, names[i]), RUN_FINISHED, NULL);
        fixture_assert_same(&fixture, names[0], names[i]);
    }
}

static void test_same_bits(void **state)
{
    static const char *const names[] = {"bits", "bits-again", "bits-2", "bits-3"};
    (void)state;
    expect_same_bits(names, "train.precision=float32");
}

static void test_same_bits_mixed(void **state)
{
    static const char *const names[] = {"mixed-bits", "mixed-again", "mixed-2", "mixed-3"};
    (void)state;
    if (!math_bf16())
        skip();
    expect_same_bits(names, "train.precision=bfloat16");
}

/* Practice trains as a run does. */
static void test_practice(void **state)
{
    (void)state;
    struct settings settings;
    struct practice *practice;
    struct checkpoint last;
    struct err err;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "augment.noise=on");
    fixture_set(&settings, "augment.shift=1");
    fixture_set(&settings, "train.schedule=constant");
    fixture_set(&settings, "train.optimizer=adamw");
    fixture_set(&settings, "network.dropout=0.2");
    fixture_end(fixture_start(&fixture, &settings, "earnest"), RUN_FINISHED, NULL);
    char *path = fixture_path(&fixture, "earnest", "checkpoints/last.safetensors");
    assert_int_equal(checkpoint_load(path, &last, &err), 0);
    mem_free(path);

    assert_int_equal(practice_create(&settings, fixture.dataset, &practice, &err), 0);
    for (int64_t i = 0; i < last.step; i++)
        assert_true(practice_step(practice));
    struct team *team;
    struct net *net = NULL;
    assert_int_equal(team_create(1, &team, &err), 0);
    assert_int_equal(net_create(net_shape(practice_net(practice)), 1, team, &net, &err), 0);
    assert_int_equal(checkpoint_restore(&last, net, &err), 0);
    for (int i = 0; i < net_tensor_count(net); i++) {
        struct net_tensor tensor;
        net_tensor_get(net, i, &tensor);
        size_t numbers = (size_t)tensor.size[0] * (size_t)tensor.size[1];
        real *a = mem_alloc(numbers * sizeof *a), *b = mem_alloc(numbers * sizeof *b);
        net_tensor_read(net, i, a);
        net_tensor_read(practice_net(practice), i, b);
        assert_memory_equal(a, b, numbers * sizeof *a);
        mem_free(a);
        mem_free(b);
    }
    net_destroy(net);
    team_destroy(team);
    practice_destroy(practice);
    checkpoint_fini(&last);

    fixture_set(&settings, "train.batch_size=1000");
    assert_int_equal(practice_create(&settings, fixture.dataset, &practice, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
}

/* ---- losses while it runs ---- */

/* More steps than buckets, with a reader that never rests. */
struct reader {
    struct feed *feed;
    struct loss_bucket *buckets;
    uint64_t version;
};

static void *read_on(void *of)
{
    struct reader *reader = of;
    struct snapshot now;
    /* A mutex owes nobody fairness: without a rest the run might never get it. */
    const struct timespec rest = {.tv_nsec = 1000000};
    do {
        nanosleep(&rest, NULL);
        reader->feed->snapshot(reader->feed, &now);
        if (now.version < reader->version)
            return NULL;
        reader->version = now.version;
        reader->feed->buckets(reader->feed, 0, INT64_MAX, reader->buckets, FEED_MAX_BUCKETS);
    } while (!run_state_ended(now.state));
    return reader;
}

static void test_buckets(void **state)
{
    (void)state;
    struct settings settings;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.batch_size=2");
    fixture_set(&settings, "train.epochs=30");
    fixture_set(&settings, "network.hidden=");
    fixture_set(&settings, "train.learning_rate=0.001");
    fixture_set(&settings, "checkpoint.every_epochs=0");
    struct run *run = fixture_start(&fixture, &settings, "buckets");
    struct feed *feed = run_feed(run);
    struct reader reader = {feed, mem_alloc(FEED_MAX_BUCKETS * sizeof *reader.buckets), 0};
    pthread_t thread;
    void *fine;
    assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
    pthread_join(thread, &fine);
    assert_non_null(fine);

    size_t count = feed->buckets(feed, 0, INT64_MAX, reader.buckets, FEED_MAX_BUCKETS);
    assert_int_equal(count, 1500);
    for (size_t i = 0; i < count; i++) {
        const struct loss_bucket *bucket = &reader.buckets[i];
        assert_int_equal(bucket->first, 4 * i);
        assert_int_equal(bucket->last, 4 * i + 3);
        assert_true(bucket->minimum <= bucket->mean && bucket->mean <= bucket->maximum);
    }
    /* The newest are there one by one. */
    count = feed->buckets(feed, 4000, INT64_MAX, reader.buckets, FEED_MAX_BUCKETS);
    assert_int_equal(count, 4000 / 16 + 2000);
    assert_int_equal(reader.buckets[250].first, 4000);
    assert_int_equal(reader.buckets[count - 1].first, 5999);
    fixture_end(run, RUN_FINISHED, NULL);
    /* steps.csv has 50 rows for each epoch of 200 steps. */
    char *text = fixture_read(&fixture, "buckets", "steps.csv", NULL);
    assert_int_equal(fixture_count_lines(text), 1 + 30 * 50);
    mem_free(text);
    mem_free(reader.buckets);
}

/* ---- what cannot begin ---- */

static int try_create(const struct settings *settings, const char *runs, const char *name,
                      struct err *err)
{
    struct run_options options = {.settings = *settings};
    struct run *run;
    text_copy(options.name, sizeof options.name, name);
    text_copy(options.runs_directory, sizeof options.runs_directory, runs);
    int result = run_create(&options, fixture.dataset, &run, err);
    if (result == 0) {
        run_abandon(run);
        run_destroy(run);
    }
    return result;
}

static void expect_error(const struct settings *settings, const char *runs, const char *name,
                         enum err_code code, const char *text)
{
    struct err err;
    assert_int_equal(try_create(settings, runs, name, &err), -1);
    if (err.code != code || !strstr(err.text, text))
        fail_msg("%s", err.text);
}

/* What is trained in mixed precision is tested, and can be anywhere, in float32. */
static void test_mixed_precision(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    struct evaluation_result tested;
    struct checkpoint checkpoint;
    struct net_shape shape;
    struct team *team;
    struct net *net;
    struct err err;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.precision=bfloat16");
    if (!math_bf16()) {
        struct run_options options = {.settings = settings, .name = "mixed"};
        struct run *run;
        text_copy(options.runs_directory, sizeof options.runs_directory, fixture.directory);
        assert_int_equal(run_create(&options, fixture.dataset, &run, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.text, "train.precision = bfloat16"));
        return;
    }
    fixture_end(fixture_start(&fixture, &settings, "mixed"), RUN_FINISHED, &now);
    assert_string_equal(now.network, "36-8-6-4 relu, batch norm before, mixed precision");
    char *journal = fixture_read(&fixture, "mixed", "journal.jsonl", NULL);
    json_t *head = fixture_journal_line(journal, 1);
    assert_string_equal(fixture_member(head, "precision"), "bfloat16");
    json_decref(head);
    mem_free(journal);

    char *path = fixture_path(&fixture, "mixed", "checkpoints/best.safetensors");
    assert_int_equal(checkpoint_load(path, &checkpoint, &err), 0);
    assert_int_equal(
        run_net_shape(&checkpoint.settings, checkpoint.inputs, checkpoint.classes, &shape, &err),
        0);
    assert_int_equal(shape.precision, NET_FLOAT32);
    assert_int_equal(team_create(1, &team, &err), 0);
    assert_int_equal(net_create(&shape, 1, team, &net, &err), 0);
    assert_int_equal(checkpoint_restore(&checkpoint, net, &err), 0);
    assert_int_equal(run_evaluate(net, fixture.dataset, DATA_TEST, NULL, NULL, &tested, &err), 0);
    assert_true(tested.loss == now.test_loss && tested.accuracy == now.test_accuracy);
    net_destroy(net);
    team_destroy(team);
    checkpoint_fini(&checkpoint);
    mem_free(path);
}

static void test_create_errors(void **state)
{
    (void)state;
    struct settings settings, other;
    struct err err;
    char *runs = fixture_path(&fixture, "..", "runs");
    fixture_settings(&fixture, &settings);
    fixture_end(fixture_start(&fixture, &settings, "taken"), RUN_FINISHED, NULL);
    char *before = fixture_read(&fixture, "taken", "settings.ini", NULL);
    other = settings;
    fixture_set(&other, "train.seed=2");
    expect_error(&other, runs, "taken", ERR_USAGE, "a run named taken exists already in");
    char *after = fixture_read(&fixture, "taken", "settings.ini", NULL);
    assert_string_equal(before, after);
    mem_free(before);
    mem_free(after);

    expect_error(&settings, runs, "taken", ERR_USAGE, "; kdtui resume continues it");
    expect_error(&settings, runs, "", ERR_USAGE, "name '': it is empty");
    expect_error(&settings, runs, "..", ERR_USAGE, "name '..': it begins with '.'");
    expect_error(&settings, runs, "a/b", ERR_USAGE, "name 'a/b': it contains '/'");
    expect_error(&settings, runs, "a\nb", ERR_USAGE, "name 'a?b': it contains a control character");
    expect_error(&settings, runs, "a\x7f", ERR_USAGE, "name 'a?': it contains a control character");
    /* One that UTF-8 writes with two bytes. */
    expect_error(&settings, runs, "ä\xc2\x9b", ERR_USAGE,
                 "'ä?"
                 "?': it contains a control character");
    expect_error(&settings, runs, "a\xff\x1b", ERR_USAGE,
                 "name 'a?"
                 "?': it is not valid UTF-8");
    fixture_set(&other, "train.batch_size=401");
    expect_error(&other, runs, "large", ERR_USAGE, "train.batch_size 401");
    assert_false(fixture_has(&fixture, "large", ""));
    /* A file is where a directory should be. */
    char *file = fixture_path(&fixture, "taken", "settings.ini");
    expect_error(&settings, file, "x", ERR_FILE, "settings.ini");

    /* Locked by somebody else. */
    char *lock = fixture_path(&fixture, "locked", "run.lock");
    char *directory = fixture_path(&fixture, "locked", "");
    assert_int_equal(file_make_directories(directory, &err), 0);
    int fd = open(lock, O_RDWR | O_CREAT, 0600);
    struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &held), 0);
    expect_error(&settings, runs, "locked", ERR_USAGE, "another process");
    close(fd);
    assert_int_equal(try_create(&settings, runs, "locked", &err), 0);

    char name[64];
    run_name_choose(runs, "idx", name, sizeof name);
    assert_int_equal(strncmp(name, "idx-20", 6), 0);
    mem_free(runs);
    mem_free(file);
    mem_free(lock);
    mem_free(directory);
}

static void put_file(const char *run, const char *name, const char *text)
{
    char *path = fixture_path(&fixture, run, name);
    struct file_part part = {text, strlen(text)};
    struct err err;
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    mem_free(path);
}

/* What was left by a process that was killed while it made a run does not take
 * the name; what it did not make stays. */
static void test_remains(void **state)
{
    (void)state;
    struct settings settings;
    struct err err;
    char *runs = fixture_path(&fixture, "..", "runs");
    char *directory = fixture_path(&fixture, "killed", "");
    fixture_settings(&fixture, &settings);
    assert_int_equal(file_make_directories(directory, &err), 0);
    put_file("killed", "run.lock", "");
    put_file("killed", "journal.jsonl", "{\"seq\":1}\n");
    put_file("killed", "metrics.csv", "epoch,st");
    assert_int_equal(try_create(&settings, runs, "killed", &err), 0);

    char *path = fixture_path(&fixture, "killed", "settings.ini");
    assert_int_equal(unlink(path), 0);
    put_file("killed", "steps.csv", "step,loss\n0,1\n");
    expect_error(&settings, runs, "killed", ERR_FILE, "File exists");
    char *steps = fixture_read(&fixture, "killed", "steps.csv", NULL);
    assert_string_equal(steps, "step,loss\n0,1\n");
    mem_free(steps);
    mem_free(path);
    mem_free(directory);
    mem_free(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),     cmocka_unit_test(test_mixed_precision),
        cmocka_unit_test(test_dataset),   cmocka_unit_test(test_synthetic),
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_practice),
        cmocka_unit_test(test_buckets),   cmocka_unit_test(test_create_errors),
        cmocka_unit_test(test_remains),   cmocka_unit_test(test_same_bits_mixed),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
