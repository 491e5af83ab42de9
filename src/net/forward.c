/*
 * Forward: with the mini-batch's statistics for training, with the moving
 * averages for evaluation.
 */
#include "kdt/net.h"
#include "internal.h"

#include <string.h>

struct forward {
    struct net *net;
    int l;
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

static void finish_panel(void *arg, int p)
{
    const struct forward *forward = arg;
    struct layer *layer = &forward->net->layers[forward->l];
    const bool last = p == layer->panels - 1;
    const double time = net_clock_start(forward->net);

    layer_finish_forward(forward->net, layer, forward->rows, p * layer->panel,
                         last ? layer->width : (p + 1) * layer->panel);
    net_clock_mark(forward->net, NET_PHASE_INNER, time);
}

/* The units of a panel from inputs to outputs. */
static void panel_piece(void *arg, int p)
{
    const struct forward *forward = arg;
    const struct net *net = forward->net;
    const struct layer *layer = &net->layers[forward->l];
    const bool first = forward->l == 0;
    const double time = net_clock_start(net);

    if (first && net->mixed.kernels != NULL)
        mixed_panel_product(net, p, forward->rows);
    else
        layer_panel_product(layer, p, forward->rows, 0, layer->inputs,
                            first ? net->x : layer_given(net, layer - 1),
                            first ? net->x_stride : (layer - 1)->stride, false, layer->score);
    net_clock_mark(net, first ? NET_PHASE_FORWARD : NET_PHASE_INNER, time);
    finish_panel(arg, p);
}

/* Units of a first layer whose partial sums are ready. */
static void finish_first(void *arg, int i)
{
    const struct forward *forward = arg;
    struct layer *layer = &forward->net->layers[0];
    const int begin = i * layer->finish_units;
    const double time = net_clock_start(forward->net);

    layer_finish_forward(forward->net, layer, forward->rows, begin,
                         net_smaller(begin + layer->finish_units, layer->width));
    net_clock_mark(forward->net, NET_PHASE_INNER, time);
}

void net_forward(struct net *net, const struct net_source *source, int rows)
{
    struct forward forward = {.net = net, .rows = rows};
    const struct layer *first = &net->layers[0];

    first_forward(net, source, rows);
    if (first->panels == 1) {
        team_run(net->team, net_divide_up(first->width, first->finish_units), finish_first,
                 &forward);
        forward.l++;
    }
    for (; forward.l < net->shape.layers; forward.l++)
        team_run(net->team, net->layers[forward.l].panels, panel_piece, &forward);
}

/* One evaluation of up to NET_EVALUATE_ROWS rows from `first` on. */
struct evaluate {
    struct net *net;
    const struct net_source *source;
    const uint8_t *labels; /* NULL: only probabilities are wanted */
    int first, rows;
    real *p; /* probabilities [rows][K], or NULL */
    double loss[EVALUATE_BLOCKS];
    struct net_guess guesses[NET_EVALUATE_ROWS];
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
    _Alignas(64) real lanes[EVALUATE_ROWS * MATH_TAIL_UNITS * MATH_TAIL_LANES];

    for (int begin = 0; begin < layer->inputs; begin += EVALUATE_INPUTS) {
        const int inputs = net_smaller(layer->inputs - begin, EVALUATE_INPUTS);
        evaluate->source->fill(evaluate->source->of, evaluate->first + block, rows, begin, inputs,
                               x, net_stride(EVALUATE_INPUTS));
        layer_product(layer, rows, begin, inputs, x, net_stride(EVALUATE_INPUTS), begin > 0, score);
        layer_tail_product(layer, rows, begin, inputs, x, net_stride(EVALUATE_INPUTS), begin > 0,
                           lanes);
    }
    layer_tail_score(layer, rows, lanes, score);
    evaluate_finish(net, layer, rows, score, output);
    for (int l = 1; l < net->shape.layers; l++) {
        const int stride = layer->stride;
        layer = &net->layers[l];
        layer_product(layer, rows, 0, layer->inputs, output, stride, false, score);
        evaluate_finish(net, layer, rows, score, output);
    }

    const int classes = layer->units;
    evaluate->loss[i] =
        loss_softmax(rows, classes, 1, output, layer->stride,
                     evaluate->labels ? evaluate->labels + block : NULL, score, NULL);
    for (int r = 0; r < rows; r++) {
        const size_t row = (size_t)r * (size_t)layer->stride;
        const int class = loss_argmax(classes, output + row);
        evaluate->guesses[block + r] = (struct net_guess){
            .probability = score[row + (size_t) class], .class = (uint8_t) class};
    }
    for (int r = 0; evaluate->p != NULL && r < rows; r++)
        memcpy(evaluate->p + (size_t)(block + r) * (size_t)classes,
               score + (size_t)r * (size_t)layer->stride, (size_t)classes * sizeof *score);
}

static void evaluate_run(struct evaluate *evaluate)
{
    team_run(evaluate->net->team, (evaluate->rows + EVALUATE_ROWS - 1) / EVALUATE_ROWS,
             evaluate_block, evaluate);
}

void net_evaluate(struct net *net, const struct net_source *source, const uint8_t *labels, int rows,
                  double *loss, uint64_t *correct, struct net_guess *guesses)
{
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
        for (int r = 0; r < evaluate.rows; r++)
            *correct += evaluate.guesses[r].class == evaluate.labels[r];
        if (guesses != NULL)
            memcpy(guesses + first, evaluate.guesses, (size_t)evaluate.rows * sizeof *guesses);
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
