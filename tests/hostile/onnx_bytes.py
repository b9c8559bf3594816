# SPDX-License-Identifier: Apache-2.0
"""ONNX files byte by byte, so that they can say what no exporter would.

Field numbers are those of onnx.proto. Every function returns the bytes of a
message; model() puts graphs together from node(), tensor() and value().
"""
import struct

FLOAT, INT64, BOOL, F16 = 1, 7, 9, 10


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def integer(field, number):
    return varint(field << 3) + varint(number)


def block(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name, value):
    """An attribute of the kind that the value's Python type says."""
    out = block(1, name)
    if isinstance(value, float):
        return out + b"\x15" + struct.pack("<f", value) + integer(20, 1)
    if isinstance(value, int):
        return out + integer(3, value) + integer(20, 2)
    if isinstance(value, str):
        return out + block(4, value) + integer(20, 3)
    if isinstance(value, bytes):
        return out + block(5, value) + integer(20, 4)
    if value and isinstance(value[0], float):
        packed = struct.pack("<%df" % len(value), *value)
        return out + block(7, packed) + integer(20, 6)
    return out + block(8, b"".join(map(varint, value))) + integer(20, 7)


def node(op, inputs, outputs, name="", domain="", **attributes):
    out = b"".join(block(1, item) for item in inputs)
    out += b"".join(block(2, item) for item in outputs)
    out += block(3, name) + block(4, op)
    for key, value in attributes.items():
        out += block(5, attribute(key, value))
    return out + (block(7, domain) if domain else b"")


def tensor(name, dims, data=b"", dtype=FLOAT, external=()):
    """Raw data, or external data as pairs of key and value."""
    out = block(1, b"".join(map(varint, dims))) + integer(2, dtype)
    out += block(8, name)
    if external:
        for key, value in external:
            out += block(13, block(1, key) + block(2, value))
        return out + integer(14, 1)
    return out + (block(9, data) if data is not None else b"")


def floats(name, dims, *numbers):
    return tensor(name, dims, struct.pack("<%df" % len(numbers), *numbers))


def integers(name, *numbers):
    """An int64 tensor of rank 1; numbers beyond 2^63 wrap."""
    data = b"".join((number % (1 << 64)).to_bytes(8, "little")
                    for number in numbers)
    return tensor(name, [len(numbers)], data, INT64)


def value(name, dims=None, dtype=FLOAT):
    """An input or output; a text among dims is a symbol."""
    inner = integer(1, dtype)
    if dims is not None:
        shape = b"".join(
            block(1, block(2, dim) if isinstance(dim, (str, bytes))
                  else integer(1, dim)) for dim in dims)
        inner += block(2, shape)
    return block(1, name) + block(2, block(1, inner))


def model(nodes, inputs=(), outputs=(), tensors=(), opset=17):
    graph = b"".join(block(1, item) for item in nodes) + block(2, "graph")
    graph += b"".join(block(5, item) for item in tensors)
    graph += b"".join(block(11, item) for item in inputs)
    graph += b"".join(block(12, item) for item in outputs)
    return integer(1, 8) + block(7, graph) + block(8, integer(2, opset))
