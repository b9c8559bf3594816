# SPDX-License-Identifier: Apache-2.0
"""Models that are wrong, strange or enormous. models_test.py ADZE SANITIZED

Each is compiled, and what compiles is run. A row is a name, the model's bytes,
the statuses that compiling may end with ("OK" where it may succeed) and what
the message must name.
"""
import itertools
import os
import sys

from harness import CODES, Harness
from onnx_bytes import (BOOL, FLOAT, INT64, attribute, block, floats, integer,
                        integers, model, node, tensor, value, varint)

X = value("x", [1, 4, 8, 8])
BAD, SHAPE = "INVALID_MODEL", "SHAPE"
REFUSED = (BAD, SHAPE, "LIMIT", "UNSUPPORTED", "OUT_OF_MEMORY")
ANY = REFUSED + ("OK",)
HUGE = 1 << 20


def one(op, inputs=("x",), tensors=(), x=X, opset=17, **attributes):
    """A model of the one node "culprit", from x and tensors to y."""
    return model([node(op, inputs, ["y"], "culprit", **attributes)], [x],
                 [value("y")], tensors, opset)


def not_models():
    good = one("Relu")
    yield "empty", b"", BAD
    yield "text", b"this is no model\n", BAD
    yield "zip", b"PK\3\4" + bytes(100), BAD
    yield "zeros", bytes(4096), BAD
    yield "ones", b"\xff" * 4096, BAD
    for size in (1, 2, 3, 10, len(good) // 2, len(good) - 9, len(good) - 1):
        yield "cut at %d" % size, good[:size], (BAD, "UNSUPPORTED")
    yield "length of 2^63", b"\x08\x08\x3a" + varint((1 << 63) - 1), BAD
    yield "long varint", b"\x08" + b"\xff" * 30, BAD
    yield "group", good + b"\x0b" * 200, BAD
    deep = b""
    for _ in range(20000):
        deep = block(1, block(5, block(6, deep)))
        if len(deep) > 1 << 20:
            break
    yield "deep graphs", integer(1, 8) + block(7, deep), BAD
    yield "nothing in it", integer(1, 8) + block(7, b""), BAD
    yield "old opset", one("Relu", opset=3), "UNSUPPORTED", "opset 3"
    yield "opset of 2^40", one("Relu", opset=1 << 40), "UNSUPPORTED", "opset"


def names():
    relu = node("Relu", ["x"], ["y"], "first")
    x, y = [X], [value("y")]
    yield ("cycle", model([node("Add", ["x", "b"], ["a"], "one"),
                           node("Relu", ["a"], ["b"], "two")], x,
                          [value("b")]), BAD, "cycle", "node '")
    yield ("own input", model([node("Add", ["x", "y"], ["y"], "one")], x, y),
           BAD, "cycle", "'one'")
    yield ("dangling", model([node("Add", ["x", "gone"], ["y"], "one")], x, y),
           BAD, "'one'", "'gone'")
    yield "made twice", model([relu, relu], x, y), BAD, "'y'"
    yield ("twice in one node", model(
        [node("Split", ["x"], ["y", "y"], "culprit", axis=1)], x, y), BAD,
        "'y'")
    yield "two inputs", model([relu], [X, X], y), BAD, "'x'"
    yield ("input made again", model([node("Relu", ["x"], ["x"])], x,
                                     [value("x")]), BAD, "'x'")
    yield ("two tensors", model([relu], x, y, [floats("w", [1], 1.0)] * 2),
           BAD, "'w'")
    yield "output of nothing", model([relu], x, [value("z")]), BAD, "'z'"
    yield "no outputs", model([relu], x), BAD, "output"
    yield "output twice", model([relu], x, y + y), ANY
    yield "output is input", model([], x, [value("x")]), ANY
    yield ("unknown operator", one("Frobnicate"), "UNSUPPORTED", "'culprit'",
           "Frobnicate")
    yield ("unknown domain", model([node("Relu", ["x"], ["y"], "culprit",
                                         "com.example")], x, y),
           "UNSUPPORTED", "'culprit'", "com.example")
    yield "no op type", one(""), "UNSUPPORTED", "'culprit'"
    yield ("controls", model([node("A\n\r\x1b[31mb\x00c\x7f", ["x"], ["y"],
                                   "q\nadze: ok")], x, y),
           REFUSED)
    yield ("bad UTF-8", model([node("Relu", [b"\xff\xfe"], ["y"])], x, y),
           BAD)
    long = "n" * HUGE
    yield "long name", model([node("Nope", ["x"], ["y"], long)], x, y), REFUSED
    yield "long operator", one(long), REFUSED
    yield ("long tensor name", model([node("Relu", [long], ["y"])], x, y),
           REFUSED)
    yield ("long input name", model([node("Relu", [long], ["y"])],
                                    [value(long, [2])], y), ANY)
    yield "empty input name", model([node("Relu", [""], ["y"])],
                                    [value("", [2])], y), ANY
    strange = ["a b", "x]:[1", "\n", "🦫", "%s%n", "0", "-1", "?", "a*b+c",
               "n" * 100000]
    for number, symbol in enumerate(strange):
        yield ("symbol %d" % number, one("Relu", x=value("x", [1, symbol])),
               ANY)
    yield ("two strange symbols",
           one("Add", ("x", "z"), x=value("x", ["a", "a-1", "a/0"]),
               tensors=[floats("z", [1], 1.0)]), ANY)


def dimensions():
    def sized(*dims):
        return one("Relu", x=value("x", dims))
    yield "negative", sized(1, -5), BAD, "'x'"
    yield "2^62 bytes", sized(1 << 31, 1 << 31), REFUSED, "'x'"
    yield "2^40 elements", sized(1 << 20, 1 << 20), ANY
    yield "overflow", sized(1 << 62, 1 << 62, 4), REFUSED, "'x'"
    yield "most negative", sized(1 << 63), BAD, "'x'"
    yield "zero", sized(0, 3), ANY
    yield "17 dimensions", sized(*[1] * 17), "LIMIT", "'x'"
    yield "100,000 dimensions", sized(*[1] * 100000), "LIMIT", "'x'"
    yield "no shape", one("Relu", x=value("x")), "UNSUPPORTED", "'x'"
    yield ("no such type", one("Relu", x=value("x", [2], 99)), "UNSUPPORTED",
           "'x'")
    yield "strings", one("Relu", x=value("x", [2], 8)), "UNSUPPORTED", "'x'"

    def weight(dims, data=b"", dtype=FLOAT, **more):
        return one("Add", ("x", "w"), [tensor("w", dims, data, dtype, **more)])
    yield "short data", weight([4], bytes(15)), BAD, "'w'", "15", "16"
    yield "long data", weight([4], bytes(17)), BAD, "'w'"
    yield "no data", weight([4], None), BAD, "'w'"
    yield "negative weight", weight([-4], bytes(16)), BAD, "'w'"
    yield "weight overflows", weight([1 << 40, 1 << 40], b"1234"), BAD, "'w'"
    yield "weight of 2^62", weight([1 << 62], b"1234"), BAD, "'w'"
    yield "empty weight", weight([0], b""), ANY
    yield "rank of weight", weight([1] * 17, bytes(4)), "LIMIT", "'w'"
    yield "type of weight", weight([4], bytes(4), 8), "UNSUPPORTED", "'w'"
    yield "bool of 255", one("Where", ("c", "x", "x"), [
        tensor("c", [8], b"\xff" * 8, BOOL)]), ANY


def convolutions():
    def conv(dims=(8, 4, 3, 3), data=None, op="Conv", **attributes):
        count = 1
        for dim in dims:
            count *= dim
        if data is None and 0 <= count < 1 << 20:
            data = bytes(4 * count)
        return one(op, ("x", "w"), [tensor("w", dims, data)], **attributes)
    for op in ("Conv", "ConvTranspose"):
        yield op + " weight of 2^80", conv([HUGE] * 4, op=op), BAD, "'w'"
        yield op + " weight of 2^40", conv([HUGE, HUGE, 1, 1], op=op), BAD
        yield (op + " weight of 2^40, empty", conv([HUGE, HUGE, 0, 1], op=op),
               REFUSED)
        for key, bad in (
                ("strides", [0, 0]), ("strides", [-1, 1]), ("strides", [1]),
                ("strides", [1 << 62, 1 << 62]), ("dilations", [0, 1]),
                ("dilations", [1 << 40, 1 << 62]), ("dilations", [-1, -1]),
                ("pads", [-9, 0, 0, 0]), ("pads", [1 << 62] * 4),
                ("pads", [1 << 30] * 4), ("pads", [1, 1, 1]),
                ("pads", [-(1 << 63)] * 4), ("pads", [-4, -4, -4, -4]),
                ("kernel_shape", [HUGE, HUGE]), ("kernel_shape", [0, 0]),
                ("kernel_shape", [3]), ("kernel_shape", [3] * 100000),
                ("group", 0), ("group", -1), ("group", 3), ("group", 1 << 62),
                ("group", 5), ("auto_pad", "SIDEWAYS"), ("strides", "no"),
                ("strides", 1), ("group", 1.5), ("dilations", [0.5, 0.5])):
            yield ("%s %s %.40s" % (op, key, bad), conv(op=op, **{key: bad}),
                   ANY, )
    yield "channels", conv([8, 5, 3, 3]), REFUSED, "'culprit'"
    yield "rank of conv", conv([8, 4, 3]), REFUSED, "'culprit'"
    yield "kernel too large", conv([8, 4, 9, 9]), REFUSED, "'culprit'"
    yield "no weight", one("Conv"), BAD, "'culprit'"
    yield "too many inputs", one("Conv", ("x",) * 9), BAD, "'culprit'"
    yield ("out shape", conv([4, 8, 3, 3], op="ConvTranspose",
                             output_shape=[1 << 60, 1 << 60]), REFUSED)
    yield ("out padding", conv([4, 8, 3, 3], op="ConvTranspose",
                               output_padding=[1 << 40, 1]), ANY)
    for op in ("MaxPool", "AveragePool"):
        for key, bad in (("kernel_shape", [HUGE, HUGE]),
                         ("kernel_shape", [0, 1]), ("kernel_shape", [-2, 2]),
                         ("kernel_shape", [2]), ("kernel_shape", [])):
            yield ("%s %s %s" % (op, key, bad), one(op, **{key: bad}),
                   REFUSED, "'culprit'")
        for key, bad in (("strides", [0, 1]), ("pads", [9, 9, 9, 9]),
                         ("pads", [1 << 40] * 4), ("dilations", [0, 1]),
                         ("strides", [1 << 62, 2]), ("ceil_mode", 7),
                         ("dilations", [1 << 62, 1 << 62]),
                         ("kernel_shape", [1 << 62, 1 << 62])):
            both = {"kernel_shape": [2, 2]}
            both[key] = bad
            yield "%s %s %s" % (op, key, bad), one(op, **both), ANY


def moves():
    def numbers(op, *lists, inputs=None, **attributes):
        parts = [integers("t%d" % i, *given) for i, given in enumerate(lists)]
        words = inputs or ["x"] + ["t%d" % i for i in range(len(lists))]
        return one(op, words, parts, **attributes)
    big = 1 << 40
    for dims in ([big, big], [1 << 62], [-3], [0, 0], [-1, -1], [1 << 20] * 4,
                 [256] * 16, [1] * 17, [3, 5], [-1], [1 << 63]):
        for op in ("Reshape", "Expand"):
            yield "%s %s" % (op, dims), numbers(op, dims), ANY
        yield ("ConstantOfShape %s" % dims,
               numbers("ConstantOfShape", dims, inputs=["t0"]), ANY)
        if len(dims) <= 4:
            yield ("Tile %s" % dims, numbers("Tile",
                   dims + [1] * (4 - len(dims))), ANY)
    for pads in ([1 << 62] * 8, [1 << 40] * 8, [-9] * 8, [1 << 63] * 8,
                 [1 << 14] * 8, [1] * 7, [], [1] * 100000):
        yield "Pad %.40s" % pads, numbers("Pad", pads), ANY
    yield "Pad 2^40 reflect", numbers("Pad", [big] * 8, mode="reflect"), ANY
    for scales in ([1e9] * 4, [1, 1, 1e9, 1e9], [1, 1, 0, 0], [1, 1, -1, -1],
                   [1, 1, float("nan"), 1], [1, 1, float("inf"), 1], [1],
                   [1, 1, 1e-30, 1e-30], [1, 1, 4096, 4096]):
        yield ("Resize %s" % scales,
               one("Resize", ("x", "", "s"),
                   [floats("s", [len(scales)], *scales)]), ANY)
    for sizes in ([1, 4, big, big], [1, 4, -1, 8], [1, 4, 0, 0], [1 << 62] * 4):
        yield ("Resize to %s" % sizes,
               one("Resize", ("x", "", "", "s"), [integers("s", *sizes)]), ANY)
    for low, high, step in ((0, big, 1), (0, 1 << 62, 1), (0, 5, 0),
                            (-(1 << 63), (1 << 63) - 1, 1), (5, 0, 1),
                            (0, 1 << 22, 1)):
        parts = [tensor(name, [], int(n).to_bytes(8, "little", signed=True),
                        INT64) for name, n in zip("abc", (low, high, step))]
        yield ("Range %d %d %d" % (low, high, step),
               one("Range", "abc", parts), ANY)
    for axis in (4, -5, 1 << 62, -(1 << 63)):
        for op in ("Concat", "Softmax", "Gather", "Flatten", "Split",
                   "LogSoftmax", "LayerNormalization"):
            words = ("x", "x") if op in ("Concat", "LayerNormalization") else (
                ("x", "i") if op == "Gather" else ("x",))
            yield ("%s axis %d" % (op, axis),
                   one(op, words, [integers("i", 0)], axis=axis), ANY)
        yield ("Unsqueeze %d" % axis, numbers("Unsqueeze", [axis]), ANY)
        yield ("Squeeze %d" % axis, numbers("Squeeze", [axis]), ANY)
        yield "ReduceMean %d" % axis, one("ReduceMean", axes=[axis]), ANY
        yield "Transpose %d" % axis, one("Transpose", perm=[0, 1, 2, axis]), ANY
    yield ("Transpose twice", one("Transpose", perm=[0, 0, 1, 2]), REFUSED,
           "'culprit'")
    yield ("Transpose long", one("Transpose", perm=[0] * 100000), REFUSED,
           "'culprit'")
    yield "Gather far", one("Gather", ("x", "i"), [integers("i", 99)]), ANY
    for begin, end, step in ((0, 8, 0), (-(1 << 63), (1 << 63) - 1, 1),
                             ((1 << 63) - 1, -(1 << 63), -1), (0, 8, 1 << 62),
                             (0, 8, -(1 << 63)), (5, 2, 1)):
        yield ("Slice %d %d %d" % (begin, end, step),
               numbers("Slice", [begin], [end], [3], [step]), ANY)
    yield ("Slice lengths", numbers("Slice", [1, 2], [3], [0]), REFUSED,
           "'culprit'")
    yield "Slice axis twice", numbers("Slice", [0, 0], [1, 1], [1, 1]), ANY
    for split in ([1 << 62, 1 << 62], [-1, 5], [9, 9], [0, 4], []):
        yield ("Split %s" % split, model(
            [node("Split", ["x", "s"], ["y", "z"], "culprit", axis=1)], [X],
            [value("y"), value("z")], [integers("s", *split)]), ANY)
    yield "Concat alone", one("Concat", (), axis=0), REFUSED
    yield ("Concat 2^62", model(
        [node("Concat", ["a", "a", "a"], ["y"], "culprit", axis=0)],
        [value("a", [1 << 61])], [value("y")]), REFUSED)
    yield "Clip of text", one("Clip", min="low"), ANY
    yield ("MatMul ranks", one("MatMul", ("x", "w"), [floats("w", [3], 1, 2,
           3)]), REFUSED, "'culprit'")
    yield "Gemm of rank 4", one("Gemm", ("x", "x")), REFUSED, "'culprit'"
    yield ("Add shapes", one("Add", ("x", "w"), [floats("w", [3], 1, 2, 3)]),
           REFUSED, "'culprit'")
    yield ("Add types", one("Add", ("x", "w"), [integers("w", 3)]), REFUSED,
           "'culprit'")
    yield "Cast to 99", one("Cast", to=99), REFUSED, "'culprit'"
    yield ("negative nonsense", one("BatchNormalization", ("x",) * 5),
           REFUSED, "'culprit'")
    yield ("LRN size", one("LRN", size=1 << 62), ANY)
    yield ("LRN nothing", one("LRN", size=0), ANY)
    yield ("DepthToSpace 0", one("DepthToSpace", blocksize=0), REFUSED,
           "'culprit'")
    yield ("DepthToSpace 2^32", one("DepthToSpace", blocksize=1 << 32), REFUSED,
           "'culprit'")
    yield ("SpaceToDepth 0", one("SpaceToDepth", blocksize=0), REFUSED,
           "'culprit'")
    yield "division by 0", one("Div", ("i", "z"), [
        integers("i", 5, -(1 << 63)), integers("z", 0, -1)]), ANY
    yield "constant of nothing", model([node("Constant", [], ["y"], "culprit")],
                                       [X], [value("y")]), REFUSED, "'culprit'"
    yield ("constant too short", model(
        [node("Constant", [], ["y"], "culprit",
              value=tensor("t", [1 << 30], b"1234"))], [X], [value("y")]),
        BAD, "'culprit'")
    yield ("shape of 1e300", model(
        [node("Shape", ["x"], ["s"]), node("Cast", ["s"], ["f"], to=1),
         node("Pow", ["f", "f"], ["p"]), node("Cast", ["p"], ["i"], to=7),
         node("Reshape", ["x", "i"], ["y"], "culprit")], [X], [value("y")]),
        ANY)


def valid():
    """Models that nothing is wrong with, and that were refused once."""
    for dims in ([1, 8, "h", 28], [1, 16, "h", 28], ["n", 16, "h", "w"]):
        yield "open pooling %s" % dims, model(
            [node("Relu", ["x"], ["r"]),
             node("MaxPool", ["r"], ["y"], "p", kernel_shape=[2, 2],
                  strides=[2, 2])], [value("x", dims)], [value("y")]), "OK"


def many():
    """What takes long, or much memory, unless it is linear."""
    count = 100000
    yield ("list of millions", one("Relu", x=X, junk=[1] * 3000000), REFUSED)
    yield ("list of millions, known", one("Transpose", perm=[1] * 3000000),
           REFUSED)
    yield ("attributes", model(
        [node("Relu", ["x"], ["y"], "culprit",
              **{"a%d" % i: i for i in range(count)})], [X], [value("y")]),
        REFUSED)
    yield ("operators", model(
        [node("Op%d" % i, ["x"], ["y%d" % i]) for i in range(count)], [X],
        [value("y0")]), REFUSED)
    yield ("inputs of a node", model(
        [node("Sum", ["x"] * count, ["y"], "culprit")], [X], [value("y")]),
        ANY)
    yield ("cycle of 100,000", model(
        [node("Relu", ["v%d" % (i - 1 if i else count - 1)], ["v%d" % i],
              "n%d" % i) for i in range(count)], [X], [value("v9")]), BAD,
        "cycle")
    yield ("unused inputs", model(
        [node("Relu", ["x"], ["y"])],
        [X] + [value("i%d" % i, ["s%d" % i]) for i in range(20000)],
        [value("y")]), ANY)
    yield ("constants", model(
        [node("Add", ["a%d" % (i - 1) if i else "c", "c"], ["a%d" % i])
         for i in range(20000)] + [node("Mul", ["x", "a19999"], ["y"])], [X],
        [value("y")], [floats("c", [1], 1.0)]), ANY)


def chains(count):
    backwards = [node("Relu", ["v%d" % i], ["v%d" % (i + 1)], "n%d" % i)
                 for i in range(count)][::-1]
    yield ("chain of %d" % count, model(
        backwards, [value("v0", [1, 8])], [value("v%d" % count)]), ANY)
    mixed = []
    for i in range(count):
        op = ("Relu", "Softmax", "Transpose")[i % 3]
        mixed.append(node(op, ["v%d" % i], ["v%d" % (i + 1)]))
    yield ("mixed chain of %d" % count, model(
        mixed, [value("v0", [4, 4])], [value("v%d" % count)]), ANY)


def check(harness, row, seconds=None):
    """Compiles a row's model; describes it; runs it where it compiled."""
    name, data, code, parts = row[0], row[1], row[2], row[3:]
    stem = "m%d" % next(NUMBERS)
    path = harness.write(stem + ".onnx", data)
    output = harness.path(stem + ".tar")
    status = harness.check(name, ["compile", path, "-o", output], code,
                           output=output, seconds=seconds)
    if status[0]:
        missing = [part for part in (stem + ".onnx",) + parts
                   if part not in status[2]]
        harness.expect(name, not missing, "names no %s: %s" % (missing,
                                                               status[2]))
        other = (["run", path], ["bench", "-t", "0.01", path])
        again = harness.check(name + " again", other[len(name) % 2], None,
                              stem + ".onnx", seconds=seconds)
        harness.expect(name, again[0] == status[0] or
                       status[0] == CODES["LIMIT"], "%d, %d" % (
                           status[0], again[0]))
    else:
        harness.check(name + " run", ["run", output, "--threads", "1"],
                      ("OK", "LIMIT", "OUT_OF_MEMORY", SHAPE),
                      seconds=seconds)
        os.unlink(output)
    if not harness.sanitized:
        harness.check(name + " info", ["info", path], None, seconds=seconds)
    os.unlink(path)


NUMBERS = itertools.count()
QUICK = (not_models, names, dimensions, convolutions, moves, valid)


def main():
    harness = Harness(sys.argv[1], sys.argv[2] == "1")
    rows = [row for group in QUICK for row in group()]
    if sys.argv[3] == "long":
        for row in many():
            check(harness, row, 60)
        for row in chains(20000 if harness.sanitized else 100000):
            check(harness, row, 60)
    elif harness.sanitized:
        rows = rows[::6]
    harness.together(lambda row: check(harness, row), rows)
    harness.finish()


main()
