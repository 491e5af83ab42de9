/*
 * What a step shows of each layer, where somebody wants to know.
 *
 * Weight gradients are never stored whole, so norms are sums of squares that
 * grow block by block next to the updates, one sum for each piece of a layer,
 * added in the pieces' order. Everything else is read from what the step leaves
 * in the layers' work. Nothing that a step computes with is written.
 */
#include "kdt/net.h"
#include "internal.h"

#include <math.h>
#include <string.h>

void net_measure_set(struct net *net, struct net_measure *measure)
{
    struct squares *squares = net->squares;

    net->measure = measure;
    for (int l = 0; l < net->shape.layers; squares += net->layers[l++].pieces)
        net->layers[l].squares = measure == NULL ? NULL : squares;
}

void measure_start(struct net *net)
{
    int pieces = 0;

    for (int l = 0; l < net->shape.layers; l++)
        pieces += net->layers[l].pieces;
    memset(net->squares, 0, (size_t)pieces * sizeof *net->squares);
}

/* A block's n weights from `at` on. */
void measure_update(const struct layer *layer, int begin, size_t at, size_t n, const real *g,
                    const struct update *update)
{
    struct squares *squares = &layer->squares[begin / layer->piece_inputs];
    const real *w = layer->weight.value + at;
    _Alignas(64) real before[NET_BLOCK_NUMBERS];

    memcpy(before, w, n * sizeof *w);
    update_apply(update, true, n, g, &layer->weight, at);
    squares->gradient += math_squares(n, g);
    squares->weight += math_squares(n, before);
    squares->update += math_squares_apart(n, before, w);
}

static void measure_norms(const struct layer *layer, struct net_measure *out)
{
    struct squares sum = {0};

    for (int i = 0; i < layer->pieces; i++) {
        sum.gradient += layer->squares[i].gradient;
        sum.weight += layer->squares[i].weight;
        sum.update += layer->squares[i].update;
    }
    out->gradient_norm = sqrt(sum.gradient);
    out->weight_norm = sqrt(sum.weight);
    out->update_norm = sqrt(sum.update);
}

/* ---- activations ---- */

/* What the activation gave; of the last layer the logits. A layer that is
 * normalized before its activation has it in its output, any other in its score. */
static const real *activations(const struct net *net, const struct layer *layer)
{
    return net->shape.norm == NET_NORM_BEFORE ? layer->output : layer->score;
}

static int count_inactive(const struct layer *layer, int rows, const real *x)
{
    int inactive = 0;

    for (int h = 0; h < layer->units; h++) {
        int r = 0;
        while (r < rows && !(x[(size_t)r * (size_t)layer->stride + (size_t)h] > 0))
            r++;
        inactive += r == rows;
    }
    return inactive;
}

/* The narrowest bins of a round width that take in both ends, with 0 between two
 * of them. Sets the width; the bins below 0. */
static int choose_bins(double least, double largest, double *width)
{
    static const double rounds[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
    const double reach = fmax(largest, -least);
    double power = reach > 0 ? pow(10, floor(log10(reach / NET_BINS))) : 1;

    for (;; power *= 10)
        for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
            *width = power * rounds[i];
            /* An even number, so that two may be drawn as one. */
            const double below = 2 * ceil(-least / *width / 2);
            if (below + floor(largest / *width) + 1 <= NET_BINS)
                return (int)below;
        }
}

static void measure_activations(const struct layer *layer, int rows, const real *x,
                                struct net_measure *out)
{
    double least = 0, largest = 0;

    for (int r = 0; r < rows; r++)
        for (int h = 0; h < layer->units; h++) {
            const double value = (double)x[(size_t)r * (size_t)layer->stride + (size_t)h];
            if (!isfinite(value))
                continue;
            least = fmin(least, value);
            largest = fmax(largest, value);
        }
    const int below = choose_bins(least, largest, &out->bin_width);
    out->bins_from = -below * out->bin_width;
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < layer->units; h++) {
            const double value = (double)x[(size_t)r * (size_t)layer->stride + (size_t)h];
            if (value == 0) {
                out->zeros++;
            } else if (isfinite(value)) {
                const int bin = below + (int)floor(value / out->bin_width);
                out->bins[bin < 0 ? 0 : net_smaller(bin, NET_BINS - 1)]++;
            }
        }
}

/* ---- the moving averages ---- */

static void measure_drift(const struct layer *layer, struct net_measure *out)
{
    double means = 0, deviations = 0;

    for (int h = 0; h < layer->units; h++) {
        const double variance = (double)layer->variance[h] + NET_NORM_EPSILON;
        const double batch = (double)layer->batch_variance[h] + NET_NORM_EPSILON;
        const double apart = (double)layer->mean[h] - (double)layer->batch_mean[h];
        const double ratio = log(variance / batch) / 2;

        means += apart * apart / variance;
        deviations += ratio * ratio;
    }
    out->mean_drift = sqrt(means / layer->units);
    out->deviation_drift = sqrt(deviations / layer->units);
}

/* ---- all of it ---- */

struct measuring {
    struct net *net;
    int rows;
};

static void measure_layer(void *arg, int l)
{
    const struct measuring *measuring = arg;
    const struct layer *layer = &measuring->net->layers[l];
    const real *x = activations(measuring->net, layer);
    struct net_measure *out = &measuring->net->measure[l];

    *out = (struct net_measure){.mean_drift = NAN, .deviation_drift = NAN};
    measure_norms(layer, out);
    measure_activations(layer, measuring->rows, x, out);
    if (layer->activated)
        out->inactive = count_inactive(layer, measuring->rows, x);
    if (layer->normalized)
        measure_drift(layer, out);
}

void measure_finish(struct net *net, int rows)
{
    struct measuring measuring = {.net = net, .rows = rows};

    team_run(net->team, net->shape.layers, measure_layer, &measuring);
}
