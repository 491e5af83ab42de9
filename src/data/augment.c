/*
 * Training images as they are seen this time: mirrored and moved, or not, lighter or
 * darker, with more or less contrast, as bytes, before anything is made of them. What happens to an
 * image depends on the seed, the epoch and the image alone. Nothing here allocates.
 */
#include "internal.h"

#include <assert.h>
#include <string.h>

/* What was drawn for an image. */
struct fate {
    bool flip;
    int right, down;    /* pixels to move by */
    int32_t gain, lift; /* c and 255 b, in parts of ONE */
};
enum { ONE = 65536 };

/* A word's place among -most … most; the odds are even but for 1 in 2^25. */
static int draw_within(uint32_t word, int most)
{
    return (int)(((uint64_t)word * (2 * (uint64_t)most + 1)) >> 32) - most;
}

/* A word's place among -most … most, in parts of ONE. */
static int32_t draw_part(uint32_t word, double most)
{
    const double place = (word + 0.5) / 2147483648.0 - 1;
    return (int32_t)(most * place * ONE);
}

/* Each has words of its own, so that none moves another's. */
static struct fate fate_draw(const struct data_augment *augment, uint32_t image)
{
    const struct rng_words words = rng_draw(augment->seed, RNG_AUGMENT, augment->epoch, image, 0);
    const struct rng_words light = rng_draw(augment->seed, RNG_AUGMENT, augment->epoch, image, 1);
    return (struct fate){
        .flip = augment->flip && words.word[0] >> 31,
        .right = draw_within(words.word[1], augment->shift),
        .down = draw_within(words.word[2], augment->shift),
        .gain = ONE + draw_part(light.word[0], augment->contrast),
        .lift = draw_part(light.word[1], 255 * augment->brightness),
    };
}

static void mirror_row(const unsigned char *restrict from, int width, unsigned char *restrict to)
{
    enum { WORD = 8 };
    int x = 0;
    for (; x + WORD <= width; x += WORD) {
        uint64_t word;
        memcpy(&word, from + width - x - WORD, WORD);
        word = __builtin_bswap64(word);
        memcpy(to + x, &word, WORD);
    }
    for (; x < width; x++)
        to[x] = from[width - 1 - x];
}

/* Rows that lie one behind the other, of a channel, `down` rows further on. */
static void move_down(unsigned char *plane, int height, int width, int down)
{
    const int by = down < 0 ? -down : down;
    const size_t row = (size_t)width, kept = (size_t)(height - by) * row;
    unsigned char *edge = down < 0 ? plane + (height - 1) * width : plane;
    memmove(down < 0 ? plane : plane + by * width, down < 0 ? plane + by * width : plane, kept);
    for (int y = 1; y < by; y++)
        memcpy(down < 0 ? edge - y * width : edge + y * width, edge, row);
}

/* All rows of all channels at once: what comes from the row beside it is then
 * overwritten with the edge. */
static void move_right(unsigned char *pixels, int rows, int width, int right)
{
    const int by = right < 0 ? -right : right, kept = width - by;
    const size_t length = (size_t)rows * (size_t)width - (size_t)by;
    memmove(right < 0 ? pixels : pixels + by, right < 0 ? pixels + by : pixels, length);
    for (int y = 0; y < rows; y++, pixels += width)
        for (int x = 0; x < by; x++)
            pixels[right < 0 ? kept + x : x] = pixels[right < 0 ? kept - 1 : by];
}

/* An image that is moved out of sight shows nothing but its edge, however far. */
static int within(int by, int side)
{
    return by >= side ? side - 1 : by <= -side ? 1 - side : by;
}

/* m + c (p - m) + 255 b = c p + (1 - c) m + 255 b, to the nearest. */
static void adjust(unsigned char *pixels, size_t count, const struct fate *fate)
{
    const int64_t mean = (int64_t)(pixels_sum(pixels, count) * ONE / count);
    const int64_t rest = (ONE - fate->gain) * mean / ONE;
    math_bytes_adjust(count, fate->gain, (int32_t)(rest + fate->lift + ONE / 2), pixels);
}

static void image_make(const struct data_info *info, const struct fate *fate,
                       const unsigned char *from, unsigned char *to)
{
    const int rows = info->channels * info->height, width = info->width;
    const int right = within(fate->right, width), down = within(fate->down, info->height);
    if (fate->flip)
        for (int y = 0; y < rows; y++)
            mirror_row(from + y * width, width, to + y * width);
    else
        memcpy(to, from, (size_t)info->inputs);
    if (down)
        for (int channel = 0; channel < info->channels; channel++)
            move_down(to + channel * info->height * width, info->height, width, down);
    if (right)
        move_right(to, rows, width, right);
    if (fate->gain != ONE || fate->lift)
        adjust(to, (size_t)info->inputs, fate);
}

void data_augment(const struct dataset *dataset, const struct data_augment *augment,
                  const uint32_t *index, int count, uint8_t *pixels, struct data_sums *sums)
{
    const struct rows *rows = &dataset->split[DATA_TRAIN];
    for (int r = 0; r < count; r++, pixels += dataset->info.inputs) {
        const struct fate fate = fate_draw(augment, index[r]);
        assert(index[r] < rows->count);
        image_make(&dataset->info, &fate, rows->pixels[index[r]], pixels);
        if (sums)
            sums[r] = transform_sums(dataset, pixels);
    }
}
