/*
 * One training step: forward, loss, and where it is good, backward and update.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
#include <math.h>

struct backward {
    struct net *net;
    int l;
    struct layer *layer;
    struct layer *below; /* NULL for the first layer */
    const struct net_source *source;
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

/* W[piece] by the gradient x[:, piece]^T g, a block at a time. */
static void update_weights(const struct backward *backward, int piece, real *gradient)
{
    const struct layer *layer = backward->layer;
    const int begin = piece * layer->piece_inputs;
    const int inputs = layer_piece_width(layer, piece);
    int stride;
    const real *x = net_piece_input(backward->net, backward->l, piece, &stride);
    const struct net_source *source = backward->source;
    const bool expecting = backward->below == NULL && source->expect != NULL;
    const int shares = layer->panels * ((inputs + layer->block_inputs - 1) / layer->block_inputs);
    int share = 0;

    for (int p = 0; p < layer->panels; p++)
        for (int d = 0; d < inputs; d += layer->block_inputs) {
            const int left = inputs - d;
            const int block = left < layer->block_inputs ? left : layer->block_inputs;
            const size_t at = layer_weight_at(layer, p, begin + d);

            if (expecting)
                source->expect(source->of, begin, inputs, share++, shares);
            math_gemm(MATH_TRANSPOSED, MATH_PLAIN, block, layer->panel, backward->rows, 1, x + d,
                      stride, layer->gradient + p * layer->panel, layer->stride, 0, gradient,
                      layer->panel);
            net_update_apply(backward->update, backward->update->l2,
                             (size_t)block * (size_t)layer->panel, gradient,
                             layer->weight.velocity + at, layer->weight.value + at);
        }
}

/* The gradient g W[piece]^T of the piece's inputs, the sum over the panels. */
static void input_gradient(const struct backward *backward, int piece, real *turned)
{
    const struct layer *layer = backward->layer, *below = backward->below;
    const int begin = piece * layer->piece_inputs;
    const int inputs = layer_piece_width(layer, piece), stride = net_stride(inputs);

    for (int p = 0; p < layer->panels; p++) {
        math_transpose(inputs, layer->panel, layer->weight.value + layer_weight_at(layer, p, begin),
                       layer->panel, turned, stride);
        math_gemm(MATH_PLAIN, MATH_PLAIN, backward->rows, inputs, layer->panel, 1,
                  layer->gradient + p * layer->panel, layer->stride, turned, stride, p > 0,
                  below->gradient + begin, below->stride);
    }
}

/* The piece's inputs are units of the layer below: their gradient goes on to
 * their scores before these weights are updated. */
static void backward_piece(void *arg, int i)
{
    const struct backward *backward = arg;
    const int begin = i * backward->layer->piece_inputs;
    real *scratch = backward->net->scratch + (size_t)i * backward->net->scratch_size;
    const double time = net_clock_start(backward->net);

    if (backward->below != NULL) {
        input_gradient(backward, i, scratch);
        const bool last = i == backward->layer->pieces - 1;
        layer_finish_backward(
            backward->net, backward->below, backward->rows, backward->update, begin,
            last ? backward->below->width : begin + backward->layer->piece_inputs);
    }
    update_weights(backward, i, scratch);
    net_clock_mark(backward->net, backward->below == NULL ? NET_PHASE_UPDATE : NET_PHASE_INNER,
                   time);
}

void net_backward(struct net *net, const struct net_source *source, int rows,
                  const struct net_update *update)
{
    struct backward backward = {.net = net, .source = source, .rows = rows, .update = update};
    const double time = net_clock_start(net);

    layer_finish_backward(net, net_last_layer(net), rows, update, 0, net_last_layer(net)->width);
    net_clock_mark(net, NET_PHASE_INNER, time);
    for (int l = net->shape.layers - 1; l >= 0; l--) {
        backward.l = l;
        backward.layer = &net->layers[l];
        backward.below = l > 0 ? &net->layers[l - 1] : NULL;
        team_run(net->team, backward.layer->pieces, backward_piece, &backward);
    }
}

/* From the last layer's output to its gradient; false where the loss is bad. */
static bool step_judge(struct net *net, const uint8_t *labels, int rows, double loss_limit,
                       struct net_step_result *result)
{
    const struct layer *last = net_last_layer(net);
    const int classes = last->units;

    result->loss = loss_cross_entropy(rows, classes, last->output, last->stride, labels) / rows;
    for (int r = 0; r < rows; r++)
        result->correct +=
            loss_argmax(classes, last->output + (size_t)r * (size_t)last->stride) == labels[r];
    if (!isfinite(result->loss) || result->loss > loss_limit)
        return false;

    for (int l = 0; l < net->shape.layers; l++)
        layer_average(net, &net->layers[l]);
    net->averages_set = true;

    /* g = (p - y) / n: everything below is then the gradient of the mean. */
    loss_softmax(rows, classes, last->output, last->stride, last->gradient, last->stride);
    for (int r = 0; r < rows; r++) {
        real *g = last->gradient + (size_t)r * (size_t)last->stride;
        g[labels[r]] -= 1;
        for (int k = 0; k < classes; k++)
            g[k] /= (real)rows;
    }
    return true;
}

struct net_step_result net_train_step(struct net *net, const struct net_source *source,
                                      const uint8_t *labels, int rows,
                                      const struct net_update *update, double loss_limit)
{
    struct net_step_result result = {0};
    const double start = net_clock_start(net);

    assert(rows >= 1 && rows <= net->batch);
    net_forward(net, source, rows);
    const double time = net_clock_start(net);
    result.updated = step_judge(net, labels, rows, loss_limit, &result);
    net_clock_mark(net, NET_PHASE_INNER, time);
    if (result.updated)
        net_backward(net, source, rows, update);
    if (net->clock != NULL)
        net->clock->steps += (uint64_t)((clock_seconds() - start) * 1e9);
    return result;
}
