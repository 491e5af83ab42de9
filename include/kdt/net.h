/*
 * net: the classifier of the reference. Layers, forward, backward, optimizer
 * and schedule. Reads no settings and no files, and a clock only where it is
 * asked where the time goes.
 *
 *   s(l) = W_l x(l-1) + b_l;  x(l) = act(BN(s(l))) or BN(act(s(l)));  p = softmax(s(k))
 *   J = -(1/n) sum log p_y + lambda sum ||W_l||^2
 *
 * Letters: B batch, D inputs, H units, K classes. A net is used by one thread
 * at a time; inside, its team computes. Results do not depend on the team.
 */
#ifndef KDT_NET_H
#define KDT_NET_H

#include "kdt/math.h"

enum { NET_MAX_LAYERS = 32, NET_MAX_CLASSES = 256 };
#define NET_NORM_EPSILON 1e-5

enum net_activation { NET_RELU, NET_LEAKY_RELU, NET_ELU };
enum net_norm { NET_NORM_BEFORE, NET_NORM_AFTER, NET_NORM_NONE };
enum net_init { NET_INIT_HE, NET_INIT_XAVIER, NET_INIT_NORMAL };
enum net_precision { NET_FLOAT32, NET_BFLOAT16 };
enum net_optimizer { NET_SGD, NET_NESTEROV, NET_ADAM, NET_ADAMW };

struct net_shape {
    int inputs;                /* D */
    int layers;                /* k, at least 1 */
    int units[NET_MAX_LAYERS]; /* of each layer; the last is K */
    enum net_activation activation;
    double slope; /* a of leaky ReLU and ELU */
    enum net_norm norm;
    bool norm_learned;   /* gamma and beta are trained */
    double norm_average; /* alpha of the moving averages */
    /* Mixed precision: in training the first layer multiplies inputs, weights and
     * gradients rounded to bfloat16. Needs math_bf16(). */
    enum net_precision precision;
    enum net_optimizer optimizer; /* which moments are part of the state */
};

struct net;
/* `batch` is the largest number of rows of a training step. Weights are zero
 * until net_init_weights or a checkpoint fills them. The team outlives the net. */
int net_create(const struct net_shape *shape, int batch, struct team *team, struct net **out,
               struct err *err);
void net_destroy(struct net *net);
const struct net_shape *net_shape(const struct net *net);
size_t net_parameters(const struct net *net); /* trained numbers: weights, biases, gamma, beta */

/* Draws W ~ N(0, std^2) with the stream `init` of the seed, std by the rule
 * (he: sqrt(2 / fan_in); xavier: sqrt(2 / (fan_in + fan_out)); normal: `std`);
 * biases 0, gamma 1, beta 0, velocities and moments 0, moving averages unset. */
void net_init_weights(struct net *net, enum net_init rule, double std, uint64_t seed);

struct net_update {
    double rate; /* eta in force */
    double l2; /* lambda; the gradient gets 2 lambda W, of AdamW the weights lose 2 eta lambda W */
    double momentum;        /* rho; of Adam beta 1 */
    double label_smoothing; /* s: the target is 1 - s for the label, and s / K for every class */
    /* The share of what hidden layers give, normalized and activated, that is 0 in this step;
     * the rest is made larger by as much. Which is a function of seed, step, layer, unit and
     * row alone. */
    double dropout;
    uint64_t seed;
    int64_t step;
    /* What corrects Adam's bias: the updates made since the moments were 0, and the product of
     * the momentum of each, which may have changed on the way; before the first 0 and 1. */
    int64_t updates;
    double momentum_product;
};
struct net_step_result {
    double loss; /* mean cross-entropy without the L2 term and without label smoothing */
    int correct;
    bool updated; /* false: the loss was not finite or above the limit, nothing was changed
                     (the moving averages neither) */
};
/* Where rows of inputs come from. fill puts inputs begin … begin+inputs-1 of
 * rows first … first+rows-1 to x, whose rows lie `stride` apart. The threads of
 * the team call it, each for the part that it computes with, so that a part is
 * used while it is in the cache of a core; a step calls it twice for every part,
 * unless `costly` says that making the numbers again takes longer than keeping
 * them. `expect`, unless NULL, is called while
 * the core is busy with other things: these inputs are wanted next, and now is
 * the time to bring share `share` of `shares` of their rows near. */
struct net_source {
    void (*fill)(const void *of, int first, int rows, int begin, int inputs, real *x, int stride);
    void (*expect)(const void *of, int begin, int inputs, int share, int shares);
    const void *of;
    bool costly;
};
/* Rows that are in memory, [rows][inputs]. */
struct net_matrix {
    const real *x;
    int inputs;
};
struct net_source net_matrix_source(const struct net_matrix *matrix);

/* One training step on `rows` rows with labels [rows] in 0 … K-1: forward with
 * the mini-batch's statistics, and, where the loss is finite and at most
 * `loss_limit`, backward and update. Allocates nothing where the rows are the
 * batch, as the kernels for their number are made with the net. */
struct net_step_result net_train_step(struct net *net, const struct net_source *source,
                                      const uint8_t *labels, int rows,
                                      const struct net_update *update, double loss_limit);

/* Where the time of training steps goes, in nanoseconds that only grow. The
 * phases are added up over the threads of the team; `steps` is the time from
 * the first to the last line of a step, of one thread. So waiting, for each
 * other or for work, took team_threads * steps less the sum of the phases. */
enum net_phase {
    NET_PHASE_GATHER,  /* the source fills */
    NET_PHASE_FORWARD, /* products of the first layer, forward */
    NET_PHASE_INNER,   /* everything between: normalization, loss, all other layers */
    NET_PHASE_UPDATE,  /* gradient and update of the first layer's weights */
};
enum { NET_PHASES = NET_PHASE_UPDATE + 1 };
struct net_clock {
    _Atomic uint64_t phase[NET_PHASES];
    _Atomic uint64_t steps;
};
/* Keeps this clock, zeroed by the caller, from the next step on; NULL, as after
 * net_create, reads no clock. The clock outlives its use. */
void net_clock_set(struct net *net, struct net_clock *clock);

/* What one training step shows of a layer. Norms are Euclidean, of its weights
 * alone: no biases, no gamma and beta. */
enum { NET_BINS = 32 };
struct net_measure {
    double gradient_norm; /* of what is descended, without L2 */
    double weight_norm;   /* before the step */
    double update_norm;   /* of what the step changed, momentum and L2 in it */
    int inactive;         /* units that no row of the mini-batch took above 0; the last layer: 0 */
    /* What the activation gave, before dropout, [rows][units] numbers, of the last layer the
     * logits: exact zeros, and of all other finite ones, those in bin i, from bins_from + i
     * bin_width on. 0 is between two bins, of which an even number lies below. */
    uint32_t zeros, bins[NET_BINS];
    double bins_from, bin_width;
    /* How far the moving averages are from the mini-batch's statistics, as root mean
     * square over the units: of the means in standard deviations (the moving ones),
     * of the standard deviations in log(moving / mini-batch's). NaN where there is
     * no batch normalization. */
    double mean_drift, deviation_drift;
};
/* Fills measure [layers] in every step from the next on that updates; NULL, as
 * after net_create, measures nothing. What is trained is the same bits either
 * way, and what is measured for any team. */
void net_measure_set(struct net *net, struct net_measure *measure);

/* The class that a row is taken for, and how probable the net holds it. */
struct net_guess {
    real probability;
    uint8_t class;
};
/* Forward with the moving averages. For `rows` rows (any number; done in
 * blocks) adds the summed cross-entropy to *loss and the hits to *correct;
 * guesses [rows] may be NULL. */
void net_evaluate(struct net *net, const struct net_source *source, const uint8_t *labels, int rows,
                  double *loss, uint64_t *correct, struct net_guess *guesses);
/* Class probabilities p [rows][K] with the moving averages. */
void net_predict(struct net *net, const struct net_source *source, int rows, real *p);
enum { NET_EVALUATE_ROWS = 512 }; /* the block net_evaluate works best with */

/* Every tensor of the complete state, for checkpoints and tests, in a fixed
 * order and with stable names: layers.0.weight [units][inputs], layers.0.bias,
 * layers.0.batch_norm.mean, .variance, and when learned .scale, .shift; then
 * optimizer.layers.0.weight.velocity and so on for every trained tensor, of Adam
 * .first_moment and .second_moment instead. The net keeps weights in an order of
 * its own: a tensor is copied out and in. */
struct net_tensor {
    char name[64];
    int dimensions; /* 1 or 2 */
    int size[2];    /* a vector's second is 1 */
    bool optimizer;
};
int net_tensor_count(const struct net *net);
void net_tensor_get(const struct net *net, int i, struct net_tensor *out);
void net_tensor_read(const struct net *net, int i, real *out);
void net_tensor_write(struct net *net, int i, const real *from);
/* Whether the moving averages hold a mini-batch yet; part of the state. */
bool net_averages_set(const struct net *net);
void net_averages_mark(struct net *net, bool set);
/* False where a trained tensor or moving average holds a NaN or infinity. */
bool net_finite(const struct net *net);

/* Schedule: the learning rate at `step` before any hand edit scales it. */
enum net_schedule_kind {
    NET_CONSTANT,
    NET_DECAY,
    NET_STEP,
    NET_COSINE,
    NET_CYCLICAL,
};
struct net_schedule {
    enum net_schedule_kind kind;
    double rate;         /* train.learning_rate */
    double decay;        /* factor of decay and step */
    int64_t step_epochs; /* step: every so many epochs */
    double rate_min, rate_max;
    int64_t cycle_steps;  /* cyclical: the whole triangle */
    int64_t warmup_steps; /* linear factor (step + 1) / warmup_steps below it */
    int64_t steps_per_epoch, total_steps;
};
double net_schedule_rate(const struct net_schedule *schedule, int64_t step);

#endif
