/*
 * A net's shape, memory and tensors.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A block of memory laid out twice: first without a base, to find its size. */
struct arena {
    real *base;
    size_t used;
};

static real *arena_take(struct arena *arena, size_t count)
{
    real *taken = arena->base == NULL ? NULL : arena->base + arena->used;
    arena->used += (count + 15) / 16 * 16; /* whole cache lines */
    return taken;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int within(int64_t value, int least, int most)
{
    return value < least ? least : value > most ? most : (int)value;
}

static int round_up(int value, int to)
{
    return net_divide_up(value, to) * to;
}

/* Pieces large enough to be worth a meeting of the threads, of a large layer
 * eight, to serve as many cores, or more, so that each stays in a core's cache. */
static void layer_cut(struct layer *layer, int batch, bool first, bool mixed)
{
    enum { LEAST_WEIGHTS = 3200, LEAST_INPUTS = 32, MOST_PIECES = 8, MOST_INPUTS = 384 };
    enum { LEAST_ROWS = 16, ROW_PIECES = 4, FINISH_UNITS = 48 };
    enum { WIDE_UNITS = 128, PANEL_UNITS = 64, PANEL_PRODUCTS = 250000, LANES = 16 };
    /* Rounded numbers fill vectors of twice as many, of rows that are multiplied together. */
    enum { ROUNDED_LANES = 2 * LANES, GROUP_ROWS = 8 };
    const int64_t weights = (int64_t)layer->inputs * layer->units;
    int pieces = within(weights / LEAST_WEIGHTS, 1, MOST_PIECES);

    if (pieces == MOST_PIECES)
        pieces = larger(pieces, net_divide_up(layer->inputs, MOST_INPUTS));
    layer->piece_inputs = larger(LEAST_INPUTS, round_up(net_divide_up(layer->inputs, pieces),
                                                        mixed ? ROUNDED_LANES : LANES));
    layer->pieces = net_divide_up(layer->inputs, layer->piece_inputs);

    if (layer->units > WIDE_UNITS)
        layer->panels = net_divide_up(layer->units, PANEL_UNITS);
    else
        layer->panels = first ? 1 : within(weights * batch / PANEL_PRODUCTS, 1, 2);
    layer->tail = first && layer->panels == 1 ? math_tail_units(layer->units) : 0;
    layer->panel = math_gemm_width(net_divide_up(layer->units - layer->tail, layer->panels));
    /* Whole vectors may leave none for the last. */
    layer->panels = net_divide_up(layer->units - layer->tail, layer->panel);
    layer->width = layer->panels * layer->panel + round_up(layer->tail, LANES);
    layer->stride = net_stride(layer->width);
    layer->block_inputs = net_smaller(
        layer->piece_inputs, larger(LANES, NET_BLOCK_NUMBERS / layer->panel / LANES * LANES));

    layer->parts = first && layer->panels == 1 && layer->pieces > 1 ? 2 : 1;
    layer->part_inputs = net_divide_up(layer->pieces, layer->parts) * layer->piece_inputs;
    layer->finish_units = round_up(
        net_divide_up(layer->width, within(layer->width / FINISH_UNITS, 1, MOST_PIECES)), LANES);
    layer->piece_rows = within(net_divide_up(batch, ROW_PIECES), LEAST_ROWS, NET_PIECE_ROWS);
    if (mixed)
        layer->piece_rows = round_up(layer->piece_rows, GROUP_ROWS);
}

static void layer_init(struct layer *layer, const struct net_shape *shape, int batch, int l)
{
    layer->inputs = l == 0 ? shape->inputs : shape->units[l - 1];
    layer->units = shape->units[l];
    layer->activated = l < shape->layers - 1;
    layer->normalized = layer->activated && shape->norm != NET_NORM_NONE;
    layer_cut(layer, batch, l == 0, l == 0 && shape->precision == NET_BFLOAT16);
}

static size_t weight_numbers(const struct layer *layer)
{
    return layer_tail_at(layer, layer->tail, 0);
}

static bool has_squares(const struct net *net)
{
    return net->shape.optimizer == NET_ADAM || net->shape.optimizer == NET_ADAMW;
}

static void lay_out_parameter(const struct net *net, struct arena *arena, size_t count,
                              bool trained, struct parameter *parameter)
{
    parameter->value = arena_take(arena, count);
    parameter->velocity = trained ? arena_take(arena, count) : NULL;
    parameter->square = trained && has_squares(net) ? arena_take(arena, count) : NULL;
}

static void lay_out_state(struct net *net, struct arena *arena)
{
    const bool learned = net->shape.norm_learned;

    for (int l = 0; l < net->shape.layers; l++) {
        struct layer *layer = &net->layers[l];
        const size_t units = (size_t)layer->width;
        const size_t weights = weight_numbers(layer);

        lay_out_parameter(net, arena, weights, true, &layer->weight);
        lay_out_parameter(net, arena, units, true, &layer->bias);
        if (!layer->normalized)
            continue;
        layer->mean = arena_take(arena, units);
        layer->variance = arena_take(arena, units);
        lay_out_parameter(net, arena, units, learned, &layer->scale);
        lay_out_parameter(net, arena, units, learned, &layer->shift);
    }
}

/* A panel's weights of a piece, turned round. */
static size_t layer_scratch(const struct layer *layer)
{
    return (size_t)layer->panel * (size_t)net_stride(layer->piece_inputs);
}

static uint16_t *arena_take_rounded(struct arena *arena, size_t count)
{
    const size_t bytes = count * sizeof(uint16_t);
    return (uint16_t *)arena_take(arena, (bytes + sizeof(real) - 1) / sizeof(real));
}

static void lay_out_mixed(struct mixed *mixed, const struct layer *layer, int batch,
                          struct arena *arena)
{
    const size_t rows = (size_t)round_up(batch, 2), panels = (size_t)layer->panels;

    mixed->x_stride = round_up(layer->inputs, 32) | 32;
    mixed->pair_stride = net_stride(layer->piece_inputs);
    mixed->weight = arena_take_rounded(arena, panels * (size_t)round_up(layer->inputs, 2) *
                                                  (size_t)layer->panel);
    mixed->tail = arena_take_rounded(arena, (size_t)layer->tail * (size_t)mixed->x_stride);
    mixed->gradient = arena_take_rounded(arena, rows * (size_t)layer->stride);
    mixed->x_pairs =
        arena_take_rounded(arena, (size_t)layer->pieces * rows * (size_t)mixed->pair_stride);
    if (panels > 1)
        mixed->x_rows = arena_take_rounded(arena, rows * (size_t)mixed->x_stride);
}

static void lay_out_work(struct net *net, struct arena *arena)
{
    const size_t batch = (size_t)net->batch;
    const struct layer *first = &net->layers[0];
    int most_pieces = 0;

    for (int l = 0; l < net->shape.layers; l++) {
        struct layer *layer = &net->layers[l];
        const size_t units = (size_t)layer->width, matrix = batch * (size_t)layer->stride;
        const size_t scratch = layer_scratch(layer);

        if (l > 0 && net->scratch_size < scratch)
            net->scratch_size = scratch;
        most_pieces = larger(most_pieces, l > 0 ? layer->pieces : 0);
        net->evaluate_stride = larger(net->evaluate_stride, layer->stride);

        layer->score = arena_take(arena, matrix);
        layer->output = layer->normalized ? arena_take(arena, matrix) : layer->score;
        layer->gradient = arena_take(arena, matrix);
        layer->sum = arena_take(arena, units);
        layer->fold_scale = arena_take(arena, units);
        layer->fold_shift = arena_take(arena, units);
        if (!layer->normalized)
            continue;
        layer->standard = arena_take(arena, matrix);
        layer->batch_mean = arena_take(arena, units);
        layer->batch_variance = arena_take(arena, units);
        layer->inverse = arena_take(arena, units);
        layer->norm_sum = arena_take(arena, units);
        layer->dot = arena_take(arena, units);
    }
    if (net->mixed.kernels != NULL) {
        lay_out_mixed(&net->mixed, first, net->batch, arena);
    } else {
        net->x_stride = net_stride(first->inputs);
        net->x = arena_take(arena, batch * (size_t)net->x_stride);
    }
    for (int l = 0; l < net->shape.layers - 1; l++)
        net->layers[l].dropped = arena_take(arena, batch * (size_t)net->layers[l].stride);
    net->parts = arena_take(arena, (size_t)first->parts * batch * (size_t)first->stride);
    net->scratch = arena_take(arena, (size_t)most_pieces * net->scratch_size);
    /* Scores, outputs and a stretch of the inputs. */
    net->evaluate_size = (size_t)EVALUATE_ROWS *
                         (2 * (size_t)net->evaluate_stride + (size_t)net_stride(EVALUATE_INPUTS));
    net->evaluate_work = arena_take(arena, (size_t)EVALUATE_BLOCKS * net->evaluate_size);
}

static int allocate(struct net *net, void (*lay_out)(struct net *, struct arena *), real **base,
                    struct err *err)
{
    struct arena arena = {0};

    lay_out(net, &arena);
    *base = mem_array(arena.used, sizeof(real), err);
    if (*base == NULL)
        return -1;
    arena = (struct arena){.base = *base};
    lay_out(net, &arena);
    return 0;
}

/* One of a layer's tensors; `weights`: a matrix, otherwise a vector. */
static KDT_PRINTF(6, 7) void tensor_add(struct net *net, const struct layer *layer, real *data,
                                        bool weights, bool optimizer, const char *format, ...)
{
    struct tensor *tensor = &net->tensors[net->tensor_count++];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(tensor->about.name, sizeof tensor->about.name, format, arguments);
    va_end(arguments);
    tensor->about.dimensions = weights ? 2 : 1;
    tensor->about.size[0] = layer->units;
    tensor->about.size[1] = weights ? layer->inputs : 1;
    tensor->about.optimizer = optimizer;
    tensor->data = data;
    tensor->layer = weights ? layer : NULL;
}

/* What the optimizer keeps of a parameter. */
static void list_moments(struct net *net, int l, const struct parameter *parameter, bool weights,
                         const char *name)
{
    const struct layer *layer = &net->layers[l];

    if (!has_squares(net)) {
        tensor_add(net, layer, parameter->velocity, weights, true,
                   "optimizer.layers.%d.%s.velocity", l, name);
        return;
    }
    tensor_add(net, layer, parameter->velocity, weights, true,
               "optimizer.layers.%d.%s.first_moment", l, name);
    tensor_add(net, layer, parameter->square, weights, true, "optimizer.layers.%d.%s.second_moment",
               l, name);
}

static void list_tensors(struct net *net)
{
    const bool learned = net->shape.norm_learned;

    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];

        tensor_add(net, layer, layer->weight.value, true, false, "layers.%d.weight", l);
        tensor_add(net, layer, layer->bias.value, false, false, "layers.%d.bias", l);
        if (!layer->normalized)
            continue;
        tensor_add(net, layer, layer->mean, false, false, "layers.%d.batch_norm.mean", l);
        tensor_add(net, layer, layer->variance, false, false, "layers.%d.batch_norm.variance", l);
        if (!learned)
            continue;
        tensor_add(net, layer, layer->scale.value, false, false, "layers.%d.batch_norm.scale", l);
        tensor_add(net, layer, layer->shift.value, false, false, "layers.%d.batch_norm.shift", l);
    }
    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];

        list_moments(net, l, &layer->weight, true, "weight");
        list_moments(net, l, &layer->bias, false, "bias");
        if (!layer->normalized || !learned)
            continue;
        list_moments(net, l, &layer->scale, false, "batch_norm.scale");
        list_moments(net, l, &layer->shift, false, "batch_norm.shift");
    }
}

static void fill_zeros(const void *of, int first, int rows, int begin, int inputs, real *x,
                       int stride)
{
    (void)of, (void)first, (void)begin;
    for (int r = 0; r < rows; r++)
        memset(x + (size_t)r * (size_t)stride, 0, (size_t)inputs * sizeof *x);
}

/* A step on nothing, so that the kernels of its shapes exist before the first. */
static void rehearse(struct net *net)
{
    const struct net_source zeros = {.fill = fill_zeros};
    const struct net_update still = {0};
    uint8_t *labels = mem_alloc((size_t)net->batch);

    net_train_step(net, &zeros, labels, net->batch, &still, INFINITY);
    mem_free(labels);
    net_reset(net);
}

int net_create(const struct net_shape *shape, int batch, struct team *team, struct net **out,
               struct err *err)
{
    assert(shape->inputs >= 1 && shape->layers >= 1 && shape->layers <= NET_MAX_LAYERS);
    assert(shape->units[shape->layers - 1] <= NET_MAX_CLASSES && batch >= 1);

    const bool mixed = shape->precision == NET_BFLOAT16;
    struct net *net = mem_alloc(sizeof *net);
    net->shape = *shape;
    net->batch = batch;
    net->team = team;
    net->mixed.kernels = mixed ? math_bf16() : NULL;
    assert(!mixed || net->mixed.kernels != NULL);
    int pieces = 0;
    for (int l = 0; l < shape->layers; l++) {
        assert(shape->units[l] >= 1);
        layer_init(&net->layers[l], shape, batch, l);
        pieces += net->layers[l].pieces;
    }
    net->squares = mem_alloc((size_t)pieces * sizeof *net->squares);
    if (allocate(net, lay_out_state, &net->state, err) != 0 ||
        allocate(net, lay_out_work, &net->work, err) != 0) {
        net_destroy(net);
        return -1;
    }
    list_tensors(net);
    net_reset(net);
    rehearse(net);
    *out = net;
    return 0;
}

void net_destroy(struct net *net)
{
    if (net == NULL)
        return;
    mem_free(net->squares);
    mem_free(net->work);
    mem_free(net->state);
    mem_free(net);
}

const struct net_shape *net_shape(const struct net *net)
{
    return &net->shape;
}

void net_clock_set(struct net *net, struct net_clock *clock)
{
    net->clock = clock;
}

size_t net_parameters(const struct net *net)
{
    size_t count = 0;

    /* Every trained tensor has one velocity, or two moments. */
    for (int i = 0; i < net->tensor_count; i++)
        if (net->tensors[i].about.optimizer)
            count += (size_t)net->tensors[i].about.size[0] * (size_t)net->tensors[i].about.size[1];
    return has_squares(net) ? count / 2 : count;
}

int net_tensor_count(const struct net *net)
{
    return net->tensor_count;
}

void net_tensor_get(const struct net *net, int i, struct net_tensor *out)
{
    assert(i >= 0 && i < net->tensor_count);
    *out = net->tensors[i].about;
}

size_t tensor_length(const struct tensor *tensor)
{
    return tensor->layer != NULL ? weight_numbers(tensor->layer) : (size_t)tensor->about.size[0];
}

void net_tensor_read(const struct net *net, int i, real *out)
{
    const struct tensor *tensor = &net->tensors[i];
    const struct layer *layer = tensor->layer;

    assert(i >= 0 && i < net->tensor_count);
    if (layer == NULL) {
        memcpy(out, tensor->data, tensor_length(tensor) * sizeof *out);
        return;
    }
    for (int h = 0; h < layer->units; h++, out += layer->inputs) {
        size_t apart;
        const real *from = tensor->data + layer_unit_at(layer, h, &apart);
        for (int d = 0; d < layer->inputs; d++)
            out[d] = from[(size_t)d * apart];
    }
}

void net_tensor_write(struct net *net, int i, const real *from)
{
    const struct tensor *tensor = &net->tensors[i];
    const struct layer *layer = tensor->layer;

    assert(i >= 0 && i < net->tensor_count);
    if (layer == NULL) {
        memcpy(tensor->data, from, tensor_length(tensor) * sizeof *from);
        return;
    }
    net->mixed.weights_rounded = false;
    /* What went wrong may have spread beyond the units. */
    memset(tensor->data, 0, tensor_length(tensor) * sizeof *from);
    for (int h = 0; h < layer->units; h++, from += layer->inputs) {
        size_t apart;
        real *to = tensor->data + layer_unit_at(layer, h, &apart);
        for (int d = 0; d < layer->inputs; d++)
            to[(size_t)d * apart] = from[d];
    }
}

bool net_averages_set(const struct net *net)
{
    return net->averages_set;
}

void net_averages_mark(struct net *net, bool set)
{
    net->averages_set = set;
}

bool net_finite(const struct net *net)
{
    for (int i = 0; i < net->tensor_count; i++) {
        const struct tensor *tensor = &net->tensors[i];
        if (!tensor->about.optimizer && !math_finite(tensor_length(tensor), tensor->data))
            return false;
    }
    return true;
}
