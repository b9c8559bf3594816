# SPDX-License-Identifier: Apache-2.0
"""The networks. One finds the persons of a picture: 3x3 convolutions down to a
stride of 8 and, as depthwise separable blocks with kernels of 5x5 that see whole
persons, at strides of 16 and 32; then up again, joined with the finer maps from
there, and PoseNet's four heads.

Whole convolutions at a stride of 8 are no dearer than separable ones with as
many parameters would be: Winograd's algorithm makes them quick where the network
runs, and they use a CPU better where it is trained.

Inputs are [N, 3, 32k + 1, 32m + 1], pixels as x / 127.5 - 1; outputs are
scores (logits while training), offsets and displacements in input pixels,
[N, C, 4k + 1, 4m + 1], y channels before x channels.

Two more look at parts of a person, heads and limbs. They have more channels
before they lose resolution, which pays where so little is to be seen. Inputs
are squares [N, 3, size, size]; outputs [N, 2K, 1, 1] are the places of their K
keypoints in pixels from the middle, y before x. Limbs are seen one keypoint at
a time, all as if they were left ones, and hanging down.
"""
import torch
from torch import nn
from torch.nn import functional

STRIDE = 8
SIZE_STEP = 32
KEYPOINTS = 17
EDGES = [(0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11),
         (11, 13), (13, 15), (0, 6), (6, 8), (8, 10), (6, 12), (12, 14),
         (14, 16)]
# What each is called, its channels, and the unit that its values have when they
# leave the last layer, in input pixels.
HEADS = [("heatmap", KEYPOINTS, 1.0), ("offset", 2 * KEYPOINTS, 8.0),
         ("displacement_fwd", 2 * len(EDGES), 16.0),
         ("displacement_bwd", 2 * len(EDGES), 16.0)]
PART_UNIT = 8.0


def conv(inputs, outputs, size, stride=1, groups=1):
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups,
                      bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions, added to their input."""

    def __init__(self, channels):
        super().__init__()
        self.first = conv(channels, channels, 3)
        self.second = conv(channels, channels, 3)

    def forward(self, x):
        y = self.second(functional.relu(self.first(x)))
        return functional.relu(x + y)


class SeparableBlock(nn.Module):
    """A depthwise, then a pointwise convolution, added to their input."""

    def __init__(self, channels, size):
        super().__init__()
        self.depthwise = conv(channels, channels, size, 1, channels)
        self.pointwise = conv(channels, channels, 1)

    def forward(self, x):
        y = self.pointwise(functional.relu(self.depthwise(x)))
        return functional.relu(x + y)


class Up(nn.ConvTranspose2d):
    """From k + 1 cells to 2k + 1: linear interpolation to begin with."""

    def __init__(self, channels, scale=1.0):
        super().__init__(channels, channels, 3, 2, 1, groups=channels,
                         bias=False)
        kernel = torch.tensor([0.5, 1, 0.5])
        self.weight.data[:] = scale * kernel[:, None] * kernel[None, :]


class PoseSmall(nn.Module):
    def __init__(self, widths=(16, 24, 64, 128), fine_blocks=2,
                 coarse_blocks=6, context_blocks=2, head_blocks=1):
        super().__init__()
        stem, quarter, fine, coarse = widths
        self.stem = conv(3, stem, 3, 2)
        self.quarter = conv(stem, quarter, 3, 2)
        self.eighth = conv(quarter, fine, 3, 2)
        self.fine = nn.Sequential(*[Block(fine) for _ in range(fine_blocks)])
        self.sixteenth = conv(fine, coarse, 3, 2)
        self.coarse = nn.Sequential(
            *[SeparableBlock(coarse, 5) for _ in range(coarse_blocks)])
        self.thirtysecond = conv(coarse, coarse, 3, 2, coarse)
        self.context = nn.Sequential(
            *[SeparableBlock(coarse, 5) for _ in range(context_blocks)])
        self.spread = Up(coarse, 0.0)
        self.lateral = conv(coarse, fine, 1)
        self.facing = nn.Conv2d(coarse, 1, 1)  # only while training
        self.up = Up(fine)
        self.head = nn.Sequential(*[Block(fine) for _ in range(head_blocks)])
        self.last = nn.Conv2d(fine, sum(n for _, n, _ in HEADS), 1)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)
        self.last.bias.data[:KEYPOINTS] = -4

    def forward(self, x):
        x = functional.relu(self.quarter(functional.relu(self.stem(x))))
        fine = self.fine(functional.relu(self.eighth(x)))
        half = len(self.coarse) // 2
        coarse = self.coarse[:half](functional.relu(self.sixteenth(fine)))
        context = self.context(functional.relu(self.thirtysecond(coarse)))
        coarse = self.coarse[half:](
            functional.relu(coarse + self.spread(context)))
        facing = self.facing(coarse) if self.training else None
        coarse = self.up(self.lateral(coarse))
        maps = self.last(self.head(functional.relu(fine + coarse)))
        maps = torch.split(maps, [n for _, n, _ in HEADS], 1)
        maps = [part * unit for part, (_, _, unit) in zip(maps, HEADS)]
        return (*maps, facing) if self.training else tuple(maps)


class PoseSmallPart(nn.Module):
    def __init__(self, size, keypoints, widths=(16, 32, 48, 56), hidden=56):
        super().__init__()
        self.size, self.keypoints = size, keypoints
        self.is_head = 0 in keypoints
        self.stages = nn.ModuleList()
        inputs = 3
        for stage, channels in enumerate(widths):
            self.stages.append(conv(inputs, channels, 3, 2 if stage else 1))
            inputs = channels
        self.blocks = nn.ModuleList([Block(c) for c in widths[1:3]])
        whole = nn.Conv2d(inputs, hidden, size // 8, bias=False)
        self.hidden = nn.Sequential(whole, nn.BatchNorm2d(hidden))
        self.last = nn.Conv2d(hidden, 2 * len(keypoints), 1)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)

    def forward(self, x):
        for stage, layer in enumerate(self.stages):
            x = functional.relu(layer(x))
            if 1 <= stage <= len(self.blocks):
                x = self.blocks[stage - 1](x)
        return self.last(functional.relu(self.hidden(x))) * PART_UNIT


# Nose, eyes and ears; elbow, wrist, knee and ankle of the left side, of which
# each number and the next one are the left and the right one.
NETWORKS = {
    "pose_small": PoseSmall,
    "pose_small_head": lambda: PoseSmallPart(32, [0, 1, 2, 3, 4]),
    "pose_small_limb": lambda: PoseSmallPart(24, [7, 9, 13, 15]),
}


def load(name, checkpoint):
    """The network of a checkpoint's averaged weights, to be evaluated."""
    network = NETWORKS[name]()
    state = torch.load(checkpoint, map_location="cpu")["average"]
    network.load_state_dict(state)
    return network.eval()
