# SPDX-License-Identifier: Apache-2.0
"""Draws capsules and ellipsoids: first which shape is nearest at each pixel,
then normals and places on the surface for the pixels that have one.

Shapes are in camera coordinates: x right, y down, z away, in metres. Each is
seen at the scale of its own distance along parallel rays that go through the
camera (paraperspective: J. Aloimonos, "Perspective approximations", 1990), which
for something as small as a head is all that perspective does.
"""
import numpy as np

FAR = np.float32(1e9)


class Camera:
    """Places to pixels: (cx, cy) is the principal point, focal in pixels."""

    def __init__(self, focal, cx, cy):
        self.focal, self.cx, self.cy = focal, cx, cy

    def project(self, points):
        points = np.asarray(points, np.float64)
        z = np.maximum(points[..., 2], 0.05)
        scale = self.focal / z
        return np.stack([self.cx + points[..., 0] * scale,
                         self.cy + points[..., 1] * scale, z, scale], -1)


class Shapes:
    """A list of shapes with, for each, a row of numbers that shading needs.

    A capsule goes from a to b with radii ra and rb. Up to `cut` of its length
    it has material `first`, and is wider by `puff`; from there `second`. `flat`
    leaves out the round ends. An ellipsoid has axes as columns of `frame`.
    """

    def __init__(self):
        self.capsules, self.ellipsoids = [], []

    def capsule(self, a, b, ra, rb, first, second=None, cut=2.0, puff=0.0,
                flat=False):
        self.capsules.append((a, b, ra, rb, first,
                              first if second is None else second, cut, puff,
                              flat))

    def ellipsoid(self, centre, frame, radii, material, is_head=False):
        self.ellipsoids.append((centre, frame, radii, material, is_head))

    def moved(self, rotation, place):
        """As seen by a camera: x becomes rotation @ x + place."""
        out = Shapes()
        for a, b, *rest in self.capsules:
            out.capsules.append((rotation @ a + place, rotation @ b + place,
                                 *rest))
        for centre, frame, *rest in self.ellipsoids:
            out.ellipsoids.append((rotation @ centre + place,
                                   rotation @ frame, *rest))
        return out


class Layer:
    """What one group of shapes covers: z and shape index in a rectangle."""

    def __init__(self, left, top, z, index):
        self.left, self.top, self.z, self.index = left, top, z, index

    def window(self):
        height, width = self.z.shape
        return (slice(self.top, self.top + height),
                slice(self.left, self.left + width))


def span(low, high, size):
    """Whole pixels from low to high within the picture."""
    return (int(max(0, min(size, np.floor(low)))),
            int(max(0, min(size, np.ceil(high) + 1))))


def draw_capsule(part, z_map, index_map, number, left, top):
    ax, ay, az, bx, by, bz, ra, rb, cut, puff, flat, scale = part
    height, width = z_map.shape
    widest = max(ra, rb) + puff
    x0, x1 = span(min(ax - widest, bx - widest) - left,
                  max(ax + widest, bx + widest) - left, width)
    y0, y1 = span(min(ay - widest, by - widest) - top,
                  max(ay + widest, by + widest) - top, height)
    if x0 >= x1 or y0 >= y1:
        return
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    xs = np.arange(x0, x1, dtype=np.float32) + np.float32(left + 0.5 - ax)
    ys = (np.arange(y0, y1, dtype=np.float32) + np.float32(top + 0.5 - ay))
    ys = ys[:, None]
    if length > 1e-6:
        t = (xs * np.float32(dx / length) + ys * np.float32(dy / length))
    else:
        t = np.full((y1 - y0, x1 - x0), 0 if az < bz else 1, np.float32)
    inside = (t >= 0) & (t <= 1) if flat else None
    t = np.clip(t, 0, 1)
    r = ra + (rb - ra) * t
    if puff:
        r = r + puff * (t < cut)
    ex, ey = xs - t * np.float32(dx), ys - t * np.float32(dy)
    rest = r * r - ex * ex - ey * ey
    hit = rest > 0
    if flat:
        hit &= inside
    z = az + (bz - az) * t - np.sqrt(np.maximum(rest, 0)) / np.float32(scale)
    window = (slice(y0, y1), slice(x0, x1))
    hit &= z < z_map[window]
    np.copyto(z_map[window], z, where=hit)
    np.copyto(index_map[window], number, where=hit)


def draw_ellipsoid(part, z_map, index_map, number, left, top):
    cx, cy, cz, scale, form, half_x, half_y = part
    height, width = z_map.shape
    x0, x1 = span(cx - half_x - left, cx + half_x - left, width)
    y0, y1 = span(cy - half_y - top, cy + half_y - top, height)
    if x0 >= x1 or y0 >= y1:
        return
    xs = (np.arange(x0, x1, dtype=np.float32) +
          np.float32(left + 0.5 - cx)) / np.float32(scale)
    ys = (np.arange(y0, y1, dtype=np.float32) +
          np.float32(top + 0.5 - cy)) / np.float32(scale)
    ys = ys[:, None]
    a = form[2, 2]
    b = form[0, 2] * xs + form[1, 2] * ys
    c = (form[0, 0] * xs * xs + (2 * form[0, 1]) * xs * ys +
         form[1, 1] * ys * ys - np.float32(1))
    root = b * b - a * c
    hit = root > 0
    z = cz - (b + np.sqrt(np.maximum(root, 0))) / a
    window = (slice(y0, y1), slice(x0, x1))
    hit &= z < z_map[window]
    np.copyto(z_map[window], z, where=hit)
    np.copyto(index_map[window], number, where=hit)


class Table:
    """Shapes as arrays, in pixels where drawing wants pixels."""

    def __init__(self, shapes, camera):
        caps, ells = shapes.capsules, shapes.ellipsoids
        self.capsule_count = len(caps)
        a = camera.project(np.array([c[0] for c in caps]).reshape(-1, 3))
        b = camera.project(np.array([c[1] for c in caps]).reshape(-1, 3))
        numbers = np.array([c[2:] for c in caps], np.float64).reshape(-1, 7)
        self.length = np.sqrt(np.array(
            [((c[1] - c[0])**2).sum() for c in caps]))
        self.scale = (a[:, 3] + b[:, 3]) / 2
        self.first, self.second = (numbers[:, 2].astype(int),
                                   numbers[:, 3].astype(int))
        self.parts = np.column_stack([
            a[:, :3], b[:, :3], numbers[:, 0] * a[:, 3],
            numbers[:, 1] * b[:, 3], numbers[:, 4],
            numbers[:, 5] * self.scale, numbers[:, 6], self.scale])
        c = camera.project(np.array([e[0] for e in ells]).reshape(-1, 3))
        # Slanted as the rays are, so that these can be taken along z.
        self.slants = np.zeros((len(ells), 3, 3)) + np.eye(3)
        self.slants[:, :2, 2] = (np.array([camera.cx, camera.cy]) -
                                 c[:, :2]) / camera.focal
        frames = self.slants @ np.array([e[1] for e in ells]).reshape(-1, 3, 3)
        self.locals = np.linalg.inv(frames)
        self.radii = np.array([e[2] for e in ells]).reshape(-1, 3)
        self.material = np.array([e[3] for e in ells], int)
        self.is_head = np.array([e[4] for e in ells], bool)
        self.centres = c
        self.forms = np.einsum("nji,nj,njk->nik", self.locals,
                               1 / self.radii**2, self.locals)
        sizes = np.sqrt(np.einsum("nij,nj->ni", frames**2,
                                  self.radii**2)) * c[:, 3:4]
        self.halves = sizes[:, :2]

    def bounds(self):
        p, c, h = self.parts, self.centres[:, :2], self.halves
        r = np.maximum(p[:, 6], p[:, 7]) + p[:, 9]
        low = np.concatenate([p[:, 0:2] - r[:, None], p[:, 3:5] - r[:, None],
                              c - h])
        high = np.concatenate([p[:, 0:2] + r[:, None], p[:, 3:5] + r[:, None],
                               c + h])
        return low.min(0), high.max(0)


def draw(table, width, height):
    """The layer of all shapes in a picture of this size; None if outside."""
    low, high = table.bounds()
    x0, x1 = span(low[0], high[0], width)
    y0, y1 = span(low[1], high[1], height)
    if x0 >= x1 or y0 >= y1:
        return None
    z = np.full((y1 - y0, x1 - x0), FAR, np.float32)
    index = np.full(z.shape, -1, np.int16)
    for i, part in enumerate(table.parts.tolist()):
        draw_capsule(part, z, index, i, x0, y0)
    forms = table.forms.astype(np.float32)
    for i, (c, half) in enumerate(zip(table.centres.tolist(),
                                      table.halves.tolist())):
        draw_ellipsoid((*c, forms[i], *half), z, index,
                       table.capsule_count + i, x0, y0)
    return Layer(x0, y0, z, index)


def surface(table, index, xs, ys, zs):
    """Of pixels (arrays): normals, texture coordinates in metres, materials,
    and for heads the place in the head's own axes in its radii."""
    count = len(index)
    normal = np.zeros((count, 3), np.float32)
    uv = np.zeros((count, 2), np.float32)
    material = np.zeros(count, int)
    head = np.full((count, 3), np.nan, np.float32)
    caps = np.nonzero(index < table.capsule_count)[0]
    if len(caps):
        which = index[caps]
        p = table.parts.astype(np.float32)[which]
        ax, ay, dx, dy = (p[:, 0], p[:, 1], p[:, 3] - p[:, 0],
                          p[:, 4] - p[:, 1])
        px, py = xs[caps] - ax, ys[caps] - ay
        square = dx * dx + dy * dy
        t = np.where(square > 1e-6, (px * dx + py * dy) /
                     np.maximum(square, 1e-6), p[:, 2] >= p[:, 5])
        t = np.clip(t, 0, 1)
        r = p[:, 6] + (p[:, 7] - p[:, 6]) * t + p[:, 9] * (t < p[:, 8])
        ex, ey = px - t * dx, py - t * dy
        ez = -np.sqrt(np.maximum(r * r - ex * ex - ey * ey, 0))
        normal[caps] = np.stack([ex, ey, ez], 1) / r[:, None]
        along = np.sqrt(np.maximum(square, 1e-6))
        across = (ex * dy - ey * dx) / (along * r)
        uv[caps, 0] = np.arcsin(np.clip(across, -1, 1)) * r / p[:, 11]
        uv[caps, 1] = t * table.length.astype(np.float32)[which]
        material[caps] = np.where(t < p[:, 8], table.first[which],
                                  table.second[which])
    ells = np.nonzero(index >= table.capsule_count)[0]
    if len(ells):
        which = index[ells] - table.capsule_count
        c = table.centres.astype(np.float32)[which]
        away = np.stack([(xs[ells] - c[:, 0]) / c[:, 3],
                         (ys[ells] - c[:, 1]) / c[:, 3], zs[ells] - c[:, 2]],
                        1)
        n = np.einsum("nji,njk,nk->ni",
                      table.slants.astype(np.float32)[which],
                      table.forms.astype(np.float32)[which], away)
        normal[ells] = n / np.maximum(np.sqrt((n * n).sum(1)), 1e-9)[:, None]
        local = np.einsum("nij,nj->ni",
                          table.locals.astype(np.float32)[which], away)
        uv[ells] = local[:, :2]
        material[ells] = table.material[which]
        heads = table.is_head[which]
        head[ells[heads]] = (local / table.radii.astype(np.float32)[which]
                             )[heads]
    return normal, uv, material, head
