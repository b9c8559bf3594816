# SPDX-License-Identifier: Apache-2.0
"""Poses against annotations: runs `adze pose` on the annotated photos beside
the project and compares with the least that each network must reach.

    pose_accuracy.py ADZE SHARED

Mean OKS is, over the annotated persons, that of the best matching result; AP is
COCO's, by pycocotools. Exits with 77, saying why, where something is absent.
"""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


try:
    import numpy
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError as error:
    skip(str(error))

# model, options, least mean OKS, least AP
ROWS = [
    ("posenet_mnv1_050.onnx", ["--input-size", "641x481"], 0.74, 0.49),
    ("posenet_mnv1_050.onnx", ["--input-size", "513x513"], 0.68, 0.42),
    ("posenet_mnv1_050.onnx", ["--decode", "single"], 0.25, 0.0),
    ("tfpose_mobilenet_v2_small.onnx", ["--input-size", "656x368"], 0.62, 0.3),
    ("tfpose_mobilenet_v2_small.onnx",
     ["--network", "openpose", "--input-size", "432x368"], 0.5, 0.25),
    ("ultralight_simplepose.onnx", ["--boxes", "test_coco.json"], 0.78, 0.59),
    ("posenet_mnv1_050.onnx",
     ["--input-size", "641x481", "--refinement", "ultralight_simplepose.onnx"],
     0.82, 0.65),
    ("tfpose_mobilenet_v2_small.onnx",
     ["--refinement", "ultralight_simplepose.onnx"], 0.77, 0.59),
]

SIGMAS = numpy.array([
    .026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107,
    .107, .087, .087, .089, .089])


def oks(annotation, keypoints):
    truth = numpy.array(annotation["keypoints"], float).reshape(17, 3)
    found = numpy.array(keypoints, float).reshape(17, 3)
    labelled = truth[:, 2] > 0
    distance = ((found[:, :2] - truth[:, :2]) ** 2).sum(1)
    area = annotation["area"] + numpy.spacing(1)
    closeness = numpy.exp(-distance / (2 * area * (2 * SIGMAS) ** 2))
    return closeness[labelled].mean()


def mean_oks(coco, results):
    best = []
    for annotation in coco.dataset["annotations"]:
        if annotation["num_keypoints"]:
            best.append(max(
                [oks(annotation, result["keypoints"]) for result in results
                 if result["image_id"] == annotation["image_id"]] or [0]))
    return float(numpy.mean(best))


def average_precision(coco, results):
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco, coco.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def check_openpose(folder, names):
    """The JSON of each picture is OpenPose's, and its picture was drawn."""
    for name in names:
        stem = os.path.join(folder, os.path.splitext(name)[0])
        with open(stem + "_keypoints.json") as file:
            written = json.load(file)
        assert written["version"] == 1.3, name
        for person in written["people"]:
            assert person["person_id"] == [-1], name
            assert len(person["pose_keypoints_2d"]) == 51, name
        with open(stem + "_rendered.png", "rb") as file:
            assert file.read(8) == b"\x89PNG\r\n\x1a\n", name


def run(adze, shared, folder, names, model, options):
    photos = os.path.join(shared, "photos")
    models = os.path.join(shared, "models/onnx")
    beside = {".json": photos, ".onnx": models}
    options = [os.path.join(beside.get(os.path.splitext(word)[1], ""), word)
               for word in options]
    results = os.path.join(folder, "results.json")
    done = subprocess.run(
        [adze, "pose", "--model", os.path.join(models, model),
         "--write-coco-json", results, "--write-json", folder,
         "--write-images", folder, *options, "--evaluate",
         os.path.join(photos, "test_coco.json"),
         *[os.path.join(photos, name) for name in names]],
        check=True, stdout=subprocess.PIPE, text=True)
    with open(results) as file:
        return json.load(file), done.stdout


def main():
    adze, shared = sys.argv[1:]
    truth = os.path.join(shared, "photos/test_coco.json")
    if not os.path.exists(truth):
        skip(truth + " is absent")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(truth)
    names = [image["file_name"] for image in coco.dataset["images"]]
    failed = False
    for model, options, least_oks, least_ap in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            results, text = run(adze, shared, folder, names, model, options)
            check_openpose(folder, names)
        similarity = mean_oks(coco, results)
        precision = average_precision(coco, results)
        good = similarity >= least_oks and precision >= least_ap
        # What adze computes itself is the same.
        good = (good and "\nAP %.4f " % precision in text
                and "\nmean OKS %.4f of 12 " % similarity in text)
        failed = failed or not good
        print("%s %s %s: mean OKS %.4f (>= %.2f), AP %.4f (>= %.2f)" % (
            "ok" if good else "failed", model, " ".join(options), similarity,
            least_oks, precision, least_ap))
    sys.exit(1 if failed else 0)


main()
