# SPDX-License-Identifier: Apache-2.0
"""Colours: noise, palettes of skin, hair and cloth, woven and printed
patterns, and backgrounds."""
import colorsys

import numpy as np

TILE = 256


def make_noise(rng, size=TILE, octaves=6, rough=0.6):
    """Noise that tiles, mean 0 and deviation 1."""
    fy = np.fft.fftfreq(size)[:, None] * size
    fx = np.fft.rfftfreq(size)[None, :] * size
    radius = np.maximum(np.hypot(fx, fy), 1)
    power = radius**(-2 * rough) * (radius < 2**octaves)
    phase = rng.uniform(0, 2 * np.pi, power.shape)
    noise = np.fft.irfft2(power * np.exp(1j * phase), (size, size))
    noise -= noise.mean()
    return (noise / noise.std()).astype(np.float32)


NOISES = [make_noise(np.random.default_rng(i), octaves=o, rough=r)
          for i, (o, r) in enumerate([(3, 0.5), (5, 0.5), (7, 0.45),
                                      (7, 0.2), (6, 0.9), (4, 0.1)])]


def noise_at(kind, u, v):
    """Noise at places in tiles."""
    n = NOISES[kind % len(NOISES)]
    return n[(v * TILE).astype(int) % TILE, (u * TILE).astype(int) % TILE]


# ---- Palettes ----------------------------------------------------------------

SKINS = np.array([[255, 224, 196], [241, 194, 160], [224, 172, 125],
                  [198, 134, 90], [150, 95, 60], [95, 58, 38], [62, 39, 28]])
HAIRS = np.array([[20, 17, 15], [45, 30, 20], [80, 52, 30], [125, 85, 45],
                  [190, 150, 90], [225, 200, 150], [140, 60, 30],
                  [170, 168, 165], [235, 232, 228]])
NEUTRALS = np.array([[20, 20, 24], [60, 60, 64], [120, 120, 122],
                     [190, 190, 188], [240, 240, 238], [30, 36, 66],
                     [70, 95, 140], [190, 170, 130], [95, 75, 50],
                     [85, 95, 60]])


def sample_between(rng, colours, spread=8):
    at = rng.uniform(0, len(colours) - 1)
    low = min(int(at), len(colours) - 2)
    mixed = colours[low] + (colours[low + 1] - colours[low]) * (at - low)
    return np.clip(mixed + rng.normal(0, spread, 3), 0, 255)


def sample_skin(rng):
    return sample_between(rng, SKINS)


def sample_hair(rng):
    return np.clip(HAIRS[rng.integers(len(HAIRS))] + rng.normal(0, 10, 3), 0,
                   255)


def sample_colour(rng):
    """Of clothes and things: often grey or dull, sometimes bright."""
    if rng.random() < 0.45:
        return np.clip(NEUTRALS[rng.integers(len(NEUTRALS))] +
                       rng.normal(0, 12, 3), 0, 255)
    return 255 * np.array(colorsys.hsv_to_rgb(
        rng.random(), rng.random()**0.7, rng.uniform(0.15, 1)))


# ---- Materials ---------------------------------------------------------------

PLAIN, STRIPES, PLAID, DOTS, PATCHES, PRINT, HEATHER = range(7)


def make_material(colour, kind=PLAIN, second=(0, 0, 0), scale=0.05, angle=0.0,
                  phase=0.0, rough=0.05, shine=0.0, wrinkle=0.0):
    """A row of numbers: see paint for their places."""
    return np.array([*colour, kind, *second, scale, np.cos(angle),
                     np.sin(angle), phase, rough, shine, wrinkle], np.float32)


def sample_cloth(rng):
    kind = rng.choice(7, p=[0.45, 0.14, 0.08, 0.05, 0.07, 0.08, 0.13])
    angle = 0 if rng.random() < 0.6 else np.pi / 2
    return make_material(sample_colour(rng), kind, sample_colour(rng),
                         rng.uniform(0.02, 0.14), angle, rng.uniform(0, 9),
                         rng.uniform(0, 0.1), rng.choice([0, 0, 0.3]),
                         rng.uniform(0.05, 0.5))


def paint(materials, which, uv):
    """Colours of pixels with material numbers and places on the cloth."""
    m = materials[which]
    colour, second = m[:, 0:3].copy(), m[:, 4:7]
    u = (uv[:, 0] * m[:, 8] + uv[:, 1] * m[:, 9]) / m[:, 7] + m[:, 10]
    v = (uv[:, 1] * m[:, 8] - uv[:, 0] * m[:, 9]) / m[:, 7] + m[:, 10]
    kind = m[:, 3].astype(int)
    amount = np.zeros(len(which), np.float32)
    amount += (kind == STRIPES) * (v % 1 < 0.45)
    amount += (kind == PLAID) * 0.5 * ((v % 1 < 0.4).astype(np.float32) +
                                       (u % 1 < 0.4))
    amount += (kind == DOTS) * ((u % 1 - 0.5)**2 + (v % 1 - 0.5)**2 < 0.07)
    blotches = noise_at(0, u / 12, v / 12)
    amount += (kind == PATCHES) * (blotches > 0.2)
    amount += (kind == PRINT) * ((np.abs(uv[:, 0]) < m[:, 7]) &
                                 (np.abs(uv[:, 1]) < m[:, 7] * 0.7) &
                                 (noise_at(2, u / 4, v / 4) > -0.3))
    fine = noise_at(3, uv[:, 0] * 4 + m[:, 10], uv[:, 1] * 4)
    amount += (kind == HEATHER) * np.clip(0.5 + 0.4 * fine, 0, 1) * 0.6
    colour += (second - colour) * amount[:, None]
    return colour * (1 + m[:, 11] * fine)[:, None]


# ---- Backgrounds -------------------------------------------------------------


def sample_dull(rng):
    """Of walls and grounds: mostly of little saturation."""
    colour = sample_colour(rng)
    return colour.mean() + (colour - colour.mean()) * rng.uniform(0.1, 1)


def field(rng, height, width):
    """One texture over the whole picture."""
    a, b = sample_dull(rng), sample_dull(rng)
    x = np.arange(width, dtype=np.float32)[None, :] / max(height, width)
    y = np.arange(height, dtype=np.float32)[:, None] / max(height, width)
    turn = rng.uniform(0, np.pi) if rng.random() < 0.4 else 0
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = x * c + y * s, y * c - x * s
    size = np.exp(rng.uniform(np.log(0.02), np.log(0.4)))
    kind = rng.integers(8)
    if kind == 0:
        amount = np.clip(v * rng.uniform(0.5, 2), 0, 1)
    elif kind == 1:
        amount = 0.5 + 0.4 * noise_at(rng.integers(6), u / (size * 8) + 3,
                                      v / (size * 8) + 5)
    elif kind == 2:
        row = np.floor(v / size)
        amount = (((u / (2 * size) + row * 0.5) % 1 < 0.06) |
                  ((v / size) % 1 < 0.12)) * 1.0
    elif kind == 3:
        amount = ((np.floor(u / size) + np.floor(v / size)) % 2)
    elif kind == 4:
        amount = (u / size) % 1 < rng.uniform(0.1, 0.6)
    elif kind == 5:
        amount = noise_at(1, u / (size * 20), v / (size * 20)) > 0
    elif kind == 6:
        amount = np.clip(0.5 + 0.35 * noise_at(3, u * 2, v * 2), 0, 1)
    else:
        amount = ((u / size) % 1 < 0.5) & ((v / (size * 1.4)) % 1 < 0.6)
    amount = amount.astype(np.float32)[..., None]
    amount = amount * np.float32(rng.uniform(0.2, 1)**2)
    a, b = a.astype(np.float32), b.astype(np.float32)
    picture = a + (b - a) * amount
    grain = noise_at(rng.integers(6), x + rng.random(), y + rng.random())
    return picture * (1 + np.float32(rng.uniform(0, 0.15)) * grain[..., None])


def background(rng, height, width):
    """Walls, grounds and rectangles of different textures; float, 0 to 255."""
    picture = field(rng, height, width)
    if rng.random() < 0.75:
        horizon = int(height * rng.uniform(0.15, 0.95))
        ground = field(rng, height, width)
        shade = np.linspace(rng.uniform(0.6, 1.1), 1, height)[:, None, None]
        picture[horizon:] = (ground * shade)[horizon:]
    for _ in range(rng.poisson(3)):
        w = int(width * rng.uniform(0.03, 0.5)) + 1
        h = int(height * rng.uniform(0.03, 0.7)) + 1
        x = int(rng.integers(-w // 2, width))
        y = int(rng.integers(-h // 2, height))
        window = picture[max(0, y):max(0, y + h), max(0, x):max(0, x + w)]
        if not window.size:
            continue
        if rng.random() < 0.5:
            window[:] = field(rng, *window.shape[:2])
        else:
            window[:] = sample_dull(rng)
        if rng.random() < 0.3:
            window[:, :2] *= 0.6
            window[-2:] *= 0.6
    return picture.astype(np.float32)
