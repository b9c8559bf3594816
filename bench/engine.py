# SPDX-License-Identifier: Apache-2.0
"""One runtime with one network, driven by peers.py over a pipe.

The first line of standard input says what to run; each later one for how long.
An answer is a line of JSON: the milliseconds of each timed run. Inputs and
outputs are bound once, so that no engine copies or allocates them in a run.
"""
import ctypes
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
        for value in graph.input:
            if value.name in stored:
                continue
            tensor = value.type.tensor_type
            dims = self.shapes.get(value.name) or \
                [dim.dim_value or 1 for dim in tensor.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            self.inputs[value.name] = np.ascontiguousarray(
                random_input(value.name, dims, dtype, stem))


class Adze:
    """libadze_runtime through ctypes: adze/runtime.h."""

    class InstanceOptions(ctypes.Structure):
        _fields_ = [("threads", ctypes.c_int), ("pool", ctypes.c_void_p),
                    ("allocator", ctypes.c_void_p),
                    ("input_dims", ctypes.c_void_p)]

    class TensorInfo(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int),
                    ("rank", ctypes.c_int), ("dims", ctypes.c_int64 * 16),
                    ("dim_names", ctypes.c_char_p * 16),
                    ("bytes", ctypes.c_size_t)]

    def __init__(self, request, tensors):
        import numpy as np
        self.library = ctypes.CDLL(request["library"])
        self.error = ctypes.create_string_buffer(4 + 1024)
        self.library.adze_dtype_name.restype = ctypes.c_char_p
        self.library.adze_model_output_count.restype = ctypes.c_size_t
        model, self.instance = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.library.adze_model_load(
            request["package"].encode(), None, ctypes.byref(model),
            self.error))
        options = self.InstanceOptions(threads=request["threads"])
        self.check(self.library.adze_instance_create(
            model, ctypes.byref(options), ctypes.byref(self.instance),
            self.error))
        for name, data in tensors.inputs.items():
            index = self.library.adze_model_find_input(model, name.encode())
            self.bind("input", index, data)
        self.result = {}
        for index in range(self.library.adze_model_output_count(model)):
            info = self.TensorInfo()
            self.library.adze_instance_output(
                self.instance, ctypes.c_size_t(index), ctypes.byref(info))
            dtype = self.library.adze_dtype_name(info.dtype).decode()
            data = np.zeros(info.dims[:info.rank], dtype)
            self.bind("output", index, data)
            self.result[info.name.decode()] = data

    def check(self, status):
        if status:
            sys.exit(self.error.raw[4:].split(b"\0")[0].decode())

    def bind(self, kind, index, data):
        function = getattr(self.library, f"adze_instance_bind_{kind}")
        self.check(function(self.instance, ctypes.c_size_t(index),
                            ctypes.c_void_p(data.ctypes.data),
                            ctypes.c_size_t(data.nbytes), self.error))

    def run(self):
        if self.library.adze_instance_run(self.instance, self.error):
            self.check(1)

    def outputs(self):
        return self.result


class Ort:
    def __init__(self, request, tensors):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = request["threads"]
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            request["model"], options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for name, data in tensors.inputs.items():
            self.binding.bind_ortvalue_input(
                name, onnxruntime.OrtValue.ortvalue_from_numpy(data))
        self.names = [value.name for value in self.session.get_outputs()]
        for name in self.names:
            self.binding.bind_output(name)
        self.session.run_with_iobinding(self.binding)
        # From now on into the memory that the first run allocated.
        for name, value in zip(self.names, self.binding.get_outputs()):
            self.binding.bind_ortvalue_output(name, value)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return dict(zip(self.names, self.binding.copy_outputs_to_cpu()))


class OpenVino:
    def __init__(self, request, tensors):
        import openvino
        core = openvino.Core()
        model = core.read_model(request["model"])
        if tensors.shapes:
            model.reshape(tensors.shapes)
        threads = request["threads"]
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32"})
        self.request = compiled.create_infer_request()
        for name, data in tensors.inputs.items():
            self.request.set_tensor(name, openvino.Tensor(data))
        self.ports = compiled.outputs

    def run(self):
        self.request.infer()

    def outputs(self):
        return {port.get_any_name(): self.request.get_tensor(port).data
                for port in self.ports}


ENGINES = {"adze": Adze, "ort": Ort, "openvino": OpenVino}


def take_turn(engine, seconds):
    runs = []
    engine.run()  # the others have emptied the caches
    end = time.perf_counter() + seconds
    while len(runs) < 2 or time.perf_counter() < end:
        start = time.perf_counter_ns()
        engine.run()
        runs.append((time.perf_counter_ns() - start) / 1e6)
    return runs


def main():
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    cpus = sorted(os.sched_getaffinity(0))[:request["threads"]]
    os.sched_setaffinity(0, cpus)
    import numpy as np
    tensors = Tensors(request)  # stays: its memory is bound
    engine = ENGINES[request["engine"]](request, tensors)
    engine.run()
    np.savez(request["outputs"], **engine.outputs())
    print("[]", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(take_turn(engine, json.loads(line)["seconds"])),
              file=answers, flush=True)


if __name__ == "__main__":
    main()
