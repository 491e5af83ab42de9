/* What evaluations of the validation set took its images for, as a viewer gets it. */
#include "run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    VALIDATION = 60,
    PIXELS = FIXTURE_SIDE * FIXTURE_SIDE,
    CELLS = FIXTURE_CLASSES * FIXTURE_CLASSES
};

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

/* Class probabilities of the validation images by the run's last checkpoint. */
static void predict(const char *run, float p[VALIDATION][FIXTURE_CLASSES])
{
    static float x[VALIDATION * PIXELS];
    const struct data_choice all = {.split = DATA_VALIDATION, .count = VALIDATION};
    const struct data_part whole = {.inputs = PIXELS, .stride = PIXELS};
    const struct net_matrix matrix = {x, PIXELS};
    const struct net_source source = net_matrix_source(&matrix);
    struct checkpoint checkpoint;
    struct net_shape shape;
    struct team *team;
    struct net *net;
    struct err err;
    char *path = fixture_path(&fixture, run, "checkpoints/last.safetensors");
    if (checkpoint_load(path, &checkpoint, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(
        run_net_shape(&checkpoint.settings, checkpoint.inputs, checkpoint.classes, &shape, &err),
        0);
    assert_int_equal(team_create(1, &team, &err), 0);
    assert_int_equal(net_create(&shape, 1, team, &net, &err), 0);
    assert_int_equal(checkpoint_restore(&checkpoint, net, &err), 0);
    data_gather(fixture.dataset, &all, NULL, NULL, &whole, x);
    net_predict(net, &source, VALIDATION, p[0]);
    net_destroy(net);
    team_destroy(team);
    checkpoint_fini(&checkpoint);
    mem_free(path);
}

static int by_probability(const void *a, const void *b)
{
    const struct wrong_guess *one = a, *other = b;
    if (one->probability != other->probability)
        return one->probability > other->probability ? -1 : 1;
    return one->image < other->image ? -1 : 1;
}

/* The same, made from the probabilities in another way. */
static int confuse(float p[VALIDATION][FIXTURE_CLASSES], uint32_t count[CELLS],
                   struct wrong_guess wrong[VALIDATION])
{
    const struct data_choice all = {.split = DATA_VALIDATION, .count = VALIDATION};
    uint8_t labels[VALIDATION];
    int wrongs = 0;
    data_labels(fixture.dataset, &all, labels);
    for (int i = 0; i < VALIDATION; i++) {
        int guess = 0;
        for (int k = 1; k < FIXTURE_CLASSES; k++)
            guess = p[i][k] > p[i][guess] ? k : guess;
        count[labels[i] * FIXTURE_CLASSES + guess]++;
        if (guess != labels[i])
            wrong[wrongs++] =
                (struct wrong_guess){(uint32_t)i, labels[i], (uint8_t)guess, p[i][guess]};
    }
    qsort(wrong, (size_t)wrongs, sizeof *wrong, by_probability);
    return wrongs;
}

/* Of a net that has learned hardly anything, with more wrong guesses than are kept, and of one
 * that has learned; the same for any number of threads. */
static void test_guesses(void **state)
{
    (void)state;
    static const char *const rates[] = {"train.learning_rate=1e-6", "train.learning_rate=0.1"};
    static const char *const threads[] = {"train.threads=1", "train.threads=3"};
    static const char *const names[] = {"dull-1", "dull-3", "keen-1", "keen-3"};
    for (int i = 0; i < 4; i++) {
        struct settings settings;
        struct snapshot now;
        uint32_t count[CELLS], expected[CELLS] = {0};
        struct confusion confusion = {.count = count};
        struct wrong_guess wrong[VALIDATION];
        float p[VALIDATION][FIXTURE_CLASSES];
        fixture_settings(&fixture, &settings);
        fixture_set(&settings, rates[i / 2]);
        fixture_set(&settings, threads[i % 2]);
        struct run *run = fixture_start(&fixture, &settings, names[i]);
        struct feed *feed = run_feed(run);
        fixture_wait(feed, fixture_ended, &now);
        assert_true(feed->confusion(feed, &confusion));
        predict(names[i], p);
        int wrongs = confuse(p, expected, wrong), kept = confusion.wrong_count;
        assert_true(i / 2 ? wrongs > 0 : wrongs > FEED_WRONG_GUESSES);
        assert_int_equal(kept, wrongs < FEED_WRONG_GUESSES ? wrongs : FEED_WRONG_GUESSES);
        assert_int_equal(confusion.classes, FIXTURE_CLASSES);
        assert_memory_equal(count, expected, sizeof count);
        for (int j = 0; j < kept; j++) {
            assert_int_equal(confusion.wrong[j].image, wrong[j].image);
            assert_int_equal(confusion.wrong[j].truth, wrong[j].truth);
            assert_int_equal(confusion.wrong[j].guess, wrong[j].guess);
            assert_true(confusion.wrong[j].probability == wrong[j].probability);
        }
        assert_int_equal(confusion.of.step, now.step);
        assert_true(confusion.of.validation_accuracy == (VALIDATION - wrongs) / (double)VALIDATION);
        fixture_end(run, RUN_FINISHED, NULL);
    }
}

/* It says when its evaluation was abandoned, and is not there after a resume until there has
 * been another. */
static void test_going_back_and_on(void **state)
{
    (void)state;
    uint32_t count[CELLS];
    struct confusion confusion = {.count = count};
    struct answer answer;
    struct snapshot now;
    struct script *script = fixture_script(
        "@3 set train.learning_rate 0.2\n"
        "@4 evaluate\n"
        "@4 pause\n"
        "@5 pause\n");
    struct run *run = fixture_start_script(&fixture, "back", script);
    struct feed *feed = run_feed(run);
    fixture_wait(feed, fixture_paused, &now);
    assert_true(feed->confusion(feed, &confusion));
    assert_int_equal(confusion.of.step, 4);
    assert_false(confusion.of.abandoned);
    fixture_command(feed, "undo", &answer);
    assert_true(feed->confusion(feed, &confusion));
    assert_true(confusion.of.abandoned);
    fixture_command(feed, "redo", &answer);
    assert_true(feed->confusion(feed, &confusion));
    assert_false(confusion.of.abandoned);
    run_interrupt(run, "test");
    fixture_end(run, RUN_INTERRUPTED, NULL);

    run = fixture_resume(&fixture, "back", NULL, script);
    feed = run_feed(run);
    fixture_wait(feed, fixture_paused, &now);
    assert_false(feed->confusion(feed, &confusion));
    fixture_command(feed, "evaluate", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    assert_true(feed->confusion(feed, &confusion));
    assert_int_equal(confusion.of.step, 5);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    script_free(script);
}

static void test_images(void **state)
{
    (void)state;
    struct run *run = fixture_start_paused(&fixture, "images", NULL);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    char name[FEED_CLASS_NAME];
    uint8_t pixels[PIXELS], expected[PIXELS];
    const struct data_part whole = {.inputs = PIXELS, .stride = PIXELS};
    float x[PIXELS], one[PIXELS], none[PIXELS] = {0};
    const struct data_transform identity = {one, none, PIXELS};
    for (int p = 0; p < PIXELS; p++)
        one[p] = 1;
    feed->snapshot(feed, &now);
    assert_int_equal(now.image_width, FIXTURE_SIDE);
    assert_int_equal(now.image_height, FIXTURE_SIDE);
    assert_int_equal(now.image_channels, 1);
    feed->class_name(feed, 3, name);
    assert_string_equal(name, data_info(fixture.dataset)->class_name[3]);
    for (uint32_t i = 0; i < VALIDATION; i += 59) {
        const struct data_choice choice = {.split = DATA_VALIDATION, .first = i, .count = 1};
        data_gather(fixture.dataset, &choice, &identity, NULL, &whole, x);
        for (int p = 0; p < PIXELS; p++)
            expected[p] = (uint8_t)x[p];
        feed->image(feed, i, pixels);
        assert_memory_equal(pixels, expected, PIXELS);
    }
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_going_back_and_on),
        cmocka_unit_test(test_images),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
