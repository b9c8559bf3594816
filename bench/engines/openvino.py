# SPDX-License-Identifier: Apache-2.0
"""OpenVINO's CPU plugin in float32."""
import time


class Engine:
    def __init__(self, request, tensors):
        import openvino
        core = openvino.Core()
        model = core.read_model(request["model"])
        if tensors.shapes:
            model.reshape(tensors.shapes)
        hint = request["hint"].upper()
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": request["threads"],
            "INFERENCE_PRECISION_HINT": "f32",
            **({"PERFORMANCE_HINT": hint} if hint == "THROUGHPUT" else {})})
        count = 1
        if hint == "THROUGHPUT":
            count = compiled.get_property(
                "OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self.queue = openvino.AsyncInferQueue(compiled, count)
        for request in self.queue:
            for name, data in tensors.inputs.items():
                request.set_tensor(name, openvino.Tensor(data.copy()))
        self.request = self.queue[0]
        self.ports, self.names = compiled.outputs, tensors.outputs

    def run(self):
        self.request.infer()

    def frames(self, seconds):
        """Keeps every request busy; (how many runs, in what time)."""
        count, start = 0, time.perf_counter()
        while time.perf_counter() < start + seconds:
            self.queue.start_async()  # waits for an idle request
            count += 1
        self.queue.wait_all()
        return count, time.perf_counter() - start

    def outputs(self):
        return dict(zip(self.names, (self.request.get_tensor(port).data
                                     for port in self.ports)))
