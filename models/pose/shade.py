# SPDX-License-Identifier: Apache-2.0
"""Light on surfaces: colours of the pixels of a layer, faces, shadows on the
ground."""
import numpy as np

import dress
import raster
import texture


def sample_light(rng):
    way = np.array([rng.uniform(-1, 1), rng.uniform(-1.2, -0.1),
                    rng.uniform(-1.2, 0.5)])
    ambient = rng.uniform(0.35, 0.85)
    return {"way": (way / np.linalg.norm(way)).astype(np.float32),
            "ambient": ambient, "direct": rng.uniform(0.9, 1.35) - ambient,
            "wrap": rng.uniform(0, 0.5),
            "tint": (1 + rng.normal(0, 0.04, 3)).astype(np.float32)}


def draw_face(colour, head, outfit):
    """Eyes, brows and glasses, by the place on the head."""
    face = np.nonzero(head[:, 2] > 0)[0]
    if not len(face):
        return
    x, y = np.abs(head[face, 0]) - dress.EYE[0], head[face, 1] - dress.EYE[1]
    hair, skin = outfit["materials"][dress.HAIR], outfit["materials"][0]
    brow = (np.abs(y - 0.2 - 0.1 * x) < 0.045) & (np.abs(x) < 0.22)
    colour[face[brow]] = hair[:3] * 0.7
    round_eye = (x / 0.19)**2 + (y / 0.085)**2
    colour[face[round_eye < 1.7]] = skin[:3] * 0.6
    colour[face[round_eye < 1]] = (225, 222, 218)
    colour[face[(x * x + y * y < 0.0075)]] = hair[:3] * 0.4
    if outfit["glasses"]:
        ring = (x / 0.3)**2 + (y / 0.2)**2
        rim = (ring < 1.5) & (ring > 0.85)
        rim |= (np.abs(y - 0.05) < 0.035) & (np.abs(x) > 0.27)
        colour[face[rim]] = (25, 25, 28)


def shade(colour, normal, material_rows, uv, light):
    wrinkle = material_rows[:, 13]
    bump = texture.noise_at(2, uv[:, 0] * 1.5 + material_rows[:, 10],
                            uv[:, 1] * 1.5)
    facing = normal @ light["way"] + 0.35 * wrinkle * bump
    direct = np.maximum(0, (facing + light["wrap"]) / (1 + light["wrap"]))
    ambient = light["ambient"] * (0.8 - 0.2 * normal[:, 1]) * (
        0.7 - 0.3 * normal[:, 2])
    shine = material_rows[:, 12] * np.maximum(0, facing)**16
    lit = ambient + light["direct"] * direct
    return (colour * lit[:, None] + 255 * 0.6 * shine[:, None]) * light["tint"]


def colour_layer(table, layer, window_mask, outfit, materials, light):
    """Colours of the pixels of a layer that the mask leaves."""
    ys, xs = np.nonzero(window_mask)
    normal, uv, material, head = raster.surface(
        table, layer.index[ys, xs].astype(int),
        (xs + layer.left + 0.5).astype(np.float32),
        (ys + layer.top + 0.5).astype(np.float32), layer.z[ys, xs])
    colour = texture.paint(materials, material, uv)
    if outfit:
        draw_face(colour, head, outfit)
    return shade(colour, normal, materials[material], uv, light)


def cast_shadow(picture, camera, ground, light, fine):
    """A dark spot on the ground; the camera's pixels are that much finer."""
    x, y, _, scale = camera.project(ground)
    x, y = x / fine, y / fine
    wide, flat = 0.45 * scale / fine, 0.13 * scale / fine
    height, width = picture.shape[:2]
    x0, x1 = raster.span(x - 2 * wide, x + 2 * wide, width)
    y0, y1 = raster.span(y - 2 * flat, y + 2 * flat, height)
    if x0 >= x1 or y0 >= y1:
        return
    u = (np.arange(x0, x1) - x) / wide - light["way"][0] * 0.5
    v = (np.arange(y0, y1)[:, None] - y) / flat
    dark = 0.5 * light["direct"] * np.exp(-u * u - v * v)
    picture[y0:y1, x0:x1] *= (1 - np.clip(dark, 0, 0.6))[..., None]
