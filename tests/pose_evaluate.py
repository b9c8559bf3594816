# SPDX-License-Identifier: Apache-2.0
"""COCO's scores as adze computes them against pycocotools, on predictions that
are annotations, disturbed at random: of rendered scenes, and of the photos
beside the project where they are.

    pose_evaluate.py COCO_SCORES SHARED MODELS

Exits with 77, saying why, where something is absent.
"""
import contextlib
import copy
import io
import json
import os
import random
import subprocess
import sys
import tempfile


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


try:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError as error:
    skip(str(error))

ROUNDS, SCENES = 30, 40


def change(annotations, rng):
    """Crowds, persons without keypoints, and other areas."""
    for person in annotations["annotations"]:
        if rng.random() < 0.2:
            person["iscrowd"] = 1
        if rng.random() < 0.2:
            person["num_keypoints"] = 0
            if rng.random() < 0.5:
                person["keypoints"] = [0] * 51
        person["area"] *= rng.choice([0.05, 0.3, 1, 3])


def predict(annotations, rng, most):
    noise = rng.choice([0, 1, 3, 8, 20, 60])
    digits = rng.choice([1, 6])  # with one digit many scores are equal
    results = []
    for person in annotations["annotations"]:
        left, top, width, height = person["bbox"]
        for _ in range(rng.choice([0, 1, 1, 2, most])):
            keypoints = []
            for k in range(17):
                x, y, visible = person["keypoints"][3 * k:3 * k + 3]
                if not visible:
                    x = left + rng.random() * width
                    y = top + rng.random() * height
                keypoints += [round(x + rng.gauss(0, noise), 3),
                              round(y + rng.gauss(0, noise), 3), 1]
            results.append({"image_id": person["image_id"], "category_id": 1,
                            "keypoints": keypoints,
                            "score": round(rng.random(), digits)})
    rng.shuffle(results)
    return results


def reference(truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(truth)
        evaluation = COCOeval(coco, coco.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats)


def rendered_annotations(models):
    sys.path.insert(0, models)
    import evaluate
    import scene
    return evaluate.coco_annotations(
        [scene.render(evaluate.TEST_SEED + i)[1] for i in range(SCENES)], scene.SIZE)


def largest_difference(program, original, folder):
    truth = os.path.join(folder, "truth.json")
    results = os.path.join(folder, "results.json")
    worst = 0
    for seed in range(ROUNDS):
        rng = random.Random(seed)
        annotations = copy.deepcopy(original)
        if seed % 3 == 0:
            change(annotations, rng)
        predictions = predict(original, rng, 30 if seed % 7 == 0 else 1)
        if not predictions:
            continue
        with open(truth, "w") as file:
            json.dump(annotations, file)
        with open(results, "w") as file:
            json.dump(predictions, file)
        wanted = reference(truth, results)
        found = subprocess.run([program, results, truth], check=True,
                               capture_output=True, text=True).stdout
        found = [float(word) for word in found.split()]
        difference = max(abs(a - b) for a, b in zip(wanted, found))
        worst = max(worst, difference)
        if difference > 1e-9 or len(found) != len(wanted):
            print("seed %d: %s, pycocotools %s" % (seed, found, wanted))
            sys.exit(1)
    return worst


def main():
    program, shared, models = sys.argv[1:]
    sets = [("rendered scenes", rendered_annotations(models))]
    source = os.path.join(shared, "photos/test_coco.json")
    if os.path.exists(source):
        with open(source) as file:
            sets.append(("photos", json.load(file)))
    with tempfile.TemporaryDirectory() as folder:
        for name, annotations in sets:
            print("%s: %d rounds, largest difference %g" % (
                name, ROUNDS, largest_difference(program, annotations, folder)))


main()
