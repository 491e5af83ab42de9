/* Checkpoints: the complete state there and back, and every kind of damaged file refused. */
#include "run_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct fixture fixture;
static struct settings settings; /* of the run "there" */
static struct snapshot ended;
static struct evaluation rows[3];
static unsigned char *valid; /* its last.safetensors */
static size_t valid_length;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "network.batch_norm_learned=on");
    fixture_set(&settings, "train.threads=2");
    struct run *run = fixture_start(&fixture, &settings, "there");
    fixture_wait(run_feed(run), fixture_ended, &ended);
    assert_int_equal(run_feed(run)->evaluations(run_feed(run), 0, rows, 3), 3);
    fixture_end(run, RUN_FINISHED, NULL);
    valid = (unsigned char *)fixture_read(&fixture, "there", "checkpoints/last.safetensors",
                                          &valid_length);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    mem_free(valid);
    fixture_close(&fixture);
    return 0;
}

static void load(const char *file, struct checkpoint *out)
{
    char *path = fixture_path(&fixture, "there", file);
    struct err err;
    if (checkpoint_load(path, out, &err) != 0)
        fail_msg("%s", err.text);
    mem_free(path);
}

static struct net *create_net(const struct settings *of, struct team **team)
{
    const struct data_info *info = data_info(fixture.dataset);
    struct net_shape shape;
    struct net *net;
    struct err err;
    assert_int_equal(run_net_shape(of, info->inputs, info->classes, &shape, &err), 0);
    assert_int_equal(team_create(1, team, &err), 0);
    assert_int_equal(net_create(&shape, 1, *team, &net, &err), 0);
    return net;
}

static void evaluate(struct net *net, const struct checkpoint *checkpoint, enum data_split split,
                     struct evaluation_result *out)
{
    struct data_transform transform = {checkpoint->factor, checkpoint->offset, checkpoint->inputs};
    struct err err;
    assert_int_equal(run_evaluate(net, fixture.dataset, split, &transform, NULL, out, &err), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct checkpoint best, last;
    struct evaluation_result result;
    struct team *team;
    struct err err;
    load("checkpoints/best.safetensors", &best);
    struct net *net = create_net(&best.settings, &team);
    assert_int_equal(checkpoint_restore(&best, net, &err), 0);
    evaluate(net, &best, DATA_TEST, &result);
    assert_true(result.loss == ended.test_loss);
    assert_true(result.accuracy == ended.test_accuracy);
    assert_int_equal(result.count, 90);
    assert_int_equal(best.step, ended.best_step);

    load("checkpoints/last.safetensors", &last);
    assert_int_equal(checkpoint_restore(&last, net, &err), 0);
    evaluate(net, &last, DATA_VALIDATION, &result);
    assert_true(result.loss == rows[2].validation_loss);
    assert_true(result.accuracy == rows[2].validation_accuracy);
    evaluate(net, &last, DATA_TRAIN, &result);
    assert_true(result.loss == rows[2].train_loss);
    assert_int_equal(last.step, 3 * FIXTURE_STEPS);
    assert_int_equal(last.epoch, 3);
    assert_true(last.averages_set);
    assert_false(last.evaluation_due);
    assert_int_equal(last.classes, FIXTURE_CLASSES);
    assert_int_equal(last.data_digest, data_info(fixture.dataset)->digest);
    assert_true(last.rate_scale == 1 && last.rate_anchor == 1);
    assert_true(last.schedule_rate == settings.train.learning_rate);
    assert_int_equal(last.journal_seq, 1);
    assert_int_equal(last.row.count, 0);
    const struct evaluation *row = &rows[ended.best_epoch - 1];
    assert_memory_equal(&last.best, row, sizeof *row);
    size_t length;
    mem_free(fixture_read(&fixture, "there", "metrics.csv", &length));
    assert_int_equal(last.metrics_length, length);
    mem_free(fixture_read(&fixture, "there", "steps.csv", &length));
    assert_int_equal(last.steps_length, length);
    for (size_t i = 0; i < settings_count(); i++) {
        char a[SETTINGS_TEXT], b[SETTINGS_TEXT];
        settings_format(&settings, settings_row(i), a, sizeof a);
        settings_format(&last.settings, settings_row(i), b, sizeof b);
        assert_string_equal(a, b);
    }
    checkpoint_fini(&best);
    checkpoint_fini(&last);
    net_destroy(net);
    team_destroy(team);
}

static void test_other_net(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"network.hidden=9 6", "layers.0.weight is [8,36] where [9,36] is expected"},
        {"network.hidden=8 6 5", "tensor layers.2.weight is [4,6] where [5,6] is expected"},
        {"network.batch_norm_learned=off", "tensors where"},
    };
    struct checkpoint last;
    load("checkpoints/last.safetensors", &last);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings other = settings;
        struct team *team;
        struct err err;
        fixture_set(&other, cases[i][0]);
        struct net *net = create_net(&other, &team);
        assert_int_equal(checkpoint_restore(&last, net, &err), -1);
        if (!strstr(err.text, cases[i][1]) || !strstr(err.text, "last.safetensors: "))
            fail_msg("%s", err.text);
        net_destroy(net);
        team_destroy(team);
    }
    checkpoint_fini(&last);
}

/* ---- damaged files ---- */

static void expect_refused(const unsigned char *bytes, size_t length, const char *why)
{
    struct checkpoint checkpoint;
    struct err err = {.code = ERR_OK};
    /* A copy of its exact size, so that a sanitizer sees every byte read beyond it. */
    unsigned char *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    int result = checkpoint_parse(exact, length, "x.safetensors", &checkpoint, &err);
    free(exact);
    if (result != -1 || err.code != ERR_FILE || strncmp(err.text, "x.safetensors: ", 15) != 0 ||
        !strstr(err.text, why))
        fail_msg("%zu bytes, not \"%s\" but: %s", length, why, err.text);
}

/* A file of this header and `data` zero bytes. */
static void expect_header_refused(const char *header, size_t data, const char *why)
{
    struct text file = {0};
    uint64_t length = strlen(header);
    text_append(&file, (const char *)&length, sizeof length);
    text_append(&file, header, (size_t)length);
    for (size_t i = 0; i < data; i++)
        text_append(&file, "", 1);
    expect_refused((const unsigned char *)file.bytes, file.length, why);
    text_fini(&file);
}

static void test_containers(void **state)
{
    (void)state;
#define META "\"__metadata__\":{\"format\":\"kdtui 1\"}"
#define TENSOR(type, shape, offsets)                                                               \
    "{" META ",\"a\":{\"dtype\":" type ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    static const struct {
        const char *header;
        size_t data;
        const char *why;
    } cases[] = {
        {"", 0, "not JSON"},
        {"nonsense", 0, "not JSON"},
        {"{\"a\":", 0, "not JSON"},
        {"{} {}", 0, "not JSON"},
        {"[]", 0, "not a JSON object"},
        {"{\"a\":1}", 0, "lacks"},
        {"{\"a\":{},\"a\":{}}", 0, "not JSON"},
        {"{\"__metadata__\":7}", 0, "not an object"},
        {"{\"__metadata__\":{\"step\":7}}", 0, "'step' in __metadata__ is not a string"},
        {"{}", 0, "no 'format'"},
        {"{}", 4, "4 bytes after the last tensor"},
        {"{\"__metadata__\":{\"format\":\"pt\"}}", 0, "its format is 'pt'"},
        {TENSOR("\"F16\"", "[1]", "[0,2]"), 2, "a is F16 where F32 is expected"},
        {TENSOR("5", "[1]", "[0,4]"), 4, "lacks"},
        {TENSOR("\"F32\"", "5", "[0,4]"), 4, "lacks"},
        {TENSOR("\"F32\"", "[1]", "[0]"), 4, "lacks"},
        {TENSOR("\"F32\"", "[1]", "7"), 4, "lacks"},
        {TENSOR("\"F32\"", "[]", "[0,4]"), 4, "0 dimensions"},
        {TENSOR("\"F32\"", "[1,1,1]", "[0,4]"), 4, "3 dimensions"},
        {TENSOR("\"F32\"", "[-1]", "[0,4]"), 4, "makes no sense"},
        {TENSOR("\"F32\"", "[1.5]", "[0,4]"), 4, "makes no sense"},
        {TENSOR("\"F32\"", "[4611686018427387904,4]", "[0,4]"), 4, "makes no sense"},
        {TENSOR("\"F32\"", "[99999999999999999999]", "[0,4]"), 4, "not JSON"},
        {TENSOR("\"F32\"", "[2]", "[0,4]"), 4, "4 bytes where its shape needs 8"},
        {TENSOR("\"F32\"", "[1]", "[0,8]"), 4, "beyond the file's end"},
        {TENSOR("\"F32\"", "[1]", "[-4,0]"), 4, "beyond the file's end"},
        {TENSOR("\"F32\"", "[1]", "[4,0]"), 4, "beyond the file's end"},
        {TENSOR("\"F32\"", "[1]", "[9223372036854775803,9223372036854775807]"), 4, "beyond"},
        {TENSOR("\"F32\"", "[1]", "[4,8]"), 8, "a follows a gap"},
        {TENSOR("\"F32\"", "[1]", "[0,4]"), 8, "4 bytes after the last tensor"},
        {TENSOR("\"F32\"", "[1]", "[0,4]"), 4, "no 'checksum'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8, "b overlaps another"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4, "overlaps another"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_header_refused(cases[i].header, cases[i].data, cases[i].why);
}

static void test_truncated(void **state)
{
    (void)state;
    static const unsigned char nothing[8] = {0};
    expect_refused(nothing, 0, "too short");
    expect_refused(nothing, 7, "too short");
    static const unsigned char text[] = "[train]\nepochs = 5\n";
    expect_refused(text, sizeof text - 1, "x.safetensors: not a safetensors file");
    expect_refused(valid, 100, "not a safetensors file, or cut off: a header of ");
    for (size_t length = 8; length < valid_length; length += 97)
        expect_refused(valid, length, "");
    expect_refused(valid, valid_length - 1, "beyond the file's end");

    unsigned char *copy = mem_alloc(valid_length + 1);
    memcpy(copy, valid, valid_length);
    expect_refused(copy, valid_length + 1, "1 bytes after the last tensor");
    for (int i = 0; i < 8; i++) {
        memset(copy, 0xff, 8);
        copy[i] = 0x7f;
        expect_refused(copy, valid_length, "not a safetensors file");
    }
    mem_free(copy);
}

/* Replaces the first `from` in the header by `to` of the same length. */
static void expect_change_refused(const char *from, const char *to, const char *why)
{
    unsigned char *copy = mem_alloc(valid_length);
    memcpy(copy, valid, valid_length);
    unsigned char *at = memmem(copy, valid_length, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    expect_refused(copy, valid_length, why);
    mem_free(copy);
}

static void test_damaged(void **state)
{
    (void)state;
    expect_change_refused("\"step\":\"60\"", "\"step\":\"61\"", "metadata_checksum does not match");
    expect_change_refused("batch_size = 20", "batch_size = 30", "metadata_checksum does not match");
    expect_change_refused("\"epoch\":", "\"xpoch\":", "no 'epoch' in its __metadata__");
    expect_change_refused("\"checksum\":", "\"hecksumm\":", "no 'checksum'");
    expect_change_refused("layers.0.bias", "layers.9.bias", "metadata_checksum does not match");
    expect_change_refused("[36]", "[ 6]", "4 bytes where its shape needs");

    unsigned char *copy = mem_alloc(valid_length);
    memcpy(copy, valid, valid_length);
    copy[valid_length - 3] ^= 1;
    expect_refused(copy, valid_length, "checksum does not match: the file is damaged");
    mem_free(copy);

    struct checkpoint checkpoint;
    struct err err;
    assert_int_equal(checkpoint_parse(valid, valid_length, "x", &checkpoint, &err), 0);
    checkpoint_fini(&checkpoint);
    assert_int_equal(checkpoint_load("/nonexistent/x.safetensors", &checkpoint, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/x.safetensors: "));
}

/* The valid file with another value in its metadata and the checksum that goes with it. */
static void expect_value_refused(const char *key, const char *value, const char *why)
{
    uint64_t length;
    memcpy(&length, valid, 8);
    json_t *header = json_loadb((const char *)valid + 8, (size_t)length, 0, NULL);
    json_t *metadata = json_object_get(header, "__metadata__"), *each;
    const char *name;
    uint32_t crc = 0;
    json_object_set_new(metadata, key, json_string(value));
    json_object_foreach(metadata, name, each)
    {
        if (strcmp(name, "format") != 0 && !strstr(name, "checksum"))
            crc = digest_crc32(crc, json_string_value(each), json_string_length(each) + 1);
    }
    json_object_foreach(header, name, each)
    {
        char *shape = json_dumps(json_object_get(each, "shape"), JSON_COMPACT);
        if (!shape) /* __metadata__ */
            continue;
        crc = digest_crc32(crc, name, strlen(name) + 1);
        crc = digest_crc32(crc, shape, strlen(shape) + 1);
        free(shape);
    }
    char checksum[16];
    snprintf(checksum, sizeof checksum, "%08x", crc);
    json_object_set_new(metadata, "metadata_checksum", json_string(checksum));
    char *json = json_dumps(header, JSON_COMPACT);
    struct text file = {0};
    uint64_t changed = strlen(json);
    text_append(&file, (const char *)&changed, sizeof changed);
    text_append(&file, json, (size_t)changed);
    text_append(&file, (const char *)valid + 8 + length, valid_length - 8 - (size_t)length);
    expect_refused((const unsigned char *)file.bytes, file.length, why);
    text_fini(&file);
    free(json);
    json_decref(header);
}

static void test_values(void **state)
{
    (void)state;
    expect_value_refused("step", "-1", "'-1' makes no sense as step");
    expect_value_refused("step", "1.5", "'1.5' makes no sense as step");
    expect_value_refused("best_step", "-2", "best_step");
    expect_value_refused("classes", "1", "'1' makes no sense as classes");
    expect_value_refused("classes", "257", "'257' makes no sense as classes");
    expect_value_refused("averages_set", "2", "averages_set");
    expect_value_refused("rate_scale", "nan", "'nan' makes no sense as rate_scale");
    expect_value_refused("momentum_product", "x", "momentum_product");
    expect_value_refused("journal_seq", "99999999999999999999", "journal_seq");
    expect_value_refused("settings", "[train]\nepochs = many\n", "settings:2");
    expect_value_refused("settings", "[train]\nlearning = 1\n", "settings:2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_other_net),
        cmocka_unit_test(test_containers), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged),    cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
