/*
 * INI files: those that are wrong give one error that names the place; the presets say what the
 * report's figures were trained with.
 */
#include "kdt/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void assert_same(const struct settings *a, const struct settings *b)
{
    char left[SETTINGS_TEXT], right[SETTINGS_TEXT];

    for (size_t i = 0; i < settings_count(); i++) {
        settings_format(a, settings_row(i), left, sizeof left);
        settings_format(b, settings_row(i), right, sizeof right);
        assert_string_equal(left, right);
    }
}

static int parse(struct settings *settings, const char *ini, struct err *err)
{
    return settings_parse(settings, ini, strlen(ini), "x.ini", err);
}

static void test_ini_read(void **state)
{
    struct settings settings;
    struct err err;

    (void)state;
    settings_init(&settings);
    assert_int_equal(parse(&settings, "", &err), 0);
    assert_int_equal(parse(&settings,
                           "\xef\xbb\xbf# comment\r\n"
                           "; another\r\n"
                           "\r\n"
                           "[train]\r\n"
                           "momentum = 0.5\r\n"
                           "    epochs = 7\r\n"
                           "l2=1e-3\r\n"
                           "\t[network]  \r\n"
                           "hidden =\r\n"
                           "[data]\n"
                           "[train]\n"
                           "seed = 3\n"
                           "[data]\n"
                           "path = /a b/#c ;d=e:f",
                           &err),
                     0);
    assert_true(settings.train.momentum == 0.5);
    assert_int_equal(settings.train.epochs, 7);
    assert_true(settings.train.l2 == 1e-3);
    assert_int_equal(settings.train.seed, 3);
    assert_int_equal(settings.network.hidden.count, 0);
    assert_string_equal(settings.data.path, "/a b/#c ;d=e:f");
}

static void test_ini_refused(void **state)
{
    static const struct {
        const char *ini, *error;
    } cases[] = {
        {"[train]\n\nlerning_rate = 1\n",
         "x.ini:3: train.lerning_rate: no such setting; did you mean train.learning_rate?"},
        {"[train]\n# x\nmomentum = 2\n",
         "x.ini:3: train.momentum = 2: a number from 0 to 0.9999 is expected"},
        {"[trian]\n", "x.ini:1: [trian]: no such section; did you mean [train]?"},
        {"[something]\n",
         "x.ini:1: [something]: no such section; there are [data] [network] "
         "[train] [augment] [checkpoint] [search] [view]"},
        {"[]\n",
         "x.ini:1: []: no such section; there are [data] [network] [train] [augment] "
         "[checkpoint] [search] [view]"},
        {"[train\n", "x.ini:1: [train: [section] alone is expected in this line"},
        {"\xef\xbb\xbf[train] seed = 1\n",
         "x.ini:1: [train] seed = 1: [section] alone is expected in this line"},
        {"seed = 1\n[train]\n", "x.ini:1: seed: a [section] is expected before the first key"},
        {"[train]\nseed\n", "x.ini:2: `key = value`, [section] or # comment is expected"},
        {"[train]\nseed = 1 ; mine\n",
         "x.ini:2: train.seed = 1 ; mine: a whole number from 0 to "
         "9007199254740991 is expected"},
        {"[train]\nseed = 1\n[data]\n[train]\nseed = 2\n",
         "x.ini:5: train.seed: given twice, first in line 2"},
        {"[train]\n = 2\n", "x.ini:2: a key is expected before ="},
        {"[network]\nhidden = 50\n   30\n",
         "x.ini:3: `key = value`, [section] or # comment is expected"},
    };
    struct settings settings, before;
    struct err err;

    (void)state;
    settings_init(&settings);
    before = settings;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(parse(&settings, cases[i].ini, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.code, ERR_USAGE);
        assert_int_equal(parse(&settings, cases[i].ini, NULL), -1);
        assert_same(&settings, &before);
    }
    assert_int_equal(parse(&settings, "[train]\nseed = 5\nepochs = no\n", &err), -1);
    assert_same(&settings, &before);

    assert_int_equal(settings_parse(&settings, "[train]\nseed = 1\0 2\n", 20, "x.ini", &err), -1);
    assert_string_equal(err.text, "x.ini:2: a zero byte: a text file is expected");
}

static void test_ini_long_lines(void **state)
{
    struct settings settings;
    struct err err;

    (void)state;
    settings_init(&settings);
    for (size_t length = 4090; length < 4100; length++) {
        struct text ini = {0};
        char error[64];

        /* The tail would be a key of its own if the line were cut in two. */
        text_print(&ini, "[train]\n#%*s\nseed = 4\n", (int)length - 1, "seed = 3");
        int status = settings_parse(&settings, ini.bytes, ini.length, "x.ini", &err);
        text_fini(&ini);
        if (length < 4096) {
            assert_int_equal(status, 0);
            assert_int_equal(settings.train.seed, 4);
            settings.train.seed = 1;
        } else {
            assert_int_equal(status, -1);
            snprintf(error, sizeof error, "x.ini:2: a line of %zu bytes: at most 4095 are expected",
                     length);
            assert_string_equal(err.text, error);
            assert_int_equal(settings.train.seed, 1);
        }
    }
    /* The whole width of a line for a value. */
    struct text ini = {0};
    text_print(&ini, "[data]\npath = %*s\n", 3000, "/x");
    assert_int_equal(settings_parse(&settings, ini.bytes, ini.length, "x.ini", &err), 0);
    assert_string_equal(settings.data.path, "/x");
    text_fini(&ini);
}

static void test_load(void **state)
{
    char directory[] = "/tmp/kdtui-conf-XXXXXX";
    struct settings settings;
    struct err err;

    (void)state;
    assert_non_null(mkdtemp(directory));
    char *path = file_path(directory, "kdtui.ini");
    settings_init(&settings);
    assert_int_equal(settings_load(&settings, path, true, &err), 0);
    assert_int_equal(settings_load(&settings, path, false, &err), -1);
    assert_int_equal(err.code, ERR_FILE);
    assert_non_null(strstr(err.text, path));

    static const char ini[] = "[train]\nseed = 12\n";
    struct file_part part = {ini, sizeof ini - 1};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    assert_int_equal(settings_load(&settings, path, true, &err), 0);
    assert_int_equal(settings.train.seed, 12);
    /* A folder is there, so it is not a missing file. */
    assert_int_equal(settings_load(&settings, directory, true, &err), -1);
    unlink(path);
    rmdir(directory);
    mem_free(path);
}

static void test_presets(void **state)
{
    static const struct {
        const char *hidden;
        double learning_rate, l2;
        enum settings_activation activation;
    } figures[] = {
        {"50 30", 0.034875895633392565, 1e-5, ACTIVATION_RELU},
        {"50 30", 0.007986719995840757, 1e-6, ACTIVATION_RELU},
        {"50 30", 0.012913581489067944, 1e-5, ACTIVATION_RELU},
        {"50 30", 0.034875895633392565, 1e-5, ACTIVATION_RELU},
        {"50 30", 0.007986719995840757, 1e-6, ACTIVATION_RELU},
        {"50 30", 0.012913581489067944, 1e-5, ACTIVATION_RELU},
        {"85 35 25", 0.012913581489067944, 1e-4, ACTIVATION_RELU},
        {"95 45 40", 0.012913581489067944, 1e-4, ACTIVATION_RELU},
        {"80 40 20", 0.012913581489067944, 1e-4, ACTIVATION_RELU},
        {"75 65 55", 0.012913581489067944, 1e-4, ACTIVATION_RELU},
        {"100 60 45", 0.012913581489067944, 1e-4, ACTIVATION_RELU},
        {"95 90 75", 0.012913581489067944, 1e-4, ACTIVATION_RELU},
        {"50 30", 0.03159661490765174, 0.00015494946823958237, ACTIVATION_RELU},
        {"50 30", 0.013917284924906376, 1.0632777281477375e-6, ACTIVATION_RELU},
        {"50 30", 0.006537886088207429, 0.0006432091840869645, ACTIVATION_RELU},
        {"50 30", 0.034875895633392565, 1e-5, ACTIVATION_LEAKY_RELU},
        {"50 30", 0.007986719995840757, 1e-6, ACTIVATION_LEAKY_RELU},
        {"50 30", 0.012913581489067944, 1e-4, ACTIVATION_LEAKY_RELU},
        {"50 30", 0.034875895633392565, 1e-5, ACTIVATION_ELU},
        {"50 30", 0.007986719995840757, 1e-6, ACTIVATION_ELU},
        {"50 30", 0.012913581489067944, 1e-4, ACTIVATION_ELU},
    };
    const char *source = getenv("top_srcdir");

    (void)state;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        size_t figure = i + 1;
        char path[4096], hidden[SETTINGS_TEXT];
        struct settings settings;
        struct err err;

        snprintf(path, sizeof path, "%s/etc/presets/fig%02zu.ini", source ? source : ".", figure);
        settings_init(&settings);
        /* Values that no figure wants: each preset must set them itself. */
        assert_int_equal(parse(&settings,
                               "[data]\ndataset = mnist\ntrain_size = 500\nvalidation_size = 7\n"
                               "validation_from = 4\nmean = pixel\nscale = std\n"
                               "[network]\nhidden = 9\nactivation = elu\nslope = 0.5\n"
                               "batch_norm = none\nbatch_norm_learned = on\n"
                               "batch_norm_average = 0.5\ninit = xavier\n"
                               "[train]\nepochs = 3\nbatch_size = 7\nlearning_rate = 9\nl2 = 9\n"
                               "momentum = 0.1\noptimizer = nesterov\nschedule = step\n"
                               "decay = 0.1\nwarmup_steps = 9\n"
                               "[augment]\nnoise = on\nnoise_level = 9\n"
                               "[checkpoint]\nbest = off\n",
                               &err),
                         0);
        if (settings_load(&settings, path, false, &err) || settings_check(&settings, &err))
            fail_msg("%s", err.text);
        settings_format(&settings, settings_find("network.hidden", &err), hidden, sizeof hidden);
        assert_string_equal(hidden, figures[i].hidden);
        assert_true(settings.train.learning_rate == figures[i].learning_rate);
        assert_true(settings.train.l2 == figures[i].l2);
        assert_int_equal(settings.network.activation, figures[i].activation);
        assert_int_equal(settings.network.batch_norm,
                         figure <= 3 ? BATCH_NORM_AFTER : BATCH_NORM_BEFORE);
        assert_int_equal(settings.augment.noise, figure >= 4 && figure <= 6);
        assert_true(settings.augment.noise_level == 0.01);

        assert_int_equal(settings.data.dataset, DATASET_CIFAR10);
        assert_int_equal(settings.data.train_size, 0);
        assert_int_equal(settings.data.validation_size, 1000);
        assert_int_equal(settings.data.validation_from, 2);
        assert_int_equal(settings.data.mean, MEAN_GLOBAL);
        assert_int_equal(settings.data.scale, SCALE_UNIT);
        assert_true(settings.network.slope == 0.01);
        assert_false(settings.network.batch_norm_learned);
        assert_true(settings.network.batch_norm_average == 0.99);
        assert_int_equal(settings.network.init, INIT_HE);
        assert_int_equal(settings.train.epochs, 10);
        assert_int_equal(settings.train.batch_size, 100);
        assert_true(settings.train.momentum == 0.9);
        assert_int_equal(settings.train.optimizer, OPTIMIZER_SGD);
        assert_int_equal(settings.train.schedule, SCHEDULE_DECAY);
        assert_true(settings.train.decay == 0.95);
        assert_int_equal(settings.train.warmup_steps, 0);
        assert_true(settings.checkpoint.best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ini_read),       cmocka_unit_test(test_ini_refused),
        cmocka_unit_test(test_ini_long_lines), cmocka_unit_test(test_load),
        cmocka_unit_test(test_presets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
