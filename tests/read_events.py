#!/usr/bin/python3
"""Reads an event file of TensorBoard's record by record: lengths and checksums by crcmod, messages
by protoc, neither of which knows kdtui.

    read_events.py FILE
"""
import re
import struct
import subprocess
import sys
import tempfile

import crcmod.predefined

crc32c = crcmod.predefined.mkCrcFun("crc-32c")


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(content):
    at = 0
    while at < len(content):
        header = content[at : at + 8]
        (length,) = struct.unpack("<Q", header)
        data = content[at + 12 : at + 12 + length]
        assert struct.unpack("<I", content[at + 8 : at + 12])[0] == masked(header), at
        at += 12 + length
        assert struct.unpack("<I", content[at : at + 4])[0] == masked(data), at
        at += 4
        yield data
    assert at == len(content)


SCHEMA = """
syntax = "proto3";
message Plugin { string plugin_name = 1; }
message Metadata { Plugin plugin_data = 1; }
message Dimension { int64 size = 1; }
message Shape { repeated Dimension dim = 2; }
message Tensor { int32 dtype = 1; Shape tensor_shape = 2; repeated string string_val = 8; }
message Value { string tag = 1; float simple_value = 2; Tensor tensor = 8; Metadata metadata = 9; }
message Summary { repeated Value value = 1; }
message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
message Events { repeated Event event = 1; }
"""


def decode(found):
    """All records as protoc prints them, as one message with each in a field of its own."""
    joined = b""
    for data in found:
        length, prefix = len(data), b""
        while length > 127:
            prefix += bytes([length & 127 | 128])
            length >>= 7
        joined += b"\x0a" + prefix + bytes([length]) + data
    with tempfile.TemporaryDirectory() as directory:
        with open(f"{directory}/events.proto", "w") as file:
            file.write(SCHEMA)
        command = ["protoc", "-I", directory, "--decode=Events", "events.proto"]
        return subprocess.run(command, input=joined, capture_output=True, check=True).stdout.decode()


def main(path):
    with open(path, "rb") as file:
        found = list(records(file.read()))
    text = decode(found)
    assert text.count("event {") == len(found), "a record is not a message"
    assert text.count('file_version: "brain.Event:2"') == 1
    assert not re.search(r"^\s*\d+:", text, re.M), "a field that is none of TensorBoard's"
    tags = re.findall(r'tag: "([^"]*)"', text)
    assert len(tags) == len(found) - 1, (len(tags), len(found))
    assert set(tags) == {
        "loss/train",
        "learning_rate",
        "loss/train_evaluated",
        "loss/validation",
        "accuracy/train",
        "accuracy/validation",
        "edits",
    }, set(tags)
    assert tags.count("edits") == 3 == text.count('plugin_name: "text"'), tags.count("edits")
    assert "undo, from step 30" in text
    print(f"{len(found)} records")


main(*sys.argv[1:])
