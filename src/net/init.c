/*
 * The state that training starts from.
 */
#include "kdt/net.h"
#include "internal.h"

#include <math.h>
#include <string.h>

static double init_deviation(enum net_init rule, double std, const struct layer *layer)
{
    switch (rule) {
    case NET_INIT_HE:
        return sqrt(2.0 / layer->inputs);
    case NET_INIT_XAVIER:
        return sqrt(2.0 / ((double)layer->inputs + layer->units));
    case NET_INIT_NORMAL:
        break;
    }
    return std;
}

static void fill_ones(real *values, int n)
{
    for (int i = 0; i < n; i++)
        values[i] = 1;
}

void net_reset(struct net *net)
{
    for (int i = 0; i < net->tensor_count; i++) {
        const struct tensor *tensor = &net->tensors[i];
        memset(tensor->data, 0, tensor_length(tensor) * sizeof(real));
    }
    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];
        if (layer->normalized) {
            fill_ones(layer->scale.value, layer->units);
            fill_ones(layer->variance, layer->units);
        }
    }
    net->averages_set = false;
    net->mixed.weights_rounded = false;
}

void net_init_weights(struct net *net, enum net_init rule, double std, uint64_t seed)
{
    net_reset(net);
    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];
        const real deviation = (real)init_deviation(rule, std, layer);
        const size_t inputs = (size_t)layer->inputs;
        float *row = mem_alloc(inputs * sizeof *row);

        for (int h = 0; h < layer->units; h++) {
            size_t apart;
            real *weight = layer->weight.value + layer_unit_at(layer, h, &apart);
            rng_normal_fill(seed, RNG_INIT, (uint32_t)l, (uint32_t)h, row, inputs);
            for (size_t d = 0; d < inputs; d++)
                weight[d * apart] = deviation * row[d];
        }
        mem_free(row);
    }
}
