/*
 * What a training step takes of a dataset: the epoch's permutation, rows for
 * the net, their standard deviation and their noise. Nothing here allocates.
 */
#include "internal.h"

#include <assert.h>
#include <math.h>

/* The words of one stream in order, four from each block. */
struct words {
    uint64_t seed, used;
    uint32_t epoch;
    struct rng_words block;
};

static uint32_t words_next(struct words *words)
{
    uint32_t place = words->used % 4, block = (uint32_t)(words->used / 4);
    if (place == 0)
        words->block = rng_draw(words->seed, RNG_SHUFFLE, words->epoch, 0, block);
    words->used++;
    return words->block.word[place];
}

/* Uniform in 0 … n - 1 without bias: the upper half of word * n, where the few
 * words that would make some results likelier are drawn again. */
static uint32_t words_below(struct words *words, uint32_t n)
{
    uint64_t product = (uint64_t)words_next(words) * n;
    if ((uint32_t)product < n) {
        uint32_t reject = -n % n;
        while ((uint32_t)product < reject)
            product = (uint64_t)words_next(words) * n;
    }
    return (uint32_t)(product >> 32);
}

void data_permute(uint64_t seed, uint32_t epoch, uint32_t n, uint32_t *out)
{
    struct words words = {.seed = seed, .epoch = epoch};
    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t left = n; left > 1; left--) {
        uint32_t other = words_below(&words, left), kept = out[left - 1];
        out[left - 1] = out[other];
        out[other] = kept;
    }
}

static bool transform_is_constant(const struct data_transform *transform)
{
    for (int i = 1; i < transform->inputs; i++)
        if (transform->factor[i] != transform->factor[0] ||
            transform->offset[i] != transform->offset[0])
            return false;
    return true;
}

/* fed = pixel * factor - offset. Both loops give the same bits. */
static void feed_constant(const unsigned char *restrict pixels, float factor, float offset,
                          int inputs, float *restrict x)
{
    for (int i = 0; i < inputs; i++)
        x[i] = (float)pixels[i] * factor - offset;
}

static void feed(const unsigned char *restrict pixels, const float *restrict factor,
                 const float *restrict offset, int inputs, float *restrict x)
{
    for (int i = 0; i < inputs; i++)
        x[i] = (float)pixels[i] * factor[i] - offset[i];
}

void data_gather(const struct dataset *dataset, enum data_split split, const uint32_t *index,
                 uint64_t first, int count, const struct data_transform *transform, float *x,
                 uint8_t *labels)
{
    const struct rows *rows = &dataset->split[split];
    const struct data_transform *by = transform ? transform : &dataset->transform;
    int inputs = dataset->info.inputs;
    assert(by->inputs == inputs);
    bool constant = transform_is_constant(by);
    for (int r = 0; r < count; r++, x += inputs) {
        size_t row = index ? index[r] : first + (uint64_t)r;
        assert(row < rows->count);
        labels[r] = rows->labels[row];
        if (constant)
            feed_constant(rows->pixels[row], by->factor[0], by->offset[0], inputs, x);
        else
            feed(rows->pixels[row], by->factor, by->offset, inputs, x);
    }
}

double data_batch_std(const struct dataset *dataset, const uint32_t *index, int count)
{
    double sum = 0, square_sum = 0, n = (double)count * dataset->info.inputs;
    for (int r = 0; r < count; r++) {
        assert(index[r] < dataset->split[DATA_TRAIN].count);
        sum += dataset->sum[index[r]];
        square_sum += dataset->square_sum[index[r]];
    }
    double mean = sum / n, variance = square_sum / n - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

/* Noise is drawn into a buffer on the stack, so wide rows take it in segments.
 * Seeds are below 2^53, so the bits above it tell the segments apart. */
enum { NOISE_SEGMENT = 4096, SEED_BITS = 53 };

static void noise_add_row(uint64_t seed, uint32_t epoch, uint32_t sample, int inputs, float sigma,
                          float *restrict x)
{
    float noise[NOISE_SEGMENT];
    for (int at = 0; at < inputs; at += NOISE_SEGMENT) {
        int n = inputs - at < NOISE_SEGMENT ? inputs - at : NOISE_SEGMENT;
        uint64_t segment = (uint64_t)(at / NOISE_SEGMENT);
        rng_normal_fill(seed ^ segment << SEED_BITS, RNG_NOISE, epoch, sample, noise, (size_t)n);
        for (int i = 0; i < n; i++)
            x[at + i] += sigma * noise[i];
    }
}

void data_add_noise(const struct dataset *dataset, uint64_t seed, uint32_t epoch,
                    const uint32_t *index, int count, double sigma, float *x)
{
    int inputs = dataset->info.inputs;
    for (int r = 0; r < count; r++)
        noise_add_row(seed, epoch, index[r], inputs, (float)sigma, x + (size_t)r * (size_t)inputs);
}
