# SPDX-License-Identifier: Apache-2.0
"""Trains a network on rendered people: train.py FOLDER [--network NETWORK].

FOLDER gets the pool of pictures, the network's last checkpoint and its log. The
same folder serves both networks. Started again it goes on from the checkpoint.
Interrupting it loses at most the steps since the last checkpoint, which is
written with every evaluation.
"""
import argparse
import copy
import functools
import multiprocessing
import os
import time

import numpy as np
import torch
import torch._dynamo

import data
import parts
from evaluate import Scenes
from losses import losses, part_losses
from muon import Muon
from network import NETWORKS, PoseSmallPart
from scene import SIZE, VALIDATION_SEED

# Of scores, offsets, displacements and facing.
WEIGHTS = (1.0, 2.5, 1.0, 2.0)
WHOLE = 0.06  # of all steps: on whole pictures
# Normalisations undo the scale of the weights before them, which grows while
# training; so what counts is the rate by that scale. With this one a step turns
# the weights of a trained network by one hundredth, not by a thousandth.
MUON_RATE, PART_MUON_RATE = 5.0, 1.0
BATCH, PART_BATCH = 16, 128


def learning_rate(options, step):
    """Rises at once, then falls to nothing over all steps."""
    return options.rate * min((step + 1) / 300,
                              max(0, 1 - step / options.steps)) + 1e-6


def picture_size(rng, options, step):
    """Parts of pictures, which are cheaper; whole ones at last."""
    if step > (1 - WHOLE) * options.steps:
        return SIZE
    return int(rng.choice([161, 193]))


def make_optimizers(network, rate, muon_rate):
    """Muon for dense convolutions, AdamW for the rest."""
    dense = [p for p in network.parameters()
             if p.ndim == 4 and min(p.shape[:2]) > 1]
    known = {id(p) for p in dense}
    rest = [p for p in network.parameters() if id(p) not in known]
    adam = torch.optim.AdamW(
        [{"params": [p for p in rest if p.ndim > 1], "weight_decay": 0.01},
         {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0}],
        rate, fused=True)
    last = network.last.weight  # no normalisation follows
    muon = Muon([{"params": [p for p in dense if p is not last],
                  "factor": muon_rate}, {"params": [last]}], rate,
                weight_decay=0.01)
    return [muon, adam]


class Training:
    def __init__(self, options):
        self.options = options
        self.network = NETWORKS[options.network]().to(
            memory_format=torch.channels_last)
        self.is_part = isinstance(self.network, PoseSmallPart)
        # Once for each size of pictures; twice as fast.
        self.fast = self.network
        self.losses = losses
        if self.is_part:
            self.losses = functools.partial(part_losses, self.network.size,
                                            self.network.keypoints)
        if options.compile:
            torch._dynamo.config.automatic_dynamic_shapes = False
            self.fast = torch.compile(self.network, dynamic=False)
            self.losses = torch.compile(self.losses, dynamic=False)
        self.average = copy.deepcopy(self.network).eval()
        self.optimizers = make_optimizers(
            self.network, options.rate,
            PART_MUON_RATE if self.is_part else MUON_RATE)
        self.step = 0
        self.path = os.path.join(options.folder, options.network + ".pt")
        if os.path.exists(self.path):
            self.load()

    def load(self):
        state = torch.load(self.path)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.step = state["step"]

    def save(self):
        torch.save({"network": self.network.state_dict(),
                    "average": self.average.state_dict(),
                    "optimizers": [o.state_dict() for o in self.optimizers],
                    "step": self.step}, self.path + ".part")
        os.replace(self.path + ".part", self.path)

    def update_average(self):
        decay = min(0.998, (self.step + 1) / (self.step + 10))
        mine, average = self.network.state_dict(), self.average.state_dict()
        names = [n for n, v in mine.items() if v.dtype.is_floating_point]
        torch._foreach_lerp_([average[n] for n in names],
                             [mine[n] for n in names], 1 - decay)

    def sample_batch(self, rng, pool):
        """See `data.cut`."""
        if self.is_part:
            return parts.sample_batch(rng, pool,
                                      self.options.batch or PART_BATCH,
                                      self.average)
        size = picture_size(rng, self.options, self.step)
        return data.sample_batch(rng, pool, self.options.batch or BATCH, size)

    def advance(self, rng, pool):
        """One step; its losses."""
        x, keypoints, areas = self.sample_batch(rng, pool)
        rate = learning_rate(self.options, self.step)
        for group in (g for o in self.optimizers for g in o.param_groups):
            group["lr"] = rate * group.get("factor", 1.0)
        self.network.train()
        x = x.contiguous(memory_format=torch.channels_last)
        parts = self.losses(self.fast(x), keypoints, areas)
        total = sum(w * part for w, part in zip(WEIGHTS, parts))
        self.network.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self.update_average()
        return [float(p.detach()) for p in parts]


def run(options):
    torch.set_num_threads(options.threads)
    pool_folder = os.path.join(options.folder, "pool")
    os.makedirs(pool_folder, exist_ok=True)
    fork = multiprocessing.get_context("fork")
    first = [fork.Process(target=data.render_pool, args=(
        pool_folder, i, options.threads, options.first_shards))
        for i in range(options.threads)]
    for process in first:
        process.start()
    for process in first:
        process.join()
    renderer = fork.Process(target=data.render_pool, daemon=True, args=(
        pool_folder, options.first_shards, 1, options.shards, options.rest))
    renderer.start()

    training = Training(options)
    scenes = Scenes(VALIDATION_SEED, options.scenes)
    evaluate = scenes.evaluate_part if training.is_part else scenes.evaluate
    pool = data.Pool(pool_folder)
    rng = np.random.default_rng([training.step, 1])
    log = open(os.path.join(options.folder, options.network + ".txt"), "a",
               buffering=1)
    start, since, sums = time.time(), training.step, []
    while training.step < options.steps:
        if not sums:
            pool.refresh()
        sums.append(training.advance(rng, pool))
        if (len(sums) % 100 == 0):
            mean = np.mean(sums[-100:], 0)
            print("step %d: losses %s, %.2f s a step, %d shards" %
                  (training.step, " ".join("%.3f" % part for part in mean),
                   (time.time() - start) / len(sums), len(pool.names)),
                  file=log)
        if (training.step - since >= options.evaluate_steps or
                training.step == options.steps):
            training.save()
            stats = evaluate(training.average.eval())
            print("step %d: AP %.3f, at 0.5 %.3f, at 0.75 %.3f; AR %.3f" %
                  (training.step, *stats[:3], stats[5]), file=log)
            start, since, sums = time.time(), training.step, []


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--network", choices=NETWORKS, default="pose_small")
    parser.add_argument("--steps", type=int, default=22000)
    parser.add_argument("--batch", type=int, help="16 pictures or 128 parts")
    parser.add_argument("--rate", type=float, default=2.4e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--first-shards", type=int, default=16)
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--rest", type=float, default=1.0,
                        help="how long the renderer rests after its work")
    parser.add_argument("--compile", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--evaluate-steps", type=int, default=800)
    run(parser.parse_args())


if __name__ == "__main__":
    main()
