# SPDX-License-Identifier: Apache-2.0
"""MNN in float32 ("precision": "high"), from what its converter makes of the
ONNX file. Inputs are copied in anew in each run, since a run may use their
memory for other values."""
import os
import subprocess
import sys


class Engine:
    def __init__(self, request, tensors):
        import MNN
        import numpy as np
        converted = os.path.join(os.path.dirname(request["outputs"]),
                                 "model.mnn")
        subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "mnnconvert"),
             "-f", "ONNX", "--modelFile", request["model"], "--MNNModel",
             converted, "--bizCode", "bench"], check=True)
        self.net = MNN.Interpreter(converted)
        self.session = self.net.createSession(
            {"backend": "CPU", "numThread": request["threads"],
             "precision": "high"})
        inputs = self.net.getSessionInputAll(self.session)
        for name, data in tensors.inputs.items():
            self.net.resizeTensor(inputs[name], data.shape)
        self.net.resizeSession(self.session)
        self.inputs = [(inputs[name], MNN.Tensor(
            data.shape, MNN.Halide_Type_Float, data.astype(np.float32),
            MNN.Tensor_DimensionType_Caffe))
            for name, data in tensors.inputs.items()]

    def run(self):
        for to, data in self.inputs:
            to.copyFrom(data)
        self.net.runSession(self.session)

    def outputs(self):
        import MNN
        import numpy as np
        found = {}
        for name, tensor in self.net.getSessionOutputAll(
                self.session).items():
            shape = tensor.getShape()
            plain = MNN.Tensor(shape, MNN.Halide_Type_Float,
                               np.zeros(shape, np.float32),
                               MNN.Tensor_DimensionType_Caffe)
            tensor.copyToHostTensor(plain)
            found[name] = np.array(plain.getNumpyData()).reshape(shape)
        return found
