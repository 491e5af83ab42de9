/*
 * The first layer, where nearly all the work of a step is: it has no layer
 * below, but a source that fills rows of inputs.
 *
 * Forward, the scores are cut in two: parts of the inputs, each of which gives
 * a partial sum, and each into pieces of the rows. Backward, the weights are
 * cut into pieces of the inputs that never straddle the parts. The team takes
 * both from both ends, so with two threads each works on its own half of the
 * weights and of the images step after step.
 *
 * Inputs are filled twice, forward and for the gradient, a stretch at a time
 * into a buffer that stays in the cache: kept for the whole of a step they
 * would drive the weights out of it. Inputs that are costly to make, batches
 * too large for the buffer and layers of many panels keep them after all.
 */
#include "kdt/net.h"
#include "internal.h"

/* Of inputs: FORWARD_INPUTS of a piece's rows, or UPDATE_INPUTS of all rows. */
enum { FORWARD_INPUTS = 384, UPDATE_INPUTS = 128, BUFFER_NUMBERS = 49152 };
enum { MOST_ROWS = BUFFER_NUMBERS / 48 };
/* A piece's rows of the tail. */
enum { TAIL_NUMBERS = NET_PIECE_ROWS * MATH_TAIL_UNITS * MATH_TAIL_LANES };

struct first {
    struct net *net;
    const struct layer *layer;
    const struct net_source *source;
    int rows;
};

bool net_keeps_input(const struct net *net, const struct net_source *source)
{
    return source->costly || net->batch > MOST_ROWS || net->layers[0].panels > 1;
}

/* How many inputs of so many rows are filled at a time: what the buffer takes
 * of a multiple of `unit`, itself a multiple of 16; about `most`. */
static int fill_inputs(int rows, int most, int unit)
{
    most = most < unit ? unit : most / unit * unit;
    while (most > unit && rows * net_stride(most) > BUFFER_NUMBERS)
        most -= unit;
    return most;
}

static real *kept_input(const struct net *net, int row, int input)
{
    return net->x + (size_t)row * (size_t)net->x_stride + input;
}

/* Inputs begin … of rows `from` … in the buffer or where they are kept. */
static const real *fill(const struct first *first, int from, int rows, int begin, int inputs,
                        real *buffer, int *stride)
{
    const struct net *net = first->net;
    const bool keeps = net_keeps_input(net, first->source);
    real *x = keeps ? kept_input(net, from, begin) : buffer;
    const double time = net_clock_start(net);

    *stride = keeps ? net->x_stride : net_stride(inputs);
    first->source->fill(first->source->of, from, rows, begin, inputs, x, *stride);
    net_clock_mark(net, NET_PHASE_GATHER, time);
    return x;
}

static void forward_piece(void *arg, int i)
{
    const struct first *first = arg;
    const struct net *net = first->net;
    const struct layer *layer = first->layer;
    const int row_pieces = net_divide_up(first->rows, layer->piece_rows);
    const int part = i / row_pieces, from = i % row_pieces * layer->piece_rows;
    const int rows = net_smaller(first->rows - from, layer->piece_rows);
    const int begin = part * layer->part_inputs;
    const int end = net_smaller(begin + layer->part_inputs, layer->inputs);
    const int block = fill_inputs(rows, FORWARD_INPUTS, 16);
    real *score = layer->parts == 1
                      ? layer->score
                      : net->parts + (size_t)(part * first->rows) * (size_t)layer->stride;
    _Alignas(64) real buffer[BUFFER_NUMBERS], lanes[TAIL_NUMBERS];

    score += (size_t)from * (size_t)layer->stride;
    for (int d = begin; d < end; d += block) {
        const int inputs = net_smaller(end - d, block);
        int stride;
        const real *x = fill(first, from, rows, d, inputs, buffer, &stride);
        const double time = net_clock_start(net);

        layer_product(layer, rows, d, inputs, x, stride, d > begin, score);
        layer_tail_product(layer, rows, d, inputs, x, stride, d > begin, lanes);
        net_clock_mark(net, NET_PHASE_FORWARD, time);
    }
    layer_tail_score(layer, rows, lanes, score);
}

static void keep_piece(void *arg, int i)
{
    const struct first *first = arg;
    const int from = i * first->layer->piece_rows;
    int stride;

    fill(first, from, net_smaller(first->rows - from, first->layer->piece_rows), 0,
         first->layer->inputs, NULL, &stride);
}

void first_forward(struct net *net, const struct net_source *source, int rows)
{
    const struct layer *layer = &net->layers[0];
    struct first first = {.net = net, .layer = layer, .source = source, .rows = rows};
    const int row_pieces = net_divide_up(rows, layer->piece_rows);

    if (net->mixed.kernels != NULL)
        mixed_forward(net, source, rows);
    else if (layer->panels > 1)
        team_run(net->team, row_pieces, keep_piece, &first);
    else
        team_run(net->team, layer->parts * row_pieces, forward_piece, &first);
}

/* The gradient of the weights of piece i, and their update, a block at a time. */
void first_update(struct net *net, const struct net_source *source, int rows,
                  const struct update *update, int i)
{
    const struct layer *layer = &net->layers[0];
    const struct first first = {.net = net, .layer = layer, .source = source, .rows = rows};
    const bool keeps = net_keeps_input(net, source);
    const int begin = i * layer->piece_inputs, inputs = layer_piece_width(layer, i);
    const int most = keeps ? inputs : fill_inputs(rows, UPDATE_INPUTS, layer->block_inputs);
    const int shares = layer->panels * net_divide_up(inputs, layer->block_inputs);
    int share = 0;
    _Alignas(64) real buffer[BUFFER_NUMBERS];

    for (int d = begin; d < begin + inputs; d += most) {
        const int width = net_smaller(begin + inputs - d, most);
        int stride = net->x_stride;
        const real *x =
            keeps ? kept_input(net, 0, d) : fill(&first, 0, rows, d, width, buffer, &stride);
        const double time = net_clock_start(net);

        for (int p = 0; p < layer->panels; p++)
            for (int b = 0; b < width; b += layer->block_inputs) {
                if (source->expect != NULL)
                    source->expect(source->of, begin, inputs, share++, shares);
                layer_update_panel(layer, p, rows, d + b,
                                   net_smaller(width - b, layer->block_inputs), x + b, stride,
                                   update);
            }
        layer_update_tail(layer, rows, d, width, x, stride, update);
        net_clock_mark(net, NET_PHASE_UPDATE, time);
    }
}
