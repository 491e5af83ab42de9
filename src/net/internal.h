/*
 * net: what its files share. A net is two blocks of memory: `state`, every
 * tensor that a checkpoint holds, and `work`, what a step needs in between.
 *
 * The work is cut by shapes alone. A layer's inputs are cut into pieces of
 * `piece_inputs`: backward, a piece gives its inputs' part of the gradient and
 * updates its own weights at once, so nobody else reads or writes them.
 * Forward, the first layer's pieces each give a partial sum of the scores, so
 * that both ways use the same weights and the same part of the images; the
 * layers above are cut by panels of units, or if they have one only, by rows.
 *
 * Products run along the units, in panels that fill whole vectors: weights are
 * [panels][inputs][panel], so a panel's weights of a stretch of inputs lie one
 * behind the other. Matrices of the batch have rows of `stride` numbers. What
 * is beyond the units is 0 in weights, velocities and gradients and stays it, so
 * the loops over units run over whole panels, too.
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
    struct parameter weight;       /* [panels][inputs][panel] */
    struct parameter bias;         /* [units] */
    struct parameter scale, shift; /* gamma, beta [units]; 1 and 0 where not learned */
    real *mean, *variance;         /* moving averages [units] */

    /* the cut */
    int panels, panel; /* number and width */
    int width;         /* of all panels: vectors of the units have as many numbers */
    int stride;
    int pieces, piece_inputs;
    int block_inputs; /* whose gradient is made at a time, for one panel */
    int parts;        /* partial sums of the scores; 1: none */
    int piece_rows;   /* of the forward product of a single panel */

    /* work, [batch][stride]: score s, normalized y^, output x; a layer without
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

struct tensor {
    struct net_tensor about;
    real *data;
    const struct layer *layer; /* of weights and their velocities; NULL: a vector */
};

struct net {
    struct net_shape shape;
    int batch;
    struct team *team;
    struct layer layers[NET_MAX_LAYERS];
    bool averages_set;
    struct net_clock *clock; /* NULL: nobody asks where the time goes */

    struct tensor tensors[NET_MAX_LAYERS * 10];
    int tensor_count;

    real *state, *work;
    real *x;             /* the first layer's inputs [pieces][batch][x_stride] */
    real *parts;         /* partial sums of scores [pieces][batch][stride] */
    real *scratch;       /* of each piece, backward */
    real *evaluate_work; /* of each block */
    int x_stride;
    size_t scratch_size, evaluate_size;
    int evaluate_stride; /* of the widest layer */
};

/* A clock's marks: the time since the last one is the phase's. */
static inline double net_clock_start(const struct net *net)
{
    return net->clock == NULL ? 0 : clock_seconds();
}

static inline double net_clock_mark(const struct net *net, enum net_phase phase, double since)
{
    if (net->clock == NULL)
        return 0;
    const double now = clock_seconds();
    net->clock->phase[phase] += (uint64_t)((now - since) * 1e9);
    return now;
}

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

/* Rows of products whose distance is an odd number of cache lines do not drive
 * each other out of a cache. */
static inline int net_stride(int width)
{
    return (width + 15) / 16 * 16 | 16;
}

/* Weights of unit panel `panel`, from input `begin` on. */
static inline size_t layer_weight_at(const struct layer *layer, int panel, int begin)
{
    return ((size_t)panel * (size_t)layer->inputs + (size_t)begin) * (size_t)layer->panel;
}

/* Unit h's weight of input 0; those of the following inputs are a panel apart. */
static inline size_t layer_unit_at(const struct layer *layer, int h)
{
    return layer_weight_at(layer, h / layer->panel, 0) + (size_t)(h % layer->panel);
}

size_t tensor_length(const struct tensor *tensor); /* with what is beyond the units */

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
void net_forward(struct net *net, const struct net_source *source, int rows);
/* From the last layer's gradient: updates everything that is trained. */
void net_backward(struct net *net, const struct net_source *source, int rows,
                  const struct net_update *update);
/* The inputs of layer l's piece i, and the distance of their rows. */
const real *net_piece_input(const struct net *net, int l, int i, int *stride);

/* w and v by the gradient g; l2 only for weights. */
void net_update_apply(const struct net_update *update, double l2, size_t n, const real *g, real *v,
                      real *w);

/* p = softmax(logits) for each row; rows lie the strides apart. */
void loss_softmax(int rows, int classes, const real *logits, int stride, real *p, int p_stride);
/* Sum of -log softmax(logits)[label] over the rows, in double. */
double loss_cross_entropy(int rows, int classes, const real *logits, int stride,
                          const uint8_t *labels);
/* The class with the largest logit, the first of equals. */
int loss_argmax(int classes, const real *logits);

#endif
