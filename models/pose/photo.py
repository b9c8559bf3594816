# SPDX-License-Identifier: Apache-2.0
"""What a camera does to a picture: exposure, colour, blur, noise, JPEG."""
import io

import numpy as np
from PIL import Image


def box_blur(picture, length, axis):
    """A running mean along one axis."""
    before = length // 2
    pad = [(0, 0)] * 3
    pad[axis] = (before + 1, length - before - 1)
    total = np.cumsum(np.pad(picture, pad, "edge"), axis, dtype=np.float32)
    size = picture.shape[axis]
    return (np.take(total, np.arange(length, length + size), axis) -
            np.take(total, np.arange(size), axis)) / length


def soft_blur(picture, amount):
    """Three samples a side; amount up to 1."""
    for axis in (0, 1):
        n = picture.shape[axis]
        low = np.take(picture, np.maximum(np.arange(n) - 1, 0), axis)
        high = np.take(picture, np.minimum(np.arange(n) + 1, n - 1), axis)
        picture = picture + (low + high - 2 * picture) * (amount / 3)
    return picture


def compress(picture, quality):
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=int(quality))
    return np.asarray(Image.open(data))


def develop(rng, picture):
    """Float, 0 to 255, to what a phone would store as uint8."""
    p = picture / 255
    # A phone exposes for the whole picture, if not exactly.
    bright = (rng.uniform(0.35, 0.6) / max(0.05, p.mean()))**rng.uniform(0.6, 1)
    gains = min(bright, 2.5) * (1 + rng.normal(0, 0.06, 3))
    p = p * gains.astype(np.float32)
    if rng.random() < 0.15:
        grey = p.mean(2, keepdims=True)
        p = grey + (p - grey) * np.float32(rng.uniform(0, 1.5))
    mean = np.float32(rng.uniform(0.35, 0.6))
    p = mean + (p - mean) * np.float32(rng.uniform(0.65, 1.25))
    p = np.clip(p, 0, 1)**np.float32(np.exp(rng.normal(0, 0.2)))
    if rng.random() < 0.3:
        height, width = p.shape[:2]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
        p = p * (1 - np.float32(rng.uniform(0, 0.3)) * (y * y + x * x))
    if rng.random() < 0.45:
        p = soft_blur(p, np.float32(rng.uniform(0.2, 1)))
    if rng.random() < 0.08:
        p = box_blur(p, int(rng.integers(2, 6)), int(rng.integers(2)))
    if rng.random() < 0.7:
        noise = rng.standard_normal(p.shape, np.float32)
        if rng.random() < 0.3:
            noise = noise[..., :1]
        p = p + noise * np.float32(rng.exponential(0.014))
    out = (np.clip(p, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.6:
        out = compress(out, rng.uniform(25, 95))
    return out
