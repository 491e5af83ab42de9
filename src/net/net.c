/*
 * A net's shape, memory and tensors.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
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

static int round_up(int value, int to)
{
    return (value + to - 1) / to * to;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* Pieces large enough to be worth a meeting of the threads, of a large layer
 * eight, to serve as many cores, or more, so that each stays in a core's cache. */
static void layer_cut(struct layer *layer)
{
    enum { LEAST_WEIGHTS = 8192, LEAST_INPUTS = 64, MOST_PIECES = 8, MOST_INPUTS = 384 };
    enum { LEAST_UNITS = 256, FINISH_UNITS = 128 };
    const int64_t worth = (int64_t)layer->inputs * layer->units / LEAST_WEIGHTS;
    int pieces = worth < 1 ? 1 : worth < MOST_PIECES ? (int)worth : MOST_PIECES;

    if (worth > MOST_PIECES)
        pieces = larger(pieces, (layer->inputs + MOST_INPUTS - 1) / MOST_INPUTS);
    layer->piece_inputs = larger(LEAST_INPUTS, round_up((layer->inputs + pieces - 1) / pieces, 16));
    layer->pieces = (layer->inputs + layer->piece_inputs - 1) / layer->piece_inputs;

    layer->finish_units = layer->units < LEAST_UNITS ? layer->units : FINISH_UNITS;
    layer->finish_pieces = (layer->units + layer->finish_units - 1) / layer->finish_units;
}

static void layer_init(struct layer *layer, const struct net_shape *shape, int l)
{
    layer->inputs = l == 0 ? shape->inputs : shape->units[l - 1];
    layer->units = shape->units[l];
    layer->activated = l < shape->layers - 1;
    layer->normalized = layer->activated && shape->norm != NET_NORM_NONE;
    layer_cut(layer);
}

static void lay_out_state(struct net *net, struct arena *arena)
{
    const bool learned = net->shape.norm_learned;

    for (int l = 0; l < net->shape.layers; l++) {
        struct layer *layer = &net->layers[l];
        const size_t units = (size_t)layer->units;
        const size_t weights = units * (size_t)layer->inputs;

        layer->weight.value = arena_take(arena, weights);
        layer->weight.velocity = arena_take(arena, weights);
        layer->bias.value = arena_take(arena, units);
        layer->bias.velocity = arena_take(arena, units);
        if (!layer->normalized)
            continue;
        layer->mean = arena_take(arena, units);
        layer->variance = arena_take(arena, units);
        layer->scale.value = arena_take(arena, units);
        layer->shift.value = arena_take(arena, units);
        layer->scale.velocity = learned ? arena_take(arena, units) : NULL;
        layer->shift.velocity = learned ? arena_take(arena, units) : NULL;
    }
}

static void lay_out_work(struct net *net, struct arena *arena)
{
    const size_t batch = (size_t)net->batch;
    size_t parts = 0, part_gradients = 0;

    for (int l = 0; l < net->shape.layers; l++) {
        struct layer *layer = &net->layers[l];
        const size_t units = (size_t)layer->units, matrix = batch * units;
        const size_t pieces = layer->pieces > 1 ? (size_t)layer->pieces : 0;
        const size_t part = GRADIENT_UNITS * (size_t)layer->piece_inputs;

        if (parts < pieces * matrix)
            parts = pieces * matrix;
        if (part_gradients < (size_t)layer->pieces * part)
            part_gradients = (size_t)layer->pieces * part;
        net->evaluate_units = larger(net->evaluate_units, layer->units);

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
        layer->dot = arena_take(arena, units);
    }
    net->parts = arena_take(arena, parts);
    net->part_gradients = arena_take(arena, part_gradients);
    net->evaluate_work = arena_take(arena, (size_t)EVALUATE_BLOCKS * 2 * EVALUATE_ROWS *
                                               (size_t)net->evaluate_units);
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

/* columns = 0: a vector. */
static KDT_PRINTF(6, 7) void tensor_add(struct net *net, real *data, int rows, int columns,
                                        bool optimizer, const char *format, ...)
{
    struct net_tensor *tensor = &net->tensors[net->tensor_count++];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(tensor->name, sizeof tensor->name, format, arguments);
    va_end(arguments);
    tensor->dimensions = columns == 0 ? 1 : 2;
    tensor->size[0] = rows;
    tensor->size[1] = columns == 0 ? 1 : columns;
    tensor->data = data;
    tensor->optimizer = optimizer;
}

static void list_tensors(struct net *net)
{
    const bool learned = net->shape.norm_learned;

    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];
        const int units = layer->units;

        tensor_add(net, layer->weight.value, units, layer->inputs, false, "layers.%d.weight", l);
        tensor_add(net, layer->bias.value, units, 0, false, "layers.%d.bias", l);
        if (!layer->normalized)
            continue;
        tensor_add(net, layer->mean, units, 0, false, "layers.%d.batch_norm.mean", l);
        tensor_add(net, layer->variance, units, 0, false, "layers.%d.batch_norm.variance", l);
        if (!learned)
            continue;
        tensor_add(net, layer->scale.value, units, 0, false, "layers.%d.batch_norm.scale", l);
        tensor_add(net, layer->shift.value, units, 0, false, "layers.%d.batch_norm.shift", l);
    }
    for (int l = 0; l < net->shape.layers; l++) {
        const struct layer *layer = &net->layers[l];
        const int units = layer->units;

        tensor_add(net, layer->weight.velocity, units, layer->inputs, true,
                   "optimizer.layers.%d.weight.velocity", l);
        tensor_add(net, layer->bias.velocity, units, 0, true, "optimizer.layers.%d.bias.velocity",
                   l);
        if (!layer->normalized || !learned)
            continue;
        tensor_add(net, layer->scale.velocity, units, 0, true,
                   "optimizer.layers.%d.batch_norm.scale.velocity", l);
        tensor_add(net, layer->shift.velocity, units, 0, true,
                   "optimizer.layers.%d.batch_norm.shift.velocity", l);
    }
}

int net_create(const struct net_shape *shape, int batch, struct team *team, struct net **out,
               struct err *err)
{
    assert(shape->inputs >= 1 && shape->layers >= 1 && shape->layers <= NET_MAX_LAYERS);
    assert(shape->units[shape->layers - 1] <= NET_MAX_CLASSES && batch >= 1);

    struct net *net = mem_alloc(sizeof *net);
    net->shape = *shape;
    net->batch = batch;
    net->team = team;
    for (int l = 0; l < shape->layers; l++) {
        assert(shape->units[l] >= 1);
        layer_init(&net->layers[l], shape, l);
    }
    if (allocate(net, lay_out_state, &net->state, err) != 0 ||
        allocate(net, lay_out_work, &net->work, err) != 0) {
        net_destroy(net);
        return -1;
    }
    list_tensors(net);
    net_reset(net);
    *out = net;
    return 0;
}

void net_destroy(struct net *net)
{
    if (net == NULL)
        return;
    mem_free(net->work);
    mem_free(net->state);
    mem_free(net);
}

const struct net_shape *net_shape(const struct net *net)
{
    return &net->shape;
}

size_t net_parameters(const struct net *net)
{
    size_t count = 0;

    /* Every trained tensor has one velocity. */
    for (int i = 0; i < net->tensor_count; i++)
        if (net->tensors[i].optimizer)
            count += (size_t)net->tensors[i].size[0] * (size_t)net->tensors[i].size[1];
    return count;
}

int net_tensor_count(const struct net *net)
{
    return net->tensor_count;
}

void net_tensor_get(const struct net *net, int i, struct net_tensor *out)
{
    assert(i >= 0 && i < net->tensor_count);
    *out = net->tensors[i];
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
        const struct net_tensor *tensor = &net->tensors[i];
        if (!tensor->optimizer &&
            !math_finite((size_t)tensor->size[0] * (size_t)tensor->size[1], tensor->data))
            return false;
    }
    return true;
}
