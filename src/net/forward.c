/*
 * Forward: with the mini-batch's statistics for training, with the moving
 * averages for evaluation.
 */
#include "kdt/net.h"
#include "internal.h"

struct forward {
    struct net *net;
    struct layer *layer;
    const real *input; /* [rows][inputs] */
    int rows;
};

/* part i = x[:, piece] W[:, piece]^T, [rows][units]; alone it is the score. */
static void forward_piece(void *arg, int i)
{
    const struct forward *forward = arg;
    const struct layer *layer = forward->layer;
    const int begin = i * layer->piece_inputs;
    const int inputs = layer_piece_width(layer, i);
    real *part = layer->pieces == 1 ? layer->score
                                    : forward->net->parts +
                                          (size_t)i * (size_t)forward->rows * (size_t)layer->units;

    math_gemm(MATH_PLAIN, MATH_TRANSPOSED, forward->rows, layer->units, inputs, 1,
              forward->input + begin, layer->inputs, layer->weight.value + begin, layer->inputs, 0,
              part, layer->units);
}

static void finish_piece(void *arg, int i)
{
    const struct forward *forward = arg;
    struct layer *layer = forward->layer;
    const int begin = i * layer->finish_units;
    const int end = begin + layer->finish_units;

    layer_finish_forward(forward->net, layer, forward->rows, begin,
                         end < layer->units ? end : layer->units);
}

void net_forward(struct net *net, const real *x, int rows)
{
    struct forward forward = {.net = net, .input = x, .rows = rows};

    for (int l = 0; l < net->shape.layers; l++) {
        forward.layer = &net->layers[l];
        team_run(net->team, forward.layer->pieces, forward_piece, &forward);
        team_run(net->team, forward.layer->finish_pieces, finish_piece, &forward);
        forward.input = forward.layer->output;
    }
}

/* One evaluation of up to NET_EVALUATE_ROWS rows. */
struct evaluate {
    struct net *net;
    const real *x;
    const uint8_t *labels; /* NULL: only probabilities are wanted */
    int rows;
    real *p; /* probabilities [rows][K], or NULL */
    double loss[EVALUATE_BLOCKS];
    uint8_t predicted[NET_EVALUATE_ROWS];
};

/* Carries the rows of block i through all layers. */
static void evaluate_block(void *arg, int i)
{
    struct evaluate *evaluate = arg;
    const struct net *net = evaluate->net;
    const int first = i * EVALUATE_ROWS;
    const int rows =
        first + EVALUATE_ROWS < evaluate->rows ? EVALUATE_ROWS : evaluate->rows - first;
    const size_t matrix = (size_t)EVALUATE_ROWS * (size_t)net->evaluate_units;
    real *score = net->evaluate_work + 2 * (size_t)i * matrix;
    real *output = score + matrix;
    const real *input = evaluate->x + (size_t)first * (size_t)net->shape.inputs;

    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];
        const int units = layer->units;
        const bool after = layer->normalized && net->shape.norm == NET_NORM_AFTER;

        math_gemm(MATH_PLAIN, MATH_TRANSPOSED, rows, units, layer->inputs, 1, input, layer->inputs,
                  layer->weight.value, layer->inputs, 0, score, units);
        if (after) {
            math_columns_add(rows, units, layer->bias.value, score, units);
            net_activate(&net->shape, rows, units, score, units);
        }
        math_columns_affine(rows, units, score, layer->fold_scale, layer->fold_shift, output,
                            units);
        if (layer->activated && !after)
            net_activate(&net->shape, rows, units, output, units);
        input = output;
    }

    const int classes = net->shape.units[net->shape.layers - 1];
    for (int r = 0; r < rows; r++)
        evaluate->predicted[first + r] =
            (uint8_t)loss_argmax(classes, output + (size_t)r * (size_t)classes);
    if (evaluate->labels != NULL)
        evaluate->loss[i] = loss_cross_entropy(rows, classes, output, evaluate->labels + first);
    if (evaluate->p != NULL)
        loss_softmax(rows, classes, output, evaluate->p + (size_t)first * (size_t)classes);
}

static void evaluate_run(struct evaluate *evaluate)
{
    team_run(evaluate->net->team, (evaluate->rows + EVALUATE_ROWS - 1) / EVALUATE_ROWS,
             evaluate_block, evaluate);
}

void net_evaluate(struct net *net, const real *x, const uint8_t *labels, int rows, double *loss,
                  uint64_t *correct, uint64_t *confusion)
{
    const size_t classes = (size_t)net->shape.units[net->shape.layers - 1];

    for (int l = 0; l < net->shape.layers; l++)
        layer_fold(net, &net->layers[l]);
    for (int first = 0; first < rows; first += NET_EVALUATE_ROWS) {
        struct evaluate evaluate = {
            .net = net,
            .x = x + (size_t)first * (size_t)net->shape.inputs,
            .labels = labels + first,
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

void net_predict(struct net *net, const real *x, int rows, real *p)
{
    const size_t classes = (size_t)net->shape.units[net->shape.layers - 1];

    for (int l = 0; l < net->shape.layers; l++)
        layer_fold(net, &net->layers[l]);
    for (int first = 0; first < rows; first += NET_EVALUATE_ROWS) {
        struct evaluate evaluate = {
            .net = net,
            .x = x + (size_t)first * (size_t)net->shape.inputs,
            .rows = rows - first < NET_EVALUATE_ROWS ? rows - first : NET_EVALUATE_ROWS,
            .p = p + (size_t)first * classes,
        };
        evaluate_run(&evaluate);
    }
}
