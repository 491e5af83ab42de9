/*
 * What the training images used look like: from exact integer sums of their
 * pixels come the transform and each image's sums as it is fed to the net.
 *
 *   mean, std  of pixel / 255, over everything, a channel or a pixel's place
 *   factor   = 1 / (255 std), std = 1 where it is 0 or scale is unit
 *   offset   = mean / std, mean = 0 where none is subtracted
 */
#include "internal.h"

#include <math.h>
#include <string.h>

/* This many squares of bytes fit into 32 bits. */
enum { SAFE_SQUARES = UINT32_MAX / (255 * 255) };

enum { LANES = 8 };

struct pixel_sums {
    uint64_t sum, square_sum;
};

static struct pixel_sums sum_pixels(const unsigned char *pixels, size_t count)
{
    struct pixel_sums total = {0, 0};
    while (count) {
        size_t n = count < SAFE_SQUARES ? count : SAFE_SQUARES;
        uint32_t sum = 0, square_sum = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t pixel = pixels[i];
            sum += pixel;
            square_sum += pixel * pixel;
        }
        total.sum += sum;
        total.square_sum += square_sum;
        pixels += n;
        count -= n;
    }
    return total;
}

uint64_t pixels_sum(const unsigned char *pixels, size_t count)
{
    return sum_pixels(pixels, count).sum;
}

/* Inputs first … last - 1 get the transform that `count` pixels with these
 * sums ask for. */
static void transform_set(struct data_transform *transform, int first, int last,
                          struct pixel_sums sums, double count, bool centred, enum data_scale scale)
{
    double mean = (double)sums.sum / count;
    double variance = (double)sums.square_sum / count - mean * mean;
    double std = scale == DATA_SCALE_STD && variance > 0 ? sqrt(variance) / 255 : 1;
    double factor = 1 / (255 * std), offset = centred ? mean / 255 / std : 0;
    for (int i = first; i < last; i++) {
        transform->factor[i] = (float)factor;
        transform->offset[i] = (float)offset;
    }
}

/* Adds what the sums of a channel's pixels are as they are fed. */
static void sums_add(struct data_sums *fed, const struct data_transform *transform, int channel,
                     int plane, const struct pixel_sums *pixels)
{
    double factor = transform->factor[channel * plane], offset = transform->offset[channel * plane];
    double sum = (double)pixels->sum, square_sum = (double)pixels->square_sum;
    fed->sum += factor * sum - plane * offset;
    fed->square_sum +=
        factor * factor * square_sum - 2 * factor * offset * sum + plane * offset * offset;
}

struct planes {
    const struct rows *rows;
    int channels, plane;
    struct pixel_sums *sums; /* [rows][channels] */
};

static void planes_piece(void *arg, int i)
{
    const struct planes *planes = arg;
    const size_t last = piece_first(planes->rows->count, i + 1);
    for (size_t row = piece_first(planes->rows->count, i); row < last; row++)
        for (int channel = 0; channel < planes->channels; channel++)
            planes->sums[row * (size_t)planes->channels + (size_t)channel] = sum_pixels(
                planes->rows->pixels[row] + channel * planes->plane, (size_t)planes->plane);
}

/* A transform that is the same within a channel: each image's sums as fed
 * follow from its channels' pixel sums. */
static int planes_compute(struct dataset *dataset, enum data_mean mean, enum data_scale scale,
                          struct err *err)
{
    const struct rows *rows = &dataset->split[DATA_TRAIN];
    struct data_transform *transform = &dataset->transform;
    int channels = dataset->info.channels, plane = dataset->info.inputs / channels;
    struct pixel_sums *sums = mem_array(rows->count, (size_t)channels * sizeof *sums, err);
    struct pixel_sums *totals = mem_alloc((size_t)channels * sizeof *totals);
    if (!sums) {
        mem_free(totals);
        return -1;
    }
    /* One number for all is one for each channel that is the same. */
    bool apart = mean == DATA_MEAN_CHANNEL;
    struct planes planes = {rows, channels, plane, sums};
    team_run(dataset->team, PIECES, planes_piece, &planes);
    struct pixel_sums *at = sums;
    for (size_t row = 0; row < rows->count; row++)
        for (int channel = 0; channel < channels; channel++, at++) {
            totals[apart ? channel : 0].sum += at->sum;
            totals[apart ? channel : 0].square_sum += at->square_sum;
        }
    double count = (double)rows->count * plane * (apart ? 1 : channels);
    for (int channel = 0; channel < channels; channel++)
        transform_set(transform, channel * plane, (channel + 1) * plane,
                      totals[apart ? channel : 0], count, mean != DATA_MEAN_NONE, scale);

    at = sums;
    for (size_t row = 0; row < rows->count; row++)
        for (int channel = 0; channel < channels; channel++, at++)
            sums_add(&dataset->sums[row], transform, channel, plane, at);
    mem_free(totals);
    mem_free(sums);
    return 0;
}

struct places {
    struct dataset *dataset;
    struct pixel_sums *total;
    uint32_t *sum, *square_sum; /* of some rows, so that 32 bits do */
};

/* Few, so that each reads long stretches of a row. */
enum { PLACE_PIECES = 8 };

/* Some places' sums over all training images. */
static void places_piece(void *arg, int piece)
{
    const struct places *places = arg;
    const struct rows *rows = &places->dataset->split[DATA_TRAIN];
    const size_t inputs = (size_t)places->dataset->info.inputs;
    const size_t first = inputs * (size_t)piece / PLACE_PIECES;
    const size_t n = inputs * (size_t)(piece + 1) / PLACE_PIECES - first;
    uint32_t *restrict sum = places->sum + first, *restrict square_sum = places->square_sum + first;
    for (size_t row = 0; row < rows->count;) {
        size_t last = rows->count - row < SAFE_SQUARES ? rows->count : row + (size_t)SAFE_SQUARES;
        memset(sum, 0, n * sizeof *sum);
        memset(square_sum, 0, n * sizeof *square_sum);
        for (; row < last; row++) {
            const unsigned char *restrict pixels = rows->pixels[row] + first;
            for (size_t i = 0; i < n; i++) {
                uint32_t pixel = pixels[i];
                sum[i] += pixel;
                square_sum[i] += pixel * pixel;
            }
        }
        for (size_t i = 0; i < n; i++) {
            places->total[first + i].sum += sum[i];
            places->total[first + i].square_sum += square_sum[i];
        }
    }
}

static void fed_add(const unsigned char *pixels, const struct data_transform *transform, int at,
                    int lanes, double *sum, double *square_sum)
{
    for (int lane = 0; lane < lanes; lane++) {
        double fed =
            (float)pixels[at + lane] * transform->factor[at + lane] - transform->offset[at + lane];
        sum[lane] += fed;
        square_sum[lane] += fed * fed;
    }
}

static struct data_sums fed_sums(const unsigned char *pixels,
                                 const struct data_transform *transform)
{
    struct data_sums total = {0, 0};
    double lane_sum[LANES] = {0}, lane_square_sum[LANES] = {0};
    int i = 0;
    for (; i + LANES <= transform->inputs; i += LANES)
        fed_add(pixels, transform, i, LANES, lane_sum, lane_square_sum);
    fed_add(pixels, transform, i, transform->inputs - i, lane_sum, lane_square_sum);
    for (int lane = 0; lane < LANES; lane++) {
        total.sum += lane_sum[lane];
        total.square_sum += lane_square_sum[lane];
    }
    return total;
}

static void fed_piece(void *arg, int piece)
{
    struct dataset *dataset = arg;
    const struct rows *rows = &dataset->split[DATA_TRAIN];
    const size_t last = piece_first(rows->count, piece + 1);
    for (size_t row = piece_first(rows->count, piece); row < last; row++)
        dataset->sums[row] = fed_sums(rows->pixels[row], &dataset->transform);
}

/* A transform of its own for each place. */
static int places_compute(struct dataset *dataset, enum data_scale scale, struct err *err)
{
    const struct rows *rows = &dataset->split[DATA_TRAIN];
    int inputs = dataset->info.inputs;
    struct pixel_sums *total = mem_array((size_t)inputs, sizeof *total, err);
    uint32_t *part = mem_array((size_t)inputs, 2 * sizeof *part, err);
    if (total && part) {
        struct places places = {dataset, total, part, part + inputs};
        team_run(dataset->team, PLACE_PIECES, places_piece, &places);
        for (int i = 0; i < inputs; i++)
            transform_set(&dataset->transform, i, i + 1, total[i], (double)rows->count, true,
                          scale);
        team_run(dataset->team, PIECES, fed_piece, dataset);
    }
    int failed = total && part ? 0 : -1;
    mem_free(total);
    mem_free(part);
    return failed;
}

int transform_compute(struct dataset *dataset, enum data_mean mean, enum data_scale scale,
                      struct err *err)
{
    struct data_transform *transform = &dataset->transform;
    size_t inputs = (size_t)dataset->info.inputs, count = dataset->split[DATA_TRAIN].count;
    transform->inputs = dataset->info.inputs;
    transform->factor = mem_array(inputs, sizeof *transform->factor, err);
    transform->offset = mem_array(inputs, sizeof *transform->offset, err);
    dataset->sums = mem_array(count, sizeof *dataset->sums, err);
    dataset->plain_planes = mean != DATA_MEAN_PIXEL;
    if (!transform->factor || !transform->offset || !dataset->sums)
        return -1;
    return dataset->plain_planes ? planes_compute(dataset, mean, scale, err)
                                 : places_compute(dataset, scale, err);
}

struct data_sums transform_sums(const struct dataset *dataset, const unsigned char *pixels)
{
    const int channels = dataset->info.channels, plane = dataset->info.inputs / channels;
    struct data_sums total = {0, 0};
    if (!dataset->plain_planes)
        return fed_sums(pixels, &dataset->transform);
    for (int channel = 0; channel < channels; channel++) {
        const struct pixel_sums sums = sum_pixels(pixels + channel * plane, (size_t)plane);
        sums_add(&total, &dataset->transform, channel, plane, &sums);
    }
    return total;
}
