/*
 * One training step: forward, loss, and where it is good, backward and update.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
#include <math.h>

struct backward {
    struct net *net;
    struct layer *layer;
    struct layer *below; /* NULL for the first layer */
    const real *input;   /* [rows][inputs] */
    int rows;
    const struct net_update *update;
};

void net_update_apply(const struct net_update *update, double l2, size_t n, const real *g, real *v,
                      real *w)
{
    const real rate = (real)update->rate, momentum = (real)update->momentum;
    const real decay = (real)(2 * l2);

    switch (update->optimizer) {
    case NET_SGD:
        math_update_momentum(n, rate, momentum, decay, g, v, w);
        break;
    case NET_NESTEROV:
        math_update_nesterov(n, rate, momentum, decay, g, v, w);
        break;
    }
}

/* W[:, piece] by the gradient g^T x[:, piece], some units at a time while
 * their gradient is in the cache. */
static void update_weights(const struct backward *backward, int piece, int begin, int inputs)
{
    const struct layer *layer = backward->layer;
    real *gradient = backward->net->part_gradients +
                     (size_t)piece * GRADIENT_UNITS * (size_t)layer->piece_inputs;

    for (int h = 0; h < layer->units; h += GRADIENT_UNITS) {
        const int units = layer->units - h < GRADIENT_UNITS ? layer->units - h : GRADIENT_UNITS;
        math_gemm(MATH_TRANSPOSED, MATH_PLAIN, units, inputs, backward->rows, 1,
                  layer->gradient + h, layer->units, backward->input + begin, layer->inputs, 0,
                  gradient, inputs);
        for (int u = 0; u < units; u++) {
            const size_t at = (size_t)(h + u) * (size_t)layer->inputs + (size_t)begin;
            net_update_apply(backward->update, backward->update->l2, (size_t)inputs,
                             gradient + (size_t)u * (size_t)inputs, layer->weight.velocity + at,
                             layer->weight.value + at);
        }
    }
}

/* The piece's inputs are units of the layer below: their gradient is g W[:, piece],
 * and it goes on to their scores before these weights are updated. */
static void backward_piece(void *arg, int i)
{
    const struct backward *backward = arg;
    const struct layer *layer = backward->layer;
    const int begin = i * layer->piece_inputs;
    const int inputs = layer_piece_width(layer, i);

    if (backward->below != NULL) {
        math_gemm(MATH_PLAIN, MATH_PLAIN, backward->rows, inputs, layer->units, 1, layer->gradient,
                  layer->units, layer->weight.value + begin, layer->inputs, 0,
                  backward->below->gradient + begin, layer->inputs);
        layer_finish_backward(backward->net, backward->below, backward->rows, backward->update,
                              begin, begin + inputs);
    }
    update_weights(backward, i, begin, inputs);
}

void net_backward(struct net *net, const real *x, int rows, const struct net_update *update)
{
    struct backward backward = {.net = net, .rows = rows, .update = update};

    layer_finish_backward(net, net_last_layer(net), rows, update, 0, net_last_layer(net)->units);
    for (int l = net->shape.layers - 1; l >= 0; l--) {
        backward.layer = &net->layers[l];
        backward.below = l > 0 ? &net->layers[l - 1] : NULL;
        backward.input = l > 0 ? net->layers[l - 1].output : x;
        team_run(net->team, backward.layer->pieces, backward_piece, &backward);
    }
}

struct net_step_result net_train_step(struct net *net, const real *x, const uint8_t *labels,
                                      int rows, const struct net_update *update, double loss_limit)
{
    struct layer *last = net_last_layer(net);
    const int classes = last->units;
    struct net_step_result result = {0};

    assert(rows >= 1 && rows <= net->batch);
    net_forward(net, x, rows);
    result.loss = loss_cross_entropy(rows, classes, last->output, labels) / rows;
    for (int r = 0; r < rows; r++)
        result.correct +=
            loss_argmax(classes, last->output + (size_t)r * (size_t)classes) == labels[r];
    result.updated = isfinite(result.loss) && result.loss <= loss_limit;
    if (!result.updated)
        return result;

    for (int l = 0; l < net->shape.layers; l++)
        layer_average(net, &net->layers[l]);
    net->averages_set = true;

    /* g = (p - y) / n: everything below is then the gradient of the mean. */
    loss_softmax(rows, classes, last->output, last->gradient);
    for (int r = 0; r < rows; r++) {
        real *g = last->gradient + (size_t)r * (size_t)classes;
        g[labels[r]] -= 1;
        for (int k = 0; k < classes; k++)
            g[k] /= (real)rows;
    }
    net_backward(net, x, rows, update);
    return result;
}
