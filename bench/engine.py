# SPDX-License-Identifier: Apache-2.0
"""One runtime with one network, driven by peers.py over a pipe.

The first line of standard input says what to run; each later one for how long.
An answer is a line of JSON: the milliseconds of each timed run, or with the
hint "throughput" the runs per second of a turn; {"failed": "why"} ends it.
Inputs and outputs are bound once where a runtime can, so that it copies and
allocates nothing in a run. Runtimes are the files of engines/, each with a
class Engine:

    Engine(request, tensors)    ready to run
    run()                       one run
    frames(seconds)             for throughput: (runs, seconds they took)
    outputs()                   of the last run, by the names of the ONNX file
"""
import importlib
import json
import os
import sys
import time
import zlib

RANGE = {"SqueezeNet_fp16": 128, "mnist": 255}


def random_input(name, dims, dtype, stem):
    import numpy as np
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    high = RANGE.get(stem, 2)
    return rng.uniform(-high, high, dims).astype(dtype)


class Tensors:
    """Inputs and outputs as the ONNX file declares them, sizes filled in."""

    def __init__(self, request):
        import onnx
        from onnx import helper
        import numpy as np
        graph = onnx.load(request["model"], load_external_data=False).graph
        with open(request["shapes"]) as file:
            self.shapes = json.load(file)
        stem = os.path.splitext(os.path.basename(request["model"]))[0]
        stored = {tensor.name for tensor in graph.initializer}
        self.inputs = {}
        self.outputs = [value.name for value in graph.output]
        for value in graph.input:
            if value.name in stored:
                continue
            tensor = value.type.tensor_type
            dims = self.shapes.get(value.name) or \
                [dim.dim_value or 1 for dim in tensor.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            self.inputs[value.name] = np.ascontiguousarray(
                random_input(value.name, dims, dtype, stem))


def load_class(name):
    # A file may be named like the package that it drives: bench/ is on the
    # path, bench/engines/ is not.
    return importlib.import_module(f"engines.{name}").Engine


def take_turn(engine, seconds):
    runs = []
    engine.run()  # the others have emptied the caches
    end = time.perf_counter() + seconds
    while len(runs) < 2 or time.perf_counter() < end:
        start = time.perf_counter_ns()
        engine.run()
        runs.append((time.perf_counter_ns() - start) / 1e6)
    return runs


def take_throughput_turn(engine, seconds):
    engine.frames(0.1 * seconds)
    count, took = engine.frames(seconds)
    return [count / took]


def prepare(request):
    import numpy as np
    tensors = Tensors(request)  # stays: its memory is bound
    engine = load_class(request["engine"])(request, tensors)
    engine.run()
    engine.run()  # a second time: what clobbers its inputs is seen
    np.savez(request["outputs"], **engine.outputs())
    return engine, tensors


def main():
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    request = json.loads(sys.stdin.readline())
    cpus = sorted(os.sched_getaffinity(0))[:request["threads"]]
    os.sched_setaffinity(0, cpus)
    turn = take_turn
    if request["hint"] == "throughput":
        turn = take_throughput_turn
    try:
        engine, _tensors = prepare(request)
        answer([])
        for line in sys.stdin:
            answer(turn(engine, json.loads(line)["seconds"]))
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())[:300]
        answer({"failed": text or type(error).__name__})


if __name__ == "__main__":
    main()
