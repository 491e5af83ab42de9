/*
 * net: what its files share. A net is two blocks of memory: `state`, every
 * tensor that a checkpoint holds, and `work`, what a step needs in between.
 *
 * The work is cut by shapes alone. Forward, a layer is cut by panels of units
 * (the first as first.c says). Backward, its inputs are cut into pieces: first
 * each gives the gradient of its own inputs, layer by layer; then each piece of
 * every layer updates its weights, all of which are independent of each other.
 *
 * Products run along the units, in panels that fill whole vectors: weights are
 * [panels][inputs][panel], so a panel's weights of a stretch of inputs lie one
 * behind the other. The first layer's panel may leave out the last few units,
 * its tail, whose weights follow as [tail][inputs]. Matrices of the batch have
 * rows of `stride` numbers. What is beyond the units is 0 in weights, velocities
 * and gradients and stays it, so the loops over units run over whole panels, too.
 */
#ifndef KDT_NET_INTERNAL_H
#define KDT_NET_INTERNAL_H

#include "kdt/net.h"

/* Trained numbers and their velocity, of Adam the first moment, which is NULL where
 * they are constant; and the second moment, which is NULL for the other optimizers. */
struct parameter {
    real *value, *velocity, *square;
};

/* What net_update says of this step's updates, for the kernels (update.c). */
struct update {
    enum net_optimizer optimizer;
    real rate, momentum, decay; /* 2 lambda; of weights alone */
    struct math_adam adam;
};

/* Sums of squares over the weights of a piece, in a step that is measured. */
struct squares {
    double gradient, weight, update;
};

struct layer {
    int inputs, units;
    bool activated;  /* has an activation: all but the last */
    bool normalized; /* has a batch normalization */

    /* state */
    struct parameter weight;       /* [panels][inputs][panel], [tail][inputs] */
    struct parameter bias;         /* [units] */
    struct parameter scale, shift; /* gamma, beta [units]; 1 and 0 where not learned */
    real *mean, *variance;         /* moving averages [units] */

    /* the cut */
    int panels, panel; /* number and width */
    int tail;          /* units beyond them */
    int width;         /* of all units: vectors of the units have as many numbers */
    int stride;
    int pieces, piece_inputs; /* backward */
    int block_inputs;         /* whose gradient is made at a time, for one panel */
    /* the first layer: partial sums of the scores, 1: none, and pieces of rows */
    int parts, part_inputs, piece_rows;
    int finish_units; /* of one panel, that are finished at a time */

    /* work, [batch][stride]: score s, normalized y^, output x; a layer without
     * normalization has its output in place of the score */
    real *score, *standard, *output;
    real *dropped;  /* the output with dropout */
    real *gradient; /* of the loss with respect to the output, then to the score */
    /* work, [units] */
    real *batch_mean, *batch_variance, *inverse; /* inverse = 1 / sqrt(variance + epsilon) */
    real *sum;                                   /* of the score's gradient */
    real *norm_sum, *dot;                        /* of the normalized gradient; of it and y^ */
    real *fold_scale, *fold_shift;               /* evaluation: y = fold_scale s + fold_shift */
    struct squares *squares;                     /* [pieces]; NULL: nobody measures */
};

/* Rows that one piece of an evaluation carries through all layers. */
enum {
    EVALUATE_ROWS = 64,
    EVALUATE_INPUTS = 384,
    EVALUATE_BLOCKS = NET_EVALUATE_ROWS / EVALUATE_ROWS
};

/* Most numbers of a block of the gradient, which is updated with while it is in
 * the first-level cache. */
enum { NET_PIECE_ROWS = 48 }; /* most rows of a piece of the first layer */
enum { NET_BLOCK_NUMBERS = 6144 };

/* The first layer's numbers in bfloat16, for mixed precision (mixed.c). */
struct mixed {
    const struct math_bf16 *kernels; /* NULL: float32 throughout */
    uint16_t *weight;                /* pairs of inputs [panels][inputs][panel] */
    uint16_t *tail;                  /* [tail][x_stride] */
    uint16_t *gradient;              /* of the scores: pairs of rows [batch][stride] */
    uint16_t *x_rows;                /* inputs [batch][x_stride]; only for several panels */
    uint16_t *x_pairs;               /* inputs, pairs of rows [pieces][batch][pair_stride] */
    int x_stride, pair_stride;
    bool weights_rounded; /* weight and tail are what follows from the layer's */
};

/* What net_update says of dropout, for one step (dropout.c). */
struct dropout {
    uint32_t limit; /* of 65536 units, so many give 0; 0: no dropout */
    real scale;     /* of the others */
    uint64_t seed;
    uint32_t step;
};

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
    struct mixed mixed;
    struct dropout dropout;
    struct net_clock *clock;     /* NULL: nobody asks where the time goes */
    struct net_measure *measure; /* [layers]; NULL: nobody measures */
    struct squares *squares;     /* of all layers' pieces */

    struct tensor tensors[NET_MAX_LAYERS * 14];
    int tensor_count;

    real *state, *work;
    real *x;             /* the first layer's inputs [batch][x_stride], where they are kept */
    real *parts;         /* partial sums of scores [parts][rows][stride] */
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

/* What a layer gives to the next in this step. */
static inline const real *layer_given(const struct net *net, const struct layer *layer)
{
    return net->dropout.limit > 0 ? layer->dropped : layer->output;
}

static inline int net_divide_up(int value, int by)
{
    return (value + by - 1) / by;
}

static inline int net_smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Weights of unit panel `panel`, from input `begin` on. */
static inline size_t layer_panel_at(const struct layer *layer, int panel, int begin)
{
    return ((size_t)panel * (size_t)layer->inputs + (size_t)begin) * (size_t)layer->panel;
}

/* Weights of unit h of the tail, from input `begin` on. */
static inline size_t layer_tail_at(const struct layer *layer, int h, int begin)
{
    return layer_panel_at(layer, layer->panels, 0) + (size_t)h * (size_t)layer->inputs +
           (size_t)begin;
}

/* Unit h's weight of input 0, and how far apart those of the inputs are. */
static inline size_t layer_unit_at(const struct layer *layer, int h, size_t *apart)
{
    if (h >= layer->panels * layer->panel) {
        *apart = 1;
        return layer_tail_at(layer, h - layer->panels * layer->panel, 0);
    }
    *apart = (size_t)layer->panel;
    return layer_panel_at(layer, h / layer->panel, 0) + (size_t)(h % layer->panel);
}

size_t tensor_length(const struct tensor *tensor); /* with what is beyond the units */

/* Everything zero but gamma and the variances, which are 1. */
void net_reset(struct net *net);

/* Scores to outputs of units begin … end-1, with the mini-batch's statistics,
 * and back: on entry `gradient` is that of the output, on return that of the
 * score. Backward also updates the units' bias, scale and shift. */
void layer_finish_forward(const struct net *net, struct layer *layer, int rows, int begin, int end);
void layer_finish_backward(const struct net *net, struct layer *layer, int rows,
                           const struct update *update, int begin, int end);
/* What this step drops of units begin … end-1: x without it to y, which may be x. */
struct dropout dropout_plan(const struct net_update *update);
void layer_drop(const struct net *net, const struct layer *layer, int rows, int begin, int end,
                const real *x, real *y);
/* The moving averages take in the mini-batch; they start with the first. */
void layer_average(const struct net *net, struct layer *layer);
/* Fills fold_scale and fold_shift from the moving averages. */
void layer_fold(const struct net *net, struct layer *layer);

/* The activation on `units` contiguous units of every row, in place. */
void net_activate(const struct net_shape *shape, int rows, int units, real *x, int stride);
void net_activate_backward(const struct net_shape *shape, int rows, int units, const real *y,
                           real *g, int stride);

/* Scores of `rows` rows from inputs begin … begin+inputs-1 in x, or added to
 * them: of one panel, or of all. */
void layer_panel_product(const struct layer *layer, int panel, int rows, int begin, int inputs,
                         const real *x, int stride, bool add, real *score);
void layer_product(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                   int stride, bool add, real *score);
/* The same of the tail, in lanes [rows][tail][MATH_TAIL_LANES] until the score
 * is wanted. */
void layer_tail_product(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                        int stride, bool add, real *lanes);
void layer_tail_score(const struct layer *layer, int rows, const real *lanes, real *score);
/* The gradient of these inputs' weights and the update by it: of one panel, at
 * most block_inputs, or of the tail. */
void layer_update_panel(const struct layer *layer, int panel, int rows, int begin, int inputs,
                        const real *x, int stride, const struct update *update);
void layer_update_tail(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                       int stride, const struct update *update);

/* These n weights from `at` on, of inputs begin …, by their gradient g. */
void layer_update_weights(const struct layer *layer, int begin, size_t at, size_t n, const real *g,
                          const struct update *update);

/* A step that is measured: before its update, instead of update_apply for a
 * block of weights, and when all is done. */
void measure_start(struct net *net);
void measure_update(const struct layer *layer, int begin, size_t at, size_t n, const real *g,
                    const struct update *update);
void measure_finish(struct net *net, int rows);

/* Whether the inputs of a step are in net->x, all of them. */
bool net_keeps_input(const struct net *net, const struct net_source *source);
/* The first layer's partial sums; of several panels, only its inputs. */
void first_forward(struct net *net, const struct net_source *source, int rows);
/* The gradient and update of its piece i. */
void first_update(struct net *net, const struct net_source *source, int rows,
                  const struct update *update, int i);

/* The same in mixed precision, where the inputs of several panels are not in
 * net->x: the product of one of them. */
void mixed_forward(struct net *net, const struct net_source *source, int rows);
void mixed_panel_product(const struct net *net, int panel, int rows);
void mixed_update(struct net *net, const struct net_source *source, int rows,
                  const struct update *update, int i);
/* The layer's gradient, before the first update. */
void mixed_round_gradient(const struct net *net, int rows);

/* Forward with the mini-batch's statistics up to the last layer's output. */
void net_forward(struct net *net, const struct net_source *source, int rows);
/* From the last layer's gradient: updates everything that is trained. */
void net_backward(struct net *net, const struct net_source *source, int rows,
                  const struct update *update);

struct update update_plan(const struct net *net, const struct net_update *of);
/* n numbers of the parameter from `at` on, by their gradient g; only weights decay. */
void update_apply(const struct update *update, bool weights, size_t n, const real *g,
                  const struct parameter *parameter, size_t at);

/* p = scale softmax(logits) for each row, as math_softmax. With labels the sum of
 * -log softmax(logits)[label] over the rows, in double, and the hits are added
 * to *correct unless it is NULL. */
double loss_softmax(int rows, int classes, real scale, const real *logits, int stride,
                    const uint8_t *labels, real *p, int *correct);
/* The class with the largest logit, the first of equals. */
int loss_argmax(int classes, const real *logits);

#endif
