/*
 * The net in the program's own precision: same bits for any team, no
 * allocation in a step, refused steps, evaluation, learning, initialisation.
 * Gradients are in test_net_gradient.c, schedules in test_net_schedule.c.
 */
#include "kdt/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

/* The linker sends this program's allocations here (-Wl,--wrap). */
static _Atomic int allocations;
void *__real_calloc(size_t count, size_t size);
void *__real_mem_resize(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_mem_resize(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_mem_resize(void *old, size_t size)
{
    allocations++;
    return __real_mem_resize(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    allocations++;
    return __real_posix_memalign(out, alignment, size);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    allocations++;
    return __real_mmap(address, size, protection, flags, fd, offset);
}

/* Samples around one random centre per class, and some rows more than a
 * mini-batch or a block of evaluation. */
struct samples {
    int rows, inputs;
    float *x;
    uint8_t *labels;
};

static struct samples samples_make(int rows, int inputs, int classes)
{
    struct samples samples = {.rows = rows, .inputs = inputs};
    float *centre = mem_alloc((size_t)inputs * sizeof *centre);

    samples.x = mem_alloc((size_t)rows * (size_t)inputs * sizeof *samples.x);
    samples.labels = mem_alloc((size_t)rows);
    for (int r = 0; r < rows; r++) {
        float *x = samples.x + (size_t)r * (size_t)inputs;
        samples.labels[r] = (uint8_t)(r * 7 % classes);
        rng_normal_fill(1, RNG_SYNTHETIC, 1, (uint32_t)r, x, (size_t)inputs);
        rng_normal_fill(1, RNG_SYNTHETIC, 2, samples.labels[r], centre, (size_t)inputs);
        for (int d = 0; d < inputs; d++)
            x[d] += centre[d];
    }
    mem_free(centre);
    return samples;
}

static void samples_free(struct samples *samples)
{
    mem_free(samples->x);
    mem_free(samples->labels);
}

static size_t tensor_bytes(const struct net_tensor *tensor)
{
    return (size_t)tensor->size[0] * (size_t)tensor->size[1] * sizeof(real);
}

/* A copy of the tensor's numbers. */
static real *tensor_copy(const struct net *net, const char *name)
{
    struct net_tensor tensor;

    for (int i = 0; i < net_tensor_count(net); i++) {
        net_tensor_get(net, i, &tensor);
        if (strcmp(tensor.name, name) == 0) {
            real *values = mem_alloc(tensor_bytes(&tensor));
            net_tensor_read(net, i, values);
            return values;
        }
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

static double tensor_at(const struct net *net, const char *name, int i)
{
    real *values = tensor_copy(net, name);
    const double value = (double)values[i];

    mem_free(values);
    return value;
}

/* All tensors one behind the other. */
static unsigned char *state_copy(const struct net *net, size_t *length)
{
    unsigned char *copy = NULL;
    struct net_tensor tensor;

    *length = 0;
    for (int i = 0; i < net_tensor_count(net); i++) {
        net_tensor_get(net, i, &tensor);
        copy = mem_resize(copy, *length + tensor_bytes(&tensor));
        net_tensor_read(net, i, (real *)(void *)(copy + *length));
        *length += tensor_bytes(&tensor);
    }
    return copy;
}

static const struct net_update PLAIN_UPDATE = {.rate = 0.05, .l2 = 1e-3, .momentum = 0.9};

static const struct net_shape SMALL = {
    .inputs = 20,
    .layers = 3,
    .units = {16, 12, 4},
    .activation = NET_RELU,
    .norm = NET_NORM_BEFORE,
    .norm_average = 0.9,
};

struct fixture {
    struct team *team;
    struct net *net;
    struct samples samples;
};

static struct fixture fixture_make(const struct net_shape *shape, int threads, int batch, int rows)
{
    struct fixture fixture;

    assert_int_equal(team_create(threads, &fixture.team, NULL), 0);
    assert_int_equal(net_create(shape, batch, fixture.team, &fixture.net, NULL), 0);
    net_init_weights(fixture.net, NET_INIT_HE, 0, 5);
    fixture.samples = samples_make(rows, shape->inputs, shape->units[shape->layers - 1]);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    samples_free(&fixture->samples);
    net_destroy(fixture->net);
    team_destroy(fixture->team);
}

static struct net_step_result train_step(struct net *net, const float *x, const uint8_t *labels,
                                         int rows, const struct net_update *update,
                                         double loss_limit)
{
    const struct net_matrix matrix = {.x = x, .inputs = net_shape(net)->inputs};
    const struct net_source source = net_matrix_source(&matrix);

    return net_train_step(net, &source, labels, rows, update, loss_limit);
}

/* Steps over the samples in their order; the last mini-batch may be smaller. */
static void train(struct fixture *fixture, int batch, int steps, const struct net_update *update)
{
    const struct samples *samples = &fixture->samples;

    for (int step = 0, first = 0; step < steps; step++, first += batch) {
        if (first >= samples->rows)
            first = 0;
        const int left = samples->rows - first;
        assert_true(train_step(fixture->net, samples->x + (size_t)first * (size_t)samples->inputs,
                               samples->labels + first, left < batch ? left : batch, update,
                               INFINITY)
                        .updated);
    }
}

struct evaluation {
    double loss;
    uint64_t correct;
    struct net_guess guesses[1200];
};

static struct evaluation evaluate(struct fixture *fixture, int first, int rows)
{
    const struct samples *samples = &fixture->samples;
    const struct net_matrix matrix = {
        .x = samples->x + (size_t)first * (size_t)samples->inputs,
        .inputs = samples->inputs,
    };
    const struct net_source source = net_matrix_source(&matrix);
    struct evaluation evaluation = {0};

    net_evaluate(fixture->net, &source, samples->labels + first, rows, &evaluation.loss,
                 &evaluation.correct, evaluation.guesses);
    return evaluation;
}

static void bits_do_not_depend_on_the_team(void **state)
{
    static const int threads[] = {1, 2, 3, 5};
    static const struct net_shape shapes[] = {
        {.inputs = 3072, .layers = 3, .units = {50, 30, 4}, .norm_average = 0.99},
        {.inputs = 784,
         .layers = 4,
         .units = {300, 256, 128, 4},
         .activation = NET_ELU,
         .slope = 0.01,
         .norm = NET_NORM_AFTER,
         .norm_learned = true,
         .norm_average = 0.99},
        {.inputs = 1100,
         .layers = 2,
         .units = {33, 4},
         .activation = NET_LEAKY_RELU,
         .slope = 0.01,
         .norm = NET_NORM_NONE},
        {.inputs = 1003, .layers = 3, .units = {21, 100, 4}, .norm_average = 0.99},
        {.inputs = 500, .layers = 1, .units = {4}},
        {.inputs = 3072, .layers = 4, .units = {1024, 1024, 512, 4}, .norm_average = 0.99},
    };

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const bool wide = shapes[s].units[0] > 1000; /* few steps of it are enough */
        const int steps = wide ? 3 : 10, batch = wide ? 128 : 30;
        unsigned char *expected = NULL;
        struct evaluation first = {0};

        struct net_shape shape = shapes[s];
        shape.optimizer = (enum net_optimizer)(s % 4);
        for (int t = 0; t < 4; t++) {
            struct fixture fixture = fixture_make(&shape, threads[t], batch, 200);
            const struct net_update update = {.rate = 0.01,
                                              .l2 = 1e-4,
                                              .momentum = 0.9,
                                              .dropout = s % 3 ? 0.3 : 0,
                                              .label_smoothing = 0.1};
            size_t length;

            train(&fixture, batch, steps, &update);
            unsigned char *bits = state_copy(fixture.net, &length);
            const struct evaluation evaluation = evaluate(&fixture, 0, 200);
            if (t == 0) {
                expected = bits;
                first = evaluation;
            } else {
                assert_memory_equal(bits, expected, length);
                assert_memory_equal(&evaluation, &first, sizeof first);
                mem_free(bits);
            }
            assert_true(net_finite(fixture.net));
            fixture_free(&fixture);
        }
        mem_free(expected);
    }
}

static void steps_and_evaluation_allocate_nothing(void **state)
{
    struct fixture fixture = fixture_make(&SMALL, 2, 50, 1200);
    const struct net_matrix matrix = {.x = fixture.samples.x, .inputs = SMALL.inputs};
    const struct net_source source = net_matrix_source(&matrix);
    static real p[1200 * 4];
    struct net_measure measure[3];

    (void)state;
    /* The first makes the products' kernels; those of a step came with the net. */
    evaluate(&fixture, 0, 1200);
    const int before = allocations;
    assert_true(before > 0); /* the counter counts */
    for (int step = 0; step < 20; step++) {
        const struct net_update update = {
            .rate = 0.05, .dropout = step % 3 ? 0 : 0.3, .label_smoothing = 0.1, .step = step};
        net_measure_set(fixture.net, step % 2 ? measure : NULL);
        net_train_step(fixture.net, &source, fixture.samples.labels, 50, &update, INFINITY);
    }
    evaluate(&fixture, 0, 1200);
    net_predict(fixture.net, &source, 1200, p);
    assert_int_equal(allocations, before);
    fixture_free(&fixture);
}

static void refused_steps_change_nothing(void **state)
{
    struct fixture fixture = fixture_make(&SMALL, 1, 50, 100);
    struct net *net = fixture.net;
    float *x = fixture.samples.x;
    const uint8_t *labels = fixture.samples.labels;
    size_t length;

    (void)state;
    struct net_step_result result = train_step(net, x, labels, 50, &PLAIN_UPDATE, 1e-3);
    assert_false(result.updated);
    assert_true(result.loss > 1e-3 && result.correct >= 0 && result.correct <= 50);
    assert_false(net_averages_set(net));

    train(&fixture, 50, 2, &PLAIN_UPDATE);
    assert_true(net_averages_set(net));
    unsigned char *before = state_copy(net, &length);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        const float good = x[33];
        x[33] = bad[i];
        result = train_step(net, x, labels, 50, &PLAIN_UPDATE, INFINITY);
        x[33] = good;
        assert_false(result.updated);
        assert_false(isfinite(result.loss));
    }
    unsigned char *after = state_copy(net, &length);
    assert_memory_equal(before, after, length);
    /* The limit itself is still good. */
    result = train_step(net, x, labels, 50, &PLAIN_UPDATE, -1);
    assert_true(train_step(net, x, labels, 50, &PLAIN_UPDATE, result.loss).updated);
    mem_free(before);
    mem_free(after);
    fixture_free(&fixture);
}

/* Forward with the moving averages as the reference writes it, in double. */
static void plain_predict(const struct net *net, const float *x, double *p)
{
    const struct net_shape *shape = net_shape(net);
    double in[64], out[64];
    char name[64];

    for (int d = 0; d < shape->inputs; d++)
        in[d] = (double)x[d];
    for (int l = 0; l < shape->layers; l++) {
        const int inputs = l == 0 ? shape->inputs : shape->units[l - 1];
        snprintf(name, sizeof name, "layers.%d.weight", l);
        real *weight = tensor_copy(net, name);
        snprintf(name, sizeof name, "layers.%d.bias", l);
        real *bias = tensor_copy(net, name);
        for (int h = 0; h < shape->units[l]; h++) {
            double s = (double)bias[h];
            for (int d = 0; d < inputs; d++)
                s += (double)weight[h * inputs + d] * in[d];
            if (l < shape->layers - 1 && shape->norm == NET_NORM_AFTER)
                s = s > 0 ? s : 0;
            if (l < shape->layers - 1 && shape->norm != NET_NORM_NONE) {
                static const char *const parts[] = {"mean", "variance", "scale", "shift"};
                double value[4] = {0, 1, 1, 0};
                for (int i = 0; i < (shape->norm_learned ? 4 : 2); i++) {
                    snprintf(name, sizeof name, "layers.%d.batch_norm.%s", l, parts[i]);
                    value[i] = tensor_at(net, name, h);
                }
                s = value[2] * (s - value[0]) / sqrt(value[1] + NET_NORM_EPSILON) + value[3];
            }
            if (l < shape->layers - 1 && shape->norm != NET_NORM_AFTER)
                s = s > 0 ? s : 0;
            out[h] = s;
        }
        memcpy(in, out, sizeof in);
        mem_free(weight);
        mem_free(bias);
    }
    const int classes = shape->units[shape->layers - 1];
    double sum = 0;
    for (int k = 0; k < classes; k++)
        sum += exp(in[k]);
    for (int k = 0; k < classes; k++)
        p[k] = exp(in[k]) / sum;
}

static void evaluation_follows_the_formulas(void **state)
{
    static const enum net_norm norms[] = {NET_NORM_BEFORE, NET_NORM_AFTER, NET_NORM_NONE};
    enum { COUNT = 1100 };

    (void)state;
    for (int variant = 0; variant < 6; variant++) {
        struct net_shape shape = SMALL;
        static real p[COUNT * 4];
        double loss = 0;
        struct evaluation expected = {0};

        shape.norm = norms[variant % 3];
        shape.norm_learned = variant >= 3;
        struct fixture fixture = fixture_make(&shape, 2, 50, COUNT);
        train(&fixture, 50, 12, &PLAIN_UPDATE);
        const struct net_matrix matrix = {.x = fixture.samples.x, .inputs = shape.inputs};
        const struct net_source source = net_matrix_source(&matrix);
        net_predict(fixture.net, &source, COUNT, p);
        for (int r = 0; r < COUNT; r++) {
            double plain[4];
            int largest = 0;
            plain_predict(fixture.net, fixture.samples.x + (size_t)r * 20, plain);
            for (int k = 0; k < 4; k++) {
                assert_true(fabs(plain[k] - (double)p[r * 4 + k]) < 1e-4);
                if (p[r * 4 + k] > p[r * 4 + largest])
                    largest = k;
            }
            loss -= log(plain[fixture.samples.labels[r]]);
            expected.correct += largest == fixture.samples.labels[r];
            expected.guesses[r] = (struct net_guess){p[r * 4 + largest], (uint8_t)largest};
        }
        const struct evaluation evaluation = evaluate(&fixture, 0, COUNT);
        assert_true(fabs(evaluation.loss - loss) < 1e-4 * loss);
        assert_int_equal(evaluation.correct, expected.correct);
        for (int r = 0; r < COUNT; r++) {
            assert_int_equal(evaluation.guesses[r].class, expected.guesses[r].class);
            assert_true(evaluation.guesses[r].probability == expected.guesses[r].probability);
        }

        /* In two calls the sums go on. */
        double sum = 0;
        uint64_t correct = 0;
        const struct net_matrix rest = {fixture.samples.x + (size_t)512 * 20, shape.inputs};
        const struct net_source rest_source = net_matrix_source(&rest);
        net_evaluate(fixture.net, &source, fixture.samples.labels, 512, &sum, &correct, NULL);
        net_evaluate(fixture.net, &rest_source, fixture.samples.labels + 512, COUNT - 512, &sum,
                     &correct, NULL);
        assert_true(sum == evaluation.loss);
        assert_int_equal(correct, evaluation.correct);
        fixture_free(&fixture);
    }
}

static void moving_averages_start_with_the_first_mini_batch(void **state)
{
    struct net_shape shape = SMALL;
    double mean[2] = {0};
    const struct net_update still = {.rate = 0};

    (void)state;
    shape.norm = NET_NORM_BEFORE;
    struct fixture fixture = fixture_make(&shape, 1, 50, 100);
    static const char moving[] = "layers.0.batch_norm.mean";
    real *weight = tensor_copy(fixture.net, "layers.0.weight");
    for (int r = 0; r < 100; r++)
        for (int d = 0; d < 20; d++)
            mean[r / 50] += (double)weight[d] * (double)fixture.samples.x[r * 20 + d] / 50;
    train(&fixture, 50, 1, &still);
    assert_true(fabs(tensor_at(fixture.net, moving, 0) - mean[0]) < 1e-5);
    train(&fixture, 50, 2, &still);
    /* Twice the first mini-batch, then the second. */
    assert_true(fabs(tensor_at(fixture.net, moving, 0) - (0.9 * mean[0] + 0.1 * mean[1])) < 1e-5);
    mem_free(weight);
    fixture_free(&fixture);
}

static void toy_problem_is_learned(void **state)
{
    static const enum net_norm norms[] = {NET_NORM_BEFORE, NET_NORM_AFTER, NET_NORM_NONE};

    (void)state;
    for (int variant = 0; variant < 12; variant++) {
        struct net_shape shape = SMALL;
        const struct net_update update = {.rate = 0.02, .l2 = 1e-5, .momentum = 0.9};

        shape.norm = norms[variant % 3];
        shape.optimizer = (enum net_optimizer)(variant / 3);
        struct fixture fixture = fixture_make(&shape, 2, 50, 1000);
        train(&fixture, 50, 100, &update);
        assert_true(evaluate(&fixture, 0, 1000).correct > 950);
        fixture_free(&fixture);
    }
}

/* A step's loss, which changes nothing. */
static double dropped_loss(const struct fixture *fixture, double dropout, uint64_t seed,
                           int64_t step)
{
    const struct net_update update = {.dropout = dropout, .seed = seed, .step = step};

    return train_step(fixture->net, fixture->samples.x, fixture->samples.labels, 200, &update, -1)
        .loss;
}

/* What is dropped and by how much the rest grows is in test_net_gradient.c. */
static void dropout_depends_on_seed_and_step(void **state)
{
    struct net_shape shape = SMALL;

    (void)state;
    shape.norm = NET_NORM_NONE;
    struct fixture fixture = fixture_make(&shape, 2, 200, 200);
    const double whole = dropped_loss(&fixture, 0, 1, 0), loss = dropped_loss(&fixture, 0.5, 1, 0);
    assert_true(dropped_loss(&fixture, 0, 2, 3) == whole);
    assert_true(dropped_loss(&fixture, 1e-6, 1, 0) == whole); /* less than what is drawn */
    assert_true(loss != whole);
    assert_true(dropped_loss(&fixture, 0.5, 1, 0) == loss);
    assert_true(dropped_loss(&fixture, 0.5, 1, 1) != loss);
    assert_true(dropped_loss(&fixture, 0.5, 2, 0) != loss);
    assert_true(dropped_loss(&fixture, 0.4, 1, 0) != loss);
    fixture_free(&fixture);
}

/* A layer of ones, whose outputs a next one adds up: each row's sum tells how many are left. */
static void dropout_keeps_the_mean(void **state)
{
    enum { UNITS = 1000, ROWS = 200 };
    static const struct net_shape shape = {
        .inputs = 16, .layers = 2, .units = {UNITS, 2}, .norm = NET_NORM_NONE};
    static float ones[UNITS * 16], sums[2 * UNITS];
    struct fixture fixture = fixture_make(&shape, 1, ROWS, ROWS);
    const struct net_update update = {.dropout = 0.2, .seed = 5, .step = 9};

    (void)state;
    memset(fixture.samples.x, 0, (size_t)ROWS * 16 * sizeof *fixture.samples.x);
    memset(fixture.samples.labels, 0, ROWS);
    for (int i = 0; i < UNITS; i++)
        ones[i] = 1;
    for (int i = 0; i < UNITS; i++)
        sums[UNITS + i] = 10.0F / UNITS; /* of class 1, that of class 0 is 0 */
    net_tensor_write(fixture.net, 1, ones);
    net_tensor_write(fixture.net, 2, sums);
    const double loss =
        train_step(fixture.net, fixture.samples.x, fixture.samples.labels, ROWS, &update, -1).loss;
    /* log(1 + e^z) - 0, all but z = 10, 10 sums of 200 000 units; its standard error is 0.011. */
    assert_true(fabs(loss - 10) < 0.05);
    fixture_free(&fixture);
}

static void initial_weights_have_the_deviation_of_the_rule(void **state)
{
    static const struct net_shape shape = {
        .inputs = 400, .layers = 2, .units = {200, 10}, .norm_learned = true, .norm_average = 0.99};
    const double deviations[] = {sqrt(2.0 / 400), sqrt(2.0 / 600), 0.001};
    struct fixture fixture = fixture_make(&shape, 1, 10, 10);
    const int count = 400 * 200;
    size_t length;

    (void)state;
    for (int rule = 0; rule < 3; rule++) {
        double mean = 0, squares = 0;
        train(&fixture, 10, 1, &PLAIN_UPDATE);
        net_init_weights(fixture.net, (enum net_init)rule, 0.001, 3);
        real *weight = tensor_copy(fixture.net, "layers.0.weight");
        for (int i = 0; i < count; i++)
            mean += (double)weight[i] / count;
        for (int i = 0; i < count; i++)
            squares += pow((double)weight[i] - mean, 2) / count;
        mem_free(weight);
        /* Five standard errors. */
        assert_true(fabs(mean) < 5 * deviations[rule] / sqrt(count));
        assert_true(fabs(sqrt(squares) / deviations[rule] - 1) < 5 / sqrt(2.0 * count));
        assert_false(net_averages_set(fixture.net));
        assert_true(tensor_at(fixture.net, "layers.0.bias", 7) == 0);
        assert_true(tensor_at(fixture.net, "layers.0.batch_norm.scale", 7) == 1);
        assert_true(tensor_at(fixture.net, "layers.0.batch_norm.shift", 7) == 0);
        assert_true(tensor_at(fixture.net, "optimizer.layers.0.weight.velocity", 7) == 0);
    }
    unsigned char *third = state_copy(fixture.net, &length);
    net_init_weights(fixture.net, NET_INIT_NORMAL, 0.001, 3);
    unsigned char *again = state_copy(fixture.net, &length);
    net_init_weights(fixture.net, NET_INIT_NORMAL, 0.001, 4);
    unsigned char *other = state_copy(fixture.net, &length);
    assert_memory_equal(third, again, length);
    assert_memory_not_equal(third, other, length);
    mem_free(third);
    mem_free(again);
    mem_free(other);
    fixture_free(&fixture);
}

static void tensors_are_the_whole_state(void **state)
{
    struct net_shape shape = SMALL;
    struct net_tensor tensor;
    size_t length, again_length;

    (void)state;
    shape.norm_learned = true;
    struct fixture fixture = fixture_make(&shape, 1, 50, 200);
    assert_int_equal(net_tensor_count(fixture.net), 2 * 6 + 2 + 2 * 4 + 2);
    assert_int_equal(net_parameters(fixture.net), 20 * 16 + 3 * 16 + 16 * 12 + 3 * 12 + 12 * 4 + 4);
    net_tensor_get(fixture.net, 0, &tensor);
    assert_string_equal(tensor.name, "layers.0.weight");
    assert_int_equal(tensor.dimensions, 2);
    assert_int_equal(tensor.size[0], 16);
    assert_int_equal(tensor.size[1], 20);
    assert_false(tensor.optimizer);
    net_tensor_get(fixture.net, 23, &tensor);
    assert_string_equal(tensor.name, "optimizer.layers.2.bias.velocity");
    assert_int_equal(tensor.dimensions, 1);
    assert_int_equal(tensor.size[0], 4);
    assert_true(tensor.optimizer);

    /* Another net that takes over the tensors goes on bit for bit. */
    train(&fixture, 50, 3, &PLAIN_UPDATE);
    struct fixture copy = fixture_make(&shape, 1, 50, 200);
    for (int i = 0; i < net_tensor_count(copy.net); i++) {
        struct net_tensor from;
        net_tensor_get(fixture.net, i, &from);
        net_tensor_get(copy.net, i, &tensor);
        assert_string_equal(tensor.name, from.name);
        real *values = tensor_copy(fixture.net, from.name);
        net_tensor_write(copy.net, i, values);
        mem_free(values);
    }
    net_averages_mark(copy.net, net_averages_set(fixture.net));
    train(&fixture, 50, 3, &PLAIN_UPDATE);
    train(&copy, 50, 3, &PLAIN_UPDATE);
    unsigned char *bits = state_copy(fixture.net, &length);
    unsigned char *again = state_copy(copy.net, &again_length);
    assert_int_equal(length, again_length);
    assert_memory_equal(bits, again, length);
    mem_free(bits);
    mem_free(again);

    /* Velocities do not count as damage, all else does. */
    for (int i = 0; i < net_tensor_count(copy.net); i++) {
        net_tensor_get(copy.net, i, &tensor);
        real *values = tensor_copy(copy.net, tensor.name);
        const real good = values[1];
        values[1] = NAN;
        net_tensor_write(copy.net, i, values);
        assert_int_equal(net_finite(copy.net), tensor.optimizer);
        values[1] = good;
        net_tensor_write(copy.net, i, values);
        mem_free(values);
    }
    fixture_free(&copy);
    fixture_free(&fixture);
}

static void the_clock_knows_where_the_time_goes(void **state)
{
    enum { THREADS = 2 };
    struct fixture fixture = fixture_make(&SMALL, THREADS, 50, 200);
    struct net_clock clock = {0}, stopped = {0};
    uint64_t sum = 0;

    (void)state;
    net_clock_set(fixture.net, &clock);
    train(&fixture, 50, 20, &PLAIN_UPDATE);
    for (int phase = 0; phase < NET_PHASES; phase++) {
        assert_true(clock.phase[phase] > 0);
        sum += clock.phase[phase];
    }
    assert_true(sum <= THREADS * clock.steps);

    net_clock_set(fixture.net, NULL);
    memcpy(&stopped, &clock, sizeof clock);
    train(&fixture, 50, 3, &PLAIN_UPDATE);
    assert_memory_equal(&stopped, &clock, sizeof clock);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_do_not_depend_on_the_team),
        cmocka_unit_test(steps_and_evaluation_allocate_nothing),
        cmocka_unit_test(refused_steps_change_nothing),
        cmocka_unit_test(evaluation_follows_the_formulas),
        cmocka_unit_test(moving_averages_start_with_the_first_mini_batch),
        cmocka_unit_test(toy_problem_is_learned),
        cmocka_unit_test(dropout_depends_on_seed_and_step),
        cmocka_unit_test(dropout_keeps_the_mean),
        cmocka_unit_test(initial_weights_have_the_deviation_of_the_rule),
        cmocka_unit_test(tensors_are_the_whole_state),
        cmocka_unit_test(the_clock_knows_where_the_time_goes),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
