/*
 * What readers see of the layers, and whether one looks. Steps are measured
 * only while somebody does: a look is remembered with its time, the run thread
 * asks after it a few times a second, and a look that is not renewed is over.
 * All is under the publication's lock.
 */
#include "internal.h"

#include <math.h>
#include <string.h>

#define MEASURE_SECONDS 0.2 /* from one measured step to the next, at least */
_Static_assert((int)FEED_MAX_LAYERS == (int)NET_MAX_LAYERS, "every layer can be shown");
_Static_assert((int)FEED_BINS == (int)NET_BINS, "bins are copied");

/* ---- the run thread's side ---- */

bool run_layers_due(struct run *run, double clock)
{
    struct publication *publication = &run->publication;
    if (clock < run->layers_due)
        return false;
    run->layers_due = clock + MEASURE_SECONDS;
    pthread_mutex_lock(&publication->lock);
    bool looked = clock_seconds() - publication->layers.looked < FEED_LAYERS_SECONDS;
    pthread_mutex_unlock(&publication->lock);
    return looked;
}

static struct layer_measure describe(const struct run *run, int l, const struct net_measure *from)
{
    const struct net_shape *shape = &run->shape;
    struct layer_measure layer = {
        .inputs = l ? shape->units[l - 1] : shape->inputs,
        .units = shape->units[l],
        .hidden = l < shape->layers - 1,
        .gradient_norm = from->gradient_norm,
        .update_ratio = from->update_norm / from->weight_norm,
        .inactive = from->inactive,
        .zeros = from->zeros,
        .bins_from = from->bins_from,
        .bin_width = from->bin_width,
        .mean_drift = from->mean_drift,
        .deviation_drift = from->deviation_drift,
    };
    memcpy(layer.bins, from->bins, sizeof layer.bins);
    return layer;
}

/* Under the lock. The trend has every `apart`-th measurement; where it is full,
 * every second of them. */
static void add_to_trend(struct layers_shown *shown)
{
    if (shown->measured++ % shown->apart)
        return;
    if (shown->points == FEED_TREND) {
        for (int l = 0; l < shown->newest.count; l++)
            for (size_t i = 0; i < FEED_TREND / 2; i++)
                shown->trend[l][i] = shown->trend[l][2 * i];
        shown->points /= 2;
        shown->apart *= 2;
    }
    for (int l = 0; l < shown->newest.count; l++) {
        const struct layer_measure *layer = &shown->newest.layer[l];
        shown->trend[l][shown->points] = (struct layer_point){
            .step = shown->newest.step,
            .gradient_norm = layer->gradient_norm,
            .update_ratio = layer->update_ratio,
        };
    }
    shown->points++;
}

void run_layers_measured(struct run *run)
{
    struct publication *publication = &run->publication;
    struct layers layers = {
        .step = run->step, .clock = clock_seconds(), .count = run->shape.layers};
    for (int l = 0; l < layers.count; l++)
        layers.layer[l] = describe(run, l, &run->layers[l]);
    pthread_mutex_lock(&publication->lock);
    publication->layers.newest = layers;
    add_to_trend(&publication->layers);
    pthread_mutex_unlock(&publication->lock);
}

void layers_forget(struct layers_shown *shown)
{
    shown->newest = (struct layers){.step = -1};
    shown->points = 0;
    shown->measured = 0;
    shown->apart = 1;
}

/* ---- the feed's side ---- */

static struct publication *of(struct feed *feed)
{
    return &((struct run *)feed)->publication;
}

static void feed_layers(struct feed *feed, struct layers *out)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    publication->layers.looked = clock_seconds();
    *out = publication->layers.newest;
    pthread_mutex_unlock(&publication->lock);
}

static size_t feed_layer_trend(struct feed *feed, int layer, struct layer_point *out, size_t most)
{
    struct publication *publication = of(feed);
    pthread_mutex_lock(&publication->lock);
    const struct layers_shown *shown = &publication->layers;
    size_t count = layer < shown->newest.count ? shown->points : 0;
    count = count < most ? count : most;
    memcpy(out, shown->trend[layer], count * sizeof *out);
    pthread_mutex_unlock(&publication->lock);
    return count;
}

void layers_feed(struct feed *feed)
{
    struct layers_shown *shown = &of(feed)->layers;
    layers_forget(shown);
    shown->looked = -INFINITY;
    feed->layers = feed_layers;
    feed->layer_trend = feed_layer_trend;
}
