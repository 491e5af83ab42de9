/*
 * Gradients against central differences, in double: math and net are built
 * again with real = double. The loss is also computed by a plain twin of the
 * formulas, which tells too on which side of 0 each pre-activation lies.
 */
#include "kdt/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 11, INPUTS = 9, CLASSES = 4, MOST_UNITS = 16, MOST_SIGNS = 4 * ROWS * MOST_UNITS };
static const double H = 1e-5, LAMBDA = 0.01;

struct problem {
    double x[ROWS * INPUTS];
    uint8_t labels[ROWS];
};

/* A tensor and a copy of its numbers. */
struct tensor {
    struct net_tensor about;
    int i;
    double *data;
};

static size_t tensor_length(const struct tensor *tensor)
{
    return (size_t)tensor->about.size[0] * (size_t)tensor->about.size[1];
}

static struct tensor tensor_read(const struct net *net, int i)
{
    struct tensor tensor = {.i = i};

    net_tensor_get(net, i, &tensor.about);
    tensor.data = malloc(tensor_length(&tensor) * sizeof *tensor.data);
    net_tensor_read(net, i, tensor.data);
    return tensor;
}

/* Zero where there is none. The caller frees its data. */
static struct tensor tensor_find(const struct net *net, const char *prefix, int layer,
                                 const char *name)
{
    char wanted[128];
    struct net_tensor about;

    snprintf(wanted, sizeof wanted, "%slayers.%d.%s", prefix, layer, name);
    for (int i = 0; i < net_tensor_count(net); i++) {
        net_tensor_get(net, i, &about);
        if (strcmp(about.name, wanted) == 0)
            return tensor_read(net, i);
    }
    return (struct tensor){0};
}

static struct net_step_result train_step(struct net *net, const double *x, const uint8_t *labels,
                                         int rows, const struct net_update *update,
                                         double loss_limit)
{
    const struct net_matrix matrix = {.x = x, .inputs = net_shape(net)->inputs};
    const struct net_source source = net_matrix_source(&matrix);

    return net_train_step(net, &source, labels, rows, update, loss_limit);
}

static double activate(const struct net_shape *shape, double x)
{
    switch (shape->activation) {
    case NET_RELU:
        return fmax(0, x);
    case NET_LEAKY_RELU:
        return x > 0 ? x : shape->slope * x;
    case NET_ELU:
        break;
    }
    return x > 0 ? x : shape->slope * (exp(x) - 1);
}

/* Of what layer l gives: 0, or what it is multiplied by. */
static double plain_dropout(const struct net_update *update, int l, int row, int unit)
{
    const struct rng_words words =
        rng_draw(update->seed, RNG_DROPOUT, (uint32_t)update->step,
                 (uint32_t)l << 24 | (uint32_t)(row / 8), (uint32_t)unit);
    const uint32_t drawn = words.word[row % 8 / 2] >> 16 * (row % 2) & 0xffff;
    const double limit = round(65536 * update->dropout);

    return drawn < limit ? 0 : 65536 / (65536 - limit);
}

/* The twin: J of the mini-batch, and the signs of all pre-activations. */
static double plain_loss(const struct net *net, const struct problem *problem,
                         const struct net_update *update, double smoothing, char *signs)
{
    const struct net_shape *shape = net_shape(net);
    double in[ROWS][MOST_UNITS] = {{0}}, out[ROWS][MOST_UNITS], penalty = 0, loss = 0;

    for (int r = 0; r < ROWS; r++)
        memcpy(in[r], problem->x + r * INPUTS, INPUTS * sizeof(double));
    for (int l = 0; l < shape->layers; l++) {
        const struct tensor weight = tensor_find(net, "", l, "weight");
        const struct tensor bias = tensor_find(net, "", l, "bias");
        const struct tensor scale = tensor_find(net, "", l, "batch_norm.scale");
        const struct tensor shift = tensor_find(net, "", l, "batch_norm.shift");
        const int inputs = weight.about.size[1];
        const bool hidden = l < shape->layers - 1;

        for (size_t i = 0; i < tensor_length(&weight); i++)
            penalty += weight.data[i] * weight.data[i];
        for (int h = 0; h < weight.about.size[0]; h++) {
            double column[ROWS], mean = 0, variance = 0;

            for (int r = 0; r < ROWS; r++) {
                column[r] = bias.data[h];
                for (int d = 0; d < inputs; d++)
                    column[r] += weight.data[h * inputs + d] * in[r][d];
            }
            for (int pass = 0; hidden && pass < 2; pass++) {
                const bool normalizes = shape->norm != NET_NORM_NONE &&
                                        pass == (shape->norm == NET_NORM_BEFORE ? 0 : 1);
                const bool activates = pass == (shape->norm == NET_NORM_BEFORE ? 1 : 0);

                for (int r = 0; activates && r < ROWS; r++) {
                    *signs++ = column[r] > 0;
                    column[r] = activate(shape, column[r]);
                }
                if (!normalizes)
                    continue;
                for (int r = 0; r < ROWS; r++)
                    mean += column[r] / ROWS;
                for (int r = 0; r < ROWS; r++)
                    variance += (column[r] - mean) * (column[r] - mean) / ROWS;
                for (int r = 0; r < ROWS; r++) {
                    column[r] = (column[r] - mean) / sqrt(variance + NET_NORM_EPSILON);
                    if (shape->norm_learned)
                        column[r] = scale.data[h] * column[r] + shift.data[h];
                }
            }
            for (int r = 0; r < ROWS; r++)
                out[r][h] = column[r] * (hidden ? plain_dropout(update, l, r, h) : 1);
        }
        memcpy(in, out, sizeof in);
        free(weight.data);
        free(bias.data);
        free(scale.data);
        free(shift.data);
    }
    for (int r = 0; r < ROWS; r++) {
        double sum = 0, target = 0;
        for (int k = 0; k < CLASSES; k++)
            sum += exp(in[r][k]);
        for (int k = 0; k < CLASSES; k++)
            target +=
                (smoothing / CLASSES + (k == problem->labels[r] ? 1 - smoothing : 0)) * in[r][k];
        loss += (log(sum) - target) / ROWS;
    }
    return loss + LAMBDA * penalty;
}

/* J by the net itself, which is without label smoothing: a step whose loss limit no
 * loss meets changes nothing. */
static double net_loss(struct net *net, const struct problem *problem,
                       const struct net_update *update)
{
    const struct net_step_result result =
        train_step(net, problem->x, problem->labels, ROWS, update, -1);
    double penalty = 0;

    assert_false(result.updated);
    for (int l = 0; l < net_shape(net)->layers; l++) {
        const struct tensor weight = tensor_find(net, "", l, "weight");
        for (size_t i = 0; i < tensor_length(&weight); i++)
            penalty += weight.data[i] * weight.data[i];
        free(weight.data);
    }
    return result.loss + LAMBDA * penalty;
}

struct count {
    int checked, kinks;
};

/* J as it is descended, by the twin; the two must agree on what is reported. */
static double both_losses(struct net *net, const struct problem *problem,
                          const struct net_update *update, char *signs)
{
    const double reported = net_loss(net, problem, update);

    assert_true(fabs(plain_loss(net, problem, update, 0, signs) - reported) <
                1e-12 * fmax(1, reported));
    return plain_loss(net, problem, update, update->label_smoothing, signs);
}

/* Every element of one trained tensor; gradient holds the analytic one. */
static void check_tensor(struct net *net, const struct problem *problem,
                         const struct net_update *update, const struct tensor *tensor,
                         const double *gradient, bool zero, struct count *count)
{
    char above[MOST_SIGNS] = {0}, below[MOST_SIGNS] = {0};
    double difference = 0, analytic = 0, numeric = 0;

    for (size_t i = 0; i < tensor_length(tensor); i++) {
        const double value = tensor->data[i];

        tensor->data[i] = value + H;
        net_tensor_write(net, tensor->i, tensor->data);
        const double plus = both_losses(net, problem, update, above);
        tensor->data[i] = value - H;
        net_tensor_write(net, tensor->i, tensor->data);
        const double minus = both_losses(net, problem, update, below);
        tensor->data[i] = value;
        net_tensor_write(net, tensor->i, tensor->data);

        count->checked++;
        if (memcmp(above, below, sizeof above) != 0) {
            count->kinks++;
            continue;
        }
        const double slope = (plus - minus) / (2 * H);
        if (zero) {
            assert_true(fabs(gradient[i]) < 1e-9 && fabs(slope) < 1e-9);
            continue;
        }
        difference += (gradient[i] - slope) * (gradient[i] - slope);
        analytic += gradient[i] * gradient[i];
        numeric += slope * slope;
    }
    if (!zero && !(sqrt(difference) / (sqrt(analytic) + sqrt(numeric)) < 1e-6))
        fail_msg("%s: relative error %g", tensor->about.name,
                 sqrt(difference) / (sqrt(analytic) + sqrt(numeric)));
}

/* A step with rate 1 and no momentum leaves the gradient in the velocity. */
static void check_net(const struct net_shape *shape, struct team *team, uint32_t sample,
                      struct count *count)
{
    struct problem problem;
    struct net *net;
    float normal[ROWS * INPUTS];
    struct tensor values[NET_MAX_LAYERS * 10], gradients[NET_MAX_LAYERS * 10];
    /* Of four nets, one has neither, one the one, one the other, one both. */
    const struct net_update update = {.rate = 1,
                                      .l2 = LAMBDA,
                                      .dropout = sample & 1 ? 0.3 : 0,
                                      .label_smoothing = sample & 2 ? 0.2 : 0,
                                      .seed = 77,
                                      .step = sample};

    rng_normal_fill(3, RNG_SYNTHETIC, 0, sample, normal, ROWS * INPUTS);
    for (int i = 0; i < ROWS * INPUTS; i++)
        problem.x[i] = normal[i];
    for (int r = 0; r < ROWS; r++)
        problem.labels[r] = (uint8_t)(r % CLASSES);
    assert_int_equal(net_create(shape, ROWS, team, &net, NULL), 0);
    net_init_weights(net, NET_INIT_HE, 0, sample);

    const int count_all = net_tensor_count(net);
    for (int i = 0; i < count_all; i++) {
        struct tensor *tensor = &values[i];
        *tensor = tensor_read(net, i);
        /* Biases, gamma and beta must differ from what they start with. */
        const int size = tensor->about.size[0];
        rng_normal_fill(4, RNG_SYNTHETIC, sample, (uint32_t)i, normal, (size_t)size);
        for (int h = 0; tensor->about.dimensions == 1 && !tensor->about.optimizer && h < size; h++)
            tensor->data[h] += 0.2 * normal[h];
        net_tensor_write(net, i, tensor->data);
    }
    assert_true(train_step(net, problem.x, problem.labels, ROWS, &update, INFINITY).updated);
    for (int i = 0; i < count_all; i++)
        gradients[i] = tensor_read(net, i);
    for (int i = 0; i < count_all; i++)
        net_tensor_write(net, i, values[i].data);

    int trained = 0;
    for (int i = 0; i < count_all; i++) {
        struct net_tensor velocity;
        char name[sizeof velocity.name];
        int layer = 0;

        net_tensor_get(net, i, &velocity);
        if (!velocity.optimizer)
            continue;
        trained++;
        assert_int_equal(sscanf(velocity.name, "optimizer.layers.%d.", &layer), 1);
        /* The same name without "optimizer." and ".velocity". */
        snprintf(name, sizeof name, "%s", strchr(strchr(velocity.name, '.') + 1, '.') + 3);
        *strrchr(name, '.') = '\0';
        const struct tensor tensor = tensor_find(net, "", layer, name);
        assert_non_null(tensor.data);
        const bool zero = strcmp(name, "bias") == 0 && shape->norm == NET_NORM_BEFORE &&
                          layer < shape->layers - 1;
        check_tensor(net, &problem, &update, &tensor, gradients[i].data, zero, count);
        free(tensor.data);
    }
    const bool learned = shape->norm != NET_NORM_NONE && shape->norm_learned;
    assert_int_equal(trained, 2 * shape->layers + (learned ? 2 * (shape->layers - 1) : 0));

    for (int i = 0; i < count_all; i++) {
        free(values[i].data);
        free(gradients[i].data);
    }
    net_destroy(net);
}

static void every_gradient_matches_central_differences(void **state)
{
    static const enum net_norm norms[] = {NET_NORM_BEFORE, NET_NORM_AFTER, NET_NORM_NONE};
    static const enum net_activation activations[] = {NET_RELU, NET_LEAKY_RELU, NET_ELU};
    struct team *team;
    struct count count = {0};
    uint32_t sample = 0;

    (void)state;
    assert_int_equal(team_create(2, &team, NULL), 0);
    for (int layers = 1; layers <= 5; layers++)
        for (int norm = 0; norm < 3; norm++)
            for (int learned = 0; learned < (norms[norm] == NET_NORM_NONE ? 1 : 2); learned++)
                for (int activation = 0; activation < 3; activation++) {
                    struct net_shape shape = {
                        .inputs = INPUTS,
                        .layers = layers,
                        .units = {8, 7, 6, 5},
                        .activation = activations[activation],
                        .slope = activations[activation] == NET_ELU ? 0.5 : 0.01,
                        .norm = norms[norm],
                        .norm_learned = learned,
                        .norm_average = 0.99,
                    };
                    shape.units[layers - 1] = CLASSES;
                    check_net(&shape, team, ++sample, &count);
                }
    team_destroy(team);
    assert_true(count.checked > 5000);
    assert_true(count.kinks * 100 < count.checked);
}

/* Layers that are cut in pieces, along one random direction per tensor. */
static void wide_layers_match_central_differences(void **state)
{
    enum { WIDE_ROWS = 20, WIDE_INPUTS = 700 };
    const double step = H / 10; /* the directions are long */
    static const struct net_shape shape = {
        .inputs = WIDE_INPUTS,
        .layers = 4,
        .units = {300, 280, 40, CLASSES},
        .activation = NET_ELU,
        .slope = 1,
        .norm = NET_NORM_BEFORE,
        .norm_learned = true,
        .norm_average = 0.99,
    };
    static float normal[WIDE_INPUTS * 300];
    static double x[WIDE_ROWS * WIDE_INPUTS], value[WIDE_INPUTS * 300];
    uint8_t labels[WIDE_ROWS];
    struct team *team;
    struct net *net;

    (void)state;
    assert_int_equal(team_create(3, &team, NULL), 0);
    assert_int_equal(net_create(&shape, WIDE_ROWS, team, &net, NULL), 0);
    rng_normal_fill(5, RNG_SYNTHETIC, 0, 0, normal, WIDE_ROWS * WIDE_INPUTS);
    for (int i = 0; i < WIDE_ROWS * WIDE_INPUTS; i++)
        x[i] = normal[i];
    for (int r = 0; r < WIDE_ROWS; r++)
        labels[r] = (uint8_t)(r % CLASSES);

    for (int i = 0; i < net_tensor_count(net); i++) {
        const struct net_update update = {.rate = 1, .dropout = 0.25, .seed = 7, .step = i};
        char name[64];
        double slope[2], analytic = 0;
        struct net_tensor about;

        net_tensor_get(net, i, &about);
        if (about.optimizer || strstr(about.name, "mean") || strstr(about.name, "variance"))
            continue;
        net_init_weights(net, NET_INIT_HE, 0, 9);
        const struct tensor tensor = tensor_read(net, i);
        const size_t length = tensor_length(&tensor);
        memcpy(value, tensor.data, length * sizeof(double));
        rng_normal_fill(6, RNG_SYNTHETIC, 0, (uint32_t)i, normal, length);
        for (int side = 0; side < 2; side++) {
            for (size_t j = 0; j < length; j++)
                tensor.data[j] = value[j] + (side == 0 ? -step : step) * normal[j];
            net_tensor_write(net, i, tensor.data);
            slope[side] = train_step(net, x, labels, WIDE_ROWS, &update, -1).loss;
        }
        net_tensor_write(net, i, value);
        assert_true(train_step(net, x, labels, WIDE_ROWS, &update, INFINITY).updated);
        snprintf(name, sizeof name, "%s.velocity", strchr(strchr(about.name, '.') + 1, '.') + 1);
        const struct tensor velocity =
            tensor_find(net, "optimizer.", atoi(about.name + strlen("layers.")), name);
        for (size_t j = 0; j < length; j++)
            analytic += velocity.data[j] * normal[j];
        free(velocity.data);
        free(tensor.data);
        const double numeric = (slope[1] - slope[0]) / (2 * step);
        if (!(fabs(analytic - numeric) < 1e-9 + 1e-6 * (fabs(analytic) + fabs(numeric))))
            fail_msg("%s: %g instead of %g", about.name, analytic, numeric);
    }
    net_destroy(net);
    team_destroy(team);
}

/* ---- optimizers ---- */

enum { MOMENTS = 4, STEPS = 5 };
static const double BETA_1[STEPS] = {0.8, 0.8, 0.999, 0.5, 0.9}; /* momentum can change */
static const double BETA_2 = 0.999, EPSILON = 1e-8;

/* All tensors' numbers but the optimizer's go from one net to the other. */
static void copy_net(const struct net *from, struct net *to)
{
    struct net_tensor about;

    for (int i = 0; net_tensor_get(from, i, &about), !about.optimizer; i++) {
        const struct tensor tensor = tensor_read(from, i);
        net_tensor_write(to, i, tensor.data);
        free(tensor.data);
    }
}

/* The gradient of a tensor, by a net of which a step at rate 1 leaves it. */
static struct tensor gradient_at(const struct net *probe, const char *name)
{
    char velocity[64];

    snprintf(velocity, sizeof velocity, "%s.velocity", name);
    return tensor_find(probe, "optimizer.", 0, velocity);
}

/* One step of a tensor as published: Kingma and Ba, algorithm 1; Loshchilov and
 * Hutter, algorithm 2, whose weight decay is 2 lambda here. */
static void publish(enum net_optimizer optimizer, const struct net_update *update, bool weights,
                    size_t n, const double *gradient, double *m, double *v, double *theta)
{
    const double t = (double)update->updates + 1, beta = update->momentum;
    const double product = update->momentum_product * beta; /* beta^t, were it always the same */

    for (size_t i = 0; i < n; i++) {
        const double decay = weights ? 2 * update->l2 * theta[i] : 0;
        const double g = gradient[i] + (optimizer == NET_ADAM ? decay : 0);
        m[i] = beta * m[i] + (1 - beta) * g;
        v[i] = BETA_2 * v[i] + (1 - BETA_2) * g * g;
        const double first = m[i] / (1 - product), second = v[i] / (1 - pow(BETA_2, t));
        theta[i] -= update->rate *
                    (first / (sqrt(second) + EPSILON) + (optimizer == NET_ADAMW ? decay : 0));
    }
}

/* A net of one layer and the formulas go the same way, whose gradients are those of
 * another net without an optimizer to speak of. */
static void check_adam(enum net_optimizer optimizer, struct team *team)
{
    static const char *const names[] = {"weight", "bias"};
    struct net_shape shape = {.inputs = INPUTS, .layers = 1, .units = {CLASSES}};
    double m[2][INPUTS * CLASSES] = {{0}}, v[2][INPUTS * CLASSES] = {{0}};
    struct net *probe, *net;
    struct problem problem;
    float normal[ROWS * INPUTS];
    double product = 1;

    assert_int_equal(net_create(&shape, ROWS, team, &probe, NULL), 0);
    shape.optimizer = optimizer;
    assert_int_equal(net_create(&shape, ROWS, team, &net, NULL), 0);
    net_init_weights(net, NET_INIT_HE, 0, 3);
    assert_int_equal(net_parameters(net), net_parameters(probe));
    assert_int_equal(net_tensor_count(net), 2 + MOMENTS);
    for (int step = 0; step < STEPS; step++) {
        const struct net_update plain = {.rate = 1};
        const struct net_update update = {.rate = 0.1 / (step + 1),
                                          .l2 = LAMBDA,
                                          .momentum = BETA_1[step],
                                          .updates = step,
                                          .momentum_product = product};

        rng_normal_fill(3, RNG_SYNTHETIC, 1, (uint32_t)step, normal, ROWS * INPUTS);
        for (int i = 0; i < ROWS * INPUTS; i++)
            problem.x[i] = normal[i];
        for (int r = 0; r < ROWS; r++)
            problem.labels[r] = (uint8_t)(r * r % CLASSES);
        copy_net(net, probe);
        struct tensor theta[2] = {tensor_find(net, "", 0, "weight"),
                                  tensor_find(net, "", 0, "bias")};
        train_step(probe, problem.x, problem.labels, ROWS, &plain, INFINITY);
        train_step(net, problem.x, problem.labels, ROWS, &update, INFINITY);
        for (int i = 0; i < 2; i++) {
            struct tensor gradient = gradient_at(probe, names[i]);
            struct tensor after = tensor_find(net, "", 0, names[i]);
            const size_t n = tensor_length(&after);
            publish(optimizer, &update, i == 0, n, gradient.data, m[i], v[i], theta[i].data);
            for (size_t j = 0; j < n; j++)
                if (!(fabs(after.data[j] - theta[i].data[j]) < 1e-12))
                    fail_msg("step %d, %s %zu: %.15g instead of %.15g", step, names[i], j,
                             after.data[j], theta[i].data[j]);
            free(gradient.data);
            free(after.data);
            free(theta[i].data);
        }
        product *= update.momentum;
        /* The probe is at rest again. */
        net_init_weights(probe, NET_INIT_HE, 0, 3);
    }
    net_destroy(probe);
    net_destroy(net);
}

/* A gradient that stays the same is its own mean, whatever the momentum was: then a step
 * is the rate, with the gradient's sign. */
static void check_constant_gradient(struct team *team)
{
    static const char *const names[] = {"weight", "bias"};
    const struct net_shape shape = {
        .inputs = INPUTS, .layers = 1, .units = {CLASSES}, .optimizer = NET_ADAM};
    struct net *net;
    struct problem problem;
    double product = 1;

    assert_int_equal(net_create(&shape, ROWS, team, &net, NULL), 0);
    net_init_weights(net, NET_INIT_HE, 0, 3);
    for (int i = 0; i < ROWS * INPUTS; i++)
        problem.x[i] = 1 + i % 7;
    for (int r = 0; r < ROWS; r++)
        problem.labels[r] = (uint8_t)(r * r % CLASSES);
    for (int step = 0; step < 40; step++) {
        struct net_update update = {
            .momentum = step < 15 ? 0.9 : 0.999, .updates = step, .momentum_product = product};
        train_step(net, problem.x, problem.labels, ROWS, &update, INFINITY); /* rate 0 */
        product *= update.momentum;
    }
    const struct net_update last = {
        .rate = 0.01, .momentum = 0.5, .updates = 40, .momentum_product = product};
    struct tensor before[2] = {tensor_find(net, "", 0, "weight"), tensor_find(net, "", 0, "bias")};
    train_step(net, problem.x, problem.labels, ROWS, &last, INFINITY);
    for (int i = 0; i < 2; i++) {
        struct tensor after = tensor_find(net, "", 0, names[i]);
        for (size_t j = 0; j < tensor_length(&after); j++)
            assert_true(fabs(fabs(after.data[j] - before[i].data[j]) / last.rate - 1) < 1e-4);
        free(after.data);
        free(before[i].data);
    }
    net_destroy(net);
}

static void adam_is_as_published(void **state)
{
    struct team *team;

    (void)state;
    assert_int_equal(team_create(1, &team, NULL), 0);
    check_adam(NET_ADAM, team);
    check_adam(NET_ADAMW, team);
    check_constant_gradient(team);
    team_destroy(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gradient_matches_central_differences),
        cmocka_unit_test(wide_layers_match_central_differences),
        cmocka_unit_test(adam_is_as_published),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
