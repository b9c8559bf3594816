# SPDX-License-Identifier: Apache-2.0
"""libadze_runtime through ctypes: adze/runtime.h."""
import ctypes
import sys
import threading
import time


class InstanceOptions(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int), ("pool", ctypes.c_void_p),
                ("allocator", ctypes.c_void_p),
                ("input_dims", ctypes.c_void_p)]


class LoadOptions(ctypes.Structure):
    _fields_ = [("allocator", ctypes.c_void_p),
                ("copy_weights", ctypes.c_bool),
                ("describe_only", ctypes.c_bool)]


class TensorInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int),
                ("rank", ctypes.c_int), ("dims", ctypes.c_int64 * 16),
                ("dim_names", ctypes.c_char_p * 16),
                ("bytes", ctypes.c_size_t)]


class Instance:
    """One run's memory, with inputs and outputs of its own."""

    def __init__(self, library, model, threads, tensors):
        import numpy as np
        self.library, self.handle = library, ctypes.c_void_p()
        self.error = ctypes.create_string_buffer(4 + 1024)
        options = InstanceOptions(threads=threads)
        self.check(library.adze_instance_create(
            model, ctypes.byref(options), ctypes.byref(self.handle),
            self.error))
        self.inputs, self.result = [], {}
        for name, data in tensors.inputs.items():
            index = library.adze_model_find_input(model, name.encode())
            self.inputs.append(data.copy())
            self.bind("input", index, self.inputs[-1])
        for index in range(library.adze_model_output_count(model)):
            info = TensorInfo()
            library.adze_instance_output(
                self.handle, ctypes.c_size_t(index), ctypes.byref(info))
            dtype = library.adze_dtype_name(info.dtype).decode()
            data = np.zeros(info.dims[:info.rank], dtype)
            self.bind("output", index, data)
            self.result[info.name.decode()] = data

    def check(self, status):
        if status:
            sys.exit(self.error.raw[4:].split(b"\0")[0].decode())

    def bind(self, kind, index, data):
        function = getattr(self.library, f"adze_instance_bind_{kind}")
        self.check(function(self.handle, ctypes.c_size_t(index),
                            ctypes.c_void_p(data.ctypes.data),
                            ctypes.c_size_t(data.nbytes), self.error))

    def run(self):
        if self.library.adze_instance_run(self.handle, self.error):
            self.check(1)


class Engine:
    def __init__(self, request, tensors):
        library = ctypes.CDLL(request["library"])
        library.adze_dtype_name.restype = ctypes.c_char_p
        library.adze_model_output_count.restype = ctypes.c_size_t
        model = ctypes.c_void_p()
        error = ctypes.create_string_buffer(4 + 1024)
        # Huge pages, as the others' copies of weights may have as well.
        options = LoadOptions(copy_weights=True)
        if library.adze_model_load(request["package"].encode(),
                                   ctypes.byref(options), ctypes.byref(model),
                                   error):
            sys.exit(error.raw[4:].split(b"\0")[0].decode())
        count, threads = 1, request["threads"]
        if request["hint"] == "throughput":
            count, threads = threads, 1
        self.instances = [Instance(library, model, threads, tensors)
                          for _ in range(count)]

    def run(self):
        self.instances[0].run()

    def frames(self, seconds):
        """Runs all instances at once; (how many runs, in what time). Other
        threads of Python run while one is in the runtime."""
        counts, start = [0] * len(self.instances), time.perf_counter()

        def work(index):
            while time.perf_counter() < start + seconds:
                self.instances[index].run()
                counts[index] += 1

        threads = [threading.Thread(target=work, args=[index])
                   for index in range(len(self.instances))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts), time.perf_counter() - start

    def outputs(self):
        return self.instances[0].result
