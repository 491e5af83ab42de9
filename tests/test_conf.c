/*
 * Tests of conf: every default and every valid value prints and parses back
 * identically; what is not valid is refused with what would be.
 */
#include "kdt/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct setting *row_of(const char *name)
{
    struct err err;
    const struct setting *row = settings_find(name, &err);

    if (!row)
        fail_msg("%s", err.text);
    return row;
}

static void assert_same(const struct settings *a, const struct settings *b)
{
    char left[SETTINGS_TEXT], right[SETTINGS_TEXT];

    for (size_t i = 0; i < settings_count(); i++) {
        settings_format(a, settings_row(i), left, sizeof left);
        settings_format(b, settings_row(i), right, sizeof right);
        if (strcmp(left, right) != 0)
            fail_msg("%s: %s, %s", settings_row(i)->name, left, right);
    }
}

static void assert_value(const struct settings *settings, const char *name, const char *expected)
{
    char value[SETTINGS_TEXT];

    settings_format(settings, row_of(name), value, sizeof value);
    assert_string_equal(value, expected);
}

static int parse(struct settings *settings, const char *ini, struct err *err)
{
    return settings_parse(settings, ini, strlen(ini), "x.ini", err);
}

/* Some valid value of a row; a different one for each `draw`. */
static void some_value(const struct setting *row, unsigned draw, char *out, size_t size)
{
    double share = (draw * 2654435761u % 1000003u) / 1000002.0;
    double value = row->minimum + share * (row->maximum - row->minimum);
    size_t length = 0, choices = 0;

    switch (row->type) {
    case SETTING_INTEGER:
        snprintf(out, size, "%.0f", value);
        break;
    case SETTING_NUMBER:
        snprintf(out, size, "%.17g", value);
        break;
    case SETTING_SWITCH:
        snprintf(out, size, "%s", draw % 2 ? "on" : "off");
        break;
    case SETTING_CHOICE:
        while (row->choices[choices].word)
            choices++;
        snprintf(out, size, "%s", row->choices[draw % choices].word);
        break;
    case SETTING_TEXT:
        /* What an INI parser could take for something else, up to the longest. */
        length = draw % 4 == 0 ? SETTINGS_TEXT - 1 : draw % 40;
        for (size_t i = 0; i < length; i++)
            out[i] = ";#[]=:\"\\/ \xc3\xa9x"[(i * 7 + draw) % 13];
        out[length] = '\0';
        break;
    case SETTING_WIDTHS:
        *out = '\0';
        for (unsigned i = 0; i < draw % (SETTINGS_MAX_LAYERS + 1); i++)
            length += (size_t)snprintf(out + length, size - length, "%u ", 1 + draw * 31 % 65536);
        break;
    case SETTING_SPACE: {
        static const char *const numbers[] = {"", "log 1e-05 0.02", "uniform 0.5 1 7",
                                              "0.1:0.5:0.1", "0.25 0.75 1e-3"};
        static const char *const widths[] = {"", "90-60-25 85 7-7", "50:100:5 35:50:5 10", "12"};
        bool hidden = strcmp(row->of, "network.hidden") == 0;
        snprintf(out, size, "%s", hidden ? widths[draw % 4] : numbers[draw % 5]);
        break;
    }
    }
}

static void test_defaults(void **state)
{
    struct settings settings;
    struct err err;
    char value[SETTINGS_TEXT];

    (void)state;
    settings_init(&settings);
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        settings_format(&settings, row, value, sizeof value);
        assert_string_equal(value, row->standard);
        assert_ptr_equal(settings_find(row->name, &err), row);
    }
    assert_int_equal(settings_check(&settings, &err), 0);
    assert_true(settings.train.momentum == 0.9);
    assert_int_equal(settings.network.hidden.count, 2);
    assert_true(settings.checkpoint.best);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        bool known = false;

        for (size_t j = 0; j < settings_section_count(); j++)
            known = known || strcmp(settings_section(j)->name, row->section) == 0;
        assert_true(known);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(settings_row(j)->name, row->name);
        assert_true(strlen(row->meaning) > 1);
        assert_int_equal(row->meaning[strlen(row->meaning) - 1], '.');
        if (row->type == SETTING_INTEGER || row->type == SETTING_NUMBER)
            assert_true(row->minimum < row->maximum);
    }
}

static void test_round_trip(void **state)
{
    char value[4096], printed[SETTINGS_TEXT], again[SETTINGS_TEXT];
    struct err err;

    (void)state;
    for (unsigned draw = 0; draw < 200; draw++) {
        struct settings settings, parsed;
        struct text text = {0};

        settings_init(&settings);
        for (size_t i = 0; i < settings_count(); i++) {
            const struct setting *row = settings_row(i);
            some_value(row, draw + (unsigned)i, value, sizeof value);
            if (settings_set(&settings, row, value, &err))
                fail_msg("%s", err.text);
            settings_format(&settings, row, printed, sizeof printed);
            assert_int_equal(settings_set(&settings, row, printed, &err), 0);
            settings_format(&settings, row, again, sizeof again);
            assert_string_equal(printed, again);
        }
        settings_print(&settings, draw % 2 == 0, &text);
        settings_init(&parsed);
        if (settings_parse(&parsed, text.bytes, text.length, "printed.ini", &err))
            fail_msg("%s", err.text);
        assert_same(&settings, &parsed);
        text_fini(&text);
    }
}

static void test_numbers_exact(void **state)
{
    struct settings settings, parsed;
    struct text text = {0};

    (void)state;
    settings_init(&settings);
    settings.train.learning_rate = 0.1 + 0.2;
    settings.train.l2 = 1.0632777281477375e-6;
    settings.train.seed = 9007199254740991;
    settings_print(&settings, false, &text);
    settings_init(&parsed);
    assert_int_equal(settings_parse(&parsed, text.bytes, text.length, "x.ini", NULL), 0);
    assert_true(parsed.train.learning_rate == 0.1 + 0.2);
    assert_true(parsed.train.l2 == 1.0632777281477375e-6);
    assert_true(parsed.train.seed == 9007199254740991);
    text_fini(&text);
}

static void test_values_refused(void **state)
{
    static const struct {
        const char *name, *value, *error;
    } cases[] = {
        {"train.momentum", "2", "train.momentum = 2: a number from 0 to 0.9999 is expected"},
        {"train.momentum", "", "train.momentum = : a number from 0 to 0.9999 is expected"},
        {"train.momentum", "nan", "train.momentum = nan: a number from 0 to 0.9999 is expected"},
        {"train.momentum", "0,5", "train.momentum = 0,5: a number from 0 to 0.9999 is expected"},
        {"train.epochs", "1.5", "train.epochs = 1.5: a whole number from 1 to 1000000 is expected"},
        {"train.epochs", "99999999999999999999",
         "train.epochs = 99999999999999999999: a whole number from 1 to 1000000 is expected"},
        {"train.seed", "9007199254740992",
         "train.seed = 9007199254740992: a whole number from 0 to 9007199254740991 is expected"},
        {"train.optimizer", "SGD",
         "train.optimizer = SGD: sgd, nesterov, adam or adamw is expected"},
        {"network.activation", "tanh",
         "network.activation = tanh: relu, leaky_relu or elu is expected"},
        {"augment.noise", "yes", "augment.noise = yes: on or off is expected"},
        {"network.hidden", "50 0",
         "network.hidden = 50 0: a list of at most 16 whole numbers from 1 to 65536 with spaces "
         "between is "
         "expected"},
        {"network.hidden", "50-30",
         "network.hidden = 50-30: a list of at most 16 whole numbers from 1 to 65536 with spaces "
         "between is "
         "expected"},
        {"network.hidden", "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
         "network.hidden = 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1: a list of at most 16 whole numbers "
         "from 1 to "
         "65536 with spaces between is expected"},
        {"data.path", "a\tb",
         "data.path = a?b: text of at most 1023 bytes without control characters is expected"},
    };
    struct settings settings, before;
    struct err err;

    (void)state;
    settings_init(&settings);
    before = settings;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct setting *row = row_of(cases[i].name);
        assert_int_equal(settings_set(&settings, row, cases[i].value, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(settings_set(&settings, row, cases[i].value, NULL), -1);
    }
    assert_same(&settings, &before);

    /* An overlong value leaves room for what is accepted. */
    char longest[9000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < settings_count(); i++) {
        assert_int_equal(settings_set(&settings, settings_row(i), longest, &err), -1);
        assert_non_null(strstr(err.text, "is expected"));
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name, *error;
    } cases[] = {
        {"train.lerning_rate",
         "train.lerning_rate: no such setting; did you mean train.learning_rate?"},
        {"train.noise", "train.noise: no such setting; did you mean augment.noise?"},
        {"learning_rate", "learning_rate: no such setting; did you mean train.learning_rate?"},
        {"something.else", "something.else: no such setting; `kdtui settings` prints all"},
        {"", ": no such setting; `kdtui settings` prints all"},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(settings_find(cases[i].name, &err));
        assert_string_equal(err.text, cases[i].error);
    }
}

static void test_line(void **state)
{
    struct settings settings;
    struct err err;

    (void)state;
    settings_init(&settings);
    assert_int_equal(settings_set_line(&settings, "train.momentum=0.5", &err), 0);
    assert_true(settings.train.momentum == 0.5);
    assert_int_equal(settings_set_line(&settings, " network.hidden = 50 30 ", &err), 0);
    assert_value(&settings, "network.hidden", "50 30");
    assert_int_equal(settings_set_line(&settings, "network.hidden=", &err), 0);
    assert_int_equal(settings.network.hidden.count, 0);
    assert_int_equal(settings_set_line(&settings, "data.path=/a=b", &err), 0);
    assert_string_equal(settings.data.path, "/a=b");

    assert_int_equal(settings_set_line(&settings, "train.momentum", &err), -1);
    assert_string_equal(err.text, "train.momentum: SECTION.KEY=VALUE is expected");
    assert_int_equal(settings_set_line(&settings, "train.momentun=0.5", &err), -1);
    assert_string_equal(err.text, "train.momentun: no such setting; did you mean train.momentum?");
    assert_int_equal(settings_set_line(&settings, "train.momentum=2", &err), -1);
    assert_string_equal(err.text, "train.momentum = 2: a number from 0 to 0.9999 is expected");
}

static void test_relative(void **state)
{
    struct settings settings;
    struct err err;
    const struct setting *rate = row_of("train.learning_rate");
    const struct setting *keep = row_of("checkpoint.keep");

    (void)state;
    settings_init(&settings);
    settings.train.learning_rate = 0.02;
    assert_int_equal(settings_set_relative(&settings, rate, "*0.5", &err), 0);
    assert_true(settings.train.learning_rate == 0.02 * 0.5);
    assert_int_equal(settings_set_relative(&settings, rate, "/2", &err), 0);
    assert_true(settings.train.learning_rate == 0.02 * 0.5 / 2);
    assert_int_equal(settings_set_relative(&settings, rate, "0.3", &err), 0);
    assert_true(settings.train.learning_rate == 0.3);
    assert_int_equal(settings_set_relative(&settings, keep, "*1.6", &err), 0);
    assert_int_equal(settings.checkpoint.keep, 3);

    static const struct {
        const char *name, *value, *error;
    } cases[] = {
        {"train.learning_rate", "*1e6",
         "train.learning_rate *1e6 gives 300000: a number from 1e-12 to 1000 is expected"},
        {"train.learning_rate", "/0",
         "train.learning_rate /0: a number above 0 is expected after /"},
        {"train.learning_rate", "*-1",
         "train.learning_rate *-1: a number above 0 is expected after *"},
        {"train.learning_rate", "*", "train.learning_rate *: a number above 0 is expected after *"},
        {"checkpoint.keep", "/100",
         "checkpoint.keep /100 gives 0: a whole number from 1 to 1000000 is expected"},
        {"augment.noise", "*2", "augment.noise = *2: on or off is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings before = settings;
        assert_int_equal(
            settings_set_relative(&settings, row_of(cases[i].name), cases[i].value, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        assert_same(&settings, &before);
    }
    assert_int_equal(settings_set_relative(&settings, row_of("data.path"), "/home/x", &err), 0);
    assert_string_equal(settings.data.path, "/home/x");
}

static void test_space(void **state)
{
    struct settings settings;
    struct space space;
    struct err err;
    char word[64];
    size_t at = 0;
    const struct setting *row;
    char value[SETTINGS_TEXT];

    (void)state;
    assert_int_equal(space_parse(row_of("train.l2"), "x", "log 1e-6 1e-2 5", &space, &err), 0);
    assert_int_equal(space.kind, SPACE_LOG);
    assert_int_equal(space.points, 5);
    assert_int_equal(space_parse(row_of("train.momentum"), "x", "0.1:0.7:0.1", &space, &err), 0);
    assert_int_equal(space.steps.count, 7);
    assert_true(space_step(&space.steps, 2) == 0.3 && space_step(&space.steps, 6) == 0.7);
    assert_int_equal(space_parse(row_of("network.hidden"), "x", "90-60-25 85-35", &space, &err), 0);
    assert_int_equal(space.words, 2);
    space_word(&space, 1, word, sizeof word);
    assert_string_equal(word, "85 35");
    assert_int_equal(space_parse(row_of("network.hidden"), "x", "50:100:5 30", &space, &err), 0);
    assert_int_equal(space.layers, 2);
    assert_int_equal(space.layer[0].count, 11);
    assert_int_equal(space.layer[1].count, 1);

    settings_init(&settings);
    assert_int_equal(parse(&settings,
                           "[search]\ntrain.momentum = 0.8  0.9\nhidden = 12-8\n"
                           "augment.noise = on off\n",
                           &err),
                     0);
    assert_int_equal(settings_set_line(&settings, "search.train.momentum=0.5:0.9:0.1", &err), 0);
    assert_true(settings_list_next(&settings, &at, &row, value));
    assert_string_equal(row->name, "augment.noise");
    assert_string_equal(value, "on off");
    assert_true(settings_list_next(&settings, &at, &row, value));
    assert_string_equal(row->name, "train.momentum");
    assert_string_equal(value, "0.5:0.9:0.1");
    assert_false(settings_list_next(&settings, &at, &row, value));
    assert_int_equal(settings_set_line(&settings, "search.augment.noise=", &err), 0);
    assert_string_equal(settings.search_lists, "train.momentum = 0.5:0.9:0.1\n");
}

static void test_space_refused(void **state)
{
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"learning_rate = log 0.01", "x.ini:2: search.learning_rate: `log A B` or `log A B N`"},
        {"learning_rate = log 0.01 0.001",
         "x.ini:2: search.learning_rate: log 0.01 0.001: A below B"},
        {"learning_rate = log 0 1", "x.ini:2: search.learning_rate: 0: from 1e-12 to 1000"},
        {"l2 = log 0 1", "x.ini:2: search.l2: log 0: a number above 0"},
        {"l2 = uniform 0 1 1", "x.ini:2: search.l2: 1: from 2 to 1000000 points"},
        {"l2 = 0.1:0.2", "x.ini:2: search.l2: 0.1:0.2: A:B:STEP"},
        {"l2 = 0.2:0.1:0.01", "x.ini:2: search.l2: 0.2:0.1:0.01: from 1 to 1000000 values"},
        {"l2 = 0.1:0.2:0", "x.ini:2: search.l2: 0.1:0.2:0: a STEP above 0"},
        {"l2 = 0.1 200", "x.ini:2: search.l2: 200: a number from 0 to 100"},
        {"l2 = 0.1 0.1", "x.ini:2: search.l2: 0.1 is given twice"},
        {"hidden = 90-x", "x.ini:2: search.hidden: 90 x: a list of at most 16"},
        {"hidden = log 5 9", "x.ini:2: search.hidden: network.hidden is no number"},
        {"hidden = 5:9:0.5", "x.ini:2: search.hidden: 5:9:0.5: a STEP above 0"},
        {"train.batch_size = 10:50:2.5", "x.ini:2: search.train.batch_size: 10:50:2.5: a STEP"},
        {"train.momentun = 0.5",
         "x.ini:2: train.momentun: no such setting; did you mean train.momentum"},
        {"train.learning_rate = 0.5",
         "x.ini:2: search.train.learning_rate: search.learning_rate lists"},
        {"train.momentum = 2", "x.ini:2: search.train.momentum: 2: a number from 0 to 0.9999"},
        {"train.optimizer = sgd adagrad", "x.ini:2: search.train.optimizer: adagrad: sgd"},
        {"train.epochs = 5 6", "x.ini:2: search.train.epochs: every trial trains search.epochs"},
        {"data.mean = pixel none", "x.ini:2: search.data.mean: trials share one copy"},
        {"view.fps = 1 2", "x.ini:2: search.view.fps: a setting of [network]"},
        {"train.seed = 1\ntrain.seed = 2",
         "x.ini:3: search.train.seed: given twice, first in line 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings settings;
        struct text ini = {0};
        struct err err;

        settings_init(&settings);
        text_print(&ini, "[search]\n%s\n", cases[i].line);
        assert_int_equal(parse(&settings, ini.bytes, &err), -1);
        if (strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s: %s", cases[i].line, err.text);
        text_fini(&ini);
    }
    struct settings settings;
    struct err err;
    settings_init(&settings);
    assert_int_equal(
        parse(&settings, "[search]\nhidden = 10:20:5 20:40:5\ndecreasing = on\n", &err), 0);
    assert_int_equal(settings_check(&settings, &err), -1);
    assert_non_null(strstr(err.text, "search.decreasing"));
    assert_int_equal(settings_set_line(&settings, "search.hidden=10:25:5 20:40:5", &err), 0);
    assert_int_equal(settings_check(&settings, &err), 0);
}

static void test_check(void **state)
{
    struct settings settings;
    struct err err;

    (void)state;
    settings_init(&settings);
    settings.train.schedule = SCHEDULE_CONSTANT;
    settings.train.learning_rate = 0.02;
    settings.train.rate_min = 0.2;
    assert_int_equal(settings_check(&settings, &err), 0);
    settings.train.schedule = SCHEDULE_CYCLICAL;
    assert_int_equal(settings_check(&settings, &err), -1);
    assert_string_equal(err.text,
                        "train.rate_min = 0.2: with train.schedule = cyclical at most "
                        "train.rate_max = 0.1 is expected");
    settings.train.schedule = SCHEDULE_COSINE;
    assert_int_equal(settings_check(&settings, &err), -1);
    assert_string_equal(err.text,
                        "train.rate_min = 0.2: with train.schedule = cosine at most "
                        "train.learning_rate = 0.02 is expected");
    settings.train.rate_min = 0.02;
    assert_int_equal(settings_check(&settings, &err), 0);
    settings.data.train_size = 99;
    assert_int_equal(settings_check(&settings, &err), -1);
    assert_string_equal(err.text,
                        "data.train_size = 99: 0 or at least train.batch_size = 100 is "
                        "expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_table),
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_numbers_exact),
        cmocka_unit_test(test_values_refused), cmocka_unit_test(test_names),
        cmocka_unit_test(test_line),           cmocka_unit_test(test_relative),
        cmocka_unit_test(test_space),          cmocka_unit_test(test_space_refused),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
