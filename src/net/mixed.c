/*
 * The first layer's training step in mixed precision: inputs, weights and
 * gradients are rounded to bfloat16 where they are multiplied; sums, updates and
 * the weights that are trained stay float32. Cut as first.c says.
 *
 * A product wants the numbers of a sum two by two: two inputs side by side
 * forward, two rows for the gradient. So inputs are filled once and rounded in
 * both orders, rows to be used at once, pairs of rows to be kept for the
 * gradient. The rounded weights are renewed block by block as they are updated;
 * they follow from the trained ones, so no checkpoint needs them.
 */
#include "kdt/net.h"
#include "internal.h"

/* Inputs and rows that are filled and rounded at a time; inputs whose gradient
 * is made from one filling of the first-level cache. */
enum { FORWARD_INPUTS = 384, FORWARD_STRIDE = FORWARD_INPUTS | 32, FILL_ROWS = 8 };
enum { UPDATE_INPUTS = 64 };

struct step {
    const struct net *net;
    const struct net_source *source;
    int rows;
    const struct update *update; /* backward */
};

/* ---- where rounded numbers lie ---- */

static uint16_t *panel_weights(const struct net *net, int panel, int input)
{
    const struct layer *layer = &net->layers[0];
    const size_t inputs = (size_t)net_divide_up(layer->inputs, 2) * 2;

    return net->mixed.weight + ((size_t)panel * inputs + (size_t)input) * (size_t)layer->panel;
}

static uint16_t *tail_weights(const struct net *net, int input)
{
    return net->mixed.tail + input;
}

static uint16_t *kept_rows(const struct net *net, int row, int input)
{
    return net->mixed.x_rows + (size_t)row * (size_t)net->mixed.x_stride + input;
}

/* A piece's pairs of rows lie one behind the other. */
static uint16_t *kept_pairs(const struct net *net, int row, int input)
{
    const int width = net->layers[0].piece_inputs;
    const int above = input / width * net_divide_up(net->batch, 2) + row / 2;

    return net->mixed.x_pairs +
           2 * ((size_t)above * (size_t)net->mixed.pair_stride + (size_t)(input % width));
}

/* ---- forward ---- */

/* Inputs begin … of a piece, of rows `from` … into x and the kept pairs. */
static void fill(const struct step *step, int from, int rows, int begin, int inputs, uint16_t *x,
                 int stride)
{
    const struct net *net = step->net;
    const double time = net_clock_start(net);
    _Alignas(64) real buffer[FILL_ROWS * FORWARD_STRIDE];

    for (int r = 0; r < rows; r += FILL_ROWS, x += FILL_ROWS * stride) {
        const int n = net_smaller(rows - r, FILL_ROWS);

        step->source->fill(step->source->of, from + r, n, begin, inputs, buffer, FORWARD_STRIDE);
        net->mixed.kernels->rows(n, inputs, buffer, FORWARD_STRIDE, x, stride);
        net->mixed.kernels->pairs(n, inputs, buffer, FORWARD_STRIDE,
                                  kept_pairs(net, from + r, begin), net->mixed.pair_stride);
    }
    net_clock_mark(net, NET_PHASE_GATHER, time);
}

/* Of a piece of the inputs, as many as are filled at a time. */
static int stretch(const struct layer *layer, int input, int end)
{
    const int piece_end = (input / layer->piece_inputs + 1) * layer->piece_inputs;

    return net_smaller(net_smaller(piece_end, end) - input, FORWARD_INPUTS);
}

static void forward_piece(void *arg, int i)
{
    const struct step *step = arg;
    const struct net *net = step->net;
    const struct layer *layer = &net->layers[0];
    const int row_pieces = net_divide_up(step->rows, layer->piece_rows);
    const int part = i / row_pieces, from = i % row_pieces * layer->piece_rows;
    const int rows = net_smaller(step->rows - from, layer->piece_rows);
    const int begin = part * layer->part_inputs;
    const int end = net_smaller(begin + layer->part_inputs, layer->inputs);
    real *score = layer->parts == 1
                      ? layer->score
                      : net->parts + (size_t)(part * step->rows) * (size_t)layer->stride;
    _Alignas(64) uint16_t x[NET_PIECE_ROWS * FORWARD_STRIDE];

    score += (size_t)from * (size_t)layer->stride;
    for (int d = begin, inputs; d < end; d += inputs) {
        inputs = stretch(layer, d, end);
        fill(step, from, rows, d, inputs, x, FORWARD_STRIDE);
        const double time = net_clock_start(net);

        net->mixed.kernels->gemm(MATH_PLAIN, rows, layer->panel, inputs, x, FORWARD_STRIDE,
                                 panel_weights(net, 0, d), layer->panel, d > begin, score,
                                 layer->stride);
        net->mixed.kernels->dots(rows, layer->tail, inputs, x, FORWARD_STRIDE, tail_weights(net, d),
                                 net->mixed.x_stride, d > begin, score + layer->panel,
                                 layer->stride);
        net_clock_mark(net, NET_PHASE_FORWARD, time);
    }
}

static void keep_piece(void *arg, int i)
{
    const struct step *step = arg;
    const struct layer *layer = &step->net->layers[0];
    const int from = i * layer->piece_rows;
    const int rows = net_smaller(step->rows - from, layer->piece_rows);

    for (int d = 0, inputs; d < layer->inputs; d += inputs) {
        inputs = stretch(layer, d, layer->inputs);
        fill(step, from, rows, d, inputs, kept_rows(step->net, from, d), step->net->mixed.x_stride);
    }
}

static void round_panel_weights(const struct net *net, int panel, int begin, int inputs)
{
    const struct layer *layer = &net->layers[0];

    net->mixed.kernels->pairs(inputs, layer->panel,
                              layer->weight.value + layer_panel_at(layer, panel, begin),
                              layer->panel, panel_weights(net, panel, begin), layer->panel);
}

static void round_tail_weights(const struct net *net, int begin, int inputs)
{
    const struct layer *layer = &net->layers[0];

    net->mixed.kernels->rows(layer->tail, inputs,
                             layer->weight.value + layer_tail_at(layer, 0, begin), layer->inputs,
                             tail_weights(net, begin), net->mixed.x_stride);
}

static void round_weights(struct net *net)
{
    const struct layer *layer = &net->layers[0];

    for (int p = 0; p < layer->panels; p++)
        round_panel_weights(net, p, 0, layer->inputs);
    round_tail_weights(net, 0, layer->inputs);
    net->mixed.weights_rounded = true;
}

void mixed_forward(struct net *net, const struct net_source *source, int rows)
{
    const struct layer *layer = &net->layers[0];
    struct step step = {.net = net, .source = source, .rows = rows};
    const int row_pieces = net_divide_up(rows, layer->piece_rows);

    if (!net->mixed.weights_rounded)
        round_weights(net);
    if (layer->panels > 1)
        team_run(net->team, row_pieces, keep_piece, &step);
    else
        team_run(net->team, layer->parts * row_pieces, forward_piece, &step);
}

void mixed_panel_product(const struct net *net, int panel, int rows)
{
    const struct layer *layer = &net->layers[0];

    for (int d = 0, inputs; d < layer->inputs; d += inputs) {
        inputs = stretch(layer, d, layer->inputs);
        net->mixed.kernels->gemm(MATH_PLAIN, rows, layer->panel, inputs, kept_rows(net, 0, d),
                                 net->mixed.x_stride, panel_weights(net, panel, d), layer->panel,
                                 d > 0, layer->score + panel * layer->panel, layer->stride);
    }
}

/* ---- backward ---- */

void mixed_round_gradient(const struct net *net, int rows)
{
    const struct layer *layer = &net->layers[0];

    net->mixed.kernels->pairs(rows, layer->width, layer->gradient, layer->stride,
                              net->mixed.gradient, layer->stride);
}

static void update_panel(const struct step *step, int panel, int begin, int inputs)
{
    const struct net *net = step->net;
    const struct layer *layer = &net->layers[0];
    const size_t at = layer_panel_at(layer, panel, begin);
    const size_t count = (size_t)inputs * (size_t)layer->panel;
    _Alignas(64) real gradient[NET_BLOCK_NUMBERS];

    net->mixed.kernels->gemm(MATH_TRANSPOSED, inputs, layer->panel, step->rows,
                             kept_pairs(net, 0, begin), net->mixed.pair_stride,
                             net->mixed.gradient + 2 * panel * layer->panel, layer->stride, false,
                             gradient, layer->panel);
    layer_update_weights(layer, begin, at, count, gradient, step->update);
    round_panel_weights(net, panel, begin, inputs);
}

static void update_tail(const struct step *step, int begin, int inputs)
{
    const struct net *net = step->net;
    const struct layer *layer = &net->layers[0];
    const int width = net_divide_up(inputs, 16) * 16;
    _Alignas(64) real gradient[MATH_TAIL_UNITS * UPDATE_INPUTS];

    net->mixed.kernels->gemm(MATH_TRANSPOSED, layer->tail, width, step->rows,
                             net->mixed.gradient + 2 * layer->panel, layer->stride,
                             kept_pairs(net, 0, begin), net->mixed.pair_stride, false, gradient,
                             UPDATE_INPUTS);
    for (int h = 0; h < layer->tail; h++)
        layer_update_weights(layer, begin, layer_tail_at(layer, h, begin), (size_t)inputs,
                             gradient + h * UPDATE_INPUTS, step->update);
    round_tail_weights(net, begin, inputs);
}

/* The gradient of the weights of piece i, and their update. */
void mixed_update(struct net *net, const struct net_source *source, int rows,
                  const struct update *update, int i)
{
    const struct step step = {.net = net, .source = source, .rows = rows, .update = update};
    const struct layer *layer = &net->layers[0];
    const int begin = i * layer->piece_inputs, inputs = layer_piece_width(layer, i);
    const int shares = net_divide_up(inputs, UPDATE_INPUTS);
    const double time = net_clock_start(net);

    for (int share = 0; share < shares; share++) {
        const int d = begin + share * UPDATE_INPUTS;
        const int width = net_smaller(begin + inputs - d, UPDATE_INPUTS);

        if (source->expect != NULL)
            source->expect(source->of, begin, inputs, share, shares);
        for (int p = 0; p < layer->panels; p++)
            for (int b = 0; b < width; b += layer->block_inputs)
                update_panel(&step, p, d + b, net_smaller(width - b, layer->block_inputs));
        if (layer->tail > 0)
            update_tail(&step, d, width);
    }
    net_clock_mark(net, NET_PHASE_UPDATE, time);
}
