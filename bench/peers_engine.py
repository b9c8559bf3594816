# SPDX-License-Identifier: Apache-2.0
"""The processes that peers.py drives, and their outputs compared."""
import json
import os
import subprocess
import sys

from peers_report import TITLES
from peers_venv import ROOT

# What --isa does: the CPU that code is compiled for, and the environment of
# engines; peers that neither reaches.
ISA = {
    "avx2": {"mcpu": "haswell",
             "environment": {"ONEDNN_MAX_CPU_ISA": "AVX2",
                             "DNNL_MAX_CPU_ISA": "AVX2",
                             "ATEN_CPU_CAPABILITY": "avx2"},
             "free": ["ort", "mnn", "ncnn"]},
}


class LeftOut(Exception):
    """A peer that can't run a network."""


class Engine:
    """A process that runs one network with one runtime, when told to."""

    def __init__(self, name, arguments, model, threads, work):
        self.name, self.runs = name, []
        self.outputs = work / f"{name}.npz"
        library = arguments.adze.resolve().parent.parent / "lib" / \
            "libadze_runtime.so"
        isa = ISA.get(arguments.isa, {"mcpu": "native", "environment": {}})
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "bench" / "engine.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=None if name in ("adze", "ort", "openvino") else
            subprocess.DEVNULL, env={**os.environ, **isa["environment"]})
        try:
            self.ask({"engine": name, "model": str(model), "threads": threads,
                      "hint": arguments.hint, "mcpu": isa["mcpu"],
                      "package": str(work / "package.tar"),
                      "library": str(library),
                      "shapes": str(work / "shapes.json"),
                      "outputs": str(self.outputs)})
        except LeftOut:
            self.close()
            raise

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = json.loads(self.process.stdout.readline() or
                            '{"failed": "gave up"}')
        if isinstance(answer, dict):
            raise LeftOut(f"{TITLES[self.name]}: {answer['failed']}")
        return answer

    def turn(self, seconds):
        self.runs += self.ask({"seconds": seconds})

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def largest_error(expected_file, found_file):
    """None where the outputs are not the same ones."""
    import numpy as np
    worst = 0.0
    with np.load(expected_file) as expected, np.load(found_file) as found:
        for name in expected.files:
            want = expected[name].astype(np.float64)
            if name not in found.files or found[name].size != want.size:
                return None
            difference = np.abs(found[name].astype(np.float64).reshape(
                want.shape) - want).max()
            largest = np.abs(want).max()
            error = difference / largest if largest else difference
            worst = error if not error <= worst else worst
    return float(worst)
