# SPDX-License-Identifier: Apache-2.0
"""Bodies and poses: proportions, joint angles within limits, and from both the
places and frames of the joints.

A person's own axes are x to the person's left, y up, z forward; lengths are
metres. At rest arms and legs hang down. Angles are degrees.
"""
import numpy as np


def rotate_x(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def rotate_y(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def rotate_z(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def sample_shape(rng):
    """Lengths and widths of one body."""
    child = rng.random() < 0.15
    height = rng.uniform(0.95, 1.45) if child else rng.normal(1.72, 0.1)
    build = float(np.clip(rng.normal(1, 0.16), 0.75, 1.5))
    broad = rng.uniform(-1, 1)
    h = height
    jitter = lambda: rng.normal(1, 0.04)
    head = 0.062 * h * (1 + (1.45 - h) * 0.45 if child else 1) * jitter()
    return {
        "height": h,
        "build": build,
        "broad": broad,
        "head": head,
        "hip": 0.052 * h * (1 - 0.08 * broad) * jitter() * build**0.3,
        "shoulder": 0.105 * h * (1 + 0.09 * broad) * jitter() * build**0.3,
        "waist": 0.10 * h * jitter(),
        "chest": 0.19 * h * jitter(),
        "neck": 0.055 * h * jitter(),
        "upper_arm": 0.172 * h * jitter(),
        "forearm": 0.145 * h * jitter(),
        "hand": 0.085 * h * jitter(),
        "thigh": 0.24 * h * jitter() * (0.92 if child else 1),
        "shank": 0.24 * h * jitter() * (0.92 if child else 1),
        "foot": 0.145 * h * jitter(),
    }


# ---- Angles ------------------------------------------------------------------


def sample_arm(rng, swing=0.0):
    """Flexion, abduction and twist of the shoulder, flexion of the elbow."""
    kind = rng.choice(
        ["hang", "hip", "front", "up", "side", "reach", "face", "any"],
        p=[0.38, 0.09, 0.14, 0.09, 0.08, 0.1, 0.06, 0.06])
    u, n = rng.uniform, rng.normal
    if kind == "hang":
        return [n(swing, 8), u(3, 20), n(0, 20), abs(n(10, 18))]
    if kind == "hip":
        return [u(-30, 5), u(30, 55), u(20, 60), u(80, 120)]
    if kind == "front":
        return [u(0, 45), u(0, 20), u(-60, 10), u(60, 130)]
    if kind == "up":
        return [u(130, 180), u(-10, 35), n(0, 30), u(0, 70)]
    if kind == "side":
        return [u(-20, 30), u(60, 110), u(-90, 60), u(0, 100)]
    if kind == "reach":
        return [u(45, 115), u(-15, 45), n(0, 35), u(0, 60)]
    if kind == "face":
        return [u(20, 80), u(0, 50), u(-50, 10), u(115, 145)]
    return [u(-50, 175), u(-10, 110), u(-80, 70), u(0, 145)]


def sample_legs(rng, kind):
    """Flexion, abduction and twist of both hips, flexion of both knees."""
    u, n = rng.uniform, rng.normal
    if kind == "walk":
        swing = u(10, 50) * rng.choice([-1, 1])
        back = u(5, 90)
        legs = [[swing, u(0, 6), n(0, 6), u(0, 25)],
                [-swing * 0.7, u(0, 6), n(0, 6), back]]
        return legs if swing > 0 else [[swing * 0.7, 3, 0, back],
                                       [-swing, 3, 0, u(0, 25)]]
    if kind == "sit":
        flex, wide = u(65, 105), u(0, 25)
        return [[n(flex, 5), n(wide, 5), n(0, 10), u(55, 115)]
                for _ in range(2)]
    if kind == "crouch":
        flex, wide = u(60, 130), u(0, 30)
        return [[n(flex, 8), n(wide, 5), n(0, 10), u(80, 145)]
                for _ in range(2)]
    if kind == "wild":
        return [[u(-30, 120), u(-8, 50), u(-25, 25), u(0, 130)]
                for _ in range(2)]
    wide = abs(n(4, 5))
    legs = [[n(0, 6), n(wide, 3), n(0, 10), abs(n(0, 6))] for _ in range(2)]
    if rng.random() < 0.2:
        legs[rng.integers(2)] = [u(0, 60), u(0, 15), n(0, 12), u(10, 110)]
    return legs


def sample_angles(rng):
    """All angles of one pose, and how the whole body is turned."""
    kind = str(rng.choice(["stand", "walk", "sit", "crouch", "wild", "lie",
                           "bend"], p=[0.42, 0.22, 0.14, 0.04, 0.11, 0.02,
                                       0.05]))
    u, n = rng.uniform, rng.normal
    legs = sample_legs(rng, {"lie": rng.choice(["stand", "sit", "wild"]),
                             "bend": "stand"}.get(kind, kind))
    loose = {"wild": 2.0, "crouch": 1.5}.get(kind, 1.0)
    bend = u(25, 80) if kind == "bend" else n(3, 8 * loose)
    if kind == "crouch":
        bend = u(5, 50)
    swing = legs[0][0] * 0.7 if kind == "walk" else 0
    lean = {"sit": n(-5, 10), "wild": n(0, 20), "walk": u(0, 12)}.get(
        kind, n(0, 3))
    if kind == "lie":
        root = rotate_x(rng.choice([-1, 1]) * u(75, 100)) @ rotate_y(u(0, 360))
    else:
        root = rotate_z(n(0, 4 * loose)) @ rotate_x(lean)
    return {
        "kind": kind,
        "root": root,
        "spine": [bend * 0.6, n(0, 6 * loose), n(0, 8 * loose)],
        "chest": [bend * 0.5, n(0, 5 * loose), n(0, 8 * loose)],
        "neck": [float(np.clip(n(2 - bend * 0.3, 13), -45, 45)), n(0, 8),
                 float(np.clip(n(0, 25), -70, 70))],
        "arms": [sample_arm(rng, -swing), sample_arm(rng, swing)],
        "wrists": [[n(0, 20), n(0, 15)] for _ in range(2)],
        "legs": legs,
        "ankles": [float(np.clip(n(0, 10), -25, 30)) for _ in range(2)],
    }


# ---- From angles to places ---------------------------------------------------


def limb(side, angles):
    """A shoulder's or hip's frame; side is 1 on the left, -1 on the right."""
    flex, abduct, twist = angles[:3]
    return rotate_z(side * abduct) @ rotate_x(-flex) @ rotate_y(side * twist)


def is_inside_trunk(shape, trunk_frame, trunk_place, place):
    local = trunk_frame.T @ (place - trunk_place)
    s, h = shape["build"], shape["height"]
    return (abs(local[0]) < 0.08 * h * s and abs(local[2]) < 0.055 * h * s
            and -0.25 * h < local[1] < 0.2 * h)


def pose_arm(shape, frame, shoulder, side, angles, wrist):
    down = np.array([0, -1.0, 0])
    upper = frame @ limb(side, angles)
    elbow = shoulder + upper @ down * shape["upper_arm"]
    lower = upper @ rotate_x(-angles[3])
    hand_place = elbow + lower @ down * shape["forearm"]
    hand = lower @ rotate_z(side * wrist[0]) @ rotate_x(-wrist[1])
    return upper, elbow, lower, hand_place, hand


def bend(angles):
    return (rotate_x(angles[0]) @ rotate_z(angles[1]) @ rotate_y(angles[2]))


def pose_body(rng, shape, angles):
    """Joints as {name: (place, frame)}: place in the person's axes with the
    pelvis at the origin, frame 3 x 3 with the joint's axes as columns. With a
    generator, arms that are within the trunk are sampled again."""
    joints = {}
    pelvis = angles["root"]
    zero = np.zeros(3)
    up = np.array([0, 1.0, 0])
    joints["pelvis"] = (zero, pelvis)
    spine = pelvis @ bend(angles["spine"])
    waist = pelvis @ up * shape["waist"]
    joints["waist"] = (waist, spine)
    chest = spine @ bend(angles["chest"])
    neck = waist + spine @ up * shape["chest"] * 0.5 + (
        chest @ up * shape["chest"] * 0.5)
    joints["chest"] = (waist + spine @ up * shape["chest"] * 0.5, chest)
    joints["neck"] = (neck, chest)
    head = chest @ bend(angles["neck"])
    joints["head"] = (neck + head @ np.array([0, 1, 0.15]) * shape["neck"] +
                      head @ up * shape["head"] * 1.2, head)
    for i, (name, side) in enumerate((("left", 1), ("right", -1))):
        for _ in range(6):
            arm = angles["arms"][i]
            lift = max(0.0, max(arm[0], arm[1]) - 70) / 110
            shoulder = neck + chest @ np.array(
                [side * shape["shoulder"] * (1 - 0.12 * lift),
                 shape["height"] * (-0.012 + 0.03 * lift), 0])
            upper, elbow, lower, wrist, hand = pose_arm(
                shape, chest, shoulder, side, arm, angles["wrists"][i])
            trunk = (shape, chest, joints["chest"][0])
            if rng is None or not (is_inside_trunk(*trunk, wrist) or
                                   is_inside_trunk(*trunk, elbow)):
                break
            angles["arms"][i] = sample_arm(rng)
        joints[name + "_shoulder"] = (shoulder, upper)
        joints[name + "_elbow"] = (elbow, lower)
        joints[name + "_wrist"] = (wrist, hand)
        leg = angles["legs"][i]
        hip = pelvis @ np.array([side * shape["hip"], 0, 0])
        thigh = pelvis @ limb(side, leg)
        knee = hip - thigh @ up * shape["thigh"]
        shank = thigh @ rotate_x(leg[3])
        ankle = knee - shank @ up * shape["shank"]
        foot = shank @ rotate_x(angles["ankles"][i])
        joints[name + "_hip"] = (hip, thigh)
        joints[name + "_knee"] = (knee, shank)
        joints[name + "_ankle"] = (ankle, foot)
    return joints
