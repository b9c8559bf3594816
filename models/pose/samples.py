# SPDX-License-Identifier: Apache-2.0
"""Pictures and a film to show: samples.py FOLDER writes three pictures, and a film
of people who walk by (which needs `av` from PyPI).

The seeds are of test scenes, chosen for what they show.
"""
import argparse
import os

import numpy as np
from PIL import Image

import photo
from scene import TEST_SEED, Scene

# Name, seed, width, height, most people.
PICTURES = [("one", 300, 640, 480, 1), ("two", 309, 640, 480, 2),
            ("four", 325, 640, 480, 5)]
FILM_SEED, FILM_SIZE, FILM_RATE = 21, (320, 240), 25


def generator(seed):
    return np.random.default_rng([7, TEST_SEED + seed])


def picture(seed, width, height, count):
    rng = generator(seed)
    return photo.develop(rng, Scene(rng, width, height, 1, count).draw()[0])


def walk(angles, phase):
    """Sets limbs to where they are at a phase, in turns, of walking."""
    for side, name in ((0, 0.0), (1, 0.5)):
        turn = 2 * np.pi * (phase + name)
        swing, bent = np.sin(turn), max(0.0, np.cos(turn))
        angles["legs"][side] = [28 * swing + 4, 3, 0, 8 + 50 * bent**2]
        angles["ankles"][side] = 8 * swing
        angles["arms"][1 - side] = [24 * swing, 9, 0, 22 + 14 * swing]


def film(seed, count):
    """Frames of two people who walk across the picture and one who waves."""
    width, height = FILM_SIZE
    rng = generator(seed)
    scene = Scene(rng, width, height, 1, 3)
    # All whole in the picture, in a row before the camera.
    scene.place[2] = scene.camera.focal * 1.7 / (height * 1.3)
    scene.place[0] = 0
    scene.place[1] = (height * 1.8 - scene.camera.cy) * (
        scene.place[2] / scene.camera.focal)
    wide = 0.8 * scene.place[2] * width * 2 / scene.camera.focal / 2
    for sample in scene.samples:
        sample["angles"]["root"] = np.eye(3)
        sample.update(lift=0, has_seat=False)
        for part in ("spine", "chest", "neck"):
            sample["angles"][part] = [3, 0, 0]
    develop_seed = rng.integers(1 << 30)
    for frame in range(count):
        time = frame / FILM_RATE
        scene.spots = [(-wide + 1.1 * time, 0.4), (wide - 1.2 * time, -0.5),
                       (0.1, -1.2)][:len(scene.samples)]
        for i, sample in enumerate(scene.samples):
            sample["yaw"] = (75, -75, 0)[i]
            walk(sample["angles"], 0.9 * time + 0.3 * i if i < 2 else 0)
        waving = scene.samples[-1]["angles"]
        waving["legs"] = [[0, 4, 0, 2], [0, 4, 0, 2]]
        waving["arms"] = [[0, 10, 0, 10],
                          [10, 120 + 20 * np.sin(7 * time), 0, 40]]
        yield photo.develop(np.random.default_rng(develop_seed),
                            scene.draw()[0])


def write_film(path, frames):
    import av
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FILM_RATE)
        stream.width, stream.height = FILM_SIZE
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "26"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--frames", type=int, default=75)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    for name, *rest in PICTURES:
        Image.fromarray(picture(*rest)).save(
            os.path.join(options.folder, name + ".jpg"), quality=90)
    write_film(os.path.join(options.folder, "film.mp4"),
               film(FILM_SEED, options.frames))


if __name__ == "__main__":
    main()
