# SPDX-License-Identifier: Apache-2.0
"""Looking again at parts of a person, its head and its limbs, cut out of the
picture as `adze pose` does it (see src/pose/parts.c): squares that are black
around the picture.
"""
import numpy as np
import torch

from data import cut, warp
from losses import SIGMAS
from scene import SIZE

SHARE = 0.9  # a side of the square, of the body's scale
SMALLEST = 8.0
PARENTS = {7: 5, 9: 7, 13: 11, 15: 13}  # of the left side
# How far off, of the body's scale, keypoints of limbs are, and how many so.
SPREADS, SHARES = (0.05, 0.12, 0.25), (0.5, 0.35, 0.15)
PARENT_SPREAD = 0.07
LEAST_INSIDE = 3


def body_scale(points):
    """About as long as the upper body, however it is turned; of places [17, 2].
    """
    shoulders = (points[5] + points[6]) / 2
    hips = (points[11] + points[12]) / 2
    return max(np.hypot(*(shoulders - hips)),
               1.2 * np.hypot(*(points[5] - points[6])),
               np.hypot(*(points[11] - points[12])), SMALLEST)


def square(middle, scale, size, down=(0.0, 1.0), mirrored=False):
    """Maps places of an input of this size to the picture's [2, 3]: a square
    around a place, whose lower side is where `down` leads."""
    down = np.asarray(down, float)
    length = np.hypot(*down)
    down = down / length if length > 0 else np.array([0.0, 1.0])
    right = np.array([down[1], -down[0]]) * (-1 if mirrored else 1)
    linear = np.column_stack([right, down]) * (SHARE * scale / size)
    return np.column_stack([linear, middle - linear @ np.full(2, size / 2)])


# ---- Training --------------------------------------------------------------

def turned(rng, affine, size, degrees):
    """About the middle; a little stretched."""
    ratio = np.exp(rng.normal(0, 0.04))
    angle = np.radians(rng.normal(0, degrees))
    c, s = np.cos(angle), np.sin(angle)
    linear = affine[:, :2] @ np.array([[c * ratio, -s], [s, c / ratio]])
    centre = np.full(2, size / 2)
    middle = affine[:, :2] @ centre + affine[:, 2]
    return np.column_stack([linear, middle - linear @ centre])


def sample_head(rng, part, points, visible):
    """What to look at, and which keypoints are then to be seen [17]."""
    scale = body_scale(points)
    spread = 0.10 if rng.random() < 0.3 else 0.04
    middle = (points[part.keypoints].mean(0) +
              rng.normal(0, spread * scale, 2))
    affine = square(middle, scale * np.exp(rng.normal(0, 0.15)), part.size)
    return turned(rng, affine, part.size, 9), visible, False


def sample_limb(rng, part, points, visible):
    """The same of one keypoint, on the left side if it isn't."""
    choices = [(k, side) for k in part.keypoints for side in (0, 1)
               if visible[k + side] > 0]
    joint, side = choices[rng.integers(len(choices))]
    scale = body_scale(points)
    spread = rng.choice(SPREADS, p=SHARES)
    place = points[joint + side] + rng.normal(0, spread * scale, 2)
    parent = (points[PARENTS[joint] + side] +
              rng.normal(0, PARENT_SPREAD * scale, 2))
    affine = square(place, scale * np.exp(rng.normal(0, 0.15)), part.size,
                    place - parent, side == 1)
    only = np.zeros_like(visible)
    only[joint] = visible[joint + side]
    return turned(rng, affine, part.size, 3), only, side == 1


def sample_batch(rng, pool, count, part):
    """Parts of persons of the pool: see `data.cut`; each picture has one."""
    wanted = list(part.keypoints)
    if not part.is_head:
        wanted += [k + 1 for k in part.keypoints]
    pictures, keypoints, areas, affine = [], [], [], []
    while len(pictures) < count:
        picture, persons, sizes = pool.sample_one(rng)
        known = np.nonzero((sizes > 0) &
                           (persons[:, wanted, 2] > 0).any(1))[0]
        if len(known) == 0:
            continue
        person = rng.choice(known)
        points = persons[person].copy()
        matrix, visible, is_right = (sample_head if part.is_head else
                                      sample_limb)(
            rng, part, points[:, :2], points[:, 2])
        if is_right:
            for k in part.keypoints:
                points[k, :2] = points[k + 1, :2]
        points[:, 2] = visible
        pictures.append(picture)
        keypoints.append(points[None])
        areas.append(sizes[person:person + 1])
        affine.append(matrix)
    return cut(rng, pictures, np.stack(keypoints), np.stack(areas),
               np.stack(affine), part.size, "zeros", part.is_head)


# ---- Looking ---------------------------------------------------------------

def look(network, picture, affine):
    """Places [K, 2] of x, y in the picture."""
    x = warp(picture, affine, network.size, "zeros")[None] / 127.5 - 1
    with torch.no_grad():
        y, x = network(x)[0, :, 0, 0].numpy().reshape(2, -1)
    middle = (network.size - 1) / 2
    return np.column_stack([x + middle, y + middle]) @ affine[:, :2].T + (
        affine[:, 2])


def take(found, numbers, places, scale):
    """Puts keypoints where they were seen; the more they differ from what was
    found, the less is their score."""
    tolerance = 2 * SIGMAS.numpy()[numbers] * SHARE * scale
    square = ((places - found[numbers, 1::-1])**2).sum(1)
    found[numbers, 2] *= np.exp(-square / tolerance**2 / 2)
    found[numbers, 1::-1] = places


def look_at_head(network, picture, found):
    """A person's keypoints [17, 3] of y, x and score, with those of the head
    where the network sees them."""
    points, scores = found[:, 1::-1], found[network.keypoints, 2] + 1e-6
    middle = np.average(points[network.keypoints], axis=0, weights=scores)
    scale = body_scale(points)
    affine = square(middle, scale, network.size)
    found = found.copy()
    take(found, network.keypoints, look(network, picture, affine), scale)
    return found


def look_at_limbs(network, picture, found):
    """The same of the limbs, one keypoint after the other."""
    found = found.copy()
    for i, joint in enumerate(network.keypoints):
        for side in (0, 1):
            points = found[:, 1::-1]
            place, scale = points[joint + side], body_scale(points)
            affine = square(place, scale, network.size,
                            place - points[PARENTS[joint] + side], side == 1)
            seen = look(network, picture, affine)[i:i + 1]
            take(found, [joint + side], seen, scale)
    return found


def look_again(networks, picture, score, found):
    """A person's score and keypoints, by whichever of the two there are."""
    first = found
    for network in networks:
        look_at = look_at_head if network.is_head else look_at_limbs
        found = look_at(network, picture, found)
    if len(networks) > 0:
        places = found[:, :2]
        inside = ((places >= 0) & (places <= SIZE - 1)).all(1).sum()
        score = (score * found[:, 2].sum() / first[:, 2].sum() *
                 len(found) / max(inside, LEAST_INSIDE))
    return score, found
