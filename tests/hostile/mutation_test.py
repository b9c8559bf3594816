# SPDX-License-Identifier: Apache-2.0
"""Models with a part changed, dropped, doubled or moved, through the whole
compiler. mutation_test.py ADZE SANITIZED quick|long SHARED

Files are parsed into fields, so that a change of one keeps all lengths right
and reaches deeper than a flipped byte. The draws are the same in every run;
what fails is left in the folder that the message names.
"""
import os
import random
import shutil
import sys
import tempfile

from harness import Harness
from onnx_bytes import (FLOAT, block, floats, integers, model, node, tensor,
                        value, varint)

# Fields that hold messages, by path: which bytes are a message can't be told
# from the bytes. Model 7 is the graph; 1 its nodes; 5 tensors; 11, 12 values.
MESSAGES = {(): {7, 8}, (7,): {1, 5, 11, 12, 13}, (7, 1): {5},
            (7, 1, 5): {5}, (7, 5): {13}, (7, 1, 5, 5): {13}}
for end in (11, 12, 13):
    MESSAGES[7, end] = {2}
    MESSAGES[7, end, 2] = {1}
    MESSAGES[7, end, 2, 1] = {2}
    MESSAGES[7, end, 2, 1, 2] = {1}
NUMBERS = (0, 1, 2, 3, 5, 7, 16, 255, 1 << 16, (1 << 31) - 1, 1 << 31,
           1 << 32, 1 << 40, (1 << 62), (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
           (1 << 64) - 2, (1 << 64) - 9)
OPERATORS = ("Add", "Relu", "Conv", "MaxPool", "Concat", "Reshape", "Softmax",
             "Transpose", "Resize", "Slice", "Shape", "Gather", "MatMul",
             "Gemm", "ReduceMean", "Pad", "Expand", "Split", "Clip", "Cast",
             "ConvTranspose", "BatchNormalization", "Flatten", "Squeeze",
             "Unsqueeze", "AveragePool", "GlobalAveragePool", "Identity",
             "Constant", "Range", "Where", "Pow", "Div", "LRN", "Tile")


def read_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            return number, at


def parse(data, path=()):
    """[field number, wire type, number or bytes or list of fields]"""
    fields, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            held, at = read_varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(wire)
            if wire == 2:
                size, at = read_varint(data, at)
            held = data[at:at + size]
            at += size
            if wire == 2 and number in MESSAGES.get(path, ()):
                held = parse(held, path + (number,))
        fields.append([number, wire, held])
    return fields


def unparse(fields):
    out = []
    for number, wire, held in fields:
        out.append(varint(number << 3 | wire))
        if wire == 0:
            out.append(varint(held))
            continue
        if isinstance(held, list):
            held = unparse(held)
        if wire == 2:
            out.append(varint(len(held)))
        out.append(held)
    return b"".join(out)


def places(fields, found=None):
    """(list, index) of every field at any depth."""
    found = [] if found is None else found
    for index, field in enumerate(fields):
        found.append((fields, index))
        if isinstance(field[2], list):
            places(field[2], found)
    return found


def is_text(data):
    return isinstance(data, bytes) and 0 < len(data) < 200 and data.isascii()


def change(draw, fields, index, texts):
    number, wire, held = fields[index]
    if wire == 0:
        fields[index] = [number, wire, draw.choice(
            NUMBERS + (held + 1, held - 1 & (1 << 64) - 1, held * 2))]
    elif isinstance(held, list):
        draw.shuffle(held)
    elif is_text(held) and draw.random() < 0.7:
        other = draw.choice(texts + [o.encode() for o in OPERATORS])
        fields[index] = [number, wire, other]
    elif draw.random() < 0.4:  # packed numbers, mostly
        fields[index] = [number, wire, b"".join(
            varint(draw.choice(NUMBERS)) for _ in range(draw.randrange(6)))]
    elif held:
        copy = bytearray(held)
        copy[draw.randrange(len(copy))] = draw.randrange(256)
        fields[index] = [number, wire, bytes(copy)]


def mutate(draw, data):
    tree = parse(data)
    # Graphs first: half of the draws stay away from the many weights' fields.
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        spots = places(tree)
        texts = [f[i][2] for f, i in spots if is_text(f[i][2])]
        fields, index = draw.choice(spots)
        act = draw.randrange(8)
        if act == 0 and len(fields) > 1:
            del fields[index]
        elif act == 1:
            fields.insert(draw.randrange(len(fields) + 1), fields[index])
        elif act == 2:
            other = draw.choice(spots)
            fields[index][2], fields[index][1] = (other[0][other[1]][2],
                                                  other[0][other[1]][1])
            if contains(fields[index][2], fields):
                fields[index][1:] = [0, 1]
        else:
            change(draw, fields, index, texts)
    out = unparse(tree)
    if draw.random() < 0.1:
        out = out[:draw.randrange(len(out))]
    return out


def contains(held, fields):
    if not isinstance(held, list):
        return False
    return held is fields or any(contains(f[2], fields) for f in held)


# ---- Small models of many operators -----------------------------------------

def small_models():
    def net(nodes, tensors=(), dims=(1, 4, 8, 8), opset=17):
        return model(nodes, [value("x", dims)], [value("y")], tensors, opset)
    weights = tensor("w", [4, 4, 3, 3], bytes(576))
    yield net([node("Conv", ["x", "w"], ["a"], "a", pads=[1, 1, 1, 1]),
               node("Relu", ["a"], ["b"], "b"),
               node("Conv", ["b", "w", "v"], ["c"], "c", strides=[2, 2],
                    auto_pad="SAME_UPPER"),
               node("MaxPool", ["c"], ["d"], "d", kernel_shape=[2, 2]),
               node("GlobalAveragePool", ["d"], ["e"], "e"),
               node("Flatten", ["e"], ["f"], "f"),
               node("Gemm", ["f", "g", "v"], ["h"], "h", transB=1),
               node("Softmax", ["h"], ["y"], "y", axis=1)],
              [weights, floats("v", [4], 1, 2, 3, 4),
               tensor("g", [4, 4], bytes(64))])
    yield net([node("Shape", ["x"], ["s"], "s"),
               node("Gather", ["s", "i"], ["n"], "n"),
               node("Concat", ["n", "m"], ["k"], "k", axis=0),
               node("Reshape", ["x", "k"], ["r"], "r"),
               node("Transpose", ["r"], ["t"], "t", perm=[1, 0]),
               node("ReduceMean", ["t"], ["y"], "y", axes=[1], keepdims=1)],
              [integers("i", 0), integers("m", -1)], ("batch", 4, 8, 8))
    yield net([node("Slice", ["x", "p", "q", "c", "p1"], ["a"], "a"),
               node("Pad", ["a", "pads"], ["b"], "b", mode="constant"),
               node("Resize", ["b", "", "sc"], ["c1"], "c",
                    mode="linear"),
               node("Concat", ["c1", "c1"], ["d"], "d", axis=1),
               node("Split", ["d"], ["e", "f"], "e", axis=1),
               node("Mul", ["e", "f"], ["g"], "g"),
               node("Clip", ["g"], ["y"], "y")],
              [integers("p", 1), integers("q", 7), integers("c", 2),
               integers("p1", 2), integers("pads", *[0, 0, 1, 1] * 2),
               floats("sc", [4], 1, 1, 2, 2)])
    yield net([node("ConvTranspose", ["x", "w"], ["a"], "a", strides=[2, 2],
                    output_padding=[1, 1]),
               node("BatchNormalization", ["a", "v", "v", "v", "v"], ["b"],
                    "b"),
               node("LRN", ["b"], ["c"], "c", size=3),
               node("AveragePool", ["c"], ["d"], "d", kernel_shape=[3, 3],
                    count_include_pad=1, pads=[1, 1, 1, 1]),
               node("MatMul", ["d", "e"], ["f"], "f"),
               node("Add", ["f", "v1"], ["y"], "y")],
              [weights, floats("v", [4], 1, 2, 3, 4),
               tensor("e", [17, 5], bytes(340)),
               floats("v1", [5], 1, 2, 3, 4, 5)], (1, 4, 8, "width"))


def real_models(shared):
    folder = os.path.join(shared, "models/onnx")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.endswith(".onnx"):
            with open(os.path.join(folder, name), "rb") as file:
                yield file.read()


def try_mutant(harness, kept, job):
    number, seed, data = job
    mutant = mutate(random.Random(seed), data)
    stem = "k%d" % number
    path = harness.write(stem + ".onnx", mutant)
    package = harness.path(stem + ".tar")
    status = harness.check("mutant %d" % seed, ["compile", path, "-o", package],
                           None, output=package, seconds=60)[0]
    if status == 0:
        harness.check("mutant %d run" % seed, [
            "run", package, "--threads", "1"], None, seconds=60)
    elif number % 8 == 0:
        harness.check("mutant %d info" % seed, ["info", path], None,
                      seconds=60)
    if any(name.split()[1] == str(seed) for name in harness.failures):
        shutil.copy(path, os.path.join(kept, "%d.onnx" % seed))
    for item in (path, package):
        if os.path.exists(item):
            os.unlink(item)


def main():
    harness = Harness(sys.argv[1], sys.argv[2] == "1")
    long, shared = sys.argv[3] == "long", sys.argv[4]
    kept = tempfile.mkdtemp(prefix="adze-mutants-")
    small, real = list(small_models()), list(real_models(shared))
    if not real:
        print("the networks beside the project are absent: small ones only")
    count = 100 if harness.sanitized else 240
    if long:
        count = 600 if harness.sanitized else 1500
    first = int(os.environ.get("ADZE_HOSTILE_SEED", "0"))
    jobs = [(number, first + number, small[number % len(small)])
            for number in range(count)]
    if real and long:
        jobs += [(number, first + number, real[number % len(real)])
                 for number in range(count, count + count // 6)]
    harness.together(lambda job: try_mutant(harness, kept, job), jobs)
    if harness.failures:
        print("the mutants that failed are in " + kept)
    else:
        os.rmdir(kept)
    harness.finish()


if __name__ == "__main__":
    main()
