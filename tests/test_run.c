/* Whole runs on a tiny problem: their files, their bits, their commands and their ends. */
#include "run_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* ---- journal ---- */

/* Line `number` (from 1) as an object, NULL after the last. */
static json_t *journal_line(const char *journal, int number)
{
    const char *line = journal;
    while (--number && line)
        line = (line = strchr(line, '\n')) ? line + 1 : NULL;
    if (!line || !*line)
        return NULL;
    json_t *object = json_loadb(line, strcspn(line, "\n"), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* That the chain of checksums and the numbers hold; returns the lines. */
static int check_journal(const char *journal)
{
    uint32_t crc = 0;
    int lines = 0;
    for (const char *line = journal; *line; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        const char *tail = NULL;
        for (const char *at = line; (at = strstr(at, ",\"crc\":")) && at < line + length; at++)
            tail = at;
        assert_non_null(tail);
        json_t *object = journal_line(journal, ++lines);
        crc = digest_crc32(crc, line, (size_t)(tail - line));
        crc = digest_crc32(crc, "}", 1);
        assert_int_equal(json_integer_value(json_object_get(object, "crc")), crc);
        assert_int_equal(json_integer_value(json_object_get(object, "seq")), lines);
        assert_int_equal(strlen(member(object, "time")), strlen("2026-03-01T12:00:00.000Z"));
        json_decref(object);
    }
    return lines;
}

/* ---- a run from start to end ---- */

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void check_metrics(const char *name, const struct evaluation *rows, size_t count)
{
    char *text = fixture_read(&fixture, name, "metrics.csv", NULL), *line = strchr(text, '\n') + 1;
    assert_memory_equal(text,
                        "epoch,step,seconds,learning_rate,train_loss,train_accuracy,"
                        "validation_loss,validation_accuracy\n",
                        (size_t)(line - text));
    assert_int_equal(count_lines(line), count);
    for (size_t i = 0; i < count; i++, line = strchr(line, '\n') + 1) {
        struct evaluation row;
        assert_int_equal(sscanf(line, "%" SCNd64 ",%" SCNd64 ",%lf,%lf,%lf,%lf,%lf,%lf", &row.epoch,
                                &row.step, &row.seconds, &row.learning_rate, &row.train_loss,
                                &row.train_accuracy, &row.validation_loss,
                                &row.validation_accuracy),
                         8);
        assert_memory_equal(&row, &rows[i], sizeof row);
    }
    mem_free(text);
}

static void check_steps(const char *name, int64_t steps)
{
    char *text = fixture_read(&fixture, name, "steps.csv", NULL), *line = strchr(text, '\n') + 1;
    assert_memory_equal(text, "step,loss,loss_min,loss_max,learning_rate\n", (size_t)(line - text));
    for (int64_t step = 0; step < steps; step++, line = strchr(line, '\n') + 1) {
        int64_t got;
        double loss, least, most, rate;
        assert_int_equal(
            sscanf(line, "%" SCNd64 ",%lf,%lf,%lf,%lf", &got, &loss, &least, &most, &rate), 5);
        assert_int_equal(got, step);
        assert_true(least <= loss && loss <= most && rate > 0);
    }
    assert_string_equal(line, "");
    mem_free(text);
}

static void check_result(const char *name, const struct snapshot *now)
{
    char *text = fixture_read(&fixture, name, "result.json", NULL);
    json_t *result = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(result);
    assert_true(json_real_value(json_object_get(result, "test_loss")) == now->test_loss);
    assert_true(json_real_value(json_object_get(result, "test_accuracy")) == now->test_accuracy);
    assert_true(json_number_value(json_object_get(result, "best_validation_accuracy")) ==
                now->best_validation_accuracy);
    assert_int_equal(json_integer_value(json_object_get(result, "best_epoch")), now->best_epoch);
    assert_true(json_number_value(json_object_get(result, "seconds")) > 0);
    assert_true(json_number_value(json_object_get(result, "samples_per_second")) > 0);
    assert_true(json_is_object(json_object_get(result, "machine")));
    assert_true(json_is_object(json_object_get(result, "libraries")));
    json_decref(result);
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
    assert_int_equal(check_journal(journal), 1);
    json_t *head = journal_line(journal, 1);
    assert_string_equal(member(head, "command"), "start");
    assert_string_equal(member(head, "kernels"), math_library());
    assert_string_equal(member(head, "data_digest"), digest);
    assert_int_equal(json_integer_value(json_object_get(head, "format")), 1);
    assert_int_equal(json_integer_value(json_object_get(head, "seed")), 1);
    json_decref(head);
    mem_free(journal);
}

static ino_t inode(const char *name, const char *file)
{
    struct stat status;
    char *path = fixture_path(&fixture, name, file);
    assert_int_equal(stat(path, &status), 0);
    mem_free(path);
    return status.st_ino;
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
    assert_int_equal(feed->buckets(feed, 0, buckets, 100), 4 * FIXTURE_STEPS);
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
    check_steps("files", now.step);
    check_result("files", &now);
    check_settings("files", &settings);
    check_head("files");
    assert_true(fixture_has(&fixture, "files", "checkpoints/best.safetensors"));
    assert_true(fixture_has(&fixture, "files", "checkpoints/step-60.safetensors"));
    assert_false(fixture_has(&fixture, "files", "checkpoints/step-40.safetensors"));
    assert_int_equal(inode("files", "checkpoints/last.safetensors"),
                     inode("files", "checkpoints/step-80.safetensors"));
    assert_int_not_equal(inode("files", "checkpoints/last.safetensors"),
                         inode("files", "checkpoints/best.safetensors"));
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

/* Without the numbers in column 3, seconds. */
static char *metrics_without_time(const char *name)
{
    char *text = fixture_read(&fixture, name, "metrics.csv", NULL);
    struct text out = {0};
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        char *from = strchr(strchr(line, ',') + 1, ',') + 1, *to = strchr(from, ',');
        text_append(&out, line, (size_t)(from - line));
        text_append(&out, to, strcspn(to, "\n") + 1);
    }
    mem_free(text);
    return out.bytes;
}

static void assert_same_run(const char *a, const char *b)
{
    char *metrics_a = metrics_without_time(a), *metrics_b = metrics_without_time(b);
    assert_string_equal(metrics_a, metrics_b);
    mem_free(metrics_a);
    mem_free(metrics_b);
    char *steps_a = fixture_read(&fixture, a, "steps.csv", NULL);
    char *steps_b = fixture_read(&fixture, b, "steps.csv", NULL);
    assert_string_equal(steps_a, steps_b);
    mem_free(steps_a);
    mem_free(steps_b);
    static const char *const files[] = {"checkpoints/last.safetensors",
                                        "checkpoints/best.safetensors"};
    for (int i = 0; i < 2; i++) {
        size_t length_a, length_b;
        uint64_t header_a, header_b;
        char *bytes_a = fixture_read(&fixture, a, files[i], &length_a);
        char *bytes_b = fixture_read(&fixture, b, files[i], &length_b);
        memcpy(&header_a, bytes_a, 8);
        memcpy(&header_b, bytes_b, 8);
        assert_int_equal(length_a - header_a, length_b - header_b);
        assert_memory_equal(bytes_a + 8 + header_a, bytes_b + 8 + header_b,
                            length_a - 8 - header_a);
        mem_free(bytes_a);
        mem_free(bytes_b);
    }
}

static void test_same_bits(void **state)
{
    (void)state;
    static const char *const names[] = {"bits", "bits-again", "bits-2", "bits-3"};
    static const char *const threads[] = {"train.threads=1", "train.threads=1", "train.threads=2",
                                          "train.threads=3"};
    for (int i = 0; i < 4; i++) {
        struct settings settings;
        fixture_settings(&fixture, &settings);
        fixture_set(&settings, "augment.noise=on");
        fixture_set(&settings, "augment.noise_level=0.1");
        fixture_set(&settings, threads[i]);
        fixture_end(fixture_start(&fixture, &settings, names[i]), RUN_FINISHED, NULL);
        assert_same_run(names[0], names[i]);
    }
}

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
    do {
        reader->feed->snapshot(reader->feed, &now);
        if (now.version < reader->version)
            return NULL;
        reader->version = now.version;
        reader->feed->buckets(reader->feed, 0, reader->buckets, FEED_MAX_BUCKETS);
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

    size_t count = feed->buckets(feed, 0, reader.buckets, FEED_MAX_BUCKETS);
    assert_int_equal(count, 3000);
    for (size_t i = 0; i < count; i++) {
        const struct loss_bucket *bucket = &reader.buckets[i];
        assert_int_equal(bucket->first, 2 * i);
        assert_int_equal(bucket->last, 2 * i + 1);
        assert_true(bucket->minimum <= bucket->mean && bucket->mean <= bucket->maximum);
        assert_true(fabs((bucket->minimum + bucket->maximum) / 2 - bucket->mean) < 1e-12);
    }
    fixture_end(run, RUN_FINISHED, NULL);
    /* steps.csv has 50 rows for each epoch of 200 steps. */
    char *text = fixture_read(&fixture, "buckets", "steps.csv", NULL);
    assert_int_equal(count_lines(text), 1 + 30 * 50);
    mem_free(text);
    mem_free(reader.buckets);
}

/* ---- commands ---- */

/* A paused run that would go on for ever. */
static struct run *start_paused(const char *name, const char *more)
{
    struct settings settings;
    struct answer answer;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    if (more)
        fixture_set(&settings, more);
    struct run *run = fixture_start(&fixture, &settings, name);
    fixture_command(run_feed(run), "pause", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    return run;
}

static void expect_refused(struct feed *feed, const char *line, const char *why)
{
    struct answer answer;
    fixture_command(feed, line, &answer);
    if (answer.state != ANSWER_REFUSED || !strstr(answer.text, why))
        fail_msg("%s: %s", line, answer.text);
}

static void expect_applied(struct feed *feed, const char *line, const char *text)
{
    struct answer answer;
    fixture_command(feed, line, &answer);
    if (answer.state != ANSWER_APPLIED || strcmp(answer.text, text) != 0)
        fail_msg("%s: %s", line, answer.text);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"set network.hidden 5", "network.hidden cannot change during a run"},
        {"set train.epochs 5", "train.epochs cannot change during a run"},
        {"set view.fps 5", "view.fps is a setting of the view"},
        {"set train.learning_rat 0.1", "train.learning_rate"},
        {"set train.learning_rate -1", "1000"},
        {"set train.learning_rate *1e9", "1000"},
        {"set train.momentum 2", "0.9999"},
        {"set train.l2 much", "number"},
        {"set train.l2 1e-3 train.momentum 7", "0.9999"},
        {"toggle train.l2", "train.l2 is not an on/off setting"},
        {"toggle checkpoint.best", "cannot change"},
    };
    struct run *run = start_paused("refusals", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot before, after;
    struct answer answer;
    struct err err;
    fixture_wait(feed, fixture_paused, &before);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(feed, cases[i][0], cases[i][1]);
    feed->snapshot(feed, &after);
    assert_memory_equal(&before.settings, &after.settings, sizeof before.settings);
    assert_true(before.learning_rate == after.learning_rate);
    assert_int_equal(after.edits, 0);

    assert_int_equal(feed->post(feed, "paus", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "pause"));
    assert_int_equal(feed->post(feed, "log-y", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "view"));
    feed->answer(feed, 12345, &answer);
    assert_int_equal(answer.state, ANSWER_NONE);
    expect_applied(feed, "continue", "running");
    expect_refused(feed, "step", "only while paused");
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    char *journal = fixture_read(&fixture, "refusals", "journal.jsonl", NULL);
    assert_int_equal(check_journal(journal), 2 + 11 + 2);
    json_t *line = journal_line(journal, 3);
    assert_string_equal(member(line, "command"), "set network.hidden 5");
    assert_string_equal(member(line, "refused"), "network.hidden cannot change during a run");
    assert_null(json_object_get(line, "old"));
    json_decref(line);
    mem_free(journal);
}

static void test_edits(void **state)
{
    (void)state;
    struct run *run = start_paused("edits", "train.schedule=cosine");
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct edit_mark marks[8];
    expect_applied(feed, "step 30", "30 steps");
    fixture_wait(feed, fixture_paused, &now);
    int64_t step = now.step;

    expect_applied(feed, "set train.learning_rate 0.05", "learning rate 0.1 → 0.05");
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate == 0.05);
    assert_true(now.settings.train.learning_rate == 0.05);
    expect_applied(feed, "set train.learning_rate *0.5 train.l2 1e-3",
                   "learning rate 0.05 → 0.025, l2 1e-05 → 0.001");
    expect_applied(feed, "toggle augment.noise", "noise off → on");
    expect_applied(feed, "set augment.noise_level /2", "noise level 0.01 → 0.005");
    expect_applied(feed, "set checkpoint.keep 5", "checkpoint keep 2 → 5");
    expect_applied(feed, "set train.momentum 0.9", "momentum 0.9 → 0.9");
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate == 0.025);
    assert_true(now.settings.augment.noise);
    assert_true(now.settings.augment.noise_level == 0.005);
    assert_int_equal(now.settings.checkpoint.keep, 5);
    assert_int_equal(now.edits, 6);
    assert_int_equal(feed->edits(feed, 0, marks, 8), 6);
    assert_int_equal(marks[0].step, step);
    assert_string_equal(marks[2].label, "noise off → on");
    assert_int_equal(marks[2].source, SOURCE_PROMPT);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    char *journal = fixture_read(&fixture, "edits", "journal.jsonl", NULL);
    assert_int_equal(check_journal(journal), 3 + 6);
    json_t *line = journal_line(journal, 5);
    assert_int_equal(json_integer_value(json_object_get(line, "seq")), marks[1].seq);
    assert_int_equal(json_integer_value(json_object_get(line, "step")), step);
    assert_int_equal(json_integer_value(json_object_get(line, "epoch")), step / FIXTURE_STEPS);
    assert_string_equal(member(line, "source"), "prompt");
    assert_string_equal(member(line, "command"), "set train.learning_rate *0.5 train.l2 1e-3");
    assert_string_equal(member(json_object_get(line, "old"), "train.l2"), "1e-05");
    assert_string_equal(member(json_object_get(line, "new"), "train.learning_rate"), "0.025");
    json_decref(line);
    mem_free(journal);
}

static int64_t target;

static bool stepped(const struct snapshot *now)
{
    return now->state == RUN_PAUSED && now->step == target;
}

static bool stepped_on(const struct snapshot *now)
{
    return now->step >= target;
}

static bool trained(const struct snapshot *now)
{
    return now->step > 10;
}

static void test_pacing(void **state)
{
    (void)state;
    struct run *run = start_paused("pacing", "checkpoint.every_epochs=1");
    struct feed *feed = run_feed(run);
    struct snapshot now, later;
    struct err err;
    char line[64], file[64], text[64];
    expect_applied(feed, "pause", "paused already");
    feed->snapshot(feed, &now);
    /* Two ends of an epoch and three steps more. */
    int64_t epoch = now.epoch + 2;
    target = epoch * FIXTURE_STEPS + 3;
    snprintf(line, sizeof line, "step %" PRId64, target - 3 - now.step);
    assert_int_not_equal(feed->post(feed, line, SOURCE_KEY, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_int_not_equal(feed->post(feed, "step", SOURCE_KEY, &err), 0);
    fixture_wait(feed, stepped, &later);
    usleep(30000);
    feed->snapshot(feed, &now);
    assert_int_equal(now.step, later.step);
    assert_true(now.seconds == later.seconds);
    snprintf(file, sizeof file, "checkpoints/step-%" PRId64 ".safetensors", target - 3);

    /* Evaluating and saving go on while paused. */
    struct answer answer;
    size_t evaluations = now.evaluations;
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    feed->snapshot(feed, &now);
    assert_int_equal(now.state, RUN_PAUSED);
    assert_int_equal(now.evaluations, evaluations + 1);
    assert_int_equal(now.last.step, target);
    assert_int_equal(now.last.epoch, epoch);
    snprintf(text, sizeof text, "saved step-%" PRId64 ".safetensors", target);
    expect_applied(feed, "checkpoint", text);
    assert_true(fixture_has(&fixture, "pacing", file));
    feed->snapshot(feed, &now);
    assert_int_equal(now.checkpoint_step, target);
    expect_applied(feed, "checkpoint mine", "saved mine.safetensors");
    assert_true(fixture_has(&fixture, "pacing", "checkpoints/mine.safetensors"));
    snprintf(file, sizeof file, "checkpoints/step-%" PRId64 ".safetensors", target);
    assert_int_equal(inode("pacing", "checkpoints/last.safetensors"), inode("pacing", file));
    expect_refused(feed, "checkpoint mine", "already");
    expect_applied(feed, "note größer ist besser", "noted");
    expect_applied(feed, "stop", "the run ends here");
    fixture_wait(feed, fixture_ended, &now);
    assert_int_equal(feed->post(feed, "pause", SOURCE_KEY, &err), 0);
    assert_string_equal(err.text, "the run has ended");
    fixture_end(run, RUN_FINISHED, &now);
    assert_int_equal(now.step, target);
    check_result("pacing", &now);
    check_steps("pacing", target);
    char *journal = fixture_read(&fixture, "pacing", "journal.jsonl", NULL);
    check_journal(journal);
    assert_non_null(strstr(journal, "\"note größer ist besser\""));
    mem_free(journal);
}

/* Time in which the process is stopped counts for nothing. */
static void test_hold(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot before, held, after;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    struct run *run = fixture_start(&fixture, &settings, "hold");
    struct feed *feed = run_feed(run);
    fixture_wait(feed, trained, &before);
    run_hold(run);
    run_hold(run);
    /* The first snapshot that follows may have been made before. */
    for (int i = 0; i < 2; i++) {
        feed->snapshot(feed, &before);
        target = before.step + 1;
        fixture_wait(feed, stepped_on, &before);
    }
    usleep(100000);
    target = before.step + 1;
    fixture_wait(feed, stepped_on, &held);
    assert_true(held.seconds == before.seconds);
    run_release(run);
    run_release(run);
    double released = clock_seconds();
    target = held.step + 1;
    fixture_wait(feed, stepped_on, &after);
    assert_true(after.seconds >= held.seconds);
    assert_true(after.seconds - held.seconds <= clock_seconds() - released + 0.001);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* ---- ends ---- */

static void check_interrupted(const char *name)
{
    char *path = fixture_path(&fixture, name, "checkpoints/last.safetensors");
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    struct checkpoint checkpoint;
    struct err err;
    int lines = check_journal(journal);
    json_t *last = journal_line(journal, lines);
    assert_string_equal(member(last, "source"), "signal");
    assert_string_equal(member(last, "command"), "checkpoint");
    assert_string_equal(member(last, "why"), "Terminated");
    assert_int_equal(checkpoint_load(path, &checkpoint, &err), 0);
    assert_int_equal(checkpoint.journal_seq, lines);
    assert_int_equal(checkpoint.step, json_integer_value(json_object_get(last, "step")));
    assert_false(fixture_has(&fixture, name, "result.json"));
    checkpoint_fini(&checkpoint);
    json_decref(last);
    mem_free(journal);
    mem_free(path);
}

static bool evaluating(const struct snapshot *now)
{
    return now->state == RUN_EVALUATING;
}

static void test_interrupt(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    struct run *run = start_paused("interrupt-paused", NULL);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_false(now.abandoned);
    assert_int_equal(now.checkpoint_step, now.step);
    check_interrupted("interrupt-paused");

    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    fixture_set(&settings, "checkpoint.every_epochs=0");
    run = fixture_start(&fixture, &settings, "interrupt-running");
    fixture_wait(run_feed(run), trained, &now);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, NULL);
    check_interrupted("interrupt-running");

    fixture_set(&settings, "train.batch_size=400");
    run = fixture_start(&fixture, &settings, "interrupt-evaluating");
    fixture_wait(run_feed(run), evaluating, &now);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_INTERRUPTED, NULL);
    check_interrupted("interrupt-evaluating");

    run = fixture_start(&fixture, &settings, "abandon");
    run_interrupt(run, "Terminated");
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    fixture_set(&settings, "checkpoint.best=off");
    run = fixture_start(&fixture, &settings, "abandon-early");
    fixture_wait(run_feed(run), trained, &now);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_true(now.abandoned);
    assert_int_equal(now.checkpoint_step, -1);
    assert_false(fixture_has(&fixture, "abandon-early", "checkpoints/last.safetensors"));

    /* What is on disk already stays, and is known. */
    struct answer answer;
    run = start_paused("abandon-late", "checkpoint.every_epochs=0");
    fixture_command(run_feed(run), "checkpoint mine", &answer);
    int64_t step = answer.step;
    fixture_command(run_feed(run), "step 3", &answer);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, &now);
    assert_true(now.abandoned);
    assert_true(now.checkpoint_step >= step);
    assert_true(fixture_has(&fixture, "abandon-late", "checkpoints/mine.safetensors"));
}

/* The state before the step is kept, and the books say why nothing follows it. */
static void check_diverged(const char *name, const struct snapshot *now)
{
    char expected[128];
    double loss, limit;
    int64_t step, saved;
    if (sscanf(now->error,
               "loss %lf at step %" SCNd64 " is above the limit %lf; the state before that step "
               "is saved as step-%" SCNd64,
               &loss, &step, &limit, &saved) == 4) {
        assert_true(loss > limit && fabs(limit - 20 * log(FIXTURE_CLASSES)) < 0.01);
    } else {
        assert_int_equal(sscanf(now->error,
                                "the loss at step %" SCNd64 " is not finite; the state before "
                                "that step is saved as step-%" SCNd64,
                                &step, &saved),
                         2);
    }
    assert_int_equal(step, now->step);
    assert_int_equal(saved, now->step);
    assert_int_equal(now->checkpoint_step, now->step);
    assert_string_equal(now->warning, "");

    struct checkpoint checkpoint;
    struct err err;
    char *path = fixture_path(&fixture, name, "checkpoints/last.safetensors");
    char *journal = fixture_read(&fixture, name, "journal.jsonl", NULL);
    int lines = check_journal(journal);
    json_t *last = journal_line(journal, lines);
    assert_string_equal(member(last, "source"), "rule");
    assert_string_equal(member(last, "command"), "stop");
    assert_non_null(strstr(member(last, "why"), "loss "));
    assert_int_equal(json_integer_value(json_object_get(last, "step")), now->step);
    assert_int_equal(checkpoint_load(path, &checkpoint, &err), 0);
    assert_int_equal(checkpoint.step, now->step);
    assert_int_equal(checkpoint.journal_seq, lines);
    snprintf(expected, sizeof expected, "checkpoints/step-%" PRId64 ".safetensors", now->step);
    assert_true(fixture_has(&fixture, name, expected));
    checkpoint_fini(&checkpoint);
    json_decref(last);
    mem_free(journal);
    mem_free(path);
}

static void test_divergence(void **state)
{
    (void)state;
    struct settings settings;
    struct snapshot now;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "network.batch_norm=none");
    fixture_set(&settings, "train.learning_rate=0.01");
    fixture_set(&settings, "train.epochs=1000000");
    struct run *run = fixture_start(&fixture, &settings, "diverged");
    struct feed *feed = run_feed(run);
    struct answer answer;
    fixture_command(feed, "evaluate", &answer);
    fixture_command(feed, "set train.learning_rate 1000", &answer);
    fixture_end(run, RUN_DIVERGED, &now);
    check_diverged("diverged", &now);
    assert_true(fixture_has(&fixture, "diverged", "checkpoints/best.safetensors"));
    assert_false(fixture_has(&fixture, "diverged", "result.json"));
}

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

    expect_error(&settings, runs, "taken", ERR_USAGE, "; choose another name");
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

/* ---- when the disk says no ---- */

/* Of the state asked for and of the best weights, which are two files. */
static bool warned_twice(const struct snapshot *now)
{
    const char *second = strstr(now->warning, "; checkpoint not saved: ");
    return strncmp(now->warning, "checkpoint not saved: ", 22) == 0 && second &&
           strstr(second, "best.safetensors");
}

static void test_checkpoint_errors(void **state)
{
    (void)state;
    struct run *run = start_paused("broken", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    char *from = fixture_path(&fixture, "broken", "checkpoints");
    char *to = fixture_path(&fixture, "broken", "gone");
    assert_int_equal(rename(from, to), 0);
    expect_refused(feed, "checkpoint", "step-");
    feed->snapshot(feed, &now);
    assert_non_null(strstr(now.warning, "checkpoint not saved: "));
    assert_non_null(strstr(now.warning, strerror(ENOENT)));
    int64_t step = now.step;
    expect_applied(feed, "step", "1 step");
    fixture_wait(feed, fixture_paused, &now);
    assert_int_equal(now.step, step + 1);
    struct answer answer;
    fixture_command(feed, "evaluate", &answer);
    fixture_wait(feed, warned_twice, &now);
    assert_int_equal(rename(to, from), 0);
    /* The best weights that could not be written are written with the next ones. */
    fixture_command(feed, "checkpoint", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_command(feed, "checkpoint again", &answer);
    feed->snapshot(feed, &now);
    assert_string_equal(now.warning, "");
    assert_true(fixture_has(&fixture, "broken", "checkpoints/best.safetensors"));

    /* A run that cannot save when it leaves has failed. */
    assert_int_equal(rename(from, to), 0);
    run_interrupt(run, "Terminated");
    fixture_end(run, RUN_FAILED, &now);
    assert_non_null(strstr(now.error, strerror(ENOENT)));
    mem_free(from);
    mem_free(to);
}

/* A run whose last state is lost has failed, with its result known. */
static void test_unsaved_end(void **state)
{
    (void)state;
    struct run *run = start_paused("unsaved", "checkpoint.best=off");
    struct snapshot now;
    struct answer answer;
    char *from = fixture_path(&fixture, "unsaved", "checkpoints");
    char *to = fixture_path(&fixture, "unsaved", "gone");
    assert_int_equal(rename(from, to), 0);
    fixture_command(run_feed(run), "step 3", &answer);
    fixture_command(run_feed(run), "evaluate", &answer);
    fixture_wait(run_feed(run), fixture_paused, &now);
    fixture_command(run_feed(run), "stop", &answer);
    fixture_end(run, RUN_FAILED, &now);
    assert_int_equal(strncmp(now.error, "the final state is not saved: ", 30), 0);
    assert_non_null(strstr(now.error, strerror(ENOENT)));
    assert_true(now.test_accuracy >= 0);
    check_result("unsaved", &now);

    /* So has one that diverges where nothing can be kept, which it says. */
    mem_free(from);
    mem_free(to);
    run = start_paused("unsaved-diverged", "network.batch_norm=none");
    from = fixture_path(&fixture, "unsaved-diverged", "checkpoints");
    to = fixture_path(&fixture, "unsaved-diverged", "gone");
    assert_int_equal(rename(from, to), 0);
    fixture_command(run_feed(run), "set train.learning_rate 1000", &answer);
    fixture_command(run_feed(run), "continue", &answer);
    fixture_end(run, RUN_DIVERGED, &now);
    assert_non_null(strstr(now.error, "; not saved: "));
    mem_free(from);
    mem_free(to);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_journal_errors(void **state)
{
    (void)state;
    struct run *run = start_paused("full", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot before, now;
    feed->snapshot(feed, &before);
    limit_files(1);
    expect_refused(feed, "set train.learning_rate 0.05", "it cannot be journalled: ");
    feed->snapshot(feed, &now);
    assert_true(now.learning_rate == before.learning_rate);
    assert_int_equal(now.edits, before.edits);
    assert_non_null(strstr(now.warning, "journal.jsonl"));
    /* What cannot be written waits, and is not lost. */
    struct answer answer;
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    expect_applied(feed, "continue", "running");
    fixture_wait(feed, trained, &now);
    expect_applied(feed, "pause", "paused");
    feed->snapshot(feed, &now);
    assert_string_not_equal(now.warning, "");
    limit_files(RLIM_INFINITY);
    fixture_command(feed, "set train.learning_rate 0.05", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    size_t evaluations = now.evaluations;
    expect_applied(feed, "stop", "the run ends here");
    fixture_end(run, RUN_FINISHED, &now);
    assert_string_equal(now.warning, "");
    char *journal = fixture_read(&fixture, "full", "journal.jsonl", NULL);
    assert_int_equal(check_journal(journal), 4);
    mem_free(journal);
    check_steps("full", now.step);
    char *metrics = fixture_read(&fixture, "full", "metrics.csv", NULL);
    assert_int_equal(count_lines(metrics), 1 + evaluations);
    mem_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),          cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_buckets),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_edits),          cmocka_unit_test(test_pacing),
        cmocka_unit_test(test_interrupt),      cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_create_errors),  cmocka_unit_test(test_checkpoint_errors),
        cmocka_unit_test(test_journal_errors), cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_synthetic),      cmocka_unit_test(test_hold),
        cmocka_unit_test(test_unsaved_end),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
