#!/usr/bin/python3
"""Checks an ONNX model with Python's onnx and classifies a test set with numpy.

    read_onnx.py MODEL DIRECTORY

DIRECTORY holds t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte. Prints `accuracy NN.NN%`.
"""
import sys

import numpy
import onnx
import onnx.numpy_helper


def compute(operator, inputs, attributes):
    x = inputs[0]
    if operator == "Mul":
        return x * inputs[1]
    if operator == "Sub":
        return x - inputs[1]
    if operator == "Gemm":
        assert attributes == {"transB": 1}, attributes
        return x @ inputs[1].T + inputs[2]
    if operator == "BatchNormalization":
        scale, shift, mean, variance = inputs[1:]
        return (x - mean) / numpy.sqrt(variance + attributes["epsilon"]) * scale + shift
    if operator == "Relu":
        return numpy.maximum(x, 0)
    if operator == "LeakyRelu":
        return numpy.where(x < 0, attributes["alpha"] * x, x)
    if operator == "Elu":
        return numpy.where(x < 0, attributes["alpha"] * numpy.expm1(x), x)
    assert operator == "Softmax", operator
    y = numpy.exp(x - x.max(axis=1, keepdims=True))
    return y / y.sum(axis=1, keepdims=True)


def main(path, directory):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    with open(f"{directory}/t10k-images-idx3-ubyte", "rb") as file:
        pixels = numpy.frombuffer(file.read()[16:], numpy.uint8)
    with open(f"{directory}/t10k-labels-idx1-ubyte", "rb") as file:
        labels = numpy.frombuffer(file.read()[8:], numpy.uint8)
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    values["images"] = pixels.reshape(len(labels), -1).astype(numpy.float32)
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] for name in node.input]
        values[node.output[0]] = compute(node.op_type, inputs, attributes)
    assert [value.name for value in model.graph.output] == ["logits", "probabilities"]
    hits = (values["probabilities"].argmax(axis=1) == labels).mean()
    print(f"accuracy {100 * hits:.2f}%")


main(*sys.argv[1:])
