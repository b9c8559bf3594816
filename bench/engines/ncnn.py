# SPDX-License-Identifier: Apache-2.0
"""ncnn in float32, from what pnnx makes of the ONNX file. Its results are new
memory in every run; there is no way to bind them."""
import os
import shutil
import subprocess


class Engine:
    def __init__(self, request, tensors):
        import importlib.util
        import ncnn
        folder = os.path.join(os.path.dirname(request["outputs"]), "ncnn")
        os.makedirs(folder)
        model = shutil.copy(request["model"], folder + "/model.onnx")
        sizes = ",".join(str(list(data.shape)).replace(" ", "") + "f32"
                         for data in tensors.inputs.values())
        # The package's own script would load PyTorch first.
        package = importlib.util.find_spec("pnnx").origin
        subprocess.run(
            [os.path.join(os.path.dirname(package), "pnnx"), model, "fp16=0",
             f"inputshape={sizes}"], check=True, cwd=folder)
        self.net = ncnn.Net()
        options = self.net.opt
        options.num_threads = request["threads"]
        options.use_fp16_packed = options.use_fp16_storage = False
        options.use_fp16_arithmetic = options.use_bf16_storage = False
        if (self.net.load_param(folder + "/model.ncnn.param") or
                self.net.load_model(folder + "/model.ncnn.bin")):
            raise RuntimeError("ncnn can't load what pnnx wrote")
        self.inputs = [(f"in{i}", ncnn.Mat(data[0]).clone()) for i, data in
                       enumerate(tensors.inputs.values())]
        self.names = tensors.outputs

    def run(self):
        extractor = self.net.create_extractor()
        for name, data in self.inputs:
            extractor.input(name, data)
        self.found = []
        for index in range(len(self.names)):
            status, value = extractor.extract(f"out{index}")
            if status:
                raise RuntimeError(f"ncnn can't compute out{index}")
            self.found.append(value)

    def outputs(self):
        import numpy as np
        return {name: np.array(value)[None] for name, value in
                zip(self.names, self.found)}
