#!/usr/bin/python3
"""Reads a checkpoint as the published safetensors format says, without any code of kdtui, and
classifies a test set with numpy.

    read_checkpoint.py CHECKPOINT DIRECTORY

DIRECTORY holds CIFAR-10's test_batch.bin or t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,
plain or with .gz. Prints `accuracy NN.NN%`, as `kdtui eval` does.
"""
import configparser
import gzip
import json
import os
import struct
import sys
import zlib

import numpy

NORM_EPSILON = 1e-5


def read_safetensors(path):
    """(tensors by name, metadata, all bytes of data)"""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    data = content[8 + length :]
    metadata = header.pop("__metadata__")
    tensors, end = {}, 0
    for name, about in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert about["dtype"] == "F32", name
        first, last = about["data_offsets"]
        assert first == end, f"{name}: gap or overlap"
        end = last
        tensors[name] = numpy.frombuffer(data[first:last], "<f4").reshape(about["shape"])
    assert end == len(data), "bytes after the last tensor"
    return tensors, metadata, data


def read_bytes(path):
    if os.path.exists(path):
        with open(path, "rb") as file:
            return file.read()
    with gzip.open(path + ".gz") as file:
        return file.read()


def read_test_set(directory, inputs):
    """(pixels [count][inputs], labels [count])"""
    cifar = os.path.join(directory, "test_batch.bin")
    if os.path.exists(cifar):
        records = numpy.frombuffer(read_bytes(cifar), numpy.uint8).reshape(-1, 1 + inputs)
        return records[:, 1:], records[:, 0]
    images = read_bytes(os.path.join(directory, "t10k-images-idx3-ubyte"))
    labels = read_bytes(os.path.join(directory, "t10k-labels-idx1-ubyte"))
    pixels = numpy.frombuffer(images, numpy.uint8, offset=16).reshape(-1, inputs)
    return pixels, numpy.frombuffer(labels, numpy.uint8, offset=8)


def activate(x, network):
    if network["activation"] == "relu":
        return numpy.maximum(x, 0)
    slope = float(network["slope"])
    below = slope * x if network["activation"] == "leaky_relu" else slope * numpy.expm1(x)
    return numpy.where(x > 0, x, below)


def normalize(x, tensors, layer):
    prefix = f"layers.{layer}.batch_norm."
    x = (x - tensors[prefix + "mean"]) / numpy.sqrt(tensors[prefix + "variance"] + NORM_EPSILON)
    if prefix + "scale" in tensors:
        x = x * tensors[prefix + "scale"] + tensors[prefix + "shift"]
    return x


def classify(pixels, tensors, network):
    x = pixels * tensors["data.factor"] - tensors["data.offset"]
    layers = sum(name.startswith("layers.") and name.endswith(".weight") for name in tensors)
    for layer in range(layers):
        x = x.astype(numpy.float64) @ tensors[f"layers.{layer}.weight"].T.astype(numpy.float64)
        x = x + tensors[f"layers.{layer}.bias"]
        if layer == layers - 1:
            break
        if network["batch_norm"] == "before":
            x = normalize(x, tensors, layer)
        x = activate(x, network)
        if network["batch_norm"] == "after":
            x = normalize(x, tensors, layer)
    return x.argmax(axis=1)


def main():
    path, directory = sys.argv[1:]
    tensors, metadata, data = read_safetensors(path)
    assert zlib.crc32(data) == int(metadata["checksum"], 16), "checksum"
    settings = configparser.RawConfigParser(interpolation=None)
    settings.read_string(metadata["settings"])
    pixels, labels = read_test_set(directory, len(tensors["data.factor"]))
    hits = 0
    for first in range(0, len(labels), 1000):
        part = slice(first, first + 1000)
        hits += (classify(pixels[part], tensors, settings["network"]) == labels[part]).sum()
    print(f"accuracy {100 * hits / len(labels):.2f}%")


main()
