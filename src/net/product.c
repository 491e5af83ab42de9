/*
 * Products of a layer with its weights: scores forward, gradient and update
 * backward, each for a stretch of the inputs.
 */
#include "kdt/net.h"
#include "internal.h"

void layer_panel_product(const struct layer *layer, int panel, int rows, int begin, int inputs,
                         const real *x, int stride, bool add, real *score)
{
    /* More inputs at a time would not stay in a core's cache. */
    enum { MOST_INPUTS = 512 };

    for (int end = begin + inputs; begin < end; begin += MOST_INPUTS, x += MOST_INPUTS) {
        const int n = end - begin < MOST_INPUTS ? end - begin : MOST_INPUTS;
        math_gemm(MATH_PLAIN, MATH_PLAIN, rows, layer->panel, n, 1, x, stride,
                  layer->weight.value + layer_panel_at(layer, panel, begin), layer->panel, add,
                  score + panel * layer->panel, layer->stride);
        add = true;
    }
}

void layer_product(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                   int stride, bool add, real *score)
{
    for (int p = 0; p < layer->panels; p++)
        layer_panel_product(layer, p, rows, begin, inputs, x, stride, add, score);
}

void layer_tail_product(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                        int stride, bool add, real *lanes)
{
    if (layer->tail > 0)
        math_tail_product(rows, layer->tail, inputs, x, stride,
                          layer->weight.value + layer_tail_at(layer, 0, begin), layer->inputs, add,
                          lanes);
}

void layer_tail_score(const struct layer *layer, int rows, const real *lanes, real *score)
{
    if (layer->tail > 0)
        math_tail_sum(rows, layer->tail, lanes, score + layer->panels * layer->panel,
                      layer->stride);
}

void layer_update_panel(const struct layer *layer, int panel, int rows, int begin, int inputs,
                        const real *x, int stride, const struct update *update)
{
    _Alignas(64) real gradient[NET_BLOCK_NUMBERS];
    const int some = math_gradient_inputs(layer->panel, inputs);

    for (int d = 0, n; d < inputs; d += n) {
        const size_t at = layer_panel_at(layer, panel, begin + d);
        const real *const updated[] = {layer->weight.value + at, layer->weight.velocity + at};

        n = net_smaller(inputs - d, some);
        math_gradient(rows, n, layer->panel, x + d, stride, layer->gradient + panel * layer->panel,
                      layer->stride, updated, gradient);
        layer_update_weights(layer, begin, at, (size_t)n * (size_t)layer->panel, gradient, update);
    }
}

void layer_update_tail(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                       int stride, const struct update *update)
{
    _Alignas(64) real gradient[NET_BLOCK_NUMBERS];

    if (layer->tail == 0)
        return;
    math_tail_gradient(rows, layer->tail, inputs, x, stride,
                       layer->gradient + layer->panels * layer->panel, layer->stride, gradient,
                       inputs);
    for (int h = 0; h < layer->tail; h++)
        layer_update_weights(layer, begin, layer_tail_at(layer, h, begin), (size_t)inputs,
                             gradient + h * inputs, update);
}
