# SPDX-License-Identifier: Apache-2.0
"""From maps to persons, step by step as `adze pose` does it (see
src/pose/posenet.c), for evaluating while training."""
import heapq

import numpy as np

from data import MIRROR
from network import EDGES, KEYPOINTS, STRIDE

PEAK_RADIUS = 24
SIDE_WEIGHT, VOTE_POWER = 2, 3
SCORE_THRESHOLD, NMS_RADIUS, REFINE_STEPS, MOST_PERSONS = 0.15, 20, 2, 10


class Maps:
    """Numpy maps of one picture: [C, H, W], y channels before x channels."""

    def __init__(self, heat, offset, forward, backward):
        self.heat, self.offset = heat, offset
        self.forward, self.backward = forward, backward
        self.height, self.width = heat.shape[1:]

    def cell(self, place):
        y, x = np.floor(np.asarray(place) / STRIDE + 0.5)
        return (int(min(max(y, 0), self.height - 1)),
                int(min(max(x, 0), self.width - 1)))

    def exact(self, keypoint, cell):
        """The mean of what the cell and those around it say."""
        y0, x0 = max(cell[0] - 1, 0), max(cell[1] - 1, 0)
        window = slice(y0, cell[0] + 2), slice(x0, cell[1] + 2)
        weights = self.heat[keypoint][window]**VOTE_POWER + 1e-9
        ys, xs = np.indices(weights.shape)
        ys = (ys + y0) * STRIDE + self.offset[keypoint][window]
        xs = (xs + x0) * STRIDE + self.offset[keypoint + KEYPOINTS][window]
        return tuple(np.average(p, weights=weights) for p in (ys, xs))

    def peak(self, keypoint, place):
        """The cell with the best score around, where the middle counts
        more."""
        (y0, x0), (y1, x1) = [self.cell(np.asarray(place) + r)
                              for r in (-PEAK_RADIUS, PEAK_RADIUS)]
        ys, xs = np.mgrid[y0:y1 + 1, x0:x1 + 1]
        square = (ys * STRIDE - place[0])**2 + (xs * STRIDE - place[1])**2
        score = self.heat[keypoint, y0:y1 + 1, x0:x1 + 1] * np.maximum(
            0, 1 - square / PEAK_RADIUS**2)
        if score.max() <= 0:
            return self.cell(place)
        y, x = np.unravel_index(score.argmax(), score.shape)
        return y0 + int(y), x0 + int(x)

    def follow(self, source, displacement, edge, target):
        y, x = self.cell(source)
        place = (source[0] + displacement[edge, y, x],
                 source[1] + displacement[edge + len(EDGES), y, x])
        y, x = self.peak(target, place)
        for _ in range(REFINE_STEPS):
            place = self.exact(target, (y, x))
            y, x = self.cell(place)
        return (*place, self.heat[target, y, x])

    def person(self, root, place, score):
        points = {root: (*place, score)}
        for e in range(len(EDGES) - 1, -1, -1):
            parent, child = EDGES[e]
            if child in points and parent not in points:
                points[parent] = self.follow(points[child][:2], self.backward,
                                             e, parent)
        for e, (parent, child) in enumerate(EDGES):
            if parent in points and child not in points:
                points[child] = self.follow(points[parent][:2], self.forward,
                                            e, child)
        return np.array([points[k] for k in range(KEYPOINTS)])

    def candidates(self):
        padded = np.pad(self.heat, ((0, 0), (1, 1), (1, 1)),
                        constant_values=-1)
        best = np.max([padded[:, i:i + self.height, j:j + self.width]
                       for i in range(3) for j in range(3)], 0)
        peaks = np.argwhere((self.heat >= SCORE_THRESHOLD) &
                            (self.heat >= best))
        heap = [(-float(self.heat[k, y, x]), int(k), int(y), int(x))
                for k, y, x in peaks]
        heapq.heapify(heap)
        return heap


def side_share(maps, points):
    """The share that the keypoints' scores have of themselves and of those for
    the other side at the same places."""
    own = other = 0
    for k in range(1, KEYPOINTS):
        own += points[k, 2]
        other += maps.heat[(MIRROR[k], *maps.cell(points[k, :2]))]
    return own / max(own + other, 1e-9)


def decode(heat, offset, forward, backward):
    """Persons, best score first: (score, [17, 3] of y, x and score)."""
    maps = Maps(heat, offset, forward, backward)
    heap, persons = maps.candidates(), []

    def is_taken(keypoint, place):
        return any((p[keypoint, 0] - place[0])**2 +
                   (p[keypoint, 1] - place[1])**2 <= NMS_RADIUS**2
                   for _, p in persons)

    while heap and len(persons) < MOST_PERSONS:
        score, keypoint, y, x = heapq.heappop(heap)
        place = maps.exact(keypoint, (y, x))
        if is_taken(keypoint, place):
            continue
        points = maps.person(keypoint, place, -score)
        mean = sum(points[k, 2] for k in range(KEYPOINTS)
                   if not is_taken(k, points[k])) / KEYPOINTS
        share = side_share(maps, points)
        persons.append((mean * share**SIDE_WEIGHT, points))
    return sorted(persons, key=lambda p: -p[0])
