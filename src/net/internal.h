/*
 * net: what its files share. A net is two blocks of memory: `state`, every
 * tensor that a checkpoint holds, and `work`, what a step needs in between.
 *
 * A layer's inputs are cut into pieces of `piece_inputs`, by its shape alone.
 * Forward, each piece gives a partial sum of the scores; backward, it gives its
 * inputs' part of the gradient and updates its own weights at once, so nobody
 * else reads or writes them.
 */
#ifndef KDT_NET_INTERNAL_H
#define KDT_NET_INTERNAL_H

#include "kdt/net.h"

/* Trained numbers and their velocity, which is NULL where they are constant. */
struct parameter {
    real *value, *velocity;
};

struct layer {
    int inputs, units;
    bool activated;  /* has an activation: all but the last */
    bool normalized; /* has a batch normalization */

    /* state */
    struct parameter weight;       /* [units][inputs] */
    struct parameter bias;         /* [units] */
    struct parameter scale, shift; /* gamma, beta [units]; 1 and 0 where not learned */
    real *mean, *variance;         /* moving averages [units] */

    /* the cut */
    int pieces, piece_inputs;
    int finish_pieces, finish_units; /* of what is done unit by unit */

    /* work, [batch][units]: score s, normalized y^, output x; a layer without
     * normalization has its output in place of the score */
    real *score, *standard, *output;
    real *gradient; /* of the loss with respect to the output, then to the score */
    /* work, [units] */
    real *batch_mean, *batch_variance, *inverse; /* inverse = 1 / sqrt(variance + epsilon) */
    real *sum, *dot;                             /* of the gradient; of gradient and y^ */
    real *fold_scale, *fold_shift;               /* evaluation: y = fold_scale s + fold_shift */
};

/* Rows that one piece of an evaluation carries through all layers. */
enum { EVALUATE_ROWS = 64, EVALUATE_BLOCKS = NET_EVALUATE_ROWS / EVALUATE_ROWS };
/* Units whose gradient is made before their weights are updated with it: few
 * enough to stay in the cache of a core. */
enum { GRADIENT_UNITS = 128 };

struct net {
    struct net_shape shape;
    int batch;
    struct team *team;
    struct layer layers[NET_MAX_LAYERS];
    bool averages_set;

    struct net_tensor tensors[NET_MAX_LAYERS * 10];
    int tensor_count;

    real *state, *work;
    real *parts;          /* partial sums of scores [pieces][batch][units] */
    real *part_gradients; /* [pieces][GRADIENT_UNITS][piece_inputs] */
    real *evaluate_work;  /* [EVALUATE_BLOCKS][2][EVALUATE_ROWS][evaluate_units] */
    int evaluate_units;   /* of the widest layer */
};

static inline struct layer *net_last_layer(struct net *net)
{
    return &net->layers[net->shape.layers - 1];
}

/* Inputs of piece i; the last may be narrower. */
static inline int layer_piece_width(const struct layer *layer, int i)
{
    const int left = layer->inputs - i * layer->piece_inputs;
    return left < layer->piece_inputs ? left : layer->piece_inputs;
}

/* Everything zero but gamma and the variances, which are 1. */
void net_reset(struct net *net);

/* Scores to outputs of units begin … end-1, with the mini-batch's statistics,
 * and back: on entry `gradient` is that of the output, on return that of the
 * score. Backward also updates the units' bias, scale and shift. */
void layer_finish_forward(const struct net *net, struct layer *layer, int rows, int begin, int end);
void layer_finish_backward(const struct net *net, struct layer *layer, int rows,
                           const struct net_update *update, int begin, int end);
/* The moving averages take in the mini-batch; they start with the first. */
void layer_average(const struct net *net, struct layer *layer);
/* Fills fold_scale and fold_shift from the moving averages. */
void layer_fold(const struct net *net, struct layer *layer);

/* The activation on `units` contiguous units of every row, in place. */
void net_activate(const struct net_shape *shape, int rows, int units, real *x, int stride);
void net_activate_backward(const struct net_shape *shape, int rows, int units, const real *y,
                           real *g, int stride);

/* Forward with the mini-batch's statistics up to the last layer's output. */
void net_forward(struct net *net, const real *x, int rows);
/* From the last layer's gradient: updates everything that is trained. */
void net_backward(struct net *net, const real *x, int rows, const struct net_update *update);

/* w and v by the gradient g; l2 only for weights. */
void net_update_apply(const struct net_update *update, double l2, size_t n, const real *g, real *v,
                      real *w);

/* p = softmax(logits) for each row of [rows][classes]; p may be the logits. */
void loss_softmax(int rows, int classes, const real *logits, real *p);
/* Sum of -log softmax(logits)[label] over the rows, in double. */
double loss_cross_entropy(int rows, int classes, const real *logits, const uint8_t *labels);
/* The class with the largest logit, the first of equals. */
int loss_argmax(int classes, const real *logits);

#endif
