# SPDX-License-Identifier: Apache-2.0
"""What the maps should be, and how far they are from it.

Scores are a Gaussian around each keypoint, lower where the offset beside them
is not exact. Offsets are wanted near it, at the nearest cells above all, and
count as OKS does: relative to the person's size and how exactly the keypoint
can be placed. Displacements are from a keypoint to the next one, within a disc
around the first. Where persons meet, the nearest one counts. A map that the
finished network leaves out says whether a person is seen from the front, which
the network is slow to find out by itself.

The decoder goes from limb to limb by way of the nose, also when that is outside
the picture or not to be seen; it then reads the maps at the edge. So vectors of
such keypoints are taught as well, with less weight, around the nearest place
in the picture.
"""
import torch
from torch.nn import functional

from network import EDGES, KEYPOINTS, STRIDE

SIGMAS = torch.tensor([.026, .025, .025, .035, .035, .079, .079, .072, .072,
                       .062, .062, .107, .107, .087, .087, .089, .089])
# For the network that finds persons: another one makes heads exact.
FINDING_SIGMAS = SIGMAS.clone()
FINDING_SIGMAS[:5] = 0.05
# Pixels of the input, where nothing else is said.
HEAT_WIDTH = 6.0
POSITIVE_WEIGHT = 1.5
# Faces tell what is left and right.
HEAT_WEIGHTS = torch.tensor([2.0] * 5 + [1.0] * 12)
# Cells count by a Gaussian up to the reach, together this many nearest ones;
# tolerance grows with the distance.
OFFSET_WIDTH, OFFSET_REACH, OFFSET_CELLS, FAR_TOLERANCE = 8.0, 20.0, 6.0, 0.1
# Of what OKS loses by an offset, and of its distance.
OKS_WEIGHT, L1_WEIGHT = 2.0, 0.5
# How much of a score the OKS of the offset beside it is.
QUALITY_SHARE = 0.75
UNSEEN_WEIGHT = 0.3
PART_TOLERANCE = 0.7  # at least, of the input's pixels
FACING_REACH = 24.0
FAR = 1e6


def nearest(places, usable, height, width):
    """For each keypoint and cell the nearest person that has it: distance and
    the person's number [N, K, H, W]."""
    ys = torch.arange(height).float()[:, None] * STRIDE
    xs = torch.arange(width).float()[None, :] * STRIDE
    dy = places[..., 1, None, None] - ys
    dx = places[..., 0, None, None] - xs
    square = dy * dy + dx * dx + (~usable)[..., None, None] * FAR**2
    square, person = square.min(1)
    return square.sqrt(), person


def of_person(values, person):
    """values [N, P, K] for the person numbers [N, K, H, W]."""
    n, k, h, w = person.shape
    flat = values.permute(0, 2, 1).gather(2, person.reshape(n, k, h * w))
    return flat.reshape(n, k, h, w)


def errors(found, want_y, want_x):
    count = found.shape[1] // 2
    return found[:, :count] - want_y, found[:, count:] - want_x


def oks(y, x, tolerance):
    return torch.exp(-((y / tolerance)**2 + (x / tolerance)**2) / 2)


def vector_loss(y, x, weight, tolerance):
    total = 0
    for part in (y, x):
        error = part / tolerance
        total = total + (weight * functional.smooth_l1_loss(
            error, torch.zeros_like(error), reduction="none", beta=0.5)).sum()
    return total


def oks_loss(y, x, weight, tolerance):
    """What OKS loses, to which what is far off hardly matters, and a part of
    `vector_loss`, so that it still comes nearer."""
    lost = (weight * (1 - oks(y, x, tolerance))).sum()
    return OKS_WEIGHT * lost + L1_WEIGHT * vector_loss(y, x, weight, tolerance)


def heat_loss(logits, places, labelled, unlabelled, quality):
    """`quality` is the OKS of each cell's offset: scores say how exact it is as
    well, which decides whose votes count and which persons come first. See
    H. Zhang et al., "VarifocalNet", 2021."""
    distance, _ = nearest(places, labelled, *logits.shape[2:])
    other, _ = nearest(places, unlabelled, *logits.shape[2:])
    near = torch.exp(-(distance / HEAT_WIDTH)**2 / 2)
    # Around places that are not labelled either answer is right.
    counts = (other > 3 * HEAT_WIDTH) | (near > 0.1)
    loss = functional.binary_cross_entropy_with_logits(
        logits, near * (1 - QUALITY_SHARE * (1 - quality)), reduction="none")
    loss = loss * (1 + POSITIVE_WEIGHT * near) * HEAT_WEIGHTS[:, None, None]
    return (loss * counts).sum() / near.sum().clamp(min=1)


def offset_loss(maps, places, held, weight, scale, outside):
    """The loss, and the OKS of each cell's offset. `held` are the places held
    within the picture, `outside` how far."""
    height, width = maps.shape[2:]
    ys = torch.arange(height).float()[:, None] * STRIDE
    xs = torch.arange(width).float()[None, :] * STRIDE
    distance, person = nearest(held, weight > 0, height, width)
    near = torch.exp(-(distance / OFFSET_WIDTH)**2 / 2) * (
        distance <= OFFSET_REACH) / OFFSET_CELLS
    y, x = errors(maps, of_person(places[..., 1], person) - ys,
                  of_person(places[..., 0], person) - xs)
    exact = (2 * of_person(FINDING_SIGMAS * scale, person)).clamp(min=1.5)
    tolerance = exact + 0.25 * of_person(outside, person) + (
        FAR_TOLERANCE * distance)
    return oks_loss(y, x, near * of_person(weight, person),
                    tolerance), oks(y, x, exact).detach()


def displacement_loss(maps, source, target, places, held, weight, scale,
                      outside):
    """Of one direction; source and target are keypoints of the edges."""
    distance, person = nearest(held[:, :, source], weight[:, :, source] > 0,
                               *maps.shape[2:])
    step = (places[:, :, target] - places[:, :, source]).clamp(-400, 400)
    r = of_person((0.25 * scale).clamp(10, 24)[:, :, source], person)
    near = (distance <= r) / (3.14 * (r / STRIDE)**2)
    both = torch.minimum(weight[:, :, source], weight[:, :, target])
    tolerance = (4 + 0.06 * scale[:, :, source] + 0.25 * torch.maximum(
        outside[:, :, source], outside[:, :, target]))
    return vector_loss(*errors(maps, of_person(step[..., 1], person),
                               of_person(step[..., 0], person)),
                       near * of_person(both, person),
                       of_person(tolerance, person))


def facing_loss(logits, held, present, places, scale):
    """Whether a person's left is on the right: what tells all left keypoints
    from right ones. Wanted in all cells near the person."""
    n, persons, count, _ = held.shape
    height, width = logits.shape[2:]
    ys = torch.arange(height).float()[:, None] * 2 * STRIDE
    xs = torch.arange(width).float()[None, :] * 2 * STRIDE
    flat = held.reshape(n, persons * count, 2)
    square = ((flat[..., 1, None, None] - ys)**2 +
              (flat[..., 0, None, None] - xs)**2 +
              (~present).reshape(n, -1)[..., None, None] * FAR**2)
    square, index = square.min(1)
    side = (places[:, :, 5, 0] - places[:, :, 6, 0] + places[:, :, 11, 0] -
            places[:, :, 12, 0]) / (2 * scale[..., 0])
    person = (index // count).reshape(n, -1)
    side = side.gather(1, person).reshape(n, height, width)
    # Most people are seen from the front, which should not be taken for sure.
    weight = (square <= FACING_REACH**2) * (1 + (side < 0))
    loss = functional.binary_cross_entropy_with_logits(
        logits[:, 0], torch.sigmoid(8 * side), reduction="none")
    return (loss * weight).sum() / weight.sum().clamp(min=1)


def part_losses(size, numbers, places, keypoints, areas):
    """The loss of places [N, 2K, 1, 1] from the middle of inputs of this size;
    they are of the K keypoints with these numbers."""
    keypoints = keypoints[:, 0, numbers]
    labelled = (keypoints[..., 2] > 0).float()
    wanted = keypoints[..., :2] - (size - 1) / 2
    y, x = errors(places[..., 0, 0], wanted[..., 1], wanted[..., 0])
    tolerance = 2 * SIGMAS[numbers] * areas.sqrt()
    loss = oks_loss(y, x, labelled, tolerance.clamp(min=PART_TOLERANCE))
    return (loss / labelled.sum().clamp(min=1),)


def losses(outputs, keypoints, areas):
    """Scores', offsets', displacements' and facing's loss."""
    heat, offset, forward, backward, facing = outputs
    places = keypoints[..., :2]
    real = (areas > 0)[..., None]
    labelled = (keypoints[..., 2] > 0) & real
    # A cell is at each edge of the pictures, which are square.
    held = places.clamp(0, STRIDE * (heat.shape[3] - 1))
    outside = (places - held).abs().amax(-1)
    inside = (outside == 0) & real
    weight = labelled.float() + UNSEEN_WEIGHT * (real & ~labelled)
    scale = areas.clamp(min=64).sqrt()[..., None].expand_as(labelled)
    total = labelled.sum().clamp(min=1)

    unknown = inside & ~labelled
    # A nose that is not labelled though a shoulder is seen is turned away.
    behind = unknown[..., 0] & (keypoints[..., 5:7, 2] == 2).any(-1)
    unknown = unknown & ~(behind[..., None] & (torch.arange(KEYPOINTS) < 3))
    offset_part, quality = offset_loss(offset, places, held, weight, scale,
                                       outside)
    heat_part = heat_loss(heat, places, labelled, unknown, quality)
    parents, children = torch.tensor(EDGES).unbind(1)
    displacement_part = (
        displacement_loss(forward, parents, children, places, held, weight,
                          scale, outside) +
        displacement_loss(backward, children, parents, places, held, weight,
                          scale, outside))
    facing_part = facing_loss(facing, held, inside, places, scale)
    return (heat_part, offset_part / total, displacement_part / total,
            facing_part)


assert len(SIGMAS) == KEYPOINTS
