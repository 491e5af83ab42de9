/*
 * Training images that are made anew: each must be what a plain reference makes
 * of the original with some mirroring and moving, and these must be as likely as
 * they ought to be.
 */
#include "data_files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int clamp(int at, int last)
{
    return at < 0 ? 0 : at > last ? last : at;
}

/* The definition, pixel by pixel. */
static void reference(const struct data_info *info, const uint8_t *from, bool flip, int right,
                      int down, uint8_t *to)
{
    for (int c = 0; c < info->channels; c++)
        for (int y = 0; y < info->height; y++)
            for (int x = 0; x < info->width; x++) {
                int column = clamp(x - right, info->width - 1);
                int row = clamp(y - down, info->height - 1);
                column = flip ? info->width - 1 - column : column;
                *to++ = from[(c * info->height + row) * info->width + column];
            }
}

struct fate {
    bool flip;
    int right, down;
};

/* What was done to an image whose pixels are all different enough to tell. */
static struct fate find_fate(const struct dataset *dataset, uint32_t image, const uint8_t *made,
                             int shift)
{
    const struct data_info *info = data_info(dataset);
    static uint8_t from[PIXELS], to[PIXELS];
    data_pixels(dataset, DATA_TRAIN, image, from);
    for (int flip = 0; flip < 2; flip++)
        for (int right = -shift; right <= shift; right++)
            for (int down = -shift; down <= shift; down++) {
                reference(info, from, flip, right, down, to);
                if (memcmp(made, to, (size_t)info->inputs) == 0)
                    return (struct fate){flip, right, down};
            }
    fail_msg("image %u is no mirrored or moved one", image);
    return (struct fate){false, 0, 0};
}

/* 300 synthetic images, 3x32x32. */
static struct dataset *synthetic(enum data_mean mean)
{
    struct data_options options = test_options(DATA_SYNTHETIC, "");
    options.train_size = 300;
    options.mean = mean;
    return test_opened(&options);
}

/* Images of 1x5x11: a width that is no multiple of 8. */
static struct dataset *narrow(void)
{
    enum { COUNT = 40, HEIGHT = 5, WIDTH = 11, SIZE = HEIGHT * WIDTH };
    static unsigned char pixels[COUNT * SIZE], labels[COUNT];
    for (int i = 0; i < COUNT * SIZE; i++)
        pixels[i] = (unsigned char)(i * 167 % 251);
    for (int i = 0; i < COUNT; i++)
        labels[i] = (unsigned char)(i % 2);
    idx_put("narrow", "train-images-idx3-ubyte", false, (uint32_t[]){0x803, COUNT, HEIGHT, WIDTH},
            4, pixels, sizeof pixels);
    idx_put("narrow", "train-labels-idx1-ubyte", false, (uint32_t[]){0x801, COUNT}, 2, labels,
            sizeof labels);
    idx_put("narrow", "t10k-images-idx3-ubyte", false, (uint32_t[]){0x803, 2, HEIGHT, WIDTH}, 4,
            pixels, 2 * SIZE);
    idx_put("narrow", "t10k-labels-idx1-ubyte", false, (uint32_t[]){0x801, 2}, 2, labels, 2);
    struct data_options options = test_options(DATA_IDX, test_path("narrow"));
    return test_opened(&options);
}

static void make(const struct dataset *dataset, const struct data_augment *augment, uint32_t image,
                 uint8_t *out)
{
    data_augment(dataset, augment, &image, 1, out, NULL);
}

/* Half of them are mirrored, and every move is as likely. */
static void check_fates(const struct dataset *dataset, int images, int epochs, bool flip, int shift)
{
    enum { MOST = 13 };
    static uint8_t made[PIXELS];
    int flips = 0, right[2 * MOST + 1] = {0}, down[2 * MOST + 1] = {0};
    const int n = images * epochs, moves = 2 * shift + 1;
    for (int i = 0; i < n; i++) {
        const struct data_augment augment = {
            .seed = 3, .epoch = (uint32_t)(i / images), .flip = flip, .shift = shift};
        make(dataset, &augment, (uint32_t)(i % images), made);
        const struct fate fate = find_fate(dataset, (uint32_t)(i % images), made, shift);
        flips += fate.flip;
        right[fate.right + shift]++;
        down[fate.down + shift]++;
    }
    /* Within five standard deviations. */
    assert_true(flip ? abs(2 * flips - n) < 5 * sqrt(n) : flips == 0);
    const double each = (double)n / moves, most = 5 * sqrt(each * (1 - 1.0 / moves)) + 1e-9;
    for (int i = 0; i < moves; i++)
        assert_true(fabs(right[i] - each) < most && fabs(down[i] - each) < most);
}

static void test_images(void **state)
{
    (void)state;
    struct dataset *dataset = synthetic(DATA_MEAN_GLOBAL);
    check_fates(dataset, 300, 1, false, 0);
    check_fates(dataset, 300, 2, true, 0);
    check_fates(dataset, 300, 1, false, 1);
    check_fates(dataset, 300, 2, true, 2);
    data_close(dataset);
    dataset = narrow();
    check_fates(dataset, 39, 20, true, 0);
    check_fates(dataset, 39, 20, true, 3);
    data_close(dataset);
}

/* Further than the image is wide and high: only its edges are left. */
static void test_far(void **state)
{
    (void)state;
    struct dataset *dataset = narrow();
    const struct data_augment augment = {.seed = 1, .flip = true, .shift = 64};
    uint8_t made[64];
    for (uint32_t image = 0; image < 39; image++) {
        make(dataset, &augment, image, made);
        (void)find_fate(dataset, image, made, 13);
    }
    data_close(dataset);
}

/* By seed, epoch and image, not by place or company; and none moves another. */
static void test_keys(void **state)
{
    (void)state;
    enum { N = 20 };
    struct dataset *dataset = synthetic(DATA_MEAN_GLOBAL);
    const struct data_augment augment = {.seed = 9, .epoch = 4, .flip = true, .shift = 3};
    struct data_augment other = augment;
    static uint8_t together[N * PIXELS], alone[PIXELS];
    uint32_t index[N];
    int seeds = 0, epochs = 0;
    for (uint32_t i = 0; i < N; i++)
        index[i] = 7 * i % 31;
    data_augment(dataset, &augment, index, N, together, NULL);
    for (int i = 0; i < N; i++) {
        const uint8_t *made = together + i * PIXELS;
        const struct fate fate = find_fate(dataset, index[i], made, 3);
        make(dataset, &augment, index[i], alone);
        assert_memory_equal(alone, made, PIXELS);
        other = augment;
        other.shift = 0;
        make(dataset, &other, index[i], alone);
        assert_int_equal(find_fate(dataset, index[i], alone, 0).flip, fate.flip);
        other = augment;
        other.flip = false;
        make(dataset, &other, index[i], alone);
        const struct fate moved = find_fate(dataset, index[i], alone, 3);
        assert_true(!moved.flip && moved.right == fate.right && moved.down == fate.down);
        other = augment;
        other.seed++;
        make(dataset, &other, index[i], alone);
        seeds += memcmp(alone, made, PIXELS) == 0;
        other = augment;
        other.epoch++;
        make(dataset, &other, index[i], alone);
        epochs += memcmp(alone, made, PIXELS) == 0;
    }
    assert_true(seeds < N / 2 && epochs < N / 2);
    data_close(dataset);
}

/* ---- brightness and contrast ---- */

/* The definition, in double: rounding to a byte may go either way at a half. */
static void check_adjusted(const struct data_info *info, const uint8_t *from, const uint8_t *made,
                           double contrast, double brightness)
{
    double mean = 0;
    for (int i = 0; i < info->inputs; i++)
        mean += (double)from[i] / info->inputs;
    for (int i = 0; i < info->inputs; i++) {
        double value = mean + contrast * (from[i] - mean) + 255 * brightness;
        value = value < 0 ? 0 : value > 255 ? 255 : value;
        assert_true(fabs(made[i] - value) < 0.51);
    }
}

static double place(uint32_t word)
{
    return (word + 0.5) / 2147483648.0 - 1;
}

/* What is drawn is uniform, and a word of its own for each. */
static void test_light(void **state)
{
    (void)state;
    enum { IMAGES = 300, BINS = 10 };
    struct dataset *sets[] = {synthetic(DATA_MEAN_PIXEL), narrow()};
    static uint8_t from[PIXELS], made[PIXELS], alone[PIXELS];
    int bin[2][BINS] = {{0}};
    for (int set = 0; set < 2; set++) {
        const struct data_info *info = data_info(sets[set]);
        const uint32_t images = set ? 39 : IMAGES;
        for (uint32_t image = 0; image < images; image++) {
            const struct rng_words words = rng_draw(5, RNG_AUGMENT, 7, image, 1);
            const double c = 0.8 * place(words.word[0]), b = 0.3 * place(words.word[1]);
            struct data_augment augment = {
                .seed = 5, .epoch = 7, .contrast = 0.8, .brightness = 0.3};
            data_pixels(sets[set], DATA_TRAIN, image, from);
            make(sets[set], &augment, image, made);
            check_adjusted(info, from, made, 1 + c, b);
            augment.contrast = 0;
            make(sets[set], &augment, image, alone);
            check_adjusted(info, from, alone, 1, b);
            augment.contrast = 0.8, augment.brightness = 0;
            make(sets[set], &augment, image, alone);
            check_adjusted(info, from, alone, 1 + c, 0);
            bin[0][(int)((c / 0.8 + 1) / 2 * BINS)]++;
            bin[1][(int)((b / 0.3 + 1) / 2 * BINS)]++;
            /* It is done to what has been mirrored and moved, of which it changes nothing. */
            augment = (struct data_augment){.seed = 5, .epoch = 7, .flip = true, .shift = 2};
            make(sets[set], &augment, image, from);
            augment.contrast = 0.8, augment.brightness = 0.3;
            make(sets[set], &augment, image, made);
            check_adjusted(info, from, made, 1 + c, b);
        }
        data_close(sets[set]);
    }
    const double each = (IMAGES + 39.0) / BINS, most = 5 * sqrt(each);
    for (int i = 0; i < BINS; i++)
        assert_true(fabs(bin[0][i] - each) < most && fabs(bin[1][i] - each) < most);
}

/* All of one colour, and as light as can be: nothing overflows. */
static void test_light_ends(void **state)
{
    (void)state;
    struct dataset *dataset = narrow();
    uint8_t made[64];
    for (uint32_t image = 0; image < 39; image++)
        for (uint32_t epoch = 0; epoch < 50; epoch++) {
            const struct data_augment augment = {
                .seed = 1, .epoch = epoch, .contrast = 1, .brightness = 1};
            const struct rng_words words = rng_draw(1, RNG_AUGMENT, epoch, image, 1);
            uint8_t from[64];
            data_pixels(dataset, DATA_TRAIN, image, from);
            make(dataset, &augment, image, made);
            check_adjusted(data_info(dataset), from, made, 1 + place(words.word[0]),
                           place(words.word[1]));
        }
    data_close(dataset);
}

/* What the net is fed is the made image through the transform, any part of it, and
 * the standard deviation is that of what is fed. */
static void test_fed(void **state)
{
    (void)state;
    enum { N = 35, BEGIN = 1000, SOME = 333 };
    static uint8_t made[N * PIXELS];
    static float x[N * PIXELS], some[N * SOME];
    struct data_sums sums[N];
    uint32_t index[N];
    for (uint32_t i = 0; i < N; i++)
        index[i] = 299 - 8 * i;
    for (int mean = DATA_MEAN_GLOBAL; mean <= DATA_MEAN_NONE; mean++) {
        struct dataset *dataset = synthetic((enum data_mean)mean);
        const struct data_transform *transform = data_transform(dataset);
        const struct data_augment augment = {.seed = 2,
                                             .epoch = 1,
                                             .flip = true,
                                             .shift = 4,
                                             .brightness = mean % 2 ? 0.2 : 0,
                                             .contrast = 0.4};
        data_augment(dataset, &augment, index, N, made, sums);
        const struct data_choice choice = {
            .split = DATA_TRAIN, .index = index, .count = N, .made = made};
        const struct data_part whole = {.inputs = PIXELS, .stride = PIXELS};
        const struct data_part part = {.begin = BEGIN, .inputs = SOME, .stride = SOME};
        data_gather(dataset, &choice, NULL, NULL, &whole, x);
        data_gather(dataset, &choice, NULL, NULL, &part, some);
        double sum = 0, square_sum = 0, n = N * PIXELS;
        for (int i = 0; i < N * PIXELS; i++) {
            const float expected =
                made[i] * transform->factor[i % PIXELS] - transform->offset[i % PIXELS];
            assert_float_equal(x[i], expected, 1e-6);
            sum += x[i];
            square_sum += (double)x[i] * x[i];
        }
        for (int r = 0; r < N; r++)
            assert_memory_equal(some + r * SOME, x + r * PIXELS + BEGIN, SOME * sizeof *x);
        const double deviation = sqrt(square_sum / n - sum / n * (sum / n));
        assert_float_equal(data_batch_std(dataset, index, N, sums), deviation, 1e-5);
        /* Images that are made as they were have the sums that they had. */
        const struct data_augment none = {.seed = 2};
        data_augment(dataset, &none, index, N, made, sums);
        assert_float_equal(data_batch_std(dataset, index, N, sums),
                           data_batch_std(dataset, index, N, NULL), 1e-12);
        data_close(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),     cmocka_unit_test(test_far),
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_light),
        cmocka_unit_test(test_light_ends), cmocka_unit_test(test_fed),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
