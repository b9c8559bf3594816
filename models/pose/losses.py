# SPDX-License-Identifier: Apache-2.0
"""What the maps should be, and how far they are from it.

Scores are 1 within a disc around each keypoint. Offsets are wanted within a
larger disc that grows with the person, and count as OKS does: relative to the
person's size and how exactly the keypoint can be placed. Displacements are
from a keypoint to the next one, within a disc around the first. Where persons
meet, the nearest one counts.
"""
import torch
from torch.nn import functional

from network import EDGES, KEYPOINTS, STRIDE

SIGMAS = torch.tensor([.026, .025, .025, .035, .035, .079, .079, .072, .072,
                       .062, .062, .107, .107, .087, .087, .089, .089])
HEAT_RADIUS = 9.0
POSITIVE_WEIGHT = 1.5
FAR = 1e6


def nearest(keypoints, usable, height, width):
    """For each keypoint and cell the nearest person that has it: distance,
    the person's number [N, K, H, W]; and the way from the cell to it, y, x."""
    ys = torch.arange(height).float()[:, None] * STRIDE
    xs = torch.arange(width).float()[None, :] * STRIDE
    dy = keypoints[..., 1, None, None] - ys
    dx = keypoints[..., 0, None, None] - xs
    square = dy * dy + dx * dx + (~usable)[..., None, None] * FAR**2
    square, person = square.min(1)
    return (square.sqrt(), person,
            of_person(keypoints[..., 1], person) - ys,
            of_person(keypoints[..., 0], person) - xs)


def of_person(values, person):
    """values [N, P, K] for the person numbers [N, K, H, W]."""
    n, k, h, w = person.shape
    flat = values.permute(0, 2, 1).gather(2, person.reshape(n, k, h * w))
    return flat.reshape(n, k, h, w)


def vector_loss(found, want_y, want_x, weight, tolerance):
    count = found.shape[1] // 2
    total = 0
    for part, want in ((found[:, :count], want_y), (found[:, count:], want_x)):
        error = (part - want) / tolerance
        total = total + (weight * functional.smooth_l1_loss(
            error, torch.zeros_like(error), reduction="none", beta=0.5)).sum()
    return total


def heat_loss(logits, keypoints, inside, labelled, distance):
    unlabelled, _, _, _ = nearest(keypoints, inside & ~labelled,
                                  *logits.shape[2:])
    target = (distance <= HEAT_RADIUS).float()
    # Around places that are not labelled either answer is right.
    counts = (unlabelled > 2 * HEAT_RADIUS) | (target > 0)
    loss = functional.binary_cross_entropy_with_logits(
        logits, target, reduction="none",
        pos_weight=torch.tensor(POSITIVE_WEIGHT))
    return (loss * counts).sum() / target.sum().clamp(min=1)


def losses(outputs, keypoints, areas, size):
    """Scores', offsets' and displacements' loss."""
    heat, offset, forward, backward = outputs
    height, width = heat.shape[2:]
    real = (areas > 0)[..., None]
    labelled = (keypoints[..., 2] > 0) & real
    places = keypoints[..., :2]
    inside = ((places >= 0) & (places <= size - 1)).all(-1) & real
    scale = areas.clamp(min=64).sqrt()[..., None].expand_as(labelled)
    total = labelled.sum().clamp(min=1)

    distance, person, dy, dx = nearest(keypoints, labelled, height, width)
    heat_part = heat_loss(heat, keypoints, inside, labelled, distance)

    radius = (0.35 * scale).clamp(12, 36)
    tolerance = (2 * SIGMAS * scale).clamp(min=1.5)
    r = of_person(radius, person)
    weight = (distance <= r) * (1 + 3 * torch.exp(-distance**2 / 128)) / (
        3.14 * (r / STRIDE)**2)
    offset_part = vector_loss(offset, dy, dx, weight,
                              of_person(tolerance, person)) / total

    displacement_part = 0
    for maps, source, target in ((forward, 0, 1), (backward, 1, 0)):
        a = torch.tensor([e[source] for e in EDGES])
        b = torch.tensor([e[target] for e in EDGES])
        distance, person, _, _ = nearest(keypoints[:, :, a],
                                         inside[:, :, a], height, width)
        step = places[:, :, b] - places[:, :, a]
        r = of_person((0.25 * scale).clamp(10, 24)[:, :, a], person)
        seen = of_person(0.25 + 0.75 * inside[:, :, b].float(), person)
        weight = (distance <= r) * seen / (3.14 * (r / STRIDE)**2)
        reach = of_person((4 + 0.06 * scale)[:, :, a], person)
        displacement_part = displacement_part + vector_loss(
            maps, of_person(step[..., 1], person),
            of_person(step[..., 0], person), weight, reach) / total
    return heat_part, offset_part, displacement_part


assert len(SIGMAS) == KEYPOINTS
