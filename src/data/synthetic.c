/*
 * The synthetic problem: ten classes of 32x32x3 images made from a seed, so
 * that there is always something to train on.
 *
 * A class has a few smooth random patterns. An image is one of them, shifted,
 * of random contrast and sometimes a negative, over a background pattern that
 * tells nothing, with a random brightness and noise on every pixel. So the
 * mean image of a class tells little, and hidden units are worth having. All
 * arithmetic is on integers: the same bytes everywhere.
 */
#include "internal.h"

enum {
    CLASSES = 10,
    CHANNELS = 3,
    SIDE = 32,
    PLANE = SIDE * SIDE,
    INPUTS = CHANNELS * PLANE,
    TRAINING = 20000,
    TEST = 4000,
};

/* Patterns are larger than images, so that a shift is another place to cut. */
enum {
    CLASS_PATTERNS = 4,
    BACKGROUNDS = 64,
    PATTERNS = CLASSES * CLASS_PATTERNS + BACKGROUNDS,
    MOST_SHIFT = 8,
    CELL = 8, /* pixels between two points of a pattern's lattice */
    POINTS = 6,
    PATTERN_SIDE = CELL * (POINTS - 1),
};
_Static_assert(PATTERN_SIDE == SIDE + MOST_SHIFT, "a shift stays in the pattern");

struct pattern {
    int16_t value[CHANNELS][PATTERN_SIDE][PATTERN_SIDE]; /* within ±255 */
};

/* How strong an image's parts are, in 64ths: from LEAST up to LEAST + RANGE. */
enum {
    FRONT_LEAST = 10,
    FRONT_RANGE = 18,
    BACK_LEAST = 20,
    BACK_RANGE = 28,
    NOISE = 10,
    NEGATIVES = 64, /* images in 256 that show their pattern as a negative */
};

/* The stream's `epoch` tells its two uses apart. */
enum { OF_PATTERNS, OF_IMAGES };

static int byte_of(uint32_t word, int place)
{
    return (int)(word >> 8 * place & 255);
}

/* Between the points of its lattice a pattern is bilinear. What the channels
 * have in common makes it look like light and shade. */
static void pattern_make(struct pattern *pattern, uint64_t seed, uint32_t number)
{
    int lattice[CHANNELS][POINTS][POINTS];
    for (int y = 0; y < POINTS; y++)
        for (int x = 0; x < POINTS; x++) {
            struct rng_words drawn =
                rng_draw(seed, RNG_SYNTHETIC, OF_PATTERNS, number, (uint32_t)(y * POINTS + x));
            int shared = byte_of(drawn.word[3], 0) - 128;
            for (int channel = 0; channel < CHANNELS; channel++)
                lattice[channel][y][x] = shared + byte_of(drawn.word[channel], 0) - 128;
        }
    for (int channel = 0; channel < CHANNELS; channel++)
        for (int y = 0; y < PATTERN_SIDE; y++)
            for (int x = 0; x < PATTERN_SIDE; x++) {
                const int *upper = &lattice[channel][y / CELL][x / CELL];
                const int *lower = &lattice[channel][y / CELL + 1][x / CELL];
                int right = x % CELL, down = y % CELL;
                int value = (upper[0] * (CELL - right) + upper[1] * right) * (CELL - down) +
                            (lower[0] * (CELL - right) + lower[1] * right) * down;
                pattern->value[channel][y][x] = (int16_t)(value / (CELL * CELL));
            }
}

/* One value within ±128 for each pixel. */
static void noise_make(int16_t *noise, uint64_t seed, uint32_t number)
{
    uint32_t words[4][16];
    for (uint32_t block = 1; block <= INPUTS / 16; block += 16) {
        rng_draw_16(seed, RNG_SYNTHETIC, OF_IMAGES, number, block, words);
        for (int row = 0; row < 4; row++)
            for (int place = 0; place < 4; place++, noise += 16)
                for (int lane = 0; lane < 16; lane++)
                    noise[lane] = (int16_t)(byte_of(words[row][lane], place) - 128);
    }
}

static int image_make(const struct pattern *patterns, uint64_t seed, uint32_t number,
                      unsigned char *pixels)
{
    struct rng_words drawn = rng_draw(seed, RNG_SYNTHETIC, OF_IMAGES, number, 0);
    int class = (int)(drawn.word[0] % CLASSES);
    uint32_t own = drawn.word[1], other = drawn.word[2];
    const struct pattern *pattern =
        &patterns[class * CLASS_PATTERNS + byte_of(own, 0) % CLASS_PATTERNS];
    const struct pattern *background =
        &patterns[CLASSES * CLASS_PATTERNS + byte_of(other, 0) % BACKGROUNDS];
    int down = byte_of(own, 1) % (MOST_SHIFT + 1), right = byte_of(own, 2) % (MOST_SHIFT + 1);
    int background_down = byte_of(other, 1) % (MOST_SHIFT + 1);
    int background_right = byte_of(other, 2) % (MOST_SHIFT + 1);
    int contrast = FRONT_LEAST + byte_of(drawn.word[3], 0) * FRONT_RANGE / 256;
    if (byte_of(drawn.word[3], 3) < NEGATIVES)
        contrast = -contrast;
    int background_contrast = BACK_LEAST + byte_of(drawn.word[3], 1) * BACK_RANGE / 256;
    int brightness = 64 * (128 + (byte_of(drawn.word[3], 2) - 128) / 4);

    int16_t noise[INPUTS];
    noise_make(noise, seed, number);
    const int16_t *restrict grain = noise;
    for (int channel = 0; channel < CHANNELS; channel++)
        for (int y = 0; y < SIDE; y++, pixels += SIDE, grain += SIDE) {
            const int16_t *restrict front = &pattern->value[channel][y + down][right];
            const int16_t *restrict back =
                &background->value[channel][y + background_down][background_right];
            for (int x = 0; x < SIDE; x++) {
                int value = brightness + contrast * front[x] + background_contrast * back[x] +
                            NOISE * grain[x];
                pixels[x] = (unsigned char)(value < 0 ? 0 : value < 256 * 64 ? value / 64 : 255);
            }
        }
    return class;
}

struct images {
    const struct pattern *patterns;
    uint64_t seed;
    uint32_t first;
    unsigned char *pixels;
    struct rows *rows;
};

static void images_piece(void *arg, int piece)
{
    const struct images *images = arg;
    struct rows *rows = images->rows;
    const size_t last = piece_first(rows->count, piece + 1);
    for (size_t i = piece_first(rows->count, piece); i < last; i++) {
        unsigned char *image = images->pixels + i * INPUTS;
        rows->pixels[i] = image;
        rows->labels[i] =
            (uint8_t)image_make(images->patterns, images->seed, images->first + (uint32_t)i, image);
    }
}

static int images_make(struct dataset *dataset, const struct pattern *patterns, uint64_t seed,
                       uint32_t first, size_t count, unsigned char **pixels, struct rows *rows,
                       struct err *err)
{
    *pixels = mem_array(count, INPUTS, err);
    if (!*pixels || rows_init(rows, count, err))
        return -1;
    struct images images = {patterns, seed, first, *pixels, rows};
    team_run(dataset->team, PIECES, images_piece, &images);
    return 0;
}

int synthetic_make(struct dataset *dataset, uint64_t seed, struct err *err)
{
    dataset->info.channels = CHANNELS;
    dataset->info.height = dataset->info.width = SIDE;
    dataset->info.classes = CLASSES;
    for (int i = 0; i < CLASSES; i++)
        dataset_name_class(dataset, i, (const char[]){(char)('0' + i), 0});

    struct pattern *patterns = mem_alloc(PATTERNS * sizeof *patterns);
    for (uint32_t i = 0; i < PATTERNS; i++)
        pattern_make(&patterns[i], seed, i);
    int failed = images_make(dataset, patterns, seed, 0, TRAINING, &dataset->files[0],
                             &dataset->training, err) ||
                 images_make(dataset, patterns, seed, TRAINING, TEST, &dataset->files[1],
                             &dataset->test, err);
    mem_free(patterns);
    dataset->validation_last = TRAINING;
    text_copy(dataset->validation_file, sizeof dataset->validation_file, "the synthetic problem");
    return failed ? -1 : 0;
}
