# SPDX-License-Identifier: Apache-2.0
"""torch.compile with its standard options, on what onnx2torch makes of the
file."""


class Engine:
    def __init__(self, request, tensors):
        import onnx2torch
        import torch
        torch.set_num_threads(request["threads"])
        model = onnx2torch.convert(request["model"]).eval()
        self.torch, self.model = torch, torch.compile(model)
        self.inputs = [torch.from_numpy(data) for data in
                       tensors.inputs.values()]
        self.names = tensors.outputs

    def run(self):
        with self.torch.inference_mode():
            self.found = self.model(*self.inputs)

    def outputs(self):
        found = self.found
        if not isinstance(found, (list, tuple)):
            found = [found]
        return {name: value.numpy() for name, value in
                zip(self.names, found)}
