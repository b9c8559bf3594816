# SPDX-License-Identifier: Apache-2.0
"""What else is in a scene: poles, balls and stools; and what hides parts of
people: posts, tables."""
import numpy as np

import body
import texture
from raster import Shapes


def sample_things(rng, persons, camera, turn, place):
    """Poles, balls and stools between, behind and before people."""
    shapes = Shapes()
    material = lambda: int(rng.integers(4))
    for person in persons:
        if person.seat:
            origin, frame, low, h = person.seat
            side = np.array([0.2 * h, 0, 0])
            under = np.array([0, -0.1 * h, 0])
            for step in (side, -side):
                shapes.capsule(origin + frame @ (under + step),
                               origin + frame @ (under - step), 0.05 * h,
                               0.05 * h, material())
                shapes.capsule(origin + frame @ (under + step), origin +
                               frame @ (np.array([0, low, 0]) + step),
                               0.02 * h, 0.02 * h, material())
    count = rng.poisson(1.2) if rng.random() < 0.6 else 0
    for _ in range(count):
        spot = np.array([rng.normal(0, 1.3), 0, rng.normal(-0.3, 1.0)])
        if place[2] - spot[2] < 0.8:
            continue
        lean = body.rotate_z(rng.normal(0, 40)) @ body.rotate_x(
            rng.normal(0, 40))
        length, wide = rng.uniform(0.1, 1.2), np.exp(rng.uniform(-4.2, -2.0))
        start = place + turn @ (spot + [0, rng.uniform(0, 1.7), 0])
        if rng.random() < 0.55:
            end = start + turn @ lean @ np.array([0, length, 0])
            shapes.capsule(start, end, wide, wide * rng.uniform(0.5, 1.2),
                           material())
        else:
            sizes = wide * rng.uniform(0.7, 3, 3)
            shapes.ellipsoid(start, turn @ lean, sizes, material())
    materials = [texture.sample_cloth(rng) for _ in range(4)]
    if rng.random() < 0.4:
        materials[0][:3] = texture.sample_skin(rng)
    return shapes, np.stack(materials)


def sample_screens(rng, width, height):
    """Rectangles before everything: window frames, tables, posts."""
    out = []
    for _ in range(rng.poisson(0.15)):
        if rng.random() < 0.5:
            w, h = rng.uniform(0.2, 0.7), rng.uniform(0.05, 0.3)
            x, y = rng.uniform(-0.2, 0.9), 1 - h
        else:
            w, h = rng.uniform(0.02, 0.1), 1
            x, y = rng.uniform(0, 1), 0
        left, top = int(x * width), int(y * height)
        out.append((max(0, left), top, max(1, left + int(w * width)), height))
    return out
