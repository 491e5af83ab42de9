/*
 * One training step: forward, loss, and where it is good, backward and update.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* One of the layers above the first. */
struct backward {
    struct net *net;
    struct layer *layer, *below;
    int rows;
    const struct update *update;
};

/* The gradient g W[piece]^T of the piece's inputs, the sum over the panels. What
 * fills the last vector is 0 times the gradient. */
static void input_gradient(const struct backward *backward, int piece, real *turned)
{
    const struct layer *layer = backward->layer, *below = backward->below;
    const int begin = piece * layer->piece_inputs, inputs = layer_piece_width(layer, piece);
    const int width = math_gemm_width(inputs), stride = net_stride(width);

    for (int p = 0; p < layer->panels; p++) {
        const int units = net_smaller(layer->units - p * layer->panel, layer->panel);

        for (int h = 0; h < units; h++)
            memset(turned + h * stride + inputs, 0, (size_t)(width - inputs) * sizeof *turned);
        math_transpose(inputs, layer->panel, layer->weight.value + layer_panel_at(layer, p, begin),
                       layer->panel, turned, stride);
        math_gemm(MATH_PLAIN, MATH_PLAIN, backward->rows, width, units, 1,
                  layer->gradient + p * layer->panel, layer->stride, turned, stride, p > 0,
                  below->gradient + begin, below->stride);
    }
}

/* The piece's inputs are units of the layer below: their gradient goes on to
 * their scores. */
static void backward_piece(void *arg, int i)
{
    const struct backward *backward = arg;
    const struct layer *layer = backward->layer;
    struct layer *below = backward->below;
    const int begin = i * layer->piece_inputs;
    const bool last = i == layer->pieces - 1;
    const double time = net_clock_start(backward->net);

    input_gradient(backward, i, backward->net->scratch + (size_t)i * backward->net->scratch_size);
    layer_finish_backward(backward->net, below, backward->rows, backward->update, begin,
                          last ? below->width : begin + layer->piece_inputs);
    net_clock_mark(backward->net, NET_PHASE_INNER, time);
}

/* All layers' weights at once: the first layer's pieces at both ends, where
 * they meet the same threads as forward, the small ones of the others between. */
struct updates {
    struct net *net;
    const struct net_source *source;
    int rows;
    const struct update *update;
    int others; /* pieces of the layers above the first */
};

static void update_layer(const struct updates *updates, const struct layer *layer, int piece)
{
    const struct layer *below = layer - 1;
    const int begin = piece * layer->piece_inputs;
    const int end = begin + layer_piece_width(layer, piece);
    const double time = net_clock_start(updates->net);

    for (int p = 0; p < layer->panels; p++)
        for (int d = begin; d < end; d += layer->block_inputs)
            layer_update_panel(
                layer, p, updates->rows, d, net_smaller(end - d, layer->block_inputs),
                layer_given(updates->net, below) + d, below->stride, updates->update);
    net_clock_mark(updates->net, NET_PHASE_INNER, time);
}

static void update_piece(void *arg, int i)
{
    const struct updates *updates = arg;
    const struct layer *layer = &updates->net->layers[0];
    const int half = layer->pieces / 2;

    if (i < half || i >= half + updates->others) {
        const bool mixed = updates->net->mixed.kernels != NULL;
        (mixed ? mixed_update : first_update)(updates->net, updates->source, updates->rows,
                                              updates->update, i < half ? i : i - updates->others);
        return;
    }
    i -= half;
    for (layer++; i >= layer->pieces; layer++)
        i -= layer->pieces;
    update_layer(updates, layer, i);
}

void net_backward(struct net *net, const struct net_source *source, int rows,
                  const struct update *update)
{
    struct updates updates = {.net = net, .source = source, .rows = rows, .update = update};
    const double time = net_clock_start(net);

    layer_finish_backward(net, net_last_layer(net), rows, update, 0, net_last_layer(net)->width);
    net_clock_mark(net, NET_PHASE_INNER, time);
    for (int l = net->shape.layers - 1; l > 0; l--) {
        struct backward backward = {.net = net,
                                    .layer = &net->layers[l],
                                    .below = &net->layers[l - 1],
                                    .rows = rows,
                                    .update = update};
        updates.others += backward.layer->pieces;
        team_run(net->team, backward.layer->pieces, backward_piece, &backward);
    }
    if (net->mixed.kernels != NULL)
        mixed_round_gradient(net, rows);
    team_run(net->team, net->layers[0].pieces + updates.others, update_piece, &updates);
}

/* y / n, with label smoothing. */
static void subtract_targets(const struct layer *last, const uint8_t *labels, int rows,
                             double smoothing)
{
    const real label = (real)((1 - smoothing) / rows);
    const real class = (real)(smoothing / last->units / rows);
    real *g = last->gradient;

    for (int r = 0; r < rows; r++, g += last->stride) {
        for (int k = 0; smoothing > 0 && k < last->units; k++)
            g[k] -= class;
        g[labels[r]] -= label;
    }
}

/* From the last layer's output to its gradient; false where the loss is bad. */
static bool step_judge(struct net *net, const uint8_t *labels, int rows, double smoothing,
                       double loss_limit, struct net_step_result *result)
{
    const struct layer *last = net_last_layer(net);
    const real share = 1 / (real)rows;

    /* g = (p - y) / n: everything below is then the gradient of the mean. */
    result->loss = loss_softmax(rows, last->units, share, last->output, last->stride, labels,
                                last->gradient, &result->correct) /
                   rows;
    subtract_targets(last, labels, rows, smoothing);
    if (!isfinite(result->loss) || result->loss > loss_limit)
        return false;

    for (int l = 0; l < net->shape.layers; l++)
        layer_average(net, &net->layers[l]);
    net->averages_set = true;
    return true;
}

struct net_step_result net_train_step(struct net *net, const struct net_source *source,
                                      const uint8_t *labels, int rows,
                                      const struct net_update *update, double loss_limit)
{
    struct net_step_result result = {0};
    const struct update plan = update_plan(net, update);
    const double start = net_clock_start(net);

    assert(rows >= 1 && rows <= net->batch);
    net->dropout = dropout_plan(update);
    net_forward(net, source, rows);
    const double time = net_clock_start(net);
    result.updated = step_judge(net, labels, rows, update->label_smoothing, loss_limit, &result);
    net_clock_mark(net, NET_PHASE_INNER, time);
    if (result.updated) {
        if (net->measure != NULL)
            measure_start(net);
        net_backward(net, source, rows, &plan);
        if (net->measure != NULL)
            measure_finish(net, rows);
    }
    if (net->clock != NULL)
        net->clock->steps += (uint64_t)((clock_seconds() - start) * 1e9);
    return result;
}
