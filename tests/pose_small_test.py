# SPDX-License-Identifier: Apache-2.0
"""The pose networks that come with adze: `adze pose` finds them and the size
they want, and on rendered scenes they were not trained on, code by LLVM and as C
must both keep the accuracy that their README states.

    pose_small_test.py ADZE MODELS

Exits with 77, saying why, where something is absent.
"""
import json
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
AP, SLACK = 0.651, 0.01
# Between two ways to compute the same network.
AGREEMENT = 0.003


def compile_model(name, package, *options):
    subprocess.run([program, "compile", os.path.join(models, name + ".onnx"),
                    "-o", package, *options], check=True,
                   stdout=subprocess.PIPE)


def average_precision(folder, target):
    package, head, limb = (f"{target}_{name}.tar"
                           for name in ("small", "head", "limb"))
    compile_model("pose_small", os.path.join(folder, package), "--target",
                  target, "--input-shapes", "image:[1,3,257,257]",
                  "--property", "pose.refinement=" + head)
    compile_model("pose_small_head", os.path.join(folder, head), "--target",
                  target, "--property", "pose.refinement=" + limb)
    compile_model("pose_small_limb", os.path.join(folder, limb), "--target",
                  target)
    pictures = [os.path.join(folder, evaluate.file_name(i + 1))
                for i in range(SCENES)]
    done = subprocess.run(
        [program, "pose", *pictures, "--model", os.path.join(folder, package),
         "--evaluate", os.path.join(folder, "annotations.json")],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "not refined" not in done.stderr, done.stderr
    print(target + ": " + " ".join(done.stdout.splitlines()[-3:]), flush=True)
    return float(re.search(r"^AP ([\d.]+)", done.stdout, re.M).group(1))


def poses(folder, *options):
    """Of the sample of one person, without naming a network."""
    picture = os.path.join(models, "samples", "one.jpg")
    out = subprocess.run([program, "pose", picture, "--write-json", folder,
                          *options], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    assert "one.jpg: 1 person\n" in out, out
    with open(os.path.join(folder, "one_keypoints.json")) as file:
        return file.read()


def keypoints(text):
    person, = json.loads(text)["people"]
    values = person["pose_keypoints_2d"]
    return [values[i:i + 3] for i in range(0, 51, 3)]


def check_defaults(folder):
    """The size that the model asks for; a wish that makes no sense."""
    usual = poses(folder)
    assert usual == poses(folder, "--input-size", "257x257")
    assert usual != poses(folder, "--input-size", "289x289")
    package = os.path.join(folder, "wrong.tar")
    compile_model("pose_small", package, "--property", "pose.input_size=225x")
    done = subprocess.run([program, "pose", "x.jpg", "-m", package],
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0 and "pose.input_size" in done.stderr, done


def check_cache(folder):
    """A model whose size is open is compiled for the size it is run at."""
    os.environ["ADZE_CACHE"] = folder
    poses(folder, "--refinement", "none")
    del os.environ["ADZE_CACHE"]
    inputs = [subprocess.run([program, "info", os.path.join(folder, name)],
                             check=True, stdout=subprocess.PIPE, text=True)
              .stdout for name in os.listdir(folder) if name.endswith(".tar")]
    assert any("[1,3,257,257]" in text for text in inputs), inputs


def check_refinement(folder):
    """Heads and limbs, and nothing else, are looked at again, whether the
    networks for that lie beside the model, came with adze, or are given."""
    usual = poses(folder)
    given = os.path.join(models, "pose_small_head.onnx")
    assert usual == poses(folder, "--refinement", given)
    package = os.path.join(folder, "small.tar")
    compile_model("pose_small", package, "--input-shapes",
                  "image:[1,3,257,257]")
    assert usual == poses(folder, "-m", package)
    without = keypoints(poses(folder, "--refinement", "none"))
    limbs = keypoints(poses(folder, "--refinement", os.path.join(
        models, "pose_small_limb.onnx")))
    for k, (a, b, c) in enumerate(zip(keypoints(usual), without, limbs)):
        is_limb = k in (7, 8, 9, 10, 13, 14, 15, 16)
        assert (a != b) == (k < 5 or is_limb) and (c != b) == is_limb, k
        assert a[2] <= b[2] and c[2] <= b[2], k
    compile_model("pose_small", package, "--property",
                  "pose.refinement=absent.onnx")
    done = subprocess.run(
        [program, "pose", os.path.join(models, "samples", "one.jpg"), "-m",
         package], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)
    assert "not refined: absent.onnx" in done.stderr, done.stderr
    # Two that name each other.
    for name, other in (("a", "b"), ("b", "a")):
        compile_model("pose_small_head", os.path.join(folder, name + ".tar"),
                      "--property", f"pose.refinement={other}.tar")
    done = subprocess.run(
        [program, "pose", "x.jpg", "--refinement",
         os.path.join(folder, "a.tar")], stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0 and "too many" in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_defaults(folder)
        check_refinement(folder)
    with tempfile.TemporaryDirectory() as folder:
        check_cache(folder)
    with tempfile.TemporaryDirectory() as folder:
        evaluate.write(folder, evaluate.TEST_SEED, SCENES)
        found = [average_precision(folder, target)
                 for target in ("llvm", "c")]
    if min(found) < AP - SLACK:
        sys.exit("AP must be %.3f" % (AP - SLACK))
    if abs(found[0] - found[1]) > AGREEMENT:
        sys.exit("the two must agree")


main()
