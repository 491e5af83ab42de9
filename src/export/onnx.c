/*
 * A net as an ONNX model:
 *
 *   images ─ Mul factor ─ Sub offset ─ Gemm ─ BatchNormalization ─ Relu ─ … ─ Gemm ─ logits
 *                                                                                └ Softmax
 *
 * or the activation first. The messages and the numbers of their fields are
 * those of onnx.proto.
 */
#include "kdt/export.h"
#include "protobuf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    OPSET_VERSION = 2,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OPERATOR = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INTEGER = 3,
    ATTRIBUTE_TYPE = 20,
    ATTRIBUTE_TYPE_FLOAT = 1,
    ATTRIBUTE_TYPE_INTEGER = 2,
    TENSOR_SIZE = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_BYTES = 9,
    TYPE_FLOAT = 1,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    VALUE_TENSOR = 1,
    VALUE_ELEMENT = 1,
    VALUE_SHAPE = 2,
    SHAPE_DIMENSION = 1,
    DIMENSION_SIZE = 1,
    DIMENSION_NAME = 2,
};
enum { IR_VERSION = 7, OPSET = 13 };

/* A graph in the making: each node's output is the next one's input. */
struct graph {
    struct text bytes;
    char value[64]; /* the output of the newest node */
};

static void add_tensor(struct graph *graph, const char *name, const int *size, int dimensions,
                       const float *numbers)
{
    struct text tensor = {0};
    size_t count = 1;
    for (int i = 0; i < dimensions; i++) {
        protobuf_integer(&tensor, TENSOR_SIZE, size[i]);
        count *= (size_t)size[i];
    }
    protobuf_integer(&tensor, TENSOR_TYPE, TYPE_FLOAT);
    protobuf_string(&tensor, TENSOR_NAME, name);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "ONNX wants the least byte first"
#endif
    protobuf_bytes(&tensor, TENSOR_BYTES, numbers, count * sizeof *numbers);
    protobuf_message(&graph->bytes, GRAPH_INITIALIZER, &tensor);
}

/* A node of the newest value and `others`, which names the tensors, NULL at the
 * end; with an attribute where it has one. */
static void add_node(struct graph *graph, const char *operator, const char * output,
                     const char *const *others, struct text *attribute)
{
    struct text node = {0};
    protobuf_string(&node, NODE_INPUT, graph->value);
    for (; others != NULL && *others != NULL; others++)
        protobuf_string(&node, NODE_INPUT, *others);
    protobuf_string(&node, NODE_OUTPUT, output);
    protobuf_string(&node, NODE_NAME, output);
    protobuf_string(&node, NODE_OPERATOR, operator);
    if (attribute != NULL)
        protobuf_message(&node, NODE_ATTRIBUTE, attribute);
    protobuf_message(&graph->bytes, GRAPH_NODE, &node);
    text_copy(graph->value, sizeof graph->value, output);
}

static struct text float_attribute(const char *name, double value)
{
    struct text attribute = {0};
    protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    protobuf_float(&attribute, ATTRIBUTE_FLOAT, (float)value);
    protobuf_integer(&attribute, ATTRIBUTE_TYPE, ATTRIBUTE_TYPE_FLOAT);
    return attribute;
}

static struct text integer_attribute(const char *name, int value)
{
    struct text attribute = {0};
    protobuf_string(&attribute, ATTRIBUTE_NAME, name);
    protobuf_integer(&attribute, ATTRIBUTE_INTEGER, value);
    protobuf_integer(&attribute, ATTRIBUTE_TYPE, ATTRIBUTE_TYPE_INTEGER);
    return attribute;
}

/* [N, width] numbers, of the graph's inputs or outputs. */
static void add_value(struct graph *graph, int field, const char *name, int width)
{
    struct text rows = {0}, columns = {0}, shape = {0}, tensor = {0}, type = {0}, value = {0};
    protobuf_string(&rows, DIMENSION_NAME, "N");
    protobuf_integer(&columns, DIMENSION_SIZE, width);
    protobuf_message(&shape, SHAPE_DIMENSION, &rows);
    protobuf_message(&shape, SHAPE_DIMENSION, &columns);
    protobuf_integer(&tensor, VALUE_ELEMENT, TYPE_FLOAT);
    protobuf_message(&tensor, VALUE_SHAPE, &shape);
    protobuf_message(&type, VALUE_TENSOR, &tensor);
    protobuf_string(&value, VALUE_NAME, name);
    protobuf_message(&value, VALUE_TYPE, &type);
    protobuf_message(&graph->bytes, field, &value);
}

static void add_transform(struct graph *graph, const struct data_transform *transform)
{
    add_tensor(graph, "factor", &transform->inputs, 1, transform->factor);
    add_tensor(graph, "offset", &transform->inputs, 1, transform->offset);
    add_node(graph, "Mul", "scaled", (const char *const[]){"factor", NULL}, NULL);
    add_node(graph, "Sub", "inputs", (const char *const[]){"offset", NULL}, NULL);
}

/* All tensors of the net but the optimizer's, under their own names, and gamma
 * and beta where they are not learned. */
static void add_tensors(struct graph *graph, const struct net *net)
{
    const struct net_shape *shape = net_shape(net);
    for (int i = 0; i < net_tensor_count(net); i++) {
        struct net_tensor about;
        net_tensor_get(net, i, &about);
        if (about.optimizer)
            continue;
        real *numbers = mem_alloc((size_t)about.size[0] * (size_t)about.size[1] * sizeof *numbers);
        net_tensor_read(net, i, numbers);
        add_tensor(graph, about.name, about.size, about.dimensions, numbers);
        mem_free(numbers);
    }
    for (int l = 0; l + 1 < shape->layers && shape->norm != NET_NORM_NONE && !shape->norm_learned;
         l++) {
        char name[64];
        float *numbers = mem_alloc((size_t)shape->units[l] * sizeof *numbers);
        snprintf(name, sizeof name, "layers.%d.batch_norm.shift", l);
        add_tensor(graph, name, &shape->units[l], 1, numbers);
        for (int h = 0; h < shape->units[l]; h++)
            numbers[h] = 1;
        snprintf(name, sizeof name, "layers.%d.batch_norm.scale", l);
        add_tensor(graph, name, &shape->units[l], 1, numbers);
        mem_free(numbers);
    }
}

static void add_norm(struct graph *graph, int l)
{
    static const char *const parts[] = {"scale", "shift", "mean", "variance"};
    char names[4][64], output[64];
    const char *others[5] = {NULL};
    for (int i = 0; i < 4; i++) {
        snprintf(names[i], sizeof names[i], "layers.%d.batch_norm.%s", l, parts[i]);
        others[i] = names[i];
    }
    struct text epsilon = float_attribute("epsilon", NET_NORM_EPSILON);
    snprintf(output, sizeof output, "layers.%d.normalized", l);
    add_node(graph, "BatchNormalization", output, others, &epsilon);
}

static void add_activation(struct graph *graph, const struct net_shape *shape, int l)
{
    char output[64];
    struct text slope;
    snprintf(output, sizeof output, "layers.%d.activated", l);
    switch (shape->activation) {
    case NET_RELU:
        add_node(graph, "Relu", output, NULL, NULL);
        break;
    case NET_LEAKY_RELU:
        slope = float_attribute("alpha", shape->slope);
        add_node(graph, "LeakyRelu", output, NULL, &slope);
        break;
    case NET_ELU:
        slope = float_attribute("alpha", shape->slope);
        add_node(graph, "Elu", output, NULL, &slope);
        break;
    }
}

static void add_layer(struct graph *graph, const struct net_shape *shape, int l)
{
    const bool last = l == shape->layers - 1;
    char weight[64], bias[64], output[64];
    struct text turned = integer_attribute("transB", 1);
    snprintf(weight, sizeof weight, "layers.%d.weight", l);
    snprintf(bias, sizeof bias, "layers.%d.bias", l);
    snprintf(output, sizeof output, "layers.%d.scores", l);
    add_node(graph, "Gemm", last ? "logits" : output, (const char *const[]){weight, bias, NULL},
             &turned);
    if (last)
        return;
    if (shape->norm == NET_NORM_BEFORE)
        add_norm(graph, l);
    add_activation(graph, shape, l);
    if (shape->norm == NET_NORM_AFTER)
        add_norm(graph, l);
}

void export_onnx(const struct net *net, const struct data_transform *transform, const char *name,
                 struct text *out)
{
    const struct net_shape *shape = net_shape(net);
    const int classes = shape->units[shape->layers - 1];
    struct graph graph = {.value = "images"};
    struct text opset = {0}, axis = integer_attribute("axis", 1);

    assert(transform->inputs == shape->inputs);
    add_transform(&graph, transform);
    for (int l = 0; l < shape->layers; l++)
        add_layer(&graph, shape, l);
    add_node(&graph, "Softmax", "probabilities", NULL, &axis);
    protobuf_string(&graph.bytes, GRAPH_NAME, name);
    add_tensors(&graph, net);
    add_value(&graph, GRAPH_INPUT, "images", shape->inputs);
    add_value(&graph, GRAPH_OUTPUT, "logits", classes);
    add_value(&graph, GRAPH_OUTPUT, "probabilities", classes);

    protobuf_integer(out, MODEL_IR_VERSION, IR_VERSION);
    protobuf_string(out, MODEL_PRODUCER, "kdtui");
    protobuf_string(out, MODEL_PRODUCER_VERSION, KDT_VERSION);
    protobuf_message(out, MODEL_GRAPH, &graph.bytes);
    protobuf_integer(&opset, OPSET_VERSION, OPSET);
    protobuf_message(out, MODEL_OPSET, &opset);
}
