# SPDX-License-Identifier: Apache-2.0
"""The pose network that comes with adze, on rendered scenes it was not trained
on: code by LLVM and as C must both keep the accuracy that its README states.

    pose_small_test.py ADZE MODELS

Exits with 77, saying why, where something is absent.
"""
import os
import re
import subprocess
import sys
import tempfile


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


program, models = sys.argv[1:]
sys.path.insert(0, models)
try:
    import evaluate
except ImportError as error:
    skip(str(error))

SCENES = 200
# Of those scenes, and how far below it AP may be: pictures differ by a little
# with the version of what writes their JPEG noise.
AP, SLACK = 0.0, 0.01
# Between two ways to compute the same network.
AGREEMENT = 0.003


def average_precision(folder, target):
    package = os.path.join(folder, target + ".tar")
    subprocess.run([program, "compile", os.path.join(models,
                                                     "pose_small.onnx"),
                    "--target", target, "-o", package, "--input-shapes",
                    "image:[1,3,257,257]"], check=True, stdout=subprocess.PIPE)
    pictures = [os.path.join(folder, evaluate.file_name(i + 1))
                for i in range(SCENES)]
    out = subprocess.run(
        [program, "pose", *pictures, "--model", package, "--evaluate",
         os.path.join(folder, "annotations.json")],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    print(target + ": " + " ".join(out.splitlines()[-3:]), flush=True)
    return float(re.search(r"^AP ([\d.]+)", out, re.M).group(1))


def main():
    with tempfile.TemporaryDirectory() as folder:
        evaluate.write(folder, evaluate.TEST_SEED, SCENES)
        found = [average_precision(folder, target)
                 for target in ("llvm", "c")]
    if min(found) < AP - SLACK:
        sys.exit("AP must be %.3f" % (AP - SLACK))
    if abs(found[0] - found[1]) > AGREEMENT:
        sys.exit("the two must agree")


main()
