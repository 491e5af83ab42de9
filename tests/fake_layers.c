/* What the made-up training shows of its layers. */
#include "fake_feed.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 100 };

/* In [-1, 1], the same for the same place. */
static double wobble(int64_t step, int layer, int stream)
{
    return sin((double)(step * 7 + layer * 31 + stream * 101));
}

/* A bell of so many numbers with its middle and width in bins. */
static void fill_bins(struct layer_measure *layer, double middle, double width, uint32_t values)
{
    double share[FEED_BINS], sum = 0;
    for (int i = 0; i < FEED_BINS; i++) {
        const double at = (i + 0.5 - middle) / width;
        sum += share[i] = exp(-at * at / 2);
    }
    for (int i = 0; i < FEED_BINS; i++)
        layer->bins[i] = (uint32_t)lround(share[i] / sum * values);
}

void fake_measure(struct fake_feed *fake)
{
    static const int sizes[] = {784, 100, 50, 10};
    struct layers *layers = &fake->layers;
    const int64_t step = fake->now.step;
    const double decay = 1 / (1 + (double)step / 2000);

    layers->step = step;
    layers->clock = fake->clock;
    layers->count = 3;
    for (int l = 0; l < layers->count; l++) {
        struct layer_measure *layer = &layers->layer[l];
        const uint32_t values = (uint32_t)(sizes[l + 1] * IMAGES);
        *layer = (struct layer_measure){
            .inputs = sizes[l],
            .units = sizes[l + 1],
            .hidden = l < 2,
            .gradient_norm = (0.6 - 0.15 * l) * decay * (1 + 0.2 * wobble(step, l, 1)),
            .update_ratio = fake->now.learning_rate * (0.12 + 0.04 * l) * decay *
                            (1 + 0.1 * wobble(step, l, 2)),
            .inactive = l == 0 ? 3 : 0,
            .mean_drift = l < 2 ? 0.11 + 0.01 * wobble(step, l, 3) : NAN,
            .deviation_drift = l < 2 ? 0.07 : NAN,
        };
        if (l < 2) {
            layer->zeros = values * 52 / 100;
            layer->bin_width = 0.15;
            fill_bins(layer, 1 + l, 8, values - layer->zeros);
        } else {
            layer->bin_width = 1;
            layer->bins_from = -10;
            fill_bins(layer, 12, 4, values);
        }
    }
    if (fake->trend_points == FEED_TREND) {
        memmove(fake->trend, fake->trend + 1, sizeof(fake->trend) - sizeof(fake->trend[0]));
        fake->trend_points--;
    }
    for (int l = 0; l < layers->count; l++)
        fake->trend[fake->trend_points][l] = (struct layer_point){
            step, layers->layer[l].gradient_norm, layers->layer[l].update_ratio};
    fake->trend_points++;
}

void fake_take_layers(struct feed *feed, struct layers *out)
{
    struct fake_feed *fake = (struct fake_feed *)feed; /* its first member */
    pthread_mutex_lock(&fake->lock);
    fake->looks++;
    *out = fake->layers;
    pthread_mutex_unlock(&fake->lock);
}

size_t fake_take_layer_trend(struct feed *feed, int layer, struct layer_point *out, size_t most)
{
    struct fake_feed *fake = (struct fake_feed *)feed;
    pthread_mutex_lock(&fake->lock);
    size_t count = fake->trend_points < most ? fake->trend_points : most;
    for (size_t i = 0; i < count; i++)
        out[i] = fake->trend[i][layer];
    pthread_mutex_unlock(&fake->lock);
    return count;
}
