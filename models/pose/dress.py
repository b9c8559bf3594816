# SPDX-License-Identifier: Apache-2.0
"""From a posed body to shapes: flesh, face, hair and clothes, each with a
material; and the places of the 17 keypoints."""
import numpy as np

import texture
from raster import Shapes

KEYPOINT_JOINTS = ["left_shoulder", "right_shoulder", "left_elbow",
                   "right_elbow", "left_wrist", "right_wrist", "left_hip",
                   "right_hip", "left_knee", "right_knee", "left_ankle",
                   "right_ankle"]
SKIN, HAIR, TOP, BOTTOM, SHOES, EXTRA, SOCKS, MOUTH = range(8)
# On the head, in its radii: right, up and forward as the person sees it.
NOSE = np.array([0, -0.18, 1.13])
EYE = np.array([0.38, 0.08, 0.9])
EAR = np.array([1.0, -0.05, -0.08])


def sample_outfit(rng):
    """Which clothes, and the materials of all parts of a person."""
    skin = texture.make_material(texture.sample_skin(rng), rough=0.03,
                                 shine=0.15)
    top = texture.sample_cloth(rng)
    bottom = top if rng.random() < 0.1 else texture.sample_cloth(rng)
    hair = texture.make_material(texture.sample_hair(rng), texture.HEATHER,
                                 texture.sample_hair(rng) * 0.5, rough=0.15,
                                 shine=0.2)
    shoes = texture.make_material(texture.sample_colour(rng), rough=0.05)
    if rng.random() < 0.1:
        shoes = skin
    return {
        "sleeve": rng.choice(["none", "short", "long"], p=[0.14, 0.43, 0.43]),
        "bottom": rng.choice(["long", "tight", "shorts", "skirt", "gown"],
                             p=[0.4, 0.2, 0.22, 0.11, 0.07]),
        "bare": rng.random() < 0.03,
        "hair": rng.choice(["short", "long", "tail", "bun", "bald"],
                           p=[0.45, 0.27, 0.1, 0.06, 0.12]),
        "hat": rng.choice(["none", "cap", "hat", "helmet"],
                          p=[0.78, 0.1, 0.06, 0.06]),
        "loose": rng.uniform(0.002, 0.03),
        "hem": rng.uniform(0.35, 1.3),
        "cut": rng.uniform(0.25, 1.0),
        "pack": rng.random() < 0.08,
        "glasses": rng.random() < 0.18,
        "beard": rng.random() < 0.18,
        "mouth": rng.uniform(0.03, 0.12),
        "materials": np.stack([skin, hair, top, bottom, shoes,
                               texture.sample_cloth(rng),
                               texture.make_material(
                                   texture.sample_colour(rng)),
                               texture.make_material(
                                   skin[:3] * (0.75, 0.45, 0.45))]),
    }


def at(joint, *local):
    place, frame = joint
    return place + frame @ np.array(local)


def dress_trunk(shapes, shape, joints, outfit):
    h, s = shape["height"], shape["build"]
    top = SKIN if outfit["bare"] else TOP
    hip, shoulder = shape["hip"], shape["shoulder"]
    puff = outfit["loose"] * 0.6
    depth = 0.058 * h * s
    pelvis, waist, chest = joints["pelvis"], joints["waist"], joints["chest"]
    shapes.ellipsoid(at(pelvis, 0, 0.03 * h, -0.008 * h), pelvis[1],
                     (hip * 1.65 * s**0.4 + puff, 0.085 * h, depth * 1.25 +
                      puff), BOTTOM)
    low = (waist[0] + pelvis[0]) / 2
    shapes.ellipsoid(at((low, waist[1]), 0, 0.035 * h, 0.0), waist[1],
                     (0.077 * h * s + puff, 0.135 * h,
                      depth * (1.0 + max(0, s - 1)) + puff), top)
    shapes.ellipsoid(at(waist, 0, 0.06 * h, 0), waist[1],
                     (0.079 * h * s + puff, 0.15 * h, depth + puff), top)
    shapes.ellipsoid(at(chest, 0, 0.03 * h, 0.004 * h), chest[1],
                     (shoulder * 0.9 + puff, 0.105 * h, depth * 1.08 + puff),
                     top)
    if shape["broad"] < -0.2 and h > 1.5:
        for side in (1, -1):
            shapes.ellipsoid(at(chest, side * 0.04 * h, 0.0, depth * 0.75),
                             chest[1], (0.036 * h * s, 0.034 * h * s,
                                        0.03 * h * s), top)
    neck = joints["neck"]
    for name in ("left", "right"):
        tip = joints[name + "_shoulder"][0]
        base = at(neck, 0, -0.015 * h, -0.005 * h)
        shapes.capsule(base, tip, 0.034 * h * s**0.5, 0.034 * h * s**0.5 +
                       puff * 0.5, top)
        low = at(chest, 0, -0.05 * h, 0)
        shapes.capsule(tip + (low - tip) * 0.15, low, 0.03 * h * s, 0.05 * h,
                       top)
    shapes.capsule(at(neck, 0, -0.01 * h, 0), joints["head"][0],
                   0.034 * h * s**0.4, 0.031 * h * s**0.4, SKIN)


def dress_arm(shapes, shape, joints, outfit, name):
    h, s = shape["height"], shape["build"]**0.8
    shoulder, elbow, wrist = (joints[f"{name}_{j}"]
                              for j in ("shoulder", "elbow", "wrist"))
    sleeve = "none" if outfit["bare"] else outfit["sleeve"]
    thick = 0.03 * h * s
    cut = outfit["cut"]
    puff = outfit["loose"] * 0.7
    upper = {"none": (0.0, 0), "short": (0.3 + 0.7 * cut, puff),
             "long": (2, puff)}[sleeve]
    lower = (0.3 + 0.7 * cut if cut < 0.5 else 0.96, puff) if (
        sleeve == "long") else (-1, 0)
    shapes.capsule(shoulder[0], elbow[0], thick, thick * 0.76, TOP, SKIN,
                   *upper)
    shapes.capsule(elbow[0], wrist[0], thick * 0.8, thick * 0.52, TOP, SKIN,
                   *lower)
    size = shape["hand"]
    palm = at(wrist, 0, -size * 0.45, 0)
    shapes.ellipsoid(palm, wrist[1], (size * 0.17, size * 0.42, size * 0.3),
                     SKIN)
    curl = 0.9 if shape["hand"] * 1000 % 1 < 0.5 else 0.3
    tips = at(wrist, 0, -size * (1.15 - 0.5 * curl), size * 0.35 * curl)
    shapes.capsule(at(wrist, 0, -size * 0.6, 0), tips, size * 0.19,
                   size * 0.13, SKIN)
    shapes.capsule(at(wrist, 0, -size * 0.3, size * 0.15),
                   at(wrist, 0, -size * 0.65, size * 0.42), size * 0.1,
                   size * 0.08, SKIN)


def dress_leg(shapes, shape, joints, outfit, name):
    h, s = shape["height"], shape["build"]
    hip, knee, ankle = (joints[f"{name}_{j}"]
                        for j in ("hip", "knee", "ankle"))
    thick = 0.05 * h * s
    kind, cut = outfit["bottom"], outfit["cut"]
    loose = outfit["loose"]
    covers = {"long": ((2, loose), (0.95, loose)), "tight": ((2, 0), (0.9, 0)),
              "shorts": ((0.35 + 0.65 * cut, loose), (-1, 0))}.get(
                  kind, ((0.2, 0), (-1, 0)))
    shapes.capsule(at(hip, 0, -0.01 * h, 0), knee[0], thick, thick * 0.66,
                   BOTTOM, SKIN, *covers[0])
    lower = SOCKS if cut > 0.85 else SKIN
    shapes.capsule(knee[0], ankle[0], thick * 0.68, thick * 0.42, BOTTOM,
                   lower, *covers[1])
    calf = knee[0] + (ankle[0] - knee[0]) * 0.3
    if kind in ("long", "tight"):
        lower = BOTTOM
    shapes.ellipsoid(at((calf, knee[1]), 0, 0, -thick * 0.2), knee[1],
                     (thick * 0.64, 0.08 * h, thick * 0.68),
                     lower if lower != SOCKS else SKIN)
    size, sole = shape["foot"], 0.022 * h
    heel = at(ankle, 0, -0.022 * h, -size * 0.2)
    toe = at(ankle, 0, -0.03 * h, size * 0.62)
    shapes.capsule(heel, toe, sole, sole * 0.8, SHOES)
    shapes.capsule(ankle[0], at(ankle, 0, -0.015 * h, size * 0.3), sole * 1.05,
                   sole, SHOES)


def dress_skirt(shapes, shape, joints, outfit):
    if outfit["bottom"] not in ("skirt", "gown"):
        return
    h, s = shape["height"], shape["build"]
    knees = (joints["left_knee"][0] + joints["right_knee"][0]) / 2
    hips = joints["pelvis"][0]
    spread = np.linalg.norm(joints["left_knee"][0] - joints["right_knee"][0])
    length = outfit["hem"] * (1.25 if outfit["bottom"] == "gown" else 0.8)
    start = hips + joints["pelvis"][1] @ np.array([0, 0.06 * h, 0])
    end = hips + (knees - hips) * length
    wide = shape["hip"] * 1.6 * s**0.5
    shapes.capsule(start, end, wide * 0.85, wide * 1.1 +
                   min(spread * 0.3, wide), BOTTOM, flat=True)


def dress_head(shapes, shape, joints, outfit):
    r = shape["head"]
    radii = np.array([r * 0.98, r * 1.38, r * 1.22])
    head = joints["head"]
    frame = head[1]
    shapes.ellipsoid(head[0], frame, radii, SKIN, True)
    shapes.ellipsoid(at(head, 0, -0.75 * r, 0.35 * r), frame,
                     (r * 0.68, r * 0.66, r * 0.76), SKIN)
    shapes.ellipsoid(at(head, 0, -0.8 * r, 1.02 * r), frame,
                     (0.28 * r, outfit["mouth"] * r, 0.12 * r), MOUTH)
    if outfit["beard"]:
        shapes.ellipsoid(at(head, 0, -0.95 * r, 0.35 * r), frame,
                         (r * 0.72, r * 0.55, r * 0.79), HAIR)
    shapes.capsule(at(head, 0, 0.1 * r, 1.14 * r),
                   at(head, 0, -0.22 * r, 1.3 * r), 0.09 * r, 0.17 * r, SKIN)
    for side in (1, -1):
        shapes.ellipsoid(at(head, *(EAR * radii * (side, 1, 1))), frame,
                         (0.12 * r, 0.34 * r, 0.22 * r), SKIN)
    kind = outfit["hair"]
    if kind != "bald":
        shapes.ellipsoid(at(head, 0, 0.36 * r, -0.22 * r), frame,
                         (r * 1.06, r * 1.18, r * 1.2), HAIR)
        shapes.ellipsoid(at(head, 0, -0.1 * r, -0.5 * r), frame,
                         (r * 0.98, r * 1.05, r * 0.95), HAIR)
    if kind == "long":
        fall = 1.0 + outfit["hem"]
        for side in (0.62, -0.62):
            shapes.capsule(at(head, side * r, 0.1 * r, -0.45 * r),
                           at(head, side * r, -fall * r * 1.5, -0.5 * r),
                           0.5 * r, 0.4 * r, HAIR)
    elif kind == "tail":
        shapes.capsule(at(head, 0, 0.5 * r, -1.3 * r),
                       at(head, 0, -1.4 * r, -1.6 * r), 0.3 * r, 0.15 * r,
                       HAIR)
    elif kind == "bun":
        shapes.ellipsoid(at(head, 0, 0.9 * r, -1.1 * r), frame,
                         (0.5 * r, 0.45 * r, 0.45 * r), HAIR)
    if outfit["hat"] != "none":
        shapes.ellipsoid(at(head, 0, 0.55 * r, -0.1 * r), frame,
                         (r * 1.14, r * 1.08, r * 1.32), EXTRA)
        if outfit["hat"] == "cap":
            shapes.ellipsoid(at(head, 0, 0.62 * r, 1.25 * r), frame,
                             (r * 0.75, r * 0.09, r * 0.7), EXTRA)
        elif outfit["hat"] == "hat":
            shapes.ellipsoid(at(head, 0, 0.6 * r, 0), frame,
                             (r * 1.9, r * 0.1, r * 2), EXTRA)
    face = {"nose": at(head, *(NOSE * radii))}
    for name, side in (("left", 1), ("right", -1)):
        face[name + "_eye"] = at(head, *(EYE * radii * (side, 1, 1)))
        face[name + "_ear"] = at(head, *((EAR * radii + (0.1 * r, 0, 0)) *
                                         (side, 1, 1)))
    return face


def make_person(shape, joints, outfit):
    """Shapes, and keypoints as (17, 3) places, in the person's axes."""
    shapes = Shapes()
    dress_trunk(shapes, shape, joints, outfit)
    for name in ("left", "right"):
        dress_arm(shapes, shape, joints, outfit, name)
        dress_leg(shapes, shape, joints, outfit, name)
    dress_skirt(shapes, shape, joints, outfit)
    face = dress_head(shapes, shape, joints, outfit)
    if outfit["pack"]:
        h = shape["height"]
        shapes.ellipsoid(at(joints["chest"], 0, -0.02 * h, -0.11 * h),
                         joints["chest"][1], (0.09 * h, 0.14 * h, 0.07 * h),
                         EXTRA)
    places = [face[k] for k in ("nose", "left_eye", "right_eye", "left_ear",
                                "right_ear")]
    places += [joints[k][0] for k in KEYPOINT_JOINTS]
    return shapes, np.array(places)
