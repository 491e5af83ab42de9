/*
 * The optimizers: from a step's rate, momentum and lambda to the kernels that
 * update a stretch of numbers. Adam's bias correction, which is the same for all
 * numbers, is in its rate and epsilon:
 *
 *   eta m^ / (sqrt(u^) + epsilon) = rate m / (sqrt(u) + sqrt(1 - beta2^t) epsilon)
 *   with m^ = m / (1 - P), u^ = u / (1 - beta2^t), t counted from 1,
 *        rate = eta sqrt(1 - beta2^t) / (1 - P)
 *
 * P is the product of each update's beta1, which is beta1^t as long as nobody changes it.
 */
#include "kdt/net.h"
#include "internal.h"

#include <math.h>

#define ADAM_SQUARE 0.999 /* beta2 */
#define ADAM_EPSILON 1e-8

struct update update_plan(const struct net *net, const struct net_update *of)
{
    const enum net_optimizer optimizer = net->shape.optimizer;
    const double t = (double)of->updates + 1;
    const double first = 1 - of->momentum_product * of->momentum;
    const double second = sqrt(1 - pow(ADAM_SQUARE, t));

    return (struct update){
        .optimizer = optimizer,
        .rate = (real)of->rate,
        .momentum = (real)of->momentum,
        .decay = (real)(2 * of->l2),
        .adam = {.rate = (real)(of->rate * second / first),
                 .momentum = (real)of->momentum,
                 .square = (real)ADAM_SQUARE,
                 .epsilon = (real)(ADAM_EPSILON * second),
                 .decay = optimizer == NET_ADAM ? (real)(2 * of->l2) : 0,
                 .shrink = optimizer == NET_ADAMW ? (real)(2 * of->rate * of->l2) : 0},
    };
}

static void apply_adam(const struct update *update, bool weights, size_t n, const real *g,
                       const struct parameter *parameter, size_t at)
{
    struct math_adam adam = update->adam;

    if (!weights)
        adam.decay = adam.shrink = 0;
    math_update_adam(n, &adam, g, parameter->velocity + at, parameter->square + at,
                     parameter->value + at);
}

void update_apply(const struct update *update, bool weights, size_t n, const real *g,
                  const struct parameter *parameter, size_t at)
{
    const real decay = weights ? update->decay : 0;
    real *v = parameter->velocity + at, *w = parameter->value + at;

    switch (update->optimizer) {
    case NET_SGD:
        math_update_momentum(n, update->rate, update->momentum, decay, g, v, w);
        break;
    case NET_NESTEROV:
        math_update_nesterov(n, update->rate, update->momentum, decay, g, v, w);
        break;
    case NET_ADAM:
    case NET_ADAMW:
        apply_adam(update, weights, n, g, parameter, at);
        break;
    }
}

void layer_update_weights(const struct layer *layer, int begin, size_t at, size_t n, const real *g,
                          const struct update *update)
{
    if (layer->squares != NULL)
        measure_update(layer, begin, at, n, g, update);
    else
        update_apply(update, true, n, g, &layer->weight, at);
}
