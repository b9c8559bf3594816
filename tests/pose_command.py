# SPDX-License-Identifier: Apache-2.0
"""What `adze pose` writes, prints and refuses. pose_command.py ADZE SHARED

Exits with 77, saying why, where the photos and networks are absent.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ADZE, SHARED = sys.argv[1:]
POSENET = os.path.join(SHARED, "models/onnx/posenet_mnv1_050.onnx")
TOPDOWN = os.path.join(SHARED, "models/onnx/ultralight_simplepose.onnx")
PHOTO = os.path.join(SHARED, "photos/000000000785.jpg")
ANNOTATIONS = os.path.join(SHARED, "photos/test_coco.json")
DETECTIONS = os.path.join(SHARED, "photos/test_coco_det_AP_H_56.json")
SIZE = ["--input-size", "257x257"]


def adze(*words):
    return subprocess.run([ADZE, "pose", *words], capture_output=True,
                          text=True)


def good(*words):
    done = adze(*words)
    assert done.returncode == 0, (words, done.returncode, done.stderr)
    return done.stdout


def bad(code, part, *words):
    done = adze(*words)
    assert done.returncode == code, (words, done.returncode, done.stderr)
    assert part in done.stderr, (words, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def people(path):
    with open(path) as file:
        return json.load(file)["people"]


def check_outputs(folder):
    out = os.path.join(folder, "new", "out")
    text = good(PHOTO, "-m", POSENET, *SIZE, "--write_json", out,
                "--write_images", out, "--write-coco-json",
                os.path.join(folder, "coco.json"), "--verbose")
    for word in ("1 person", "read", "prepare", "network", "decode", "draw",
                 "write", "_rendered.png", "_keypoints.json"):
        assert word in text, (word, text)
    assert sorted(os.listdir(out)) == ["000000000785_keypoints.json",
                                       "000000000785_rendered.png"]
    first = people(os.path.join(out, "000000000785_keypoints.json"))
    assert len(first) == 1
    with open(os.path.join(folder, "coco.json")) as file:
        results = json.load(file)
    assert all(result["image_id"] == 785 for result in results)
    assert results[0]["keypoints"] == first[0]["pose_keypoints_2d"]
    assert "person 1: score 0." in good(PHOTO, "-m", POSENET, *SIZE)


def check_numbers(folder):
    """Pictures without a number in their names count from 1."""
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(PHOTO, os.path.join(folder, name))
    results = os.path.join(folder, "numbers.json")
    good(os.path.join(folder, "a.jpg"), os.path.join(folder, "b.jpg"), "-m",
         POSENET, *SIZE, "--decode", "single", "--write-coco-json", results)
    with open(results) as file:
        assert [result["image_id"] for result in json.load(file)] == [1, 2]


def check_options(folder):
    def count(*words):
        good(PHOTO, "-m", POSENET, *SIZE, "--write-json", folder, *words)
        return len(people(os.path.join(folder, "000000000785_keypoints.json")))
    assert count("--person-threshold", "0") > 1
    assert count("--person-threshold", "0", "--max-persons", "2") == 2
    assert count("--score-threshold", "1.5") == 0
    assert count("--flush-denormals") == 1
    assert count("--network", "posenet", "--decode", "single") == 1


def check_boxes(folder):
    def count(*words):
        good(PHOTO, "-m", TOPDOWN, "--write-json", folder,
             "--person-threshold", "0", *words)
        return len(people(os.path.join(folder, "000000000785_keypoints.json")))
    assert count() == 1
    assert count("--boxes", ANNOTATIONS) == 1
    few = count("--boxes", DETECTIONS)
    assert 1 <= few < count("--boxes", DETECTIONS, "--box-threshold", "0")


def check_refusals(folder):
    cut = os.path.join(folder, "cut.jpg")
    with open(PHOTO, "rb") as file, open(cut, "wb") as out:
        out.write(file.read()[:50000])
    text = os.path.join(folder, "text.json")
    with open(text, "w") as file:
        file.write("no JSON")
    bad(2, "IMAGE", "-m", POSENET)
    bad(3, "absent.jpg", "absent.jpg", "-m", POSENET, *SIZE)
    bad(3, "absent.onnx", PHOTO, "-m", "absent.onnx")
    bad(7, "cut.jpg", cut, "-m", POSENET, *SIZE)
    bad(6, "not a picture", text, "-m", POSENET, *SIZE)
    bad(7, "not JSON", PHOTO, "-m", TOPDOWN, "--boxes", text)
    bad(7, "not JSON", PHOTO, "-m", POSENET, *SIZE, "--evaluate", text)
    bad(2, "--boxes", PHOTO, "-m", POSENET, *SIZE, "--boxes", ANNOTATIONS)
    bad(2, "posenet, openpose, topdown", PHOTO, "-m", POSENET, "--network", "poznet")
    bad(6, "posenet", PHOTO, "-m", TOPDOWN, "--network", "posenet")
    bad(10, "192", PHOTO, "-m", TOPDOWN, "--input-size", "64x64")
    for size in ("64", "x64", "64x", "0x64", "64x64x64", "99999x99999"):
        bad(2, "--input-size", PHOTO, "-m", POSENET, "--input-size", size)
    bad(6, "pose network", PHOTO, "-m",
        os.path.join(SHARED, "models/onnx/mnist.onnx"))
    assert adze(PHOTO, "-m", POSENET, *SIZE, "--write-coco-json",
                os.path.join(folder, "no", "x.json")).returncode in (3, 4)


def main():
    for path in (POSENET, TOPDOWN, PHOTO):
        if not os.path.exists(path):
            print("skipped: %s is absent" % path)
            sys.exit(77)
    for check in (check_outputs, check_numbers, check_options, check_boxes,
                  check_refusals):
        with tempfile.TemporaryDirectory() as folder:
            check(folder)
        print("ok " + check.__name__)


main()
