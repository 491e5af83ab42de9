/*
 * What a layer does unit by unit: bias, batch normalization and activation,
 * forward, backward, and folded into one scale and shift for evaluation.
 */
#include "kdt/net.h"
#include "internal.h"

#include <tgmath.h>

void net_activate(const struct net_shape *shape, int rows, int units, real *x, int stride)
{
    switch (shape->activation) {
    case NET_RELU:
        math_leaky_relu(rows, units, 0, x, stride);
        break;
    case NET_LEAKY_RELU:
        math_leaky_relu(rows, units, (real)shape->slope, x, stride);
        break;
    case NET_ELU:
        math_elu(rows, units, (real)shape->slope, x, stride);
        break;
    }
}

void net_activate_backward(const struct net_shape *shape, int rows, int units, const real *y,
                           real *g, int stride)
{
    switch (shape->activation) {
    case NET_RELU:
        math_leaky_relu_backward(rows, units, 0, y, g, stride);
        break;
    case NET_LEAKY_RELU:
        math_leaky_relu_backward(rows, units, (real)shape->slope, y, g, stride);
        break;
    case NET_ELU:
        math_elu_backward(rows, units, (real)shape->slope, y, g, stride);
        break;
    }
}

static void inverse_deviation(int units, const real *variance, real *inverse)
{
    for (int h = 0; h < units; h++)
        inverse[h] = 1 / sqrt(variance[h] + (real)NET_NORM_EPSILON);
}

/* The activation's slope below 0, as far as the normalization applies it; 1 where the activation
 * is not its business. */
static real norm_slope(const struct net *net)
{
    if (net->shape.norm != NET_NORM_BEFORE || net->shape.activation == NET_ELU)
        return 1;
    return net->shape.activation == NET_RELU ? 0 : (real)net->shape.slope;
}

static struct math_norm layer_norm(const struct net *net, const struct layer *layer, int begin)
{
    return (struct math_norm){
        .bias = net->shape.norm == NET_NORM_BEFORE ? layer->bias.value + begin : NULL,
        .scale = layer->scale.value + begin,
        .shift = layer->shift.value + begin,
        .epsilon = (real)NET_NORM_EPSILON,
        .slope = norm_slope(net),
        .mean = layer->batch_mean + begin,
        .variance = layer->batch_variance + begin,
        .inverse = layer->inverse + begin,
        .standard = layer->standard + begin,
        .output = layer->output + begin,
    };
}

/* Whether the activation is applied to the normalized scores, but by itself. */
static bool activates_after_norm(const struct net *net)
{
    return net->shape.norm == NET_NORM_BEFORE && net->shape.activation == NET_ELU;
}

static void normalize_forward(const struct net *net, struct layer *layer, int rows, int begin,
                              int end)
{
    const int units = end - begin, stride = layer->stride;
    const size_t part_stride = (size_t)rows * (size_t)stride;
    const real *parts = (layer->parts == 1 ? layer->score : net->parts) + begin;
    real *score = layer->score + begin;

    if (layer->normalized && net->shape.norm == NET_NORM_BEFORE) {
        const struct math_norm norm = layer_norm(net, layer, begin);
        math_norm_forward(rows, units, layer->parts, parts, part_stride, stride, &norm);
        if (activates_after_norm(net))
            net_activate(&net->shape, rows, units, layer->output + begin, stride);
        return;
    }
    if (layer->parts == 1)
        math_columns_add(rows, units, layer->bias.value + begin, score, stride);
    else
        math_columns_gather(rows, units, layer->parts, parts, part_stride,
                            layer->bias.value + begin, score, stride);
    if (layer->activated)
        net_activate(&net->shape, rows, units, score, stride);
    if (layer->normalized) {
        const struct math_norm norm = layer_norm(net, layer, begin);
        math_norm_forward(rows, units, 1, score, 0, stride, &norm);
    }
}

void layer_finish_forward(const struct net *net, struct layer *layer, int rows, int begin, int end)
{
    normalize_forward(net, layer, rows, begin, end);
    if (layer->activated && net->dropout.limit > 0)
        layer_drop(net, layer, rows, begin, end, layer->output, layer->dropped);
}

void layer_finish_backward(const struct net *net, struct layer *layer, int rows,
                           const struct update *update, int begin, int end)
{
    const int units = end - begin, stride = layer->stride;
    const bool before = layer->normalized && net->shape.norm == NET_NORM_BEFORE;
    real *g = layer->gradient + begin;
    real *sum = layer->sum + begin;

    if (layer->activated && net->dropout.limit > 0)
        layer_drop(net, layer, rows, begin, end, layer->gradient, layer->gradient);
    if (layer->normalized) {
        const struct math_norm norm = layer_norm(net, layer, begin);
        real *dot = layer->dot + begin, *norm_sum = layer->norm_sum + begin;

        if (activates_after_norm(net))
            net_activate_backward(&net->shape, rows, units, layer->output + begin, g, stride);
        math_norm_backward(rows, units, g, stride, &norm, norm_sum, dot, sum);
        if (net->shape.norm_learned) {
            update_apply(update, false, (size_t)units, dot, &layer->scale, (size_t)begin);
            update_apply(update, false, (size_t)units, norm_sum, &layer->shift, (size_t)begin);
        }
    }
    if (!before) {
        if (layer->activated)
            net_activate_backward(&net->shape, rows, units, layer->score + begin, g, stride);
        math_columns_sum(rows, units, g, stride, sum);
    }
    update_apply(update, false, (size_t)units, sum, &layer->bias, (size_t)begin);
}

static void average(int units, real keep, real *moving, const real *batch)
{
    for (int h = 0; h < units; h++)
        moving[h] = keep * moving[h] + (1 - keep) * batch[h];
}

void layer_average(const struct net *net, struct layer *layer)
{
    if (!layer->normalized)
        return;
    const real keep = net->averages_set ? (real)net->shape.norm_average : 0;
    average(layer->units, keep, layer->mean, layer->batch_mean);
    average(layer->units, keep, layer->variance, layer->batch_variance);
}

void layer_fold(const struct net *net, struct layer *layer)
{
    const real *bias = layer->bias.value;

    if (!layer->normalized) {
        for (int h = 0; h < layer->units; h++) {
            layer->fold_scale[h] = 1;
            layer->fold_shift[h] = bias[h];
        }
        return;
    }
    const bool before = net->shape.norm == NET_NORM_BEFORE;
    inverse_deviation(layer->units, layer->variance, layer->fold_scale);
    for (int h = 0; h < layer->units; h++) {
        layer->fold_scale[h] *= layer->scale.value[h];
        layer->fold_shift[h] = layer->shift.value[h] +
                               ((before ? bias[h] : 0) - layer->mean[h]) * layer->fold_scale[h];
    }
}
