/*
 * What a step shows of its layers: by the definitions, and without a trace in
 * what is trained.
 */
#include "kdt/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_LAYERS = 4, MOST_ROWS = 100 };

struct fixture {
    struct team *team;
    struct net *net;
    int inputs;
    float *x; /* [MOST_ROWS][inputs] */
    uint8_t labels[MOST_ROWS];
};

static struct fixture fixture_make(const struct net_shape *shape, int threads)
{
    struct fixture fixture = {.inputs = shape->inputs};

    assert_int_equal(team_create(threads, &fixture.team, NULL), 0);
    assert_int_equal(net_create(shape, MOST_ROWS, fixture.team, &fixture.net, NULL), 0);
    net_init_weights(fixture.net, NET_INIT_HE, 0, 5);
    fixture.x = mem_alloc(MOST_ROWS * (size_t)shape->inputs * sizeof *fixture.x);
    rng_normal_fill(1, RNG_SYNTHETIC, 1, 0, fixture.x, MOST_ROWS * (size_t)shape->inputs);
    for (int r = 0; r < MOST_ROWS; r++)
        fixture.labels[r] = (uint8_t)(r * 7 % shape->units[shape->layers - 1]);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    mem_free(fixture->x);
    net_destroy(fixture->net);
    team_destroy(fixture->team);
}

static bool step(struct fixture *fixture, int rows, const struct net_update *update, double limit)
{
    const struct net_matrix matrix = {.x = fixture->x, .inputs = fixture->inputs};
    const struct net_source source = net_matrix_source(&matrix);

    return net_train_step(fixture->net, &source, fixture->labels, rows, update, limit).updated;
}

struct tensor {
    int i;
    size_t length;
    float *values;
};

static struct tensor tensor_copy(const struct net *net, const char *prefix, int layer,
                                 const char *rest)
{
    struct net_tensor about;
    char name[64];

    snprintf(name, sizeof name, "%slayers.%d.%s", prefix, layer, rest);
    for (int i = 0; i < net_tensor_count(net); i++) {
        net_tensor_get(net, i, &about);
        if (strcmp(about.name, name) != 0)
            continue;
        struct tensor tensor = {i, (size_t)about.size[0] * (size_t)about.size[1], NULL};
        tensor.values = mem_alloc(tensor.length * sizeof(float));
        net_tensor_read(net, i, tensor.values);
        return tensor;
    }
    fail_msg("no tensor %s", name);
    return (struct tensor){0};
}

static void tensor_free(struct tensor *tensor)
{
    mem_free(tensor->values);
}

/* Every tensor's sum of bytes weighted by place: enough to tell states apart. */
static uint64_t state_hash(const struct net *net)
{
    uint64_t hash = 14695981039346656037u;
    struct net_tensor about;

    for (int i = 0; i < net_tensor_count(net); i++) {
        net_tensor_get(net, i, &about);
        const size_t bytes = (size_t)about.size[0] * (size_t)about.size[1] * sizeof(float);
        unsigned char *values = mem_alloc(bytes);
        net_tensor_read(net, i, (float *)(void *)values);
        for (size_t b = 0; b < bytes; b++)
            hash = (hash ^ values[b]) * 1099511628211u;
        mem_free(values);
    }
    return hash;
}

/* ---- looking changes nothing ---- */

static const struct net_shape SHAPES[] = {
    {.inputs = 3072, .layers = 3, .units = {50, 30, 4}, .norm_average = 0.99},
    {.inputs = 784,
     .layers = 4,
     .units = {300, 256, 128, 4},
     .activation = NET_ELU,
     .slope = 0.01,
     .norm = NET_NORM_AFTER,
     .norm_learned = true,
     .norm_average = 0.99},
    {.inputs = 1003,
     .layers = 3,
     .units = {21, 100, 4},
     .activation = NET_LEAKY_RELU,
     .slope = 0.01,
     .norm = NET_NORM_NONE},
    {.inputs = 500, .layers = 1, .units = {4}},
};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

/* The state after ten steps; `look`: every second one is measured. */
static uint64_t train(const struct net_shape *shape, int threads, bool look,
                      struct net_measure measure[MOST_LAYERS])
{
    const struct net_update update = {.rate = 0.01, .l2 = 1e-4, .momentum = 0.9, .dropout = 0.1};
    struct fixture fixture = fixture_make(shape, threads);

    for (int i = 0; i < 10; i++) {
        net_measure_set(fixture.net, look && i % 2 ? measure : NULL);
        assert_true(step(&fixture, i % 3 ? MOST_ROWS : 37, &update, INFINITY));
    }
    const uint64_t hash = state_hash(fixture.net);
    fixture_free(&fixture);
    return hash;
}

static void looking_changes_no_bit(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * SHAPE_COUNT; i++) {
        struct net_shape shape = SHAPES[i % SHAPE_COUNT];
        struct net_measure first[MOST_LAYERS], other[MOST_LAYERS];

        shape.optimizer = (enum net_optimizer)(i % 4);
        shape.precision = i < SHAPE_COUNT ? NET_FLOAT32 : NET_BFLOAT16;
        if (shape.precision == NET_BFLOAT16 && math_bf16() == NULL)
            continue;
        memset(first, 0, sizeof first);
        memset(other, 0, sizeof other);
        const uint64_t alone = train(&shape, 1, false, NULL);
        assert_true(train(&shape, 1, true, first) == alone);
        for (int threads = 2; threads <= 3; threads++) {
            assert_true(train(&shape, threads, true, other) == alone);
            assert_memory_equal(first, other, sizeof first);
        }
    }
}

/* ---- the definitions ---- */

static double norm(const float *x, const float *less, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += pow((double)x[i] - (less ? (double)less[i] : 0), 2);
    return sqrt(sum);
}

static void assert_close(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected)))
        fail_msg("%g instead of %g", value, expected);
}

/* At rate 1 without momentum and L2, the velocity is the gradient; a second step
 * has both. */
static void norms_are_those_of_gradient_weights_and_change(void **state)
{
    static const struct net_update plain = {.rate = 1};
    static const struct net_update full = {.rate = 0.5, .l2 = 0.01, .momentum = 0.9};

    (void)state;
    for (int i = 0; i < 2 * SHAPE_COUNT; i++) {
        struct net_shape shape = SHAPES[i % SHAPE_COUNT];
        struct net_measure measure[MOST_LAYERS];
        shape.precision = i < SHAPE_COUNT ? NET_FLOAT32 : NET_BFLOAT16;
        if (shape.precision == NET_BFLOAT16 && math_bf16() == NULL)
            continue;
        struct fixture fixture = fixture_make(&shape, 2);

        net_measure_set(fixture.net, measure);
        for (int second = 0; second < 2; second++) {
            struct tensor before[MOST_LAYERS];
            for (int l = 0; l < shape.layers; l++)
                before[l] = tensor_copy(fixture.net, "", l, "weight");
            assert_true(step(&fixture, 30, second ? &full : &plain, INFINITY));
            for (int l = 0; l < shape.layers; l++) {
                struct tensor after = tensor_copy(fixture.net, "", l, "weight");
                struct tensor velocity =
                    tensor_copy(fixture.net, "optimizer.", l, "weight.velocity");
                assert_close(measure[l].weight_norm, norm(before[l].values, NULL, after.length),
                             1e-12);
                assert_close(measure[l].update_norm,
                             norm(after.values, before[l].values, after.length), 1e-12);
                if (!second)
                    assert_close(measure[l].gradient_norm,
                                 norm(velocity.values, NULL, velocity.length), 1e-12);
                assert_true(measure[l].gradient_norm > 0);
                tensor_free(&before[l]);
                tensor_free(&after);
                tensor_free(&velocity);
            }
        }
        fixture_free(&fixture);
    }
}

/* A layer whose four units give known numbers for each of four rows. */
static struct fixture known_activations(const float activation[4][4], bool hidden)
{
    const struct net_shape shape = {
        .inputs = 4,
        .layers = hidden ? 2 : 1,
        .units = {4, 4},
        .activation = NET_RELU,
        .norm = NET_NORM_NONE,
    };
    struct fixture fixture = fixture_make(&shape, 1);
    struct tensor weight = tensor_copy(fixture.net, "", 0, "weight");

    for (int h = 0; h < 4; h++)
        for (int d = 0; d < 4; d++) {
            weight.values[h * 4 + d] = activation[d][h];
            fixture.x[h * 4 + d] = h == d;
        }
    net_tensor_write(fixture.net, weight.i, weight.values);
    tensor_free(&weight);
    return fixture;
}

static void activations_are_counted(void **state)
{
    /* Unit 1 is never above 0. */
    static const float numbers[4][4] = {
        {0.25F, -4, 31, 0}, {0, 0, 2, 1.99F}, {-7, -1, -1, 2}, {12, 0, -3, 30.5F}};
    static const struct net_update update = {.rate = 0.1};
    struct net_measure measure[2];

    (void)state;
    struct fixture fixture = known_activations(numbers, true);
    net_measure_set(fixture.net, measure);
    assert_true(step(&fixture, 4, &update, INFINITY));
    assert_int_equal(measure[0].inactive, 1);
    assert_int_equal(measure[0].zeros, 9);
    assert_true(measure[0].bins_from == 0 && measure[0].bin_width == 1);
    for (int i = 0; i < NET_BINS; i++) {
        const bool once = i == 0 || i == 1 || i == 12 || i == 30 || i == 31;
        assert_int_equal(measure[0].bins[i], i == 2 ? 2 : once);
    }
    assert_int_equal(measure[1].inactive, 0);
    assert_true(isnan(measure[0].mean_drift) && isnan(measure[0].deviation_drift));
    fixture_free(&fixture);

    /* Logits: 8 bins of 1 for what is below 0 would leave 24 for 31. */
    fixture = known_activations(numbers, false);
    net_measure_set(fixture.net, measure);
    assert_true(step(&fixture, 4, &update, INFINITY));
    assert_int_equal(measure[0].inactive, 0);
    assert_int_equal(measure[0].zeros, 4);
    assert_true(measure[0].bin_width == 1.5 && measure[0].bins_from == -9);
    uint32_t sum = 0;
    for (int i = 0; i < NET_BINS; i++)
        sum += measure[0].bins[i];
    assert_int_equal(sum, 12);
    assert_int_equal(measure[0].bins[1], 1); /* -7 */
    assert_int_equal(measure[0].bins[5], 2); /* -1, twice */
    assert_int_equal(measure[0].bins[6], 1); /* 0.25 */
    fixture_free(&fixture);
}

/* Any range is covered, and as closely as round numbers can. */
static void bins_fit_what_there_is(void **state)
{
    static const struct net_update update = {.rate = 0};

    (void)state;
    for (int i = 0; i < 200; i++) {
        float numbers[4][4];
        struct net_measure measure;
        const float scale = powf(10, (float)(i % 9) - 6);
        rng_normal_fill(2, RNG_SYNTHETIC, 0, (uint32_t)i, numbers[0], 16);
        double least = 0, largest = 0;
        for (int k = 0; k < 16; k++) {
            numbers[k / 4][k % 4] = scale * (numbers[k / 4][k % 4] + (float)(i % 7) - 3);
            least = fmin(least, (double)numbers[k / 4][k % 4]);
            largest = fmax(largest, (double)numbers[k / 4][k % 4]);
        }
        struct fixture fixture = known_activations(numbers, false);
        net_measure_set(fixture.net, &measure);
        assert_true(step(&fixture, 4, &update, INFINITY));
        uint32_t sum = measure.zeros;
        for (int b = 0; b < NET_BINS; b++)
            sum += measure.bins[b];
        assert_int_equal(sum, 16);
        assert_true(measure.bins_from <= least);
        assert_true(measure.bins_from + NET_BINS * measure.bin_width > largest);
        assert_true(NET_BINS * measure.bin_width < 2 * (largest - least));
        assert_true(fmod(-measure.bins_from / measure.bin_width + 1e-9, 2) < 1e-6);
        fixture_free(&fixture);
    }
}

static void drift_is_how_far_the_averages_are_behind(void **state)
{
    static const struct net_update update = {.rate = 0.1};
    const struct net_shape shape = {
        .inputs = 20, .layers = 2, .units = {16, 4}, .norm_average = 0.5};
    struct fixture fixture = fixture_make(&shape, 1);
    struct net_measure measure[2];

    (void)state;
    net_measure_set(fixture.net, measure);
    assert_true(step(&fixture, 50, &update, INFINITY));
    /* They began with this mini-batch. */
    assert_true(measure[0].mean_drift == 0 && measure[0].deviation_drift == 0);
    assert_true(isnan(measure[1].mean_drift));

    struct tensor mean_was = tensor_copy(fixture.net, "", 0, "batch_norm.mean");
    struct tensor variance_was = tensor_copy(fixture.net, "", 0, "batch_norm.variance");
    for (int i = 0; i < MOST_ROWS * shape.inputs; i++)
        fixture.x[i] = 1.5F * fixture.x[i] + 0.5F;
    assert_true(step(&fixture, 50, &update, INFINITY));
    struct tensor mean = tensor_copy(fixture.net, "", 0, "batch_norm.mean");
    struct tensor variance = tensor_copy(fixture.net, "", 0, "batch_norm.variance");
    double means = 0, deviations = 0;
    for (int h = 0; h < 16; h++) {
        /* moving = (moving before + mini-batch's) / 2 */
        const double batch_mean = 2 * (double)mean.values[h] - (double)mean_was.values[h];
        const double batch_variance =
            2 * (double)variance.values[h] - (double)variance_was.values[h];
        means += pow((double)mean.values[h] - batch_mean, 2) /
                 ((double)variance.values[h] + NET_NORM_EPSILON) / 16;
        deviations += pow(log(sqrt(((double)variance.values[h] + NET_NORM_EPSILON) /
                                   (batch_variance + NET_NORM_EPSILON))),
                          2) /
                      16;
    }
    assert_close(measure[0].mean_drift, sqrt(means), 1e-4);
    assert_close(measure[0].deviation_drift, sqrt(deviations), 1e-4);
    tensor_free(&mean_was);
    tensor_free(&variance_was);
    tensor_free(&mean);
    tensor_free(&variance);
    fixture_free(&fixture);
}

/* Nothing is measured of a step that is refused, nor once nobody looks. */
static void what_is_not_asked_for_is_left_alone(void **state)
{
    static const struct net_update update = {.rate = 0.1};
    struct fixture fixture = fixture_make(&SHAPES[3], 1);
    struct net_measure measure = {.inactive = -1};

    (void)state;
    net_measure_set(fixture.net, &measure);
    assert_false(step(&fixture, 50, &update, -1));
    assert_int_equal(measure.inactive, -1);
    net_measure_set(fixture.net, NULL);
    assert_true(step(&fixture, 50, &update, INFINITY));
    assert_int_equal(measure.inactive, -1);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_changes_no_bit),
        cmocka_unit_test(norms_are_those_of_gradient_weights_and_change),
        cmocka_unit_test(activations_are_counted),
        cmocka_unit_test(bins_fit_what_there_is),
        cmocka_unit_test(drift_is_how_far_the_averages_are_behind),
        cmocka_unit_test(what_is_not_asked_for_is_left_alone),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
