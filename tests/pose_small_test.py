# SPDX-License-Identifier: Apache-2.0
"""The pose network that comes with adze: `adze pose` finds it and the size it
wants, and on rendered scenes it was not trained on, code by LLVM and as C must
both keep the accuracy that its README states.

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
AP, SLACK = 0.560, 0.01
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


def poses(folder, *options):
    """Of the sample of one person, without naming a network."""
    picture = os.path.join(models, "samples", "one.jpg")
    out = subprocess.run([program, "pose", picture, "--write-json", folder,
                          *options], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    assert "one.jpg: 1 person\n" in out, out
    with open(os.path.join(folder, "one_keypoints.json")) as file:
        return file.read()


def check_defaults(folder):
    """The size that the model asks for; a wish that makes no sense."""
    usual = poses(folder)
    assert usual == poses(folder, "--input-size", "257x257")
    assert usual != poses(folder, "--input-size", "289x289")
    package = os.path.join(folder, "wrong.tar")
    subprocess.run([program, "compile", os.path.join(models,
                                                     "pose_small.onnx"),
                    "-o", package, "--property", "pose.input_size=225x"],
                   check=True, stdout=subprocess.PIPE)
    done = subprocess.run([program, "pose", "x.jpg", "-m", package],
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0 and "pose.input_size" in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_defaults(folder)
    with tempfile.TemporaryDirectory() as folder:
        evaluate.write(folder, evaluate.TEST_SEED, SCENES)
        found = [average_precision(folder, target)
                 for target in ("llvm", "c")]
    if min(found) < AP - SLACK:
        sys.exit("AP must be %.3f" % (AP - SLACK))
    if abs(found[0] - found[1]) > AGREEMENT:
        sys.exit("the two must agree")


main()
