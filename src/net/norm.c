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

void layer_finish_forward(const struct net *net, struct layer *layer, int rows, int begin, int end)
{
    const int units = end - begin, stride = layer->stride;
    real *score = layer->score + begin;
    real *output = layer->output + begin;

    if (layer->parts == 1)
        math_columns_add(rows, units, layer->bias.value + begin, score, stride);
    else
        math_columns_gather(rows, units, layer->parts, net->parts + begin,
                            (size_t)rows * (size_t)stride, layer->bias.value + begin, score,
                            stride);
    if (layer->activated && net->shape.norm != NET_NORM_BEFORE)
        net_activate(&net->shape, rows, units, score, stride);
    if (!layer->normalized)
        return;
    math_columns_moments(rows, units, score, stride, layer->batch_mean + begin,
                         layer->batch_variance + begin);
    inverse_deviation(units, layer->batch_variance + begin, layer->inverse + begin);
    math_columns_normalize(rows, units, score, layer->batch_mean + begin, layer->inverse + begin,
                           layer->standard + begin, stride);
    math_columns_affine(rows, units, layer->standard + begin, layer->scale.value + begin,
                        layer->shift.value + begin, output, stride);
    if (net->shape.norm == NET_NORM_BEFORE)
        net_activate(&net->shape, rows, units, output, stride);
}

void layer_finish_backward(const struct net *net, struct layer *layer, int rows,
                           const struct net_update *update, int begin, int end)
{
    const int units = end - begin, stride = layer->stride;
    real *g = layer->gradient + begin;
    real *sum = layer->sum + begin;

    /* The output where the activation comes last, the score where it comes
     * first; without normalization they are the same. */
    if (layer->activated && net->shape.norm == NET_NORM_BEFORE)
        net_activate_backward(&net->shape, rows, units, layer->output + begin, g, stride);
    if (layer->normalized) {
        real *dot = layer->dot + begin;
        real *scale = layer->scale.value + begin;

        math_columns_sum(rows, units, g, stride, sum);
        math_columns_dot(rows, units, g, layer->standard + begin, stride, dot);
        math_columns_normalize_backward(rows, units, layer->standard + begin, scale,
                                        layer->inverse + begin, sum, dot, g, stride);
        if (net->shape.norm_learned) {
            net_update_apply(update, 0, (size_t)units, dot, layer->scale.velocity + begin, scale);
            net_update_apply(update, 0, (size_t)units, sum, layer->shift.velocity + begin,
                             layer->shift.value + begin);
        }
    }
    if (layer->activated && net->shape.norm != NET_NORM_BEFORE)
        net_activate_backward(&net->shape, rows, units, layer->score + begin, g, stride);

    math_columns_sum(rows, units, g, stride, sum);
    net_update_apply(update, 0, (size_t)units, sum, layer->bias.velocity + begin,
                     layer->bias.value + begin);
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
