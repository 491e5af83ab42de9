/*
 * Forward: with the mini-batch's statistics for training, with the moving
 * averages for evaluation.
 */
#include "kdt/net.h"
#include "internal.h"

#include <string.h>

struct forward {
    struct net *net;
    struct layer *layer;
    const struct net_source *source;
    int rows;
};

static void matrix_fill(const void *of, int first, int rows, int begin, int inputs, real *x,
                        int stride)
{
    const struct net_matrix *matrix = of;

    for (int r = 0; r < rows; r++)
        memcpy(x + (size_t)r * (size_t)stride,
               matrix->x + (size_t)(first + r) * (size_t)matrix->inputs + begin,
               (size_t)inputs * sizeof *x);
}

struct net_source net_matrix_source(const struct net_matrix *matrix)
{
    return (struct net_source){.fill = matrix_fill, .of = matrix};
}

/* Where piece i of the first layer's inputs is put. */
static real *first_input(const struct net *net, int i)
{
    return net->x + (size_t)i * (size_t)net->batch * (size_t)net->x_stride;
}

const real *net_piece_input(const struct net *net, int l, int i, int *stride)
{
    if (l == 0) {
        *stride = net->x_stride;
        return first_input(net, i);
    }
    *stride = net->layers[l - 1].stride;
    return net->layers[l - 1].output + i * net->layers[l].piece_inputs;
}

/* Panel p of score = x W, or += it, for inputs begin … begin+inputs-1. */
static void panel_product(const struct layer *layer, int p, int rows, int begin, int inputs,
                          const real *x, int stride, bool add, real *score)
{
    math_gemm(MATH_PLAIN, MATH_PLAIN, rows, layer->panel, inputs, 1, x, stride,
              layer->weight.value + layer_weight_at(layer, p, begin), layer->panel, add,
              score + p * layer->panel, layer->stride);
}

static void product(const struct layer *layer, int rows, int begin, int inputs, const real *x,
                    int stride, bool add, real *score)
{
    for (int p = 0; p < layer->panels; p++)
        panel_product(layer, p, rows, begin, inputs, x, stride, add, score);
}

/* First layer: part i = x[:, piece] W[piece], [rows][stride]; alone it is the score. */
static void first_piece(void *arg, int i)
{
    const struct forward *forward = arg;
    const struct net *net = forward->net;
    const struct layer *layer = forward->layer;
    const int begin = i * layer->piece_inputs, inputs = layer_piece_width(layer, i);
    real *x = first_input(net, i);
    real *part = layer->parts == 1
                     ? layer->score
                     : net->parts + (size_t)i * (size_t)forward->rows * (size_t)layer->stride;
    double time = net_clock_start(net);

    forward->source->fill(forward->source->of, 0, forward->rows, begin, inputs, x, net->x_stride);
    time = net_clock_mark(net, NET_PHASE_GATHER, time);
    product(layer, forward->rows, begin, inputs, x, net->x_stride, false, part);
    net_clock_mark(net, NET_PHASE_FORWARD, time);
}

/* Other layers: some rows of the score. */
static void row_piece(void *arg, int i)
{
    const struct forward *forward = arg;
    const struct layer *layer = forward->layer, *below = layer - 1;
    const int first = i * layer->piece_rows, left = forward->rows - first;
    const double time = net_clock_start(forward->net);

    product(layer, left < layer->piece_rows ? left : layer->piece_rows, 0, layer->inputs,
            below->output + (size_t)first * (size_t)below->stride, below->stride, false,
            layer->score + (size_t)first * (size_t)layer->stride);
    net_clock_mark(forward->net, NET_PHASE_INNER, time);
}

static void finish_panel(void *arg, int p)
{
    const struct forward *forward = arg;
    struct layer *layer = forward->layer;
    const int begin = p * layer->panel;
    const double time = net_clock_start(forward->net);

    layer_finish_forward(forward->net, layer, forward->rows, begin, begin + layer->panel);
    net_clock_mark(forward->net, NET_PHASE_INNER, time);
}

/* Other layers: the units of a panel from inputs to outputs. */
static void panel_piece(void *arg, int p)
{
    const struct forward *forward = arg;
    const struct layer *layer = forward->layer, *below = layer - 1;
    const double time = net_clock_start(forward->net);

    panel_product(layer, p, forward->rows, 0, layer->inputs, below->output, below->stride, false,
                  layer->score);
    net_clock_mark(forward->net, NET_PHASE_INNER, time);
    finish_panel(arg, p);
}

void net_forward(struct net *net, const struct net_source *source, int rows)
{
    struct forward forward = {.net = net, .layer = net->layers, .source = source, .rows = rows};
    struct layer *layer = forward.layer;

    team_run(net->team, layer->pieces, first_piece, &forward);
    team_run(net->team, layer->panels, finish_panel, &forward);
    for (int l = 1; l < net->shape.layers; l++) {
        layer = forward.layer = &net->layers[l];
        if (layer->panels > 1) {
            team_run(net->team, layer->panels, panel_piece, &forward);
            continue;
        }
        team_run(net->team, (rows + layer->piece_rows - 1) / layer->piece_rows, row_piece,
                 &forward);
        finish_panel(&forward, 0);
    }
}

/* One evaluation of up to NET_EVALUATE_ROWS rows from `first` on. */
struct evaluate {
    struct net *net;
    const struct net_source *source;
    const uint8_t *labels; /* NULL: only probabilities are wanted */
    int first, rows;
    real *p; /* probabilities [rows][K], or NULL */
    double loss[EVALUATE_BLOCKS];
    uint8_t predicted[NET_EVALUATE_ROWS];
};

/* From scores [rows][stride] to outputs. */
static void evaluate_finish(const struct net *net, const struct layer *layer, int rows, real *score,
                            real *output)
{
    const bool after = layer->normalized && net->shape.norm == NET_NORM_AFTER;

    if (after) {
        math_columns_add(rows, layer->width, layer->bias.value, score, layer->stride);
        net_activate(&net->shape, rows, layer->width, score, layer->stride);
    }
    math_columns_affine(rows, layer->width, score, layer->fold_scale, layer->fold_shift, output,
                        layer->stride);
    if (layer->activated && !after)
        net_activate(&net->shape, rows, layer->width, output, layer->stride);
}

/* Carries the rows of block i through all layers. */
static void evaluate_block(void *arg, int i)
{
    struct evaluate *evaluate = arg;
    const struct net *net = evaluate->net;
    const int block = i * EVALUATE_ROWS, left = evaluate->rows - block;
    const int rows = left < EVALUATE_ROWS ? left : EVALUATE_ROWS;
    real *score = net->evaluate_work + (size_t)i * net->evaluate_size;
    real *output = score + (size_t)EVALUATE_ROWS * (size_t)net->evaluate_stride;
    real *x = output + (size_t)EVALUATE_ROWS * (size_t)net->evaluate_stride;
    const struct layer *layer = &net->layers[0];

    for (int piece = 0; piece < layer->pieces; piece++) {
        const int begin = piece * layer->piece_inputs, inputs = layer_piece_width(layer, piece);
        evaluate->source->fill(evaluate->source->of, evaluate->first + block, rows, begin, inputs,
                               x, net->x_stride);
        product(layer, rows, begin, inputs, x, net->x_stride, piece > 0, score);
    }
    evaluate_finish(net, layer, rows, score, output);
    for (int l = 1; l < net->shape.layers; l++) {
        const int stride = layer->stride;
        layer = &net->layers[l];
        product(layer, rows, 0, layer->inputs, output, stride, false, score);
        evaluate_finish(net, layer, rows, score, output);
    }

    const int classes = layer->units;
    for (int r = 0; r < rows; r++)
        evaluate->predicted[block + r] =
            (uint8_t)loss_argmax(classes, output + (size_t)r * (size_t)layer->stride);
    if (evaluate->labels != NULL)
        evaluate->loss[i] =
            loss_cross_entropy(rows, classes, output, layer->stride, evaluate->labels + block);
    if (evaluate->p != NULL)
        loss_softmax(rows, classes, output, layer->stride,
                     evaluate->p + (size_t)block * (size_t)classes, classes);
}

static void evaluate_run(struct evaluate *evaluate)
{
    team_run(evaluate->net->team, (evaluate->rows + EVALUATE_ROWS - 1) / EVALUATE_ROWS,
             evaluate_block, evaluate);
}

void net_evaluate(struct net *net, const struct net_source *source, const uint8_t *labels, int rows,
                  double *loss, uint64_t *correct, uint64_t *confusion)
{
    const size_t classes = (size_t)net->shape.units[net->shape.layers - 1];

    for (int l = 0; l < net->shape.layers; l++)
        layer_fold(net, &net->layers[l]);
    for (int first = 0; first < rows; first += NET_EVALUATE_ROWS) {
        struct evaluate evaluate = {
            .net = net,
            .source = source,
            .labels = labels + first,
            .first = first,
            .rows = rows - first < NET_EVALUATE_ROWS ? rows - first : NET_EVALUATE_ROWS,
        };
        evaluate_run(&evaluate);
        for (int i = 0; i * EVALUATE_ROWS < evaluate.rows; i++)
            *loss += evaluate.loss[i];
        for (int r = 0; r < evaluate.rows; r++) {
            *correct += evaluate.predicted[r] == evaluate.labels[r];
            if (confusion != NULL)
                confusion[evaluate.labels[r] * classes + evaluate.predicted[r]]++;
        }
    }
}

void net_predict(struct net *net, const struct net_source *source, int rows, real *p)
{
    const size_t classes = (size_t)net->shape.units[net->shape.layers - 1];

    for (int l = 0; l < net->shape.layers; l++)
        layer_fold(net, &net->layers[l]);
    for (int first = 0; first < rows; first += NET_EVALUATE_ROWS) {
        struct evaluate evaluate = {
            .net = net,
            .source = source,
            .first = first,
            .rows = rows - first < NET_EVALUATE_ROWS ? rows - first : NET_EVALUATE_ROWS,
            .p = p + (size_t)first * classes,
        };
        evaluate_run(&evaluate);
    }
}
