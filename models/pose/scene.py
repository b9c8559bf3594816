# SPDX-License-Identifier: Apache-2.0
"""A whole picture from a seed: people on a ground before a background, things
around them, a camera and light; with COCO's annotations.

`render(seed)` is a function of its arguments alone. A keypoint is 0 outside
the picture, 1 if something hides it, 2 if it is seen; nose and eyes of people
seen from behind are 0 too, since people who annotate photos leave them out.
Places are pixels, the centre of the first pixel is (0, 0).
"""
import numpy as np
from PIL import Image

import body
import dress
import photo
import raster
import shade
import texture
from raster import Camera, Shapes, Table

FINE = 2  # drawn at this many times the size
FLIP = np.diag([1.0, -1.0, -1.0])
NOBODY, THING, NOTHING = -1, -2, -3


class Person:
    """A dressed body in camera coordinates."""

    def __init__(self, shapes, places, outfit, height, forward):
        self.shapes, self.places, self.outfit = shapes, places, outfit
        self.height, self.forward = height, forward
        self.materials = outfit["materials"]


def sample_view(rng, width, height):
    """A camera, how the ground lies before it, and the first person's place:
    the rotation from world to camera and the place of its origin."""
    focal = height * rng.uniform(0.9, 2.2)
    camera = Camera(focal, width * (0.5 + rng.normal(0, 0.08)),
                    height * (0.5 + rng.normal(0, 0.12)))
    pitch = np.clip(rng.normal(6, 9), -12, 40)
    turn = body.rotate_x(pitch) @ body.rotate_z(rng.normal(0, 4)) @ FLIP
    size = height * np.exp(rng.uniform(np.log(0.2), np.log(1.7)))
    if size > 0.95 * height:
        top = height * rng.uniform(-0.05, 0.3)
        feet = top + size
    else:
        feet = rng.uniform(size * 0.95, height * 1.02)
    z = focal * 1.7 / size
    place = np.array([(width * rng.uniform(0.15, 0.85) - camera.cx) * z /
                      focal, (feet - camera.cy) * z / focal, z])
    return camera, turn, place, size


def sample_spots(rng, count, camera, place, width):
    """Where people stand on the ground: x to the right, z to the camera."""
    spots = [(0.0, 0.0)]
    group = rng.random() < 0.45
    for _ in range(count - 1):
        for _ in range(8):
            if group:
                x = rng.normal(0, 0.5 + 0.35 * count)
                z = rng.normal(0, 0.5)
            else:
                z = place[2] * (1 - np.exp(rng.uniform(-0.6, 0.8)))
                far = place[2] - z
                x = (width * rng.uniform(0.02, 0.98) - camera.cx) * far / (
                    camera.focal) - place[0]
            if place[2] - z < 0.9:
                continue
            if all(np.hypot(x - a, (z - b) * 0.7) > 0.42 for a, b in spots):
                spots.append((x, z))
                break
    return spots


def make_person(rng, turn, place, spot):
    shape = body.sample_shape(rng)
    angles = body.sample_angles(rng)
    joints = body.pose_body(rng, shape, angles)
    outfit = dress.sample_outfit(rng)
    shapes, places = dress.make_person(rng, shape, joints, outfit)
    yaw = rng.choice([rng.normal(0, 35), rng.normal(180, 40),
                      rng.uniform(0, 360)], p=[0.5, 0.15, 0.35])
    low = min(min(j[0][1] for j in joints.values()) - 0.06 * shape["height"],
              -0.08 * shape["height"])
    lift = abs(rng.normal(0, 0.25)) if rng.random() < 0.08 else 0
    world = turn @ body.rotate_y(yaw)
    origin = place + turn @ np.array([spot[0], lift - low, spot[1]])
    person = Person(shapes.moved(world, origin), places @ world.T + origin,
                    outfit, shape["height"], world @ joints["head"][1][:, 2])
    person.ground = place + turn @ np.array([spot[0], 0, spot[1]])
    person.seat = None
    if angles["kind"] == "sit" and rng.random() < 0.7:
        person.seat = (origin, turn, low, shape["height"])
    return person


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
    count = rng.poisson(1.5) if rng.random() < 0.6 else 0
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


# ---- Putting together --------------------------------------------------------


def combine(layers, width, height):
    """The nearest of all layers: z and the layer's number."""
    z = np.full((height, width), raster.FAR, np.float32)
    owner = np.full((height, width), NOBODY, np.int16)
    for number, layer in layers:
        window = layer.window()
        nearer = layer.z < z[window]
        np.copyto(z[window], layer.z, where=nearer)
        np.copyto(owner[window], number, where=nearer)
    return z, owner


def sample_screens(rng, width, height):
    """Rectangles before everything: window frames, tables, posts."""
    out = []
    for _ in range(rng.poisson(0.25)):
        if rng.random() < 0.5:
            w, h = rng.uniform(0.2, 0.7), rng.uniform(0.05, 0.3)
            x, y = rng.uniform(-0.2, 0.9), 1 - h
        else:
            w, h = rng.uniform(0.02, 0.1), 1
            x, y = rng.uniform(0, 1), 0
        left, top = int(x * width), int(y * height)
        out.append((max(0, left), top, max(1, left + int(w * width)), height))
    return out


def is_kept(seen, drawn, keypoints):
    return (seen >= 0.3 * drawn and seen >= 90 * FINE * FINE and
            (keypoints[:, 2] > 0).sum() >= 5 and
            (keypoints[:, 2] == 2).sum() >= 4)


REACH = np.array([0.035] * 5 + [0.1] * 2 + [0.06] * 4 + [0.14] * 2 +
                 [0.08] * 2 + [0.06] * 2)


def find_keypoints(person, camera, z, owner, number):
    """(17, 3): places in fine pixels, and how visible."""
    height, width = owner.shape
    out = camera.project(person.places)[:, :3].copy()
    x, y = np.floor(out[:, 0]).astype(int), np.floor(out[:, 1]).astype(int)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    seen = (owner[y, x] == number) & (
        out[:, 2] - z[y, x] < REACH * person.height)
    out[:, 2] = np.where(inside, np.where(seen, 2, 1), 0)
    if person.forward[2] > 0.2:
        out[:3, 2] = 0
    return out


def annotate(person, keypoints, owner, number, stretch):
    ys, xs = np.nonzero(owner == number)
    k = keypoints.copy()
    k[:, 0] = k[:, 0] / FINE * stretch - 0.5
    k[:, 1] = k[:, 1] / FINE - 0.5
    x0, x1 = xs.min() / FINE * stretch, (xs.max() + 1) / FINE * stretch
    y0, y1 = ys.min() / FINE, (ys.max() + 1) / FINE
    return {"keypoints": k, "area": len(xs) * stretch / FINE**2,
            "bbox": [x0, y0, x1 - x0, y1 - y0]}


def draw_layers(persons, things, camera, width, height):
    """Of each person that is in the picture, by number, and of all things."""
    groups = [(i, person.shapes) for i, person in enumerate(persons)]
    if things.capsules and things.ellipsoids:
        groups.append((THING, things))
    tables, layers = {}, []
    for i, shapes in groups:
        tables[i] = Table(shapes, camera)
        layer = raster.draw(tables[i], width, height)
        if layer is not None and (layer.index >= 0).any():
            layers.append((i, layer))
    return tables, layers


def drop_hidden(layers, persons, camera, screens, size):
    """Leaves out who is hardly seen, the most hidden first. The layers that
    are left, whose each pixel is, and the keypoints of each person."""
    while True:
        z, owner = combine(layers, *size)
        for x0, y0, x1, y1 in screens:
            owner[y0 * FINE:y1 * FINE, x0 * FINE:x1 * FINE] = NOTHING
        found, worst = {}, None
        for i, layer in layers:
            if i < 0:
                continue
            seen = int((owner[layer.window()] == i).sum())
            drawn = int((layer.index >= 0).sum())
            found[i] = find_keypoints(persons[i], camera, z, owner, i)
            if not is_kept(seen, drawn, found[i]) and (
                    worst is None or seen / drawn < worst[0]):
                worst = (seen / drawn, i)
        if worst is None:
            return layers, owner, found
        layers = [(i, layer) for i, layer in layers if i != worst[1]]


def coarser(fine):
    return sum(fine[i::FINE, j::FINE] for i in range(FINE)
               for j in range(FINE)) / FINE**2


def render(seed, width=257, height=257, stretch=None, count=None):
    """The picture, uint8 [height, width, 3], and its persons: keypoints
    (17, 3) of x, y and visibility, with true places even outside; area and
    bbox of what is seen. `stretch` is how much wider than natural it is."""
    rng = np.random.default_rng([7, seed])
    if stretch is None:
        stretch = rng.choice([1, 4 / 3, 3 / 4], p=[0.5, 0.2, 0.3])
    natural = int(round(width / stretch))
    stretch = width / natural
    fine_w, fine_h = natural * FINE, height * FINE
    if count is None:
        count = int(rng.choice(6, p=[0.03, 0.37, 0.24, 0.16, 0.11, 0.09]))
    camera, turn, place, _ = sample_view(rng, fine_w, fine_h)
    spots = sample_spots(rng, max(count, 1), camera, place, fine_w)[:count]
    persons = [make_person(rng, turn, place, spot) for spot in spots]
    light = shade.sample_light(rng)
    things, thing_materials = sample_things(rng, persons, camera, turn, place)
    picture = texture.background(rng, height, natural)

    tables, layers = draw_layers(persons, things, camera, fine_w, fine_h)
    screens = sample_screens(rng, natural, height)
    layers, owner, found = drop_hidden(layers, persons, camera, screens,
                                       (fine_w, fine_h))
    front = np.zeros((fine_h, fine_w, 3), np.float32)
    for i, layer in layers:
        if i >= 0:
            shade.cast_shadow(picture, camera, persons[i].ground, light, FINE)
        mask = owner[layer.window()] == i
        if mask.any():
            outfit = persons[i].outfit if i >= 0 else None
            materials = persons[i].materials if i >= 0 else thing_materials
            front[layer.window()][mask] = shade.colour_layer(
                tables[i], layer, mask, outfit, materials, light)
    covered = coarser((owner != NOBODY).astype(np.float32))
    picture = coarser(front) + picture * (1 - covered[..., None])
    for x0, y0, x1, y1 in screens:
        picture[y0:y1, x0:x1] = texture.field(rng, y1 - y0, x1 - x0)[
            :height, :natural - x0]
    annotations = [annotate(persons[i], found[i], owner, i, stretch)
                   for i, _ in layers if i >= 0]
    picture = np.clip(picture, 0, 255)
    if natural != width:
        picture = np.asarray(Image.fromarray(picture.astype(np.uint8)).resize(
            (width, height), Image.BILINEAR)).astype(np.float32)
    return photo.develop(rng, picture), annotations
