# SPDX-License-Identifier: Apache-2.0
"""A whole picture from a seed: people on a ground before a background, things
around them, a camera and light; with COCO's annotations.

`render(seed)` is a function of its arguments alone. A keypoint is 0 outside
the picture, 1 if something hides it, 2 if it is seen. As people who annotate
photos leave them out, 0 are nose and eyes of somebody seen from behind, too,
and what is hidden while nothing next to it on the body is seen.
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
from raster import Camera, Table
from things import sample_screens, sample_things

SIZE = 257
# The first ones; each has more room than is used.
VALIDATION_SEED, TEST_SEED, TRAIN_SEED = 1_000_000, 2_000_000, 10_000_000
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
    size = height * np.exp(rng.uniform(np.log(0.42), np.log(1.45)))
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


def sample_person(rng):
    """All that is random about a person but where it stands."""
    shape = body.sample_shape(rng)
    angles = body.sample_angles(rng)
    body.pose_body(rng, shape, angles)  # may choose other arms
    outfit = dress.sample_outfit(rng)
    yaw = rng.choice([rng.normal(0, 35), rng.normal(180, 40),
                      rng.uniform(0, 360)], p=[0.66, 0.15, 0.19])
    return {"shape": shape, "angles": angles, "outfit": outfit, "yaw": yaw,
            "lift": abs(rng.normal(0, 0.25)) if rng.random() < 0.08 else 0,
            "has_seat": angles["kind"] == "sit" and rng.random() < 0.7}


def place_person(sample, turn, place, spot):
    """A sampled person at a spot of the ground, as the camera sees it."""
    shape, outfit = sample["shape"], sample["outfit"]
    joints = body.pose_body(None, shape, sample["angles"])
    shapes, places = dress.make_person(shape, joints, outfit)
    low = min(min(j[0][1] for j in joints.values()) - 0.06 * shape["height"],
              -0.08 * shape["height"])
    world = turn @ body.rotate_y(sample["yaw"])
    origin = place + turn @ np.array([spot[0], sample["lift"] - low, spot[1]])
    person = Person(shapes.moved(world, origin), places @ world.T + origin,
                    outfit, shape["height"], world @ joints["head"][1][:, 2])
    person.ground = place + turn @ np.array([spot[0], 0, spot[1]])
    person.seat = None
    if sample["has_seat"]:
        person.seat = (origin, turn, low, shape["height"])
    return person


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


# In pixels: of COCO's smaller persons no keypoints are annotated either.
LEAST_AREA = 32**2


def is_kept(seen, drawn, keypoints):
    return (seen >= 0.3 * drawn and seen >= LEAST_AREA * FINE**2 and
            (keypoints[:, 2] > 0).sum() >= 5 and
            (keypoints[:, 2] == 2).sum() >= 4)


REACH = np.array([0.035] * 5 + [0.1] * 2 + [0.06] * 4 + [0.14] * 2 +
                 [0.08] * 2 + [0.06] * 2)


LINKS = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (0, 5),
         (0, 6), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12),
         (11, 12), (11, 13), (13, 15), (12, 14), (14, 16)]


def drop_unknowable(keypoints):
    seen = keypoints[:, 2] == 2
    near = seen.copy()
    for a, b in LINKS:
        near[a] |= seen[b]
        near[b] |= seen[a]
    keypoints[~near, 2] = 0


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
    drop_unknowable(out)
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


class Scene:
    """All that is random about a picture but what the camera adds to it. What
    is changed between two calls of `draw` moves."""

    def __init__(self, rng, width, height, stretch=None, count=None):
        if stretch is None:
            stretch = rng.choice([1, 4 / 3, 3 / 4], p=[0.5, 0.2, 0.3])
        self.width, self.height = width, height
        self.natural = int(round(width / stretch))
        fine_w, fine_h = self.natural * FINE, height * FINE
        if count is None:
            count = int(rng.choice(6, p=[0.03, 0.52, 0.27, 0.11, 0.05, 0.02]))
        self.camera, self.turn, self.place, _ = sample_view(rng, fine_w,
                                                            fine_h)
        self.spots = sample_spots(rng, max(count, 1), self.camera, self.place,
                                  fine_w)[:count]
        self.samples = [sample_person(rng) for _ in self.spots]
        self.light = shade.sample_light(rng)
        self.things, self.materials = sample_things(
            rng, self.placed(), self.camera, self.turn, self.place)
        self.background = texture.background(rng, height, self.natural)
        self.screens = [(s, texture.field(rng, s[3] - s[1], s[2] - s[0]))
                        for s in sample_screens(rng, self.natural, height)]

    def placed(self):
        return [place_person(sample, self.turn, self.place, spot)
                for sample, spot in zip(self.samples, self.spots)]

    def draw(self):
        """The picture, float [height, width, 3], and its annotations."""
        fine = (self.natural * FINE, self.height * FINE)
        persons, picture = self.placed(), self.background.copy()
        tables, layers = draw_layers(persons, self.things, self.camera, *fine)
        layers, owner, found = drop_hidden(
            layers, persons, self.camera, [s for s, _ in self.screens], fine)
        front = np.zeros((*owner.shape, 3), np.float32)
        for i, layer in layers:
            person = persons[i] if i >= 0 else None
            if person:
                shade.cast_shadow(picture, self.camera, person.ground,
                                  self.light, FINE)
            mask = owner[layer.window()] == i
            if mask.any():
                front[layer.window()][mask] = shade.colour_layer(
                    tables[i], layer, mask, person and person.outfit,
                    person.materials if person else self.materials, self.light)
        covered = coarser((owner != NOBODY).astype(np.float32))
        picture = coarser(front) + picture * (1 - covered[..., None])
        for (x0, y0, x1, y1), field in self.screens:
            picture[y0:y1, x0:x1] = field[:, :self.natural - x0]
        picture = np.clip(picture, 0, 255)
        if self.natural != self.width:
            image = Image.fromarray(picture.astype(np.uint8))
            picture = np.asarray(image.resize((self.width, self.height),
                                              Image.BILINEAR), np.float32)
        return picture, [
            annotate(persons[i], found[i], owner, i, self.width / self.natural)
            for i, _ in layers if i >= 0]


def render(seed, width=SIZE, height=SIZE, stretch=None, count=None):
    """The picture, uint8 [height, width, 3], and its persons: keypoints
    (17, 3) of x, y and visibility, with true places even outside; area and
    bbox of what is seen. `stretch` is how much wider than natural it is."""
    rng = np.random.default_rng([7, seed])
    picture, annotations = Scene(rng, width, height, stretch, count).draw()
    return photo.develop(rng, picture), annotations
