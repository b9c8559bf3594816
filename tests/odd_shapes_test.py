# SPDX-License-Identifier: Apache-2.0
"""Convolutions of awkward shapes, one after the other, on this machine and
others.

    odd_shapes_test.py ADZE [COUNT [SEED]]

COUNT networks of one to three convolutions (1x1, 3x3, oblong, depthwise,
depthwise and 1x1, transposed), images from 1x1 to 40x40, one to 1024 channels. Each is
verified on this machine (`adze verify`: groups against the reference, one
worker and several) and compiled for machines of other widths and numbers of
cores. A network that fails is described with its seed.

Exits with 77, saying why, where adze was built without LLVM.
"""
import os
import random
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "hostile"))
from onnx_bytes import model, node, tensor, value  # noqa: E402

TARGETS = ("llvm -mcpu=emeraldrapids -num-cores=1",
           "llvm -mcpu=emeraldrapids -num-cores=4",
           "llvm -mcpu=znver3 -num-cores=2",
           "llvm -mtriple=aarch64-linux-gnu -mcpu=cortex-a76")
CHANNELS = (1, 3, 16, 20, 24, 32, 64, 96, 128, 160, 256, 320, 512, 1024)
OBLONG = ((1, 3), (1, 7), (7, 1), (2, 3), (3, 5), (5, 2))
MOST_ELEMENTS = 1 << 20  # of a convolution's weights, and of an image
NO_LLVM = 13


class Network:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.nodes, self.tensors = [], []
        pick = self.random.choice
        self.channels = pick(CHANNELS)
        self.shape = [pick((1, 1, 2)), self.channels] + [
            pick((1, 2, 7, self.random.randint(1, 40))) for _ in range(2)]
        self.what = [str(self.shape)]
        self.last = "x"
        places = self.shape[0] * self.shape[2] * self.shape[3]
        for _ in range(self.random.randint(1, 3)):
            outputs = pick([c for c in CHANNELS if c * places < MOST_ELEMENTS
                            and c * self.channels < MOST_ELEMENTS])
            self.add(pick(("1x1", "1x1", "3x3", "oblong", "depthwise", "both",
                           "transposed")), outputs, pick((1, 1, 2)))

    def add(self, kind, outputs, stride):
        self.what.append(f"{kind} to {outputs}, stride {stride}")
        if kind in ("depthwise", "both"):
            self.convolve(self.channels, 3, stride, self.channels)
        if kind in ("1x1", "both"):
            self.convolve(outputs, 1, 1 if kind == "both" else stride)
        if kind == "3x3":
            self.convolve(min(outputs, 128), 3, stride)
        if kind == "oblong":
            self.convolve(min(outputs, 128), self.random.choice(OBLONG),
                          (stride, self.random.choice((1, 2))))
        if kind == "transposed":
            self.convolve(min(outputs, 32), 4, 2, op="ConvTranspose")

    def convolve(self, outputs, kernel, stride, group=1, op="Conv"):
        """kernel and stride: of both axes, or of each."""
        kernel, stride = (list(each) if isinstance(each, tuple) else [each] * 2
                          for each in (kernel, stride))
        name = f"c{len(self.nodes)}"
        dims = [outputs, self.channels // group, *kernel]
        if op == "ConvTranspose":
            dims[:2] = self.channels, outputs
        count = dims[0] * dims[1] * kernel[0] * kernel[1]
        source = random.Random(name)
        numbers = [source.uniform(-1, 1) / 16 for _ in range(1009)]
        data = struct.pack("<1009f", *numbers) * (count // 1009 + 1)
        self.tensors.append(tensor(name + "w", dims, data[:4 * count]))
        self.tensors.append(tensor(name + "b", [outputs],
                                   struct.pack("<f", 0.1) * outputs))
        self.nodes.append(node(op, [self.last, name + "w", name + "b"], [name],
                               name, pads=[each // 2 for each in kernel] * 2
                               if op == "Conv" else [1] * 4,
                               strides=stride, group=group,
                               kernel_shape=kernel))
        self.last, self.channels = name, outputs
        after = self.random.choice(("Relu", "Tanh", None))
        if after:
            self.nodes.append(node(after, [name], [name + "a"]))
            self.last = name + "a"

    def data(self):
        return model(self.nodes, [value("x", self.shape)], [value(self.last)],
                     self.tensors)


def failures(adze, path, output):
    commands = [[adze, "verify", path]]
    commands += [[adze, "compile", path, "-o", output, "--target", target]
                 for target in TARGETS]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == NO_LLVM:
            print("skipped: adze was built without LLVM")
            sys.exit(77)
        if done.returncode != 0:
            yield " ".join(command[3:]) + ": " + (done.stdout + done.stderr)


def main():
    adze = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.onnx")
        for seed in range(first, first + count):
            network = Network(seed)
            with open(path, "wb") as file:
                file.write(network.data())
            for failure in failures(adze, path, os.path.join(folder, "o.tar")):
                bad += 1
                print(f"seed {seed} ({'; '.join(network.what)}): {failure}")
    print(f"{count} networks, {bad} bad")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
