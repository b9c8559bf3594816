# SPDX-License-Identifier: Apache-2.0
"""Rendered pictures for training: a process renders them into files of a pool,
and batches are drawn from all files there, turned, scaled, cut and mirrored.
"""
import os
import time

import numpy as np
import torch
from torch.nn import functional

import scene
from scene import SIZE, TRAIN_SEED

MOST_PERSONS = 6
SHARD = 250
MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def pack(annotations):
    """Annotations as arrays: keypoints [6, 17, 3], areas [6], 0 if none."""
    keypoints = np.zeros((MOST_PERSONS, 17, 3), np.float32)
    areas = np.zeros(MOST_PERSONS, np.float32)
    for i, a in enumerate(annotations[:MOST_PERSONS]):
        keypoints[i], areas[i] = a["keypoints"], a["area"]
    return keypoints, areas


def shard_path(pool, number):
    return os.path.join(pool, f"{number:06d}.npz")


def render_shard(pool, number):
    path = shard_path(pool, number)
    if os.path.exists(path):
        return
    pictures, keypoints, areas = [], [], []
    for i in range(SHARD):
        picture, annotations = scene.render(TRAIN_SEED + number * SHARD + i)
        packed = pack(annotations)
        pictures.append(picture)
        keypoints.append(packed[0])
        areas.append(packed[1])
    part = path + ".part.npz"
    np.savez(part, pictures=np.stack(pictures), areas=np.stack(areas),
             keypoints=np.stack(keypoints))
    os.rename(part, path)


def render_pool(pool, first, step, count, rest=0.0):
    """Renders every step-th shard; rests so many times as long as it works."""
    os.nice(2)
    for number in range(first, count, step):
        start = time.time()
        render_shard(pool, number)
        time.sleep((time.time() - start) * rest)


class Pool:
    """All shards there are, in memory."""

    def __init__(self, folder):
        self.folder, self.shards = folder, {}

    def refresh(self):
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".part.npz") or name in self.shards:
                continue
            with np.load(os.path.join(self.folder, name)) as data:
                self.shards[name] = {k: data[k] for k in data.files}
        self.names = sorted(self.shards)

    def sample_one(self, rng):
        """A picture, the keypoints of its persons and their areas."""
        shard = self.shards[self.names[rng.integers(len(self.names))]]
        i = rng.integers(len(shard["pictures"]))
        return shard["pictures"][i], shard["keypoints"][i], shard["areas"][i]

    def sample(self, rng, count):
        out = [self.sample_one(rng) for _ in range(count)]
        return [np.stack(part) for part in zip(*out)]


def sample_affine(rng, count, size):
    """Maps places of the result to places of the picture: [N, 2, 3] of x, y."""
    out = np.zeros((count, 2, 3), np.float32)
    for n in range(count):
        scale = np.exp(rng.uniform(np.log(0.75), np.log(1.25)))
        scale *= (size / SIZE)**rng.uniform(0.2, 0.9)
        ratio = np.exp(rng.normal(0, 0.05))
        angle = np.radians(rng.normal(0, 8))
        c, s = np.cos(angle) / scale, np.sin(angle) / scale
        matrix = np.array([[c * ratio, -s], [s, c / ratio]])
        slack = max(0.0, SIZE - size / scale) / 2 + 12
        middle = (SIZE - 1) / 2 + rng.uniform(-slack, slack, 2)
        out[n, :, :2] = matrix
        out[n, :, 2] = middle - matrix @ np.full(2, (size - 1) / 2)
    return out


def warp(picture, affine, size, around):
    """[3, size, size], 0 to 255, of a picture [H, W, 3]: `affine` [2, 3] maps
    places to the picture's. `around` it is grid_sample's padding."""
    last = size - 1
    corners = np.array([[0, 0, 1], [last, 0, 1], [0, last, 1],
                        [last, last, 1]]) @ affine.T
    limit = np.array(picture.shape[1::-1]) - 2
    first = np.floor(corners.min(0)).astype(int).clip(0, limit)
    end = (np.ceil(corners.max(0)).astype(int) + 2).clip(first + 2, limit + 2)
    # Only what is seen, which can be much less than the picture.
    part = picture[first[1]:end[1], first[0]:end[0]]
    # grid_sample wants places from -1 to 1, given such places.
    half = (end - first - 1) / 2
    theta = np.column_stack([
        affine[:, :2] * (last / 2) / half[:, None],
        (affine @ [last / 2, last / 2, 1] - first) / half - 1])
    grid = functional.affine_grid(torch.from_numpy(theta).float()[None],
                                  (1, 3, size, size), align_corners=True)
    x = torch.from_numpy(np.ascontiguousarray(part)).permute(2, 0, 1).float()
    return functional.grid_sample(x[None], grid, "bilinear", around,
                                  align_corners=True)[0]


def sample_batch(rng, pool, count, size):
    """Parts of pictures: see `cut`."""
    pictures, keypoints, areas = pool.sample(rng, count)
    affine = sample_affine(rng, count, size)
    return cut(rng, pictures, keypoints, areas, affine, size, "border")


def cut(rng, pictures, keypoints, areas, affine, size, around, mirrors=True):
    """Pictures [N, 3, size, size] as the networks want them, keypoints
    [N, persons, 17, 3], areas [N, persons]: all with other colours, half of
    them mirrored. `affine` [N, 2, 3] maps their places to those of the pictures
    given; `around` is grid_sample's padding."""
    count = len(pictures)
    x = torch.stack([warp(picture, matrix, size, around)
                     for picture, matrix in zip(pictures, affine)])
    gain = np.exp(rng.normal(0, 0.12, (count, 3)) +
                  rng.normal(0, 0.12, (count, 1)))
    x = x * torch.from_numpy(gain.astype(np.float32))[:, :, None, None]
    x = x.clamp(0, 255) / 127.5 - 1

    inverse = np.linalg.inv(affine[:, :, :2])
    places = np.einsum("nij,npkj->npki", inverse, keypoints[..., :2] -
                       affine[:, None, None, :, 2])
    visible = keypoints[..., 2].copy()
    visible[((places < 0) | (places > size - 1)).any(-1)] = 0
    keypoints = np.concatenate([places, visible[..., None]], -1)
    areas = areas * np.abs(np.linalg.det(inverse))[:, None]
    mirrored = mirrors & (rng.random(count) < 0.5)
    for n in np.nonzero(mirrored)[0]:
        x[n] = x[n].flip(2)
        keypoints[n, :, :, 0] = size - 1 - keypoints[n, :, :, 0]
        keypoints[n] = keypoints[n][:, MIRROR]
    return (x, torch.from_numpy(keypoints.astype(np.float32)),
            torch.from_numpy(areas.astype(np.float32)))
