/*
 * What a training step takes of a dataset: the epoch's permutation, rows for
 * the net, with noise or without, and their standard deviation. Nothing here
 * allocates.
 */
#include "internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

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

static size_t choice_row(const struct dataset *dataset, const struct data_choice *choice, int r)
{
    size_t row = choice->index ? choice->index[r] : choice->first + (uint64_t)r;
    assert(row < dataset->split[choice->split].count);
    return row;
}

void data_gather(const struct dataset *dataset, const struct data_choice *choice,
                 const struct data_transform *transform, const struct data_noise *noise,
                 const struct data_part *part, float *x)
{
    enum { ROWS = 32 };
    const size_t inputs = (size_t)dataset->info.inputs;
    const unsigned char *const *pixels = dataset->split[choice->split].pixels;
    const struct data_transform *by = transform ? transform : &dataset->transform;
    const unsigned char *bytes[ROWS];
    uint32_t image[ROWS];
    const struct rng_means means = {bytes, by->factor + part->begin, by->offset + part->begin};
    assert(by->inputs == dataset->info.inputs && part->begin + part->inputs <= by->inputs);
    for (int done = 0; done < choice->count; done += ROWS) {
        const int rows = choice->count - done < ROWS ? choice->count - done : ROWS;
        for (int r = 0; r < rows; r++) {
            image[r] = (uint32_t)choice_row(dataset, choice, done + r);
            bytes[r] = choice->made ? choice->made + (size_t)(done + r) * inputs : pixels[image[r]];
            bytes[r] += part->begin;
        }
        if (noise) {
            const struct rng_normal normal = {noise->seed, RNG_NOISE, noise->epoch,
                                              (float)noise->sigma};
            rng_normal_rows(&normal, &means, image, rows, (size_t)part->begin, (size_t)part->inputs,
                            x, (size_t)part->stride);
        } else {
            math_bytes_affine(rows, part->inputs, bytes, means.factor, means.offset, x,
                              part->stride);
        }
        x += (size_t)rows * (size_t)part->stride;
    }
}

void data_expect(const struct dataset *dataset, const struct data_choice *choice, int begin,
                 int inputs)
{
    enum { CACHE_LINE = 64, SECOND_LEVEL = 2 };
    for (int r = 0; r < choice->count; r++) {
        const unsigned char *pixels =
            dataset->split[choice->split].pixels[choice_row(dataset, choice, r)] + begin;
        for (int i = 0; i < inputs; i += CACHE_LINE)
            __builtin_prefetch(pixels + i, 0, SECOND_LEVEL);
        __builtin_prefetch(pixels + inputs - 1, 0, SECOND_LEVEL);
    }
}

void data_pixels(const struct dataset *dataset, enum data_split split, uint64_t image, uint8_t *out)
{
    assert(image < dataset->split[split].count);
    memcpy(out, dataset->split[split].pixels[image], (size_t)dataset->info.inputs);
}

void data_labels(const struct dataset *dataset, const struct data_choice *choice, uint8_t *labels)
{
    for (int r = 0; r < choice->count; r++)
        labels[r] = dataset->split[choice->split].labels[choice_row(dataset, choice, r)];
}

double data_batch_std(const struct dataset *dataset, const uint32_t *index, int count,
                      const struct data_sums *made)
{
    double sum = 0, square_sum = 0, n = (double)count * dataset->info.inputs;
    for (int r = 0; r < count; r++) {
        assert(index[r] < dataset->split[DATA_TRAIN].count);
        const struct data_sums *image = made ? &made[r] : &dataset->sums[index[r]];
        sum += image->sum;
        square_sum += image->square_sum;
    }
    double mean = sum / n, variance = square_sum / n - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}
