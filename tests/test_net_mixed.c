/*
 * Training in mixed precision: the formulas of a step, the same bits for any
 * team, a state that is all there is. Skipped where the processor has no
 * bfloat16.
 */
#include "kdt/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_ROWS = 100 };

struct fixture {
    struct team *team;
    struct net *net;
    int inputs, classes;
    float *x; /* [MOST_ROWS][inputs] */
    uint8_t labels[MOST_ROWS];
};

static const struct net_update UPDATE = {.rate = 0.05, .l2 = 1e-3, .momentum = 0.9};

static int find_bf16(void **state)
{
    static bool found;
    found = math_bf16() != NULL;
    *state = found ? &found : NULL;
    return 0;
}

#define NEED_BF16(state)                                                                           \
    do {                                                                                           \
        if (*(state) == NULL)                                                                      \
            skip();                                                                                \
    } while (0)

static struct net_shape mixed(struct net_shape shape)
{
    shape.precision = NET_BFLOAT16;
    return shape;
}

static void fixture_make(struct fixture *fixture, const struct net_shape *shape, int threads)
{
    fixture->inputs = shape->inputs;
    fixture->classes = shape->units[shape->layers - 1];
    assert_int_equal(team_create(threads, &fixture->team, NULL), 0);
    assert_int_equal(net_create(shape, MOST_ROWS, fixture->team, &fixture->net, NULL), 0);
    net_init_weights(fixture->net, NET_INIT_HE, 0, 5);
    fixture->x = mem_alloc(MOST_ROWS * (size_t)fixture->inputs * sizeof *fixture->x);
    for (int r = 0; r < MOST_ROWS; r++) {
        fixture->labels[r] = (uint8_t)(r * 7 % fixture->classes);
        rng_normal_fill(1, RNG_SYNTHETIC, 1, (uint32_t)r,
                        fixture->x + (size_t)r * (size_t)fixture->inputs, (size_t)fixture->inputs);
    }
}

static void fixture_free(struct fixture *fixture)
{
    mem_free(fixture->x);
    net_destroy(fixture->net);
    team_destroy(fixture->team);
}

static struct net_step_result step(struct fixture *fixture, int rows)
{
    const struct net_matrix matrix = {.x = fixture->x, .inputs = fixture->inputs};
    const struct net_source source = net_matrix_source(&matrix);

    return net_train_step(fixture->net, &source, fixture->labels, rows, &UPDATE, INFINITY);
}

static size_t tensor_numbers(const struct net *net, int i)
{
    struct net_tensor tensor;
    net_tensor_get(net, i, &tensor);
    return (size_t)tensor.size[0] * (size_t)tensor.size[1];
}

static float *tensor_copy(const struct net *net, int i)
{
    float *values = mem_alloc(tensor_numbers(net, i) * sizeof *values);
    net_tensor_read(net, i, values);
    return values;
}

static void assert_same_state(const struct net *a, const struct net *b)
{
    for (int i = 0; i < net_tensor_count(a); i++) {
        float *in_a = tensor_copy(a, i), *in_b = tensor_copy(b, i);
        assert_memory_equal(in_a, in_b, tensor_numbers(a, i) * sizeof *in_a);
        mem_free(in_a);
        mem_free(in_b);
    }
}

static double rounded(double x)
{
    const float narrow = (float)x;
    uint32_t word;
    float back;

    memcpy(&word, &narrow, sizeof word);
    word = (word + 0x7fff + (word >> 16 & 1)) & 0xffff0000;
    memcpy(&back, &word, sizeof back);
    return (double)back;
}

/* Loss and gradient of the scores of a net of one layer. */
static double plain_forward(const struct fixture *fixture, int rows, const float *w, const float *b,
                            double *g)
{
    const int inputs = fixture->inputs, classes = fixture->classes;
    double loss = 0;

    for (int r = 0; r < rows; r++, g += classes) {
        const float *x = fixture->x + (size_t)r * (size_t)inputs;
        double sum = 0, most = -INFINITY;
        for (int h = 0; h < classes; h++) {
            g[h] = (double)b[h];
            for (int d = 0; d < inputs; d++)
                g[h] += rounded((double)x[d]) * rounded((double)w[h * inputs + d]);
            most = fmax(most, g[h]);
        }
        for (int h = 0; h < classes; h++)
            sum += exp(g[h] - most);
        loss += log(sum) + most - g[fixture->labels[r]];
        for (int h = 0; h < classes; h++)
            g[h] = (exp(g[h] - most) / sum - (h == fixture->labels[r])) / rows;
    }
    return loss / rows;
}

/* Two steps: the second one's products are of the weights that the first made. */
static void steps_follow_the_formulas(void **state)
{
    static const int shapes[][3] = {
        {100, 400, 18}, {37, 65, 10}, {7, 33, 50}, {20, 96, 200}, {2, 3, 2}};
    static double g[MOST_ROWS * 256];

    NEED_BF16(state);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const int rows = shapes[s][0], inputs = shapes[s][1], classes = shapes[s][2];
        const struct net_shape shape =
            mixed((struct net_shape){.inputs = inputs, .layers = 1, .units = {classes}});
        struct fixture fixture;

        fixture_make(&fixture, &shape, 2);
        for (int n = 0; n < 2; n++) {
            /* weights, biases, their velocities */
            float *w = tensor_copy(fixture.net, 0), *b = tensor_copy(fixture.net, 1);
            float *v = tensor_copy(fixture.net, 2);
            const double loss = plain_forward(&fixture, rows, w, b, g);

            assert_true(fabs(step(&fixture, rows).loss - loss) < 1e-5 * loss);
            float *after = tensor_copy(fixture.net, 0);
            for (int h = 0; h < classes; h++)
                for (int d = 0; d < inputs; d++) {
                    const int i = h * inputs + d;
                    double sum = 0, slack = 1e-6;
                    for (int r = 0; r < rows; r++) {
                        const double x = rounded((double)fixture.x[r * inputs + d]);
                        const double at = g[r * classes + h];
                        sum += x * rounded(at);
                        /* Where it lies between two numbers it may become either. */
                        if (rounded(at * (1 - 1e-5)) != rounded(at * (1 + 1e-5)))
                            slack += fabs(x * at) * 0x1p-7;
                    }
                    const double moved = UPDATE.momentum * (double)v[i] +
                                         UPDATE.rate * (sum + 2 * UPDATE.l2 * (double)w[i]);
                    assert_true(fabs((double)w[i] - moved - (double)after[i]) <
                                UPDATE.rate * slack + 1e-6 * fabs((double)w[i]));
                }
            mem_free(w);
            mem_free(b);
            mem_free(v);
            mem_free(after);
        }
        fixture_free(&fixture);
    }
}

static const struct net_shape SHAPES[] = {
    {.inputs = 3072, .layers = 3, .units = {50, 30, 4}, .norm_average = 0.99},
    {.inputs = 784, .layers = 3, .units = {300, 40, 4}, .norm_average = 0.99},
    {.inputs = 10001, .layers = 2, .units = {1, 4}, .norm = NET_NORM_NONE},
    {.inputs = 131, .layers = 2, .units = {95, 4}, .norm = NET_NORM_AFTER, .norm_average = 0.9},
};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

static void bits_do_not_depend_on_the_team(void **state)
{
    NEED_BF16(state);
    for (int s = 0; s < SHAPE_COUNT; s++) {
        const struct net_shape shape = mixed(SHAPES[s]);
        struct fixture first, other;

        fixture_make(&first, &shape, 1);
        for (int n = 0; n < 5; n++)
            step(&first, MOST_ROWS - n);
        for (int threads = 2; threads <= 4; threads++) {
            fixture_make(&other, &shape, threads);
            for (int n = 0; n < 5; n++)
                step(&other, MOST_ROWS - n);
            assert_same_state(first.net, other.net);
            fixture_free(&other);
        }
        assert_true(net_finite(first.net));
        fixture_free(&first);
    }
}

/* A copy of the tensors goes on with the same bits, and evaluates as float32. */
static void tensors_are_the_whole_state(void **state)
{
    NEED_BF16(state);
    for (int s = 0; s < SHAPE_COUNT; s++) {
        const struct net_shape shape = mixed(SHAPES[s]);
        struct fixture trained, resumed, plain;
        double loss[2] = {0};
        uint64_t correct[2] = {0};

        fixture_make(&trained, &shape, 2);
        fixture_make(&resumed, &shape, 1);
        fixture_make(&plain, &SHAPES[s], 1);
        step(&trained, MOST_ROWS);
        step(&resumed, MOST_ROWS / 2); /* has rounded weights of its own */
        for (int i = 0; i < net_tensor_count(trained.net); i++) {
            float *values = tensor_copy(trained.net, i);
            net_tensor_write(resumed.net, i, values);
            net_tensor_write(plain.net, i, values);
            mem_free(values);
        }
        net_averages_mark(resumed.net, net_averages_set(trained.net));
        net_averages_mark(plain.net, net_averages_set(trained.net));

        const struct net_matrix matrix = {.x = trained.x, .inputs = shape.inputs};
        const struct net_source source = net_matrix_source(&matrix);
        net_evaluate(trained.net, &source, trained.labels, MOST_ROWS, &loss[0], &correct[0], NULL);
        net_evaluate(plain.net, &source, trained.labels, MOST_ROWS, &loss[1], &correct[1], NULL);
        assert_true(loss[0] == loss[1] && correct[0] == correct[1]);

        for (int n = 0; n < 3; n++)
            assert_true(step(&trained, MOST_ROWS - n).loss == step(&resumed, MOST_ROWS - n).loss);
        assert_same_state(trained.net, resumed.net);
        fixture_free(&trained);
        fixture_free(&resumed);
        fixture_free(&plain);
    }
}

static void labels_are_learned(void **state)
{
    struct net_step_result result = {0};
    struct fixture fixture;

    NEED_BF16(state);
    const struct net_shape shape = mixed(SHAPES[0]);
    fixture_make(&fixture, &shape, 2);
    for (int n = 0; n < 30; n++)
        result = step(&fixture, MOST_ROWS);
    assert_int_equal(result.correct, MOST_ROWS);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_formulas),
        cmocka_unit_test(bits_do_not_depend_on_the_team),
        cmocka_unit_test(tensors_are_the_whole_state),
        cmocka_unit_test(labels_are_learned),
    };
    math_init();
    math_thread_init();
    return cmocka_run_group_tests(tests, find_bf16, NULL);
}
