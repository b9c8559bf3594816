#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a compiled network with ONNX Runtime on the same input.

    zoo_numerics.py ADZE SHARED zoo/resnet50

The figure is the largest absolute difference divided by the largest absolute
value of ONNX Runtime's output: at most 2e-5 with --no-winograd and 1e-4 without,
or 2e-3 where the model stores float16. Networks of the zoo have no weights; its own script draws them.

The input is random, or, for networks that noise drives to extremes, a photo
that is stored with the output of an independent runtime; that output stands in
for ONNX Runtime's where it refuses the model. ONNX Runtime computes the graph
as it is written, without rewriting it.

Where adze and ONNX Runtime are further apart than that, both are compared with
the model evaluated in float64: a network may amplify rounding so much that
ONNX Runtime itself is further from the truth (tfpose, by its variances over
whole images: some 1e-4). Then adze must be closer to it than ONNX Runtime is.
"""
import pathlib
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

# Sizes of open dimensions, and of what range the input is.
SHAPES = {
    "posenet_mnv1_050": [1, 3, 513, 513],
}
RANGES = {"mnist": (0, 255)}
GOLDEN = {
    "SqueezeNet_fp16": "onnx_SqueezeNet_fp16",
    "tfpose_mobilenet_v2_small": "tf_tfpose_mobilenet_v2_small",
    "ultralight_simplepose": "onnx_ultralight_simplepose",
}
DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


def find_model(shared, name, work):
    kind, stem = name.split("/")
    if kind != "zoo":
        return shared / "models" / kind / f"{stem}.onnx"
    subprocess.run([sys.executable, str(shared / "zoo" / "fill.py"),
                    str(work), stem], check=True, stdout=subprocess.DEVNULL)
    return work / f"{stem}.onnx"


def read_golden(shared, stem):
    """The stored inputs by their names, and outputs, or None."""
    if stem not in GOLDEN:
        return None
    with np.load(shared / "golden" / "tensors" / f"{GOLDEN[stem]}.npz") as data:
        arrays = {name: data[name] for name in data.files}
    if GOLDEN[stem].startswith("tf_"):  # NHWC there, NCHW in ONNX
        arrays = {name: np.ascontiguousarray(array.transpose(0, 3, 1, 2))
                  for name, array in arrays.items()}
    return ({name[3:]: array for name, array in arrays.items()
             if name.startswith("in:")},
            {name[4:]: array for name, array in arrays.items()
             if name.startswith("out:")})


def describe_shapes(inputs):
    return " ".join(f"{name}:{list(array.shape)}".replace(" ", "")
                    for name, array in inputs.items())


def make_inputs(session, stem):
    low, high = RANGES.get(stem, (-2, 2))
    inputs = {}
    for value in session.get_inputs():
        dims = [d if isinstance(d, int) and d > 0 else 1 for d in value.shape]
        dims = SHAPES.get(stem, dims)
        rng = np.random.default_rng(zlib.crc32(value.name.encode()))
        inputs[value.name] = rng.uniform(low, high, dims).astype(
            DTYPES[value.type])
    return inputs


def run_adze(adze, model, inputs, options, work):
    package = work / "model.tar"
    np.savez(work / "in.npz", **inputs)
    start = time.time()
    subprocess.run([adze, "compile", str(model), "-o", str(package),
                    "--input-shapes", describe_shapes(inputs), *options],
                   check=True)
    compiled = time.time() - start
    subprocess.run([adze, "run", str(package), "-i", str(work / "in.npz"),
                    "-o", str(work / "out.npz")], check=True,
                   stdout=subprocess.DEVNULL)
    with np.load(work / "out.npz") as outputs:
        return {name: outputs[name] for name in outputs.files}, compiled


def compare(expected, found, same_type=True):
    worst = 0.0
    for name, want in expected.items():
        if name not in found:
            raise SystemExit(f"no output {name}; there are {sorted(found)}")
        have = found[name]
        if have.shape != want.shape or (
                same_type and have.dtype != want.dtype):
            raise SystemExit(f"{name}: {have.dtype}{have.shape} instead of "
                             f"{want.dtype}{want.shape}")
        want = want.astype(np.float64)
        scale = np.abs(want).max() if want.size else 0
        difference = np.abs(have.astype(np.float64) - want)
        if not np.isfinite(difference).all():
            raise SystemExit(f"{name}: not finite")
        error = difference.max() / scale if scale else difference.max()
        worst = max(worst, error)
    return worst


class Conv(OpRun):
    """Convolution: a matrix product for each place in the kernel. The
    evaluator's own needs minutes for a network."""

    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None,
             kernel_shape=None, pads=None, strides=None):
        rank = x.ndim - 2
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        reach = [(w.shape[2 + i] - 1) * dilations[i] + 1 for i in range(rank)]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            sizes = [-(-n // s) for n, s in zip(x.shape[2:], strides)]
            total = [max(0, (sizes[i] - 1) * strides[i] + reach[i]
                         - x.shape[2 + i]) for i in range(rank)]
            less, more = [n // 2 for n in total], [n - n // 2 for n in total]
            pads = less + more if auto_pad == "SAME_UPPER" else more + less
        pads = pads or [0] * 2 * rank
        x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:])])
        sizes = [(x.shape[2 + i] - reach[i]) // strides[i] + 1
                 for i in range(rank)]
        group = group or 1
        weights = w.reshape(group, w.shape[0] // group, *w.shape[1:])
        result = 0
        for place in np.ndindex(*w.shape[2:]):
            part = x[(slice(None), slice(None), *(
                slice(at * d, at * d + (n - 1) * s + 1, s)
                for at, d, n, s in zip(place, dilations, sizes, strides)))]
            part = part.reshape(x.shape[0], group, x.shape[1] // group, -1)
            result = result + weights[(..., *place)] @ part
        result = result.reshape(x.shape[0], w.shape[0], *sizes)
        if b is not None:
            result = result + b.reshape(-1, *[1] * rank)
        return (result,)


class Resize(OpRun):
    """Linear interpolation, the one kind that needs this here."""

    def _run(self, x, roi=None, scales=None, sizes=None, **attributes):
        kind = attributes["mode"], attributes["coordinate_transformation_mode"]
        if kind != ("linear", "asymmetric") or sizes is None:
            raise NotImplementedError(f"Resize in float64: {kind}")
        for axis, size in enumerate(sizes):
            count = x.shape[axis]
            place = np.arange(size) * count / size
            low = np.minimum(place.astype(int), count - 1)
            part = (place - low).reshape(-1, *[1] * (x.ndim - axis - 1))
            part = np.where(part < 1, part, 0)
            high = np.minimum(low + 1, count - 1)
            x = x.take(low, axis) * (1 - part) + x.take(high, axis) * part
        return (x,)


def evaluate_double(path, inputs):
    """The outputs of the model computed in float64, by name."""
    model = onnx.load(path)
    single, double = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE

    def widen(tensor):
        if tensor.data_type == single:
            array = onnx.numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))

    for tensor in model.graph.initializer:
        widen(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                widen(attribute.t)
            elif node.op_type == "Cast" and attribute.i == single:
                attribute.i = double
    for value in [*model.graph.input, *model.graph.output,
                  *model.graph.value_info]:
        if value.type.tensor_type.elem_type == single:
            value.type.tensor_type.elem_type = double
    names = [value.name for value in model.graph.output]
    feed = {name: array.astype(np.float64) for name, array in inputs.items()}
    return dict(zip(names, ReferenceEvaluator(model, new_ops=[Conv, Resize]).run(
        names, feed)))


def main():
    adze, shared, name = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    stem = name.split("/")[1]
    if not shared.is_dir():
        print(f"skipped: {shared} is absent")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        model = find_model(shared, name, work)
        if not model.exists():
            print(f"skipped: {model} is absent")
            return 77
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.log_severity_level = 4
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"])
        golden = read_golden(shared, stem)
        inputs = golden[0] if golden else make_inputs(session, stem)
        names = [value.name for value in session.get_outputs()]
        try:
            expected = dict(zip(names, session.run(names, inputs)))
        except Exception as refusal:
            if not golden:
                raise
            print(f"ONNX Runtime refuses it: {str(refusal)[:100]}")
            expected = golden[1]
        del session
        half = "fp16" in stem
        passed = True
        for options, limit in ((["--no-winograd"], 2e-5), ([], 1e-4)):
            found, compiled = run_adze(adze, model, inputs, options, work)
            limit = 2e-3 if half else limit
            worst = compare(expected, found)
            print(f"{name} {' '.join(options)}: {worst:.2e} of the largest "
                  f"value (limit {limit:g}); compiled in {compiled:.1f} s")
            if worst > limit and not half:
                exact = evaluate_double(model, inputs)
                worst = compare(exact, found, same_type=False)
                limit = max(limit, compare(exact, expected, same_type=False))
                print(f"from the result in float64: adze {worst:.2e}, "
                      f"ONNX Runtime {limit:.2e}")
            passed = passed and worst <= limit
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
