#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Single ONNX operators, compiled by adze, against ONNX Runtime.

    onnx_ops_test.py ADZE [WORD ...]     # all cases, or those whose name has a WORD

Writes one folder per case (model.onnx and test_data_set_0 as ONNX's own tests
have them) and lets `adze verify` judge them all. A case that ONNX Runtime does
not know is computed by ONNX's reference evaluator instead. Left out are cases
on which versions of ONNX Runtime disagree with each other.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

rng = np.random.default_rng(0)


class Cases:
    def __init__(self, folder, words):
        self.folder, self.words, self.count = folder, words, 0

    def add(self, op, inputs, constants=(), opset=17, outputs=1, **attributes):
        """inputs: arrays, None where absent; constants: those that are
        initializers."""
        if self.words and not any(word in op for word in self.words):
            return
        names = [f"x{i}" if x is not None else ""
                 for i, x in enumerate(inputs)]
        results = [f"y{i}" for i in range(outputs)]
        node = helper.make_node(op, names, results, **attributes)
        kind = lambda x: helper.np_dtype_to_tensor_dtype(x.dtype)
        free = [i for i, x in enumerate(inputs)
                if x is not None and i not in constants]
        graph = helper.make_graph(
            [node], op,
            [helper.make_tensor_value_info(names[i], kind(inputs[i]),
                                           inputs[i].shape) for i in free],
            [onnx.ValueInfoProto(name=name) for name in results],
            [numpy_helper.from_array(inputs[i], names[i]) for i in constants])
        model = helper.make_model(
            graph, ir_version=8 if opset < 20 else 10,
            opset_imports=[helper.make_opsetid("", opset)])
        feeds = {names[i]: inputs[i] for i in free}
        self.write(model, feeds, self.reference(model, feeds), results)

    @staticmethod
    def reference(model, feeds):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = \
            onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options,
                providers=["CPUExecutionProvider"])
            return session.run(None, feeds)
        except Exception:
            return ReferenceEvaluator(model).run(None, feeds)

    def write(self, model, feeds, wanted, results):
        name = f"{model.graph.name}_{self.count:03d}"
        self.count += 1
        data = self.folder / name / "test_data_set_0"
        data.mkdir(parents=True)
        for value, result in zip(model.graph.output, wanted):
            value.type.tensor_type.elem_type = \
                helper.np_dtype_to_tensor_dtype(np.asarray(result).dtype)
        onnx.save(model, self.folder / name / "model.onnx")
        for kind, pairs in (("input", feeds.items()),
                            ("output", zip(results, wanted))):
            for i, (tensor_name, array) in enumerate(pairs):
                tensor = numpy_helper.from_array(np.asarray(array),
                                                 tensor_name)
                (data / f"{kind}_{i}.pb").write_bytes(
                    tensor.SerializeToString())


def f(*shape, low=-2, high=2, dtype=np.float32):
    return rng.uniform(low, high, shape).astype(dtype)


def n(*shape, low=-9, high=9, dtype=np.int64):
    return rng.integers(low, high, shape).astype(dtype)


def i(*values):
    return np.array(values, dtype=np.int64)


def scalar(value, dtype=np.float32):
    return np.array(value, dtype)


def elementwise(add):
    for op in ("Relu LeakyRelu Elu Selu Celu ThresholdedRelu Sigmoid "
               "HardSigmoid HardSwish Softplus Softsign Mish Erf Exp Neg Abs "
               "Sign Floor Ceil Round Sin Cos Tan Atan Sinh Cosh Tanh Asinh "
               "Shrink IsNaN").split():
        add(op, [f(2, 3, 5)], opset=18)
    for op in "Log Sqrt Reciprocal".split():
        add(op, [f(2, 3, 5, low=.1)], opset=18)
    for op in "Asin Acos Atanh".split():
        add(op, [f(2, 3, 5, low=-.9, high=.9)], opset=18)
    add("Acosh", [f(5, low=1.1)])
    add("Gelu", [f(20)], opset=20)
    add("Gelu", [f(20)], opset=20, approximate="tanh")
    add("IsInf", [np.array([1, np.inf, -np.inf, np.nan], np.float32)])
    for op in "Relu Sigmoid Tanh Exp".split():
        add(op, [f(2, 3, dtype=np.float16)])
    for op in "Add Sub Mul Div Min Max PRelu".split():
        add(op, [f(2, 3, 4), f(3, 1, low=.5)])
        add(op, [f(2, 3), f(1, low=.5)])
    for op in "Add Sub Mul Div".split():
        add(op, [n(3, 4), n(4, low=1)])
        add(op, [f(3, 4, dtype=np.float16), f(4, low=.5, dtype=np.float16)])
    add("Pow", [f(2, 3, low=.1), f(3)])
    add("Pow", [n(5, low=-3, high=4), scalar(3, np.int64)])
    add("Pow", [f(4), scalar(2)], [1])
    add("Mod", [n(30), n(30, low=1)])
    add("Mod", [f(30), f(30, low=.5)], fmod=1)
    for op in "Equal Less Greater LessOrEqual GreaterOrEqual".split():
        add(op, [n(3, 4, low=0, high=3).astype(np.float32),
                 n(4, low=0, high=3).astype(np.float32)])
        add(op, [n(3, 4, low=0, high=3), n(4, low=0, high=3)])
    truth = lambda *shape: n(*shape, low=0, high=2).astype(bool)
    for op in "And Or Xor".split():
        add(op, [truth(3, 4), truth(4)])
    add("Not", [truth(5)])
    add("Where", [truth(3, 1), f(3, 4), f(4)])
    for op in "BitwiseAnd BitwiseOr BitwiseXor".split():
        add(op, [n(9, low=-99, high=99), n(9, low=-99, high=99)], opset=18)
    for op in "Sum Mean Min Max".split():
        add(op, [f(3, 4), f(4), f(3, 1)])
        add(op, [f(3)])
    for to in (1, 2, 3, 6, 7, 9, 10, 11):
        add("Cast", [f(9, low=0, high=100)], to=to)
    add("Cast", [n(9)], to=1)
    limits = [scalar(-.5), scalar(.7)]
    add("Clip", [f(9)] + limits, [1, 2])
    add("Clip", [f(9), None, limits[1]], [2])
    add("Clip", [f(9)] + limits)
    add("Clip", [f(9)], opset=7, min=-.3, max=.4)
    add("Dropout", [f(9)], opset=13)


def windows(add):
    for x, w, attributes in [
            ((1, 3, 8, 9), (4, 3, 3, 3), dict(pads=[1, 1, 1, 1])),
            ((2, 4, 7, 7), (6, 2, 3, 3),
             dict(group=2, strides=[2, 2], pads=[1, 0, 0, 1])),
            ((1, 4, 7, 7), (4, 1, 3, 3), dict(group=4, pads=[1, 1, 1, 1])),
            ((1, 4, 7, 7), (8, 1, 3, 3), dict(group=4)),
            ((1, 3, 9, 9), (2, 3, 3, 2), dict(dilations=[2, 3])),
            ((1, 3, 10), (4, 3, 3), dict(strides=[2])),
            ((1, 2, 5, 6, 7), (3, 2, 3, 2, 3), dict(pads=[1, 0, 1, 1, 1, 1])),
            ((1, 3, 8, 9), (4, 3, 3, 3),
             dict(auto_pad="SAME_UPPER", strides=[2, 2])),
            ((1, 3, 8, 9), (4, 3, 4, 4), dict(auto_pad="SAME_LOWER")),
            ((2, 17, 5, 5), (33, 17, 1, 1), {}),
            ((1, 32, 14, 14), (48, 32, 3, 3), dict(pads=[1, 1, 1, 1]))]:
        add("Conv", [f(*x), f(*w)], [1], **attributes)
        add("Conv", [f(*x), f(*w), f(w[0])], [1, 2], **attributes)
    add("Conv", [f(1, 3, 5, 5), f(2, 3, 3, 3)])
    for x, w, attributes in [
            ((1, 3, 5, 6), (3, 4, 3, 3), {}),
            ((2, 4, 5, 5), (4, 2, 3, 3),
             dict(group=2, strides=[2, 2], pads=[1, 0, 0, 1])),
            ((1, 4, 5, 5), (4, 1, 4, 4),
             dict(group=4, strides=[2, 2], pads=[1, 1, 1, 1])),
            ((1, 3, 5, 5), (3, 2, 3, 2),
             dict(dilations=[2, 3], strides=[3, 2], output_padding=[1, 0])),
            ((1, 3, 7), (3, 4, 3), dict(strides=[2])),
            ((1, 3, 5, 5), (3, 2, 3, 3),
             dict(strides=[2, 2], auto_pad="SAME_UPPER")),
            ((1, 3, 5, 5), (3, 2, 3, 3),
             dict(strides=[2, 2], output_shape=[10, 10]))]:
        add("ConvTranspose", [f(*x), f(*w)], [1], **attributes)
    for op in ("MaxPool", "AveragePool"):
        for shape, attributes in [
                ((1, 3, 8, 9), dict(kernel_shape=[3, 3])),
                ((1, 3, 8, 9), dict(kernel_shape=[3, 3], strides=[2, 2],
                                    pads=[1, 1, 1, 1])),
                ((1, 3, 8, 9), dict(kernel_shape=[3, 2], strides=[2, 2],
                                    pads=[1, 0, 0, 1], ceil_mode=1)),
                ((1, 2, 10), dict(kernel_shape=[3], strides=[2])),
                ((1, 2, 5, 6, 7), dict(kernel_shape=[2, 2, 3])),
                ((1, 3, 8, 9), dict(kernel_shape=[3, 3], strides=[2, 2],
                                    auto_pad="SAME_LOWER"))]:
            add(op, [f(*shape)], opset=19, **attributes)
            if op == "AveragePool":
                add(op, [f(*shape)], opset=19, count_include_pad=1,
                    **attributes)
    add("GlobalAveragePool", [f(2, 3, 4, 5)])
    add("GlobalMaxPool", [f(2, 3, 4, 5)])


def matrices(add):
    for a, b in [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
                 ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)),
                 ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)),
                 ((1, 64), (64, 100)), ((17, 33), (33, 65))]:
        add("MatMul", [f(*a), f(*b)])
        add("MatMul", [f(*a), f(*b)], [1])
    add("Gemm", [f(3, 4), f(4, 5)])
    add("Gemm", [f(3, 4), f(5, 4), f(5)], [1, 2], transB=1)
    add("Gemm", [f(4, 3), f(4, 5), f(3, 1)], transA=1, alpha=.5, beta=.3)
    add("Gemm", [f(4, 3), f(5, 4), f(3, 5)], transA=1, transB=1)


def normalizations(add):
    statistics = [f(3), f(3), f(3), f(3, low=.1)]
    add("BatchNormalization", [f(2, 3, 4, 5)] + statistics, [1, 2, 3, 4],
        opset=15, epsilon=1e-3)
    add("BatchNormalization", [f(2, 3)] + statistics, opset=15)
    for op in ("Softmax", "LogSoftmax"):
        for attributes in ({}, dict(axis=0), dict(axis=1), dict(axis=-1)):
            add(op, [f(2, 3, 4)], opset=13, **attributes)
            add(op, [f(2, 3, 4)], opset=11, **attributes)
    add("Softmax", [100 * f(2, 5)])
    add("LRN", [f(2, 6, 3, 3)], size=3)
    add("LRN", [f(2, 6, 3, 3)], size=5, alpha=.01, beta=.5, bias=2.)
    add("LayerNormalization", [f(2, 3, 4), f(4), f(4)])
    add("LayerNormalization", [f(2, 3, 4), f(3, 4)], axis=1, epsilon=1e-3)
    add("InstanceNormalization", [f(2, 3, 4, 5), f(3), f(3)])


def reductions(add):
    for op in ("ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 "
               "ReduceL2 ReduceSumSquare ReduceLogSum "
               "ReduceLogSumExp").split():
        x = f(3, 4, 5, low=.1 if "Log" in op else -2)
        add(op, [x], opset=11)
        add(op, [x], opset=11, axes=[1], keepdims=0)
        add(op, [x], opset=11, axes=[-1, 0])
        add(op, [x, i(1, 2)], [1], opset=18, keepdims=0)
    for op in ("ArgMax", "ArgMin"):
        x = n(3, 4, 5, low=0, high=4).astype(np.float32)
        for attributes in ({}, dict(axis=1), dict(axis=-1, keepdims=0),
                           dict(axis=0, select_last_index=1)):
            add(op, [x], opset=13, **attributes)
    add("CumSum", [f(3, 4), scalar(1, np.int64)], [1])
    add("CumSum", [f(3, 4), scalar(0, np.int64)], [1], exclusive=1, reverse=1)


def shapes(add):
    add("Concat", [f(2, 3), f(2, 4), f(2, 1)], axis=1)
    add("Concat", [f(2, 3), f(1, 3)], axis=-2)
    add("Split", [f(2, 6)], outputs=3, opset=11, axis=1)
    add("Split", [f(2, 6), i(1, 5)], [1], outputs=2, axis=-1)
    add("Split", [f(7, 2)], outputs=3, opset=18, num_outputs=3)
    for shape in ((4, 6), (0, -1), (-1,), (2, 3, 2, 2), (3, 8)):
        add("Reshape", [f(2, 3, 4), i(*shape)], [1])
    for axis in (0, 1, -1, 3):
        add("Flatten", [f(2, 3, 4)], axis=axis)
    add("Squeeze", [f(1, 3, 1, 4)], opset=11, axes=[0])
    add("Squeeze", [f(1, 3, 1, 4), i(-2)], [1])
    add("Unsqueeze", [f(3, 4)], opset=11, axes=[0, 3])
    add("Unsqueeze", [f(3, 4), i(1, -1)], [1])
    add("Transpose", [f(2, 3, 4)])
    add("Transpose", [f(2, 3, 4, 5)], perm=[3, 0, 2, 1])
    add("Expand", [f(3, 1), i(2, 1, 4)], [1])
    add("Tile", [f(2, 3), i(2, 2)], [1])
    add("DepthToSpace", [f(1, 8, 2, 3)], blocksize=2)
    add("DepthToSpace", [f(1, 8, 2, 3)], blocksize=2, mode="CRD")
    add("SpaceToDepth", [f(1, 3, 4, 6)], blocksize=2)
    add("Slice", [f(5, 6)], opset=9, starts=[1, 2], ends=[4, 100])
    for start, end, axis, step in [
            ([1], [4], [0], [1]), ([0, 1], [5, 6], [0, 1], [2, 3]),
            ([-1], [-100], [1], [-1]), ([4, 5], [0, -7], [0, 1], [-2, -3]),
            ([2], [2**63 - 1], [1], [1])]:
        add("Slice", [f(5, 6), i(*start), i(*end), i(*axis), i(*step)],
            [1, 2, 3, 4])
    for mode in ("constant", "reflect", "edge", "wrap"):
        add("Pad", [f(4, 5), i(1, 2, 0, 1)], [1], opset=19, mode=mode)
    add("Pad", [f(4, 5), i(1, 2, 0, 1), scalar(3.5)], [1, 2])
    add("Pad", [f(4, 5), i(-1, 2, 0, -2)], [1])
    add("Gather", [f(5, 4), i(0, 2, -1)])
    add("Gather", [f(5, 4), np.array([[0, 1], [3, 2]])], [1], axis=1)
    add("GatherElements", [f(5, 4), n(5, 3, low=-4, high=4)], axis=1)
    add("OneHot", [i(0, 2, -1), scalar(4, np.int64), f(2)], [1])
    add("Trilu", [f(2, 4, 5)])
    add("Trilu", [f(4, 5), scalar(-1, np.int64)], [1], upper=0)
    add("Shape", [f(2, 3, 4)])
    add("Size", [f(2, 3, 4)])
    add("Range", [scalar(k, np.int64) for k in (1, 10, 3)], [0, 1, 2])
    add("ConstantOfShape", [i(2, 3)], [0])


def resizes(add):
    for transform in ("half_pixel", "pytorch_half_pixel", "align_corners",
                      "asymmetric"):
        for mode in ("nearest", "linear", "cubic"):
            modes = dict(mode=mode, coordinate_transformation_mode=transform)
            if mode == "nearest":
                modes["nearest_mode"] = "floor"
            for scales in ([1, 1, 2, 3], [1, 1, .5, .6]):
                add("Resize", [f(1, 2, 5, 6), None,
                               np.array(scales, np.float32)], [2], **modes)
            add("Resize", [f(1, 2, 5, 6), None, None, i(1, 2, 7, 3)], [3],
                **modes)
    add("Resize", [f(1, 2, 5, 6), np.array([1, 1, 2, 2], np.float32)], [1],
        opset=10, mode="linear")
    add("Upsample", [f(1, 2, 5, 6), np.array([1, 1, 2, 3], np.float32)], [1],
        opset=9)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        cases = Cases(pathlib.Path(folder), sys.argv[2:])
        for group in (elementwise, windows, matrices, normalizations,
                      reductions, shapes, resizes):
            group(cases.add)
        print(cases.count, "cases")
        names = sorted(str(path) for path in pathlib.Path(folder).iterdir())
        # Element by element, also of those next to zero: not as Winograd rounds.
        done = subprocess.run([sys.argv[1], "verify", "--no-winograd",
                               "--rtol", "1e-3", "--atol", "1e-5"] + names,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        lines = done.stdout.splitlines()
        print("\n".join(line for line in lines if not line.startswith("ok ")))
        passed = sum(line.startswith("ok ") for line in lines)
        sys.exit(0 if done.returncode == 0 and passed == cases.count else 1)


if __name__ == "__main__":
    main()
