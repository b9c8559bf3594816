# SPDX-License-Identifier: Apache-2.0
"""Scenes with COCO annotations, and COCO's average precision on them.

  evaluate.py write FOLDER [--count N] [--seed S]  pictures, annotations.json
  evaluate.py check CHECKPOINT [--head CHECKPOINT] [--limb CHECKPOINT]
                    [--count N]                    AP by PyTorch, pycocotools

Without --seed these are test scenes, which are never trained on. `adze pose
--evaluate FOLDER/annotations.json FOLDER/*.png` gives the same figures in C.
"""
import argparse
import contextlib
import io
import json
import os

import numpy as np
from PIL import Image

import scene
from scene import SIZE, TEST_SEED

NAMES = ["nose", "left_eye", "right_eye", "left_ear", "right_ear",
         "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
         "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
         "right_knee", "left_ankle", "right_ankle"]


def file_name(number):
    return f"{number:06d}.png"


def coco_annotations(scenes, size):
    """Of a list of annotations of scenes, numbered from 1."""
    images, annotations = [], []
    for number, persons in enumerate(scenes, 1):
        images.append({"id": number, "file_name": file_name(number),
                       "width": size, "height": size})
        for person in persons:
            keypoints = person["keypoints"].copy()
            keypoints[keypoints[:, 2] == 0] = 0
            annotations.append({
                "id": len(annotations) + 1, "image_id": number,
                "category_id": 1, "iscrowd": 0,
                "keypoints": [round(float(v), 2) for v in keypoints.ravel()],
                "num_keypoints": int((keypoints[:, 2] > 0).sum()),
                "area": round(float(person["area"]), 2),
                "bbox": [round(float(v), 2) for v in person["bbox"]],
            })
    return {"images": images, "annotations": annotations,
            "categories": [{"id": 1, "name": "person", "keypoints": NAMES}]}


def write(folder, seed, count, size=SIZE):
    os.makedirs(folder, exist_ok=True)
    scenes = []
    for i in range(count):
        picture, persons = scene.render(seed + i, size, size)
        Image.fromarray(picture).save(os.path.join(folder, file_name(i + 1)))
        scenes.append(persons)
    with open(os.path.join(folder, "annotations.json"), "w") as out:
        json.dump(coco_annotations(scenes, size), out)


def average_precision(annotations, results):
    """AP, AP at 0.5, AP at 0.75, ..., AR as pycocotools gives them."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    if not results:
        return np.zeros(10)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = annotations
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


class Scenes:
    """Rendered once, evaluated often."""

    def __init__(self, seed, count, size=SIZE):
        rendered = [scene.render(seed + i, size, size) for i in range(count)]
        self.pictures = [r[0] for r in rendered]
        self.persons = [r[1] for r in rendered]
        self.annotations = coco_annotations(self.persons, size)

    def evaluate(self, network, parts=()):
        """Persons that `network` finds, and the networks for parts look at
        again."""
        import torch
        from decode import decode
        from parts import look_again
        found = []
        for picture in self.pictures:
            x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
            with torch.no_grad():
                heat, *vectors = network(x.float() / 127.5 - 1)
            maps = [torch.sigmoid(heat), *vectors]
            found.append([look_again(parts, picture, score, points)
                          for score, points in decode(*[m[0].numpy()
                                                        for m in maps])])
        return self.score(found)

    def evaluate_part(self, network):
        """Persons near their annotated places, which the network for a part
        looks at."""
        from parts import body_scale, look_again
        rng = np.random.default_rng(0)
        found = []
        for picture, persons in zip(self.pictures, self.persons):
            found.append([])
            for person in persons:
                points = person["keypoints"][:, [1, 0, 2]]
                moved = rng.normal(0, 0.1 * body_scale(points[:, 1::-1]),
                                   (len(points), 2))
                near = points.copy()
                near[:, :2] += moved
                near[:, 2] = 1
                _, seen = look_again([network], picture, 1, near)
                # What wasn't looked at is right.
                seen[seen == near] = points[seen == near]
                found[-1].append((1, seen))
        return self.score(found)

    def score(self, found):
        """Of lists of persons (score, [17, 3] of y, x and score)."""
        results = [{"image_id": number, "category_id": 1,
                    "score": float(score), "keypoints":
                    points[:, [1, 0, 2]].ravel().tolist()}
                   for number, persons in enumerate(found, 1)
                   for score, points in persons]
        return average_precision(self.annotations, results)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=["write", "check"])
    parser.add_argument("path")
    parser.add_argument("--head", help="a network that looks at heads again")
    parser.add_argument("--limb", help="one that looks at limbs")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=TEST_SEED)
    options = parser.parse_args()
    if options.action == "write":
        write(options.path, options.seed, options.count)
        return
    from network import load
    parts = [load(name, path) for name, path in (
        ("pose_small_head", options.head), ("pose_small_limb", options.limb))
        if path]
    scenes = Scenes(options.seed, options.count)
    stats = scenes.evaluate(load("pose_small", options.path), parts)
    print("AP %.3f, at 0.5 %.3f, at 0.75 %.3f; AR %.3f" %
          (*stats[:3], stats[5]))


if __name__ == "__main__":
    main()
