#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every kernel of a network against the reference: `adze verify`.

    zoo_verify.py ADZE SHARED zoo/resnet50

Networks of the zoo have no weights; its own script draws them.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

# Sizes of open dimensions.
SHAPES = {
    "posenet_mnv1_050": "image:[1,3,257,257]",
    "tfpose_mobilenet_v2_small": "image:0:[1,3,368,432]",
}


def find_model(shared, name, work):
    kind, stem = name.split("/")
    if kind != "zoo":
        return shared / "models" / kind / f"{stem}.onnx"
    script = shared / "zoo" / "fill.py"
    if script.exists():
        subprocess.run([sys.executable, str(script), str(work), stem],
                       check=True, stdout=subprocess.DEVNULL)
    return work / f"{stem}.onnx"


def main():
    adze, shared, name = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory() as folder:
        model = find_model(shared, name, pathlib.Path(folder))
        if not model.exists():
            print(f"skipped: {model} is absent")
            return 77
        command = [adze, "verify", "-v", str(model)]
        if model.stem in SHAPES:
            command += ["--input-shapes", SHAPES[model.stem]]
        start = time.time()
        code = subprocess.run(command).returncode
        print(f"{name}: {time.time() - start:.1f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
