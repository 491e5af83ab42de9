/*
 * What training takes of a dataset: the transform, permutations, noise, and the
 * synthetic problem.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data_files.h"

#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* The transform. */

static void test_transform(void **state)
{
    (void)state;
    cifar10_folder_put("means");
    struct data_options options = test_options(DATA_CIFAR10, test_path("means"));
    options.validation_size = 2;
    options.train_size = 3;
    /* Records 0, 20, 21 train: red 0 20 21, green 100 120 121, blue 200 198 198. */
    const double red[] = {0, 20, 21}, blue[] = {200, 198, 198};
    double red_mean = 41 / 3.0, green_mean = red_mean + 100, blue_mean = 596 / 3.0;
    double mean = (red_mean + green_mean + blue_mean) / 3, red_std = 0, std = 0;
    for (int i = 0; i < 3; i++) {
        red_std += (red[i] - red_mean) * (red[i] - red_mean) / 3;
        std += (red[i] - mean) * (red[i] - mean) / 9 +
               (red[i] + 100 - mean) * (red[i] + 100 - mean) / 9 +
               (blue[i] - mean) * (blue[i] - mean) / 9;
    }
    red_std = sqrt(red_std);
    std = sqrt(std);
    const struct {
        enum data_mean mean;
        enum data_scale scale;
        double factor, red_offset, blue_offset;
    } cases[] = {
        {DATA_MEAN_GLOBAL, DATA_SCALE_UNIT, 1 / 255.0, mean / 255, mean / 255},
        {DATA_MEAN_CHANNEL, DATA_SCALE_UNIT, 1 / 255.0, red_mean / 255, blue_mean / 255},
        {DATA_MEAN_PIXEL, DATA_SCALE_UNIT, 1 / 255.0, red_mean / 255, blue_mean / 255},
        {DATA_MEAN_NONE, DATA_SCALE_UNIT, 1 / 255.0, 0, 0},
        {DATA_MEAN_GLOBAL, DATA_SCALE_STD, 1 / std, mean / std, mean / std},
        {DATA_MEAN_CHANNEL, DATA_SCALE_STD, 1 / red_std, red_mean / red_std, NAN},
        {DATA_MEAN_PIXEL, DATA_SCALE_STD, 1 / red_std, red_mean / red_std, NAN},
        {DATA_MEAN_NONE, DATA_SCALE_STD, 1 / std, 0, 0},
    };
    static float x[3 * PIXELS];
    uint8_t labels[3];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        options.mean = cases[i].mean;
        options.scale = cases[i].scale;
        struct dataset *dataset = test_opened(&options);
        const struct data_transform *transform = data_transform(dataset);
        assert_float_equal(transform->factor[0], cases[i].factor, 1e-7 * cases[i].factor);
        assert_float_equal(transform->offset[1023], cases[i].red_offset, 1e-6);
        if (!isnan(cases[i].blue_offset))
            assert_float_equal(transform->offset[3071], cases[i].blue_offset, 1e-6);

        /* Each batch's standard deviation, computed anew from what is fed. */
        const uint32_t batches[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 1, 2}};
        for (int batch = 0; batch < 3; batch++) {
            double sum = 0, deviation = 0;
            test_gather(dataset, DATA_TRAIN, batches[batch], 0, 3, NULL, x, labels);
            for (int p = 0; p < 3 * PIXELS; p++)
                sum += x[p];
            for (int p = 0; p < 3 * PIXELS; p++)
                deviation += (x[p] - sum / (3 * PIXELS)) * (x[p] - sum / (3 * PIXELS));
            deviation = sqrt(deviation / (3 * PIXELS));
            /* 1e-5: fed blue is a small difference of large floats where std is 0.9. */
            assert_float_equal(data_batch_std(dataset, batches[batch], 3, NULL), deviation, 1e-5);
        }
        data_close(dataset);
    }
}

static void test_transform_of_constant_pixels(void **state)
{
    (void)state;
    unsigned char pixels[5 * 6], labels[5] = {0, 1, 0, 1, 0};
    idx_folder_put("same", false);
    memset(pixels, 51, sizeof pixels);
    for (int i = 0; i < 5; i++)
        pixels[6 * i + 2] = (unsigned char)(50 * i);
    idx_put("same", "train-images-idx3-ubyte", false, (uint32_t[]){0x803, 5, 2, 3}, 4, pixels, 30);
    idx_put("same", "train-labels-idx1-ubyte", false, (uint32_t[]){0x801, 5}, 2, labels, 5);
    struct data_options options = test_options(DATA_IDX, test_path("same"));
    options.mean = DATA_MEAN_PIXEL;
    options.scale = DATA_SCALE_STD;
    struct dataset *dataset = test_opened(&options);
    const struct data_transform *transform = data_transform(dataset);
    assert_float_equal(transform->factor[0], 1 / 255.0, 1e-9);
    assert_float_equal(transform->offset[0], 0.2, 1e-7);
    /* 0 50 100 150: mean 75, variance 3125. */
    assert_float_equal(transform->factor[2], 1 / sqrt(3125), 1e-7);
    assert_float_equal(transform->offset[2], 75 / sqrt(3125), 1e-6);

    /* A foreign transform, as eval has it from a checkpoint, takes its place. */
    float factor[6], offset[6], x[6];
    uint8_t label;
    for (int i = 0; i < 6; i++) {
        factor[i] = 2;
        offset[i] = 1;
    }
    const struct data_transform foreign = {factor, offset, 6};
    test_gather(dataset, DATA_TRAIN, NULL, 1, 1, &foreign, x, &label);
    assert_true(x[0] == 101 && x[2] == 99 && x[5] == 101);
    const struct data_part last = {.begin = 3, .inputs = 3, .stride = 3};
    const struct data_choice second = {.split = DATA_TRAIN, .first = 1, .count = 1};
    data_gather(dataset, &second, &foreign, NULL, &last, x);
    assert_true(x[0] == 101 && x[2] == 101 && x[3] == 101);
    offset[5] = 3;
    test_gather(dataset, DATA_TRAIN, NULL, 1, 1, &foreign, x, &label);
    assert_true(x[0] == 101 && x[2] == 99 && x[5] == 99);
    data_close(dataset);
}

/* Batches. */

static void test_permute(void **state)
{
    (void)state;
    enum { N = 1000 };
    static uint32_t one[N], other[N];
    static bool seen[N];
    data_permute(7, 3, N, one);
    for (int i = 0; i < N; i++) {
        assert_true(one[i] < N && !seen[one[i]]);
        seen[one[i]] = true;
    }
    data_permute(7, 3, N, other);
    assert_memory_equal(one, other, sizeof one);
    data_permute(7, 4, N, other);
    assert_memory_not_equal(one, other, sizeof one);
    data_permute(8, 3, N, other);
    assert_memory_not_equal(one, other, sizeof one);
    data_permute(7, 3, 0, one);
    one[0] = 5;
    data_permute(7, 3, 1, one);
    assert_int_equal(one[0], 0);

    /* Each of the six permutations of three is as likely: 6,000 epochs give
     * 1,000 each, with a standard deviation of 29. */
    int count[3][3] = {{0}};
    for (uint32_t epoch = 0; epoch < 6000; epoch++) {
        data_permute(1, epoch, 3, one);
        count[one[0]][one[1]]++;
    }
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            assert_true(a == b ? count[a][b] == 0 : count[a][b] > 870 && count[a][b] < 1130);
}

/* Nothing but the noise of these rows. */
static void noise_gather(const struct dataset *dataset, const struct data_noise *noise,
                         const uint32_t *index, int count, const struct data_part *part, float *x)
{
    static float zero[PIXELS];
    const struct data_transform black = {zero, zero, PIXELS};
    const struct data_choice choice = {.split = DATA_TRAIN, .index = index, .count = count};
    data_gather(dataset, &choice, &black, noise, part, x);
}

static void test_noise(void **state)
{
    (void)state;
    enum { ROWS = 12, BEGIN = 1000, SOME = 333, STRIDE = 400 };
    const struct data_part whole = {.inputs = PIXELS, .stride = PIXELS};
    const struct data_noise noise = {.seed = 5, .epoch = 2, .sigma = 0.5};
    const uint32_t index[ROWS] = {3, 1, 4, 0, 7, 5, 6, 2, 13, 11, 12, 10};
    static float x[ROWS * PIXELS], y[ROWS * PIXELS];
    cifar10_folder_put("noise");
    struct data_options options = test_options(DATA_CIFAR10, test_path("noise"));
    struct dataset *dataset = test_opened(&options);
    noise_gather(dataset, &noise, index, ROWS, &whole, x);
    double sum = 0, square_sum = 0, product = 0;
    for (int i = 0; i < ROWS * PIXELS; i++) {
        sum += x[i];
        square_sum += (double)x[i] * x[i];
        product += (double)x[i] * x[(i + PIXELS) % (ROWS * PIXELS)];
    }
    /* Within five standard errors of mean 0, deviation 0.5, no correlation. */
    double n = ROWS * PIXELS;
    assert_float_equal(sum / n, 0, 5 * 0.5 / sqrt(n));
    assert_float_equal(square_sum / n, 0.25, 5 * 0.25 * sqrt(2 / n));
    assert_float_equal(product / n, 0, 5 * 0.25 / sqrt(n));

    /* A row's noise follows the image, not its place or its company. */
    noise_gather(dataset, &noise, (uint32_t[]){4, 3}, 2, &whole, y);
    assert_memory_equal(y, x + 2 * PIXELS, PIXELS * sizeof *x);
    assert_memory_equal(y + PIXELS, x, PIXELS * sizeof *x);
    noise_gather(dataset, &noise, NULL, 2, &whole, y); /* images 0 and 1 */
    assert_memory_equal(y, x + 3 * PIXELS, PIXELS * sizeof *x);
    assert_memory_equal(y + PIXELS, x + PIXELS, PIXELS * sizeof *x);
    /* A part of the inputs gets its part of the noise, and nothing beside it. */
    const struct data_part part = {.begin = BEGIN, .inputs = SOME, .stride = STRIDE};
    static float some[ROWS * STRIDE];
    noise_gather(dataset, &noise, index, ROWS, &part, some);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < STRIDE; i++)
            assert_true(some[r * STRIDE + i] == (i < SOME ? x[r * PIXELS + BEGIN + i] : 0));
    /* It comes on top of the image, and it is fresh at each epoch and for each seed. */
    const struct data_choice choice = {.split = DATA_TRAIN, .index = index, .count = 1};
    uint8_t label;
    test_gather(dataset, DATA_TRAIN, index, 0, 1, NULL, y, &label);
    data_gather(dataset, &choice, NULL, &noise, &whole, y + PIXELS);
    for (int i = 0; i < PIXELS; i++)
        assert_float_equal(y[PIXELS + i], y[i] + x[i], 1e-6);
    const struct data_noise later = {.seed = 5, .epoch = 3, .sigma = 0.5};
    const struct data_noise other = {.seed = 6, .epoch = 2, .sigma = 0.5};
    noise_gather(dataset, &later, index, 1, &whole, y);
    noise_gather(dataset, &other, index, 1, &whole, y + PIXELS);
    for (int i = 0; i < 16; i++)
        assert_true(y[i] != x[i] && y[PIXELS + i] != x[i] && y[i] != y[PIXELS + i]);
    data_close(dataset);
}

static void test_synthetic(void **state)
{
    (void)state;
    struct data_options options = test_options(DATA_SYNTHETIC, "");
    options.validation_size = 5000;
    struct dataset *dataset = test_opened(&options);
    const struct data_info *info = data_info(dataset);
    assert_string_equal(info->name, "synthetic");
    assert_string_equal(info->path, "");
    assert_string_equal(info->why, "synthetic images from seed 1");
    assert_int_equal(info->classes, 10);
    assert_int_equal(info->inputs, PIXELS);
    assert_int_equal(info->count[DATA_TRAIN], 15000);
    assert_int_equal(info->count[DATA_VALIDATION], 5000);
    assert_int_equal(info->count[DATA_TEST], 4000);
    /* The same bytes on every machine and with every compiler. */
    assert_int_equal(info->digest, 0x8b0674e7);

    /* Classes are about as frequent, and the pixels are neither flat nor cut. */
    static float x[PIXELS];
    int count[10] = {0}, cut = 0;
    for (int i = 0; i < 1000; i++) {
        uint8_t label;
        test_gather(dataset, DATA_TEST, NULL, (uint64_t)i, 1, NULL, x, &label);
        count[label]++;
        float low = -data_transform(dataset)->offset[0];
        for (int p = 0; p < PIXELS; p++)
            cut += x[p] <= low || x[p] >= low + 0.9999f;
    }
    for (int i = 0; i < 10; i++)
        assert_true(count[i] > 50 && count[i] < 150);
    assert_true(cut < 1000 * PIXELS / 20);
    uint32_t digest = info->digest;
    data_close(dataset);
    options.seed = 2;
    dataset = test_opened(&options);
    assert_int_not_equal(data_info(dataset)->digest, digest);
    data_close(dataset);
    options.validation_size = 19999;
    test_refused(&options, ERR_USAGE, "data.validation_size = 19999: at most 19998");
}

/* One processor opens the same dataset as all of them do. */
static void test_one_processor(void **state)
{
    (void)state;
    cpu_set_t all, one;
    CPU_ZERO(&one);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    for (int i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    for (int mean = DATA_MEAN_GLOBAL; mean <= DATA_MEAN_PIXEL; mean++) {
        struct data_options options = test_options(DATA_SYNTHETIC, "");
        options.mean = (enum data_mean)mean;
        options.train_size = 1003;
        struct dataset *dataset[2];
        dataset[0] = test_opened(&options);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        dataset[1] = test_opened(&options);
        assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
        const struct data_transform *a = data_transform(dataset[0]),
                                    *b = data_transform(dataset[1]);
        assert_int_equal(data_info(dataset[0])->digest, data_info(dataset[1])->digest);
        assert_memory_equal(a->factor, b->factor, PIXELS * sizeof *a->factor);
        assert_memory_equal(a->offset, b->offset, PIXELS * sizeof *a->offset);
        for (uint32_t i = 0; i < options.train_size; i++)
            assert_true(data_batch_std(dataset[0], &i, 1, NULL) ==
                        data_batch_std(dataset[1], &i, 1, NULL));
        data_close(dataset[0]);
        data_close(dataset[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transform), cmocka_unit_test(test_transform_of_constant_pixels),
        cmocka_unit_test(test_permute),   cmocka_unit_test(test_noise),
        cmocka_unit_test(test_synthetic), cmocka_unit_test(test_one_processor),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
