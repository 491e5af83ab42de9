/* See run_fixture.h. */
#include "run_fixture.h"

#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE 10.0

static void write_file(const struct fixture *fixture, const char *name, const void *bytes,
                       size_t length)
{
    char *path = file_path(fixture->directory, name);
    struct file_part part = {bytes, length};
    struct err err;
    if (file_write(path, &part, 1, &err) != 0)
        fail_msg("%s", err.text);
    mem_free(path);
}

static void put_32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Noisy images with one bright quarter each, which is the class. */
static void write_idx(const struct fixture *fixture, const char *images_name,
                      const char *labels_name, uint32_t count, uint64_t seed)
{
    enum { PIXELS = FIXTURE_SIDE * FIXTURE_SIDE };
    unsigned char *images = mem_alloc(16 + (size_t)count * PIXELS);
    unsigned char *labels = mem_alloc(8 + (size_t)count);
    put_32(images, 0x803);
    put_32(images + 4, count);
    put_32(images + 8, FIXTURE_SIDE);
    put_32(images + 12, FIXTURE_SIDE);
    put_32(labels, 0x801);
    put_32(labels + 4, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t label = rng_draw(seed, RNG_SYNTHETIC, 0, i, 1000).word[0] % FIXTURE_CLASSES;
        labels[8 + i] = (unsigned char)label;
        for (uint32_t p = 0; p < PIXELS; p++) {
            bool bright = p * FIXTURE_CLASSES / PIXELS == label;
            images[16 + i * PIXELS + p] =
                (unsigned char)(rng_draw(seed, RNG_SYNTHETIC, 0, i, p).word[0] % 180 +
                                (bright ? 60 : 0));
        }
    }
    write_file(fixture, images_name, images, 16 + (size_t)count * PIXELS);
    write_file(fixture, labels_name, labels, 8 + (size_t)count);
    mem_free(images);
    mem_free(labels);
}

void fixture_settings(const struct fixture *fixture, struct settings *settings)
{
    static const char *const lines[] = {
        "data.dataset=idx",        "data.validation_size=60", "network.hidden=8 6",
        "train.epochs=3",          "train.batch_size=20",     "train.threads=1",
        "train.learning_rate=0.1", "train.schedule=decay",    "train.l2=1e-5"};
    settings_init(settings);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        fixture_set(settings, lines[i]);
    if (fixture->more)
        fixture_set(settings, fixture->more);
    text_copy(settings->data.path, sizeof settings->data.path, fixture->directory);
}

void fixture_set(struct settings *settings, const char *line)
{
    struct err err;
    if (settings_set_line(settings, line, &err) != 0)
        fail_msg("%s", err.text);
}

void fixture_open(struct fixture *fixture)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(fixture->directory, sizeof fixture->directory, "%s/kdtui-run-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    assert_non_null(mkdtemp(fixture->directory));
    /* Runs record absolute paths without links. */
    char *absolute = realpath(fixture->directory, NULL);
    assert_non_null(absolute);
    text_copy(fixture->directory, sizeof fixture->directory, absolute);
    free(absolute);
    write_idx(fixture, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", FIXTURE_TRAIN + 60, 1);
    write_idx(fixture, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 90, 2);
    struct settings settings;
    struct data_options options;
    struct err err;
    fixture_settings(fixture, &settings);
    run_data_options(&settings, &options);
    if (data_open(&options, &fixture->dataset, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(data_info(fixture->dataset)->count[DATA_TRAIN], FIXTURE_TRAIN);
    math_init();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

void fixture_close(struct fixture *fixture)
{
    data_close(fixture->dataset);
    nftw(fixture->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct run *fixture_start_settings(const struct fixture *fixture, const struct settings *settings,
                                   const char *name, const struct script *script)
{
    struct run_options options = {
        .settings = *settings, .watched = fixture->watched, .script = script};
    struct run *run;
    struct err err;
    text_copy(options.name, sizeof options.name, name);
    snprintf(options.runs_directory, sizeof options.runs_directory, "%s/runs", fixture->directory);
    if (run_create(&options, fixture->dataset, &run, &err) != 0)
        fail_msg("%s", err.text);
    return run;
}

char *fixture_path(const struct fixture *fixture, const char *run, const char *file)
{
    struct text text = {0};
    text_print(&text, "%s/runs/%s/%s", fixture->directory, run, file);
    return text.bytes;
}

bool fixture_has(const struct fixture *fixture, const char *run, const char *file)
{
    char *path = fixture_path(fixture, run, file);
    bool exists = file_exists(path);
    mem_free(path);
    return exists;
}

char *fixture_read(const struct fixture *fixture, const char *run, const char *file, size_t *length)
{
    char *path = fixture_path(fixture, run, file);
    unsigned char *bytes;
    size_t read;
    struct err err;
    if (file_read(path, (size_t)1 << 30, &bytes, &read, &err) != 0)
        fail_msg("%s", err.text);
    mem_free(path);
    if (length)
        *length = read;
    return (char *)bytes;
}

static void sleep_until_news(struct feed *feed, double end)
{
    struct pollfd news = {.fd = feed->wake_fd, .events = POLLIN};
    uint64_t count;
    if (clock_seconds() > end)
        fail_msg("nothing happened for too long");
    if (poll(&news, 1, 100) == 1)
        assert_int_equal(read(feed->wake_fd, &count, sizeof count), sizeof count);
}

void fixture_wait(struct feed *feed, bool (*condition)(const struct snapshot *now),
                  struct snapshot *out)
{
    double end = clock_seconds() + PATIENCE;
    for (feed->snapshot(feed, out); !condition(out); feed->snapshot(feed, out))
        sleep_until_news(feed, end);
}

void fixture_answer(struct feed *feed, uint64_t id, struct answer *out)
{
    double end = clock_seconds() + PATIENCE;
    for (feed->answer(feed, id, out); out->state == ANSWER_REQUESTED; feed->answer(feed, id, out))
        sleep_until_news(feed, end);
    assert_int_equal(out->id, id);
    assert_int_not_equal(out->state, ANSWER_NONE);
}

bool fixture_ended(const struct snapshot *now)
{
    return run_state_ended(now->state);
}

bool fixture_paused(const struct snapshot *now)
{
    return now->state == RUN_PAUSED;
}

void fixture_command(struct feed *feed, const char *line, struct answer *out)
{
    struct err err;
    uint64_t id = feed->post(feed, line, SOURCE_PROMPT, &err);
    if (id == 0)
        fail_msg("%s: %s", line, err.text);
    fixture_answer(feed, id, out);
    assert_string_equal(out->line, line);
}

void fixture_end(struct run *run, enum run_state state, struct snapshot *out)
{
    struct snapshot now;
    fixture_wait(run_feed(run), fixture_ended, &now);
    if (now.state != state)
        fail_msg("%s, not %s: %s", run_state_name(now.state), run_state_name(state), now.error);
    if (out)
        *out = now;
    run_destroy(run);
}

struct run *fixture_start_paused(const struct fixture *fixture, const char *name, const char *more)
{
    struct settings settings;
    struct answer answer;
    fixture_settings(fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    if (more)
        fixture_set(&settings, more);
    struct run *run = fixture_start(fixture, &settings, name);
    fixture_command(run_feed(run), "pause", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    return run;
}

void fixture_expect_refused(struct feed *feed, const char *line, const char *why)
{
    struct answer answer;
    fixture_command(feed, line, &answer);
    if (answer.state != ANSWER_REFUSED || !strstr(answer.text, why))
        fail_msg("%s: %s", line, answer.text);
}

void fixture_expect_applied(struct feed *feed, const char *line, const char *text)
{
    struct answer answer;
    fixture_command(feed, line, &answer);
    if (answer.state != ANSWER_APPLIED || strcmp(answer.text, text) != 0)
        fail_msg("%s: %s", line, answer.text);
}

bool fixture_trained(const struct snapshot *now)
{
    return now->step > 10;
}

ino_t fixture_inode(const struct fixture *fixture, const char *run, const char *file)
{
    struct stat status;
    char *path = fixture_path(fixture, run, file);
    assert_int_equal(stat(path, &status), 0);
    mem_free(path);
    return status.st_ino;
}

int fixture_count_lines(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

json_t *fixture_journal_line(const char *journal, int number)
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

const char *fixture_member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int fixture_check_journal(const char *journal)
{
    uint32_t crc = 0;
    int lines = 0;
    for (const char *line = journal; *line; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        const char *tail = NULL;
        for (const char *at = line; (at = strstr(at, ",\"crc\":")) && at < line + length; at++)
            tail = at;
        assert_non_null(tail);
        json_t *object = fixture_journal_line(journal, ++lines);
        crc = digest_crc32(crc, line, (size_t)(tail - line));
        crc = digest_crc32(crc, "}", 1);
        assert_int_equal(json_integer_value(json_object_get(object, "crc")), crc);
        assert_int_equal(json_integer_value(json_object_get(object, "seq")), lines);
        assert_int_equal(strlen(fixture_member(object, "time")),
                         strlen("2026-03-01T12:00:00.000Z"));
        json_decref(object);
    }
    return lines;
}

void fixture_check_steps(const struct fixture *fixture, const char *run, int64_t steps)
{
    char *text = fixture_read(fixture, run, "steps.csv", NULL), *line = strchr(text, '\n') + 1;
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

void fixture_check_result(const struct fixture *fixture, const char *run,
                          const struct snapshot *now)
{
    char *text = fixture_read(fixture, run, "result.json", NULL);
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

/* Without the numbers in column 3, seconds. */
static char *metrics_without_time(const struct fixture *fixture, const char *name)
{
    char *text = fixture_read(fixture, name, "metrics.csv", NULL);
    struct text out = {0};
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        char *from = strchr(strchr(line, ',') + 1, ',') + 1, *to = strchr(from, ',');
        text_append(&out, line, (size_t)(from - line));
        text_append(&out, to, strcspn(to, "\n") + 1);
    }
    mem_free(text);
    return out.bytes;
}

void fixture_assert_same(const struct fixture *fixture, const char *a, const char *b)
{
    char *metrics_a = metrics_without_time(fixture, a),
         *metrics_b = metrics_without_time(fixture, b);
    assert_string_equal(metrics_a, metrics_b);
    mem_free(metrics_a);
    mem_free(metrics_b);
    char *steps_a = fixture_read(fixture, a, "steps.csv", NULL);
    char *steps_b = fixture_read(fixture, b, "steps.csv", NULL);
    assert_string_equal(steps_a, steps_b);
    mem_free(steps_a);
    mem_free(steps_b);
    static const char *const files[] = {"checkpoints/last.safetensors",
                                        "checkpoints/best.safetensors"};
    for (int i = 0; i < 2; i++) {
        size_t length_a, length_b;
        uint64_t header_a, header_b;
        char *bytes_a = fixture_read(fixture, a, files[i], &length_a);
        char *bytes_b = fixture_read(fixture, b, files[i], &length_b);
        memcpy(&header_a, bytes_a, 8);
        memcpy(&header_b, bytes_b, 8);
        assert_int_equal(length_a - header_a, length_b - header_b);
        assert_memory_equal(bytes_a + 8 + header_a, bytes_b + 8 + header_b,
                            length_a - 8 - header_a);
        mem_free(bytes_a);
        mem_free(bytes_b);
    }
}

struct run *fixture_resume(const struct fixture *fixture, const char *name,
                           const char *const *settings, const struct script *script)
{
    struct resume *resume;
    struct run *run;
    struct err err;
    char *directory = fixture_path(fixture, name, "");
    if (resume_open(directory, &resume, &err) != 0)
        fail_msg("%s", err.text);
    for (; settings && *settings; settings++)
        if (resume_set(resume, *settings, &err) != 0)
            fail_msg("%s", err.text);
    resume_script(resume, script);
    if (resume_start(resume, fixture->dataset, &run, &err) != 0)
        fail_msg("%s", err.text);
    mem_free(directory);
    return run;
}

struct script *fixture_script(const char *text)
{
    struct script *script;
    struct err err;
    if (script_parse(text, strlen(text), "script", &script, &err) != 0)
        fail_msg("%s", err.text);
    return script;
}

static const char *const threads[][2] = {
    {"train.threads=1", NULL}, {"train.threads=2", NULL}, {"train.threads=3", NULL}};

struct run *fixture_start(const struct fixture *fixture, const struct settings *settings,
                          const char *name)
{
    return fixture_start_settings(fixture, settings, name, NULL);
}

struct run *fixture_start_script(const struct fixture *fixture, const char *name,
                                 const struct script *script)
{
    struct settings settings;
    fixture_settings(fixture, &settings);
    return fixture_start_settings(fixture, &settings, name, script);
}

static bool paused_or_ended(const struct snapshot *now)
{
    return fixture_paused(now) || fixture_ended(now);
}

int fixture_train_in_parts(const struct fixture *fixture, const char *name,
                           const struct script *script, bool abandon)
{
    struct run *run = fixture_start_script(fixture, name, script);
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
        run = fixture_resume(fixture, name, threads[part % 3], script);
    }
}
