# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, with inputs and outputs bound."""


class Engine:
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
