# SPDX-License-Identifier: Apache-2.0
"""Apache TVM (Relax), untuned: its standard pipeline for the CPU at hand."""


class Engine:
    def __init__(self, request, tensors):
        import onnx
        import tvm
        from tvm import relax
        from tvm.relax.frontend.onnx import from_onnx
        module = from_onnx(onnx.load(request["model"]), shape_dict={
            name: list(data.shape) for name, data in tensors.inputs.items()})
        target = tvm.target.Target({"kind": "llvm", "mcpu": request["mcpu"],
                                    "num-cores": request["threads"]})
        self.machine = relax.VirtualMachine(
            tvm.compile(module, target), tvm.cpu())
        self.inputs = [tvm.runtime.tensor(data) for data in
                       tensors.inputs.values()]
        self.names = tensors.outputs

    def run(self):
        self.found = self.machine["main"](*self.inputs)

    def outputs(self):
        found = self.found
        if hasattr(found, "numpy"):
            found = [found]
        return {name: value.numpy() for name, value in
                zip(self.names, found)}
