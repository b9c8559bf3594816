# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint as ONNX: export.py NETWORK CHECKPOINT OUTPUT.onnx.

Batch normalisations and the units of vectors are folded into convolutions; the
graph is written node by node, so that nothing depends on an exporter. Weights
are stored in half precision, and cast to what they are computed with.
"""
import argparse

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from decode import PEAK_RADIUS, SCORE_THRESHOLD, SIDE_WEIGHT, VOTE_POWER
from network import (HEADS, NETWORKS, PART_UNIT, SIZE_STEP, PoseSmallPart,
                     load)
from scene import SIZE


# How `adze pose` runs them.
PROPERTIES = {
    "pose_small": {
        "pose.network": "posenet",
        "pose.input_size": f"{SIZE}x{SIZE}",
        "pose.size_step": str(SIZE_STEP),
        "pose.score_threshold": str(SCORE_THRESHOLD),
        "pose.side_weight": str(SIDE_WEIGHT),
        "pose.vote_power": str(VOTE_POWER),
        "pose.person_threshold": "0.08",
        "pose.render_threshold": "0.2",
        "pose.peak_radius": str(PEAK_RADIUS),
        "pose.refinement": "pose_small_head.onnx",
    },
    "pose_small_head": {"pose.network": "head",
                        "pose.refinement": "pose_small_limb.onnx"},
    "pose_small_limb": {"pose.network": "limb"},
}


class Graph:
    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, value):
        name = f"w{len(self.weights)}"
        array = np.ascontiguousarray(value.detach().numpy(), np.float16)
        self.weights.append(numpy_helper.from_array(array, name))
        return self.node("Cast", [name], to=TensorProto.FLOAT)

    def node(self, kind, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"v{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output],
                                           f"n{self.count}", **attributes))
        return output

    def conv(self, x, layer, weight, bias, output=None):
        size, pad = list(layer.kernel_size), list(layer.padding)
        return self.node("Conv", [x, self.weight(weight), self.weight(bias)],
                         output, kernel_shape=size, strides=list(layer.stride),
                         pads=pad * 2, group=layer.groups)

    def folded(self, x, pair):
        """A convolution and the normalisation after it."""
        layer, norm = pair
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return self.conv(x, layer, layer.weight * scale[:, None, None, None],
                         norm.bias - norm.running_mean * scale)

    def relu(self, x):
        return self.node("Relu", [x])

    def blocks(self, x, blocks):
        """Each is two convolutions, added to their input."""
        for first, second in [block.children() for block in blocks]:
            y = self.folded(self.relu(self.folded(x, first)), second)
            x = self.relu(self.node("Add", [x, y]))
        return x

    def joined(self, fine, coarse, up):
        """The coarse map, with a value for each of the fine one's cells."""
        coarse = self.node("ConvTranspose", [coarse, self.weight(up.weight)],
                           kernel_shape=[3, 3], strides=[2, 2],
                           pads=[1, 1, 1, 1], group=up.groups)
        return self.relu(self.node("Add", [fine, coarse]))


def tensor(name, *dims):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *dims])


def add_maps(graph, network):
    """PoseNet's maps; returns input and outputs."""
    x = graph.relu(graph.folded("image", network.stem))
    x = graph.relu(graph.folded(x, network.quarter))
    fine = graph.blocks(graph.relu(graph.folded(x, network.eighth)),
                        network.fine)
    half = len(network.coarse) // 2
    coarse = graph.relu(graph.folded(fine, network.sixteenth))
    coarse = graph.blocks(coarse, network.coarse[:half])
    context = graph.relu(graph.folded(coarse, network.thirtysecond))
    context = graph.blocks(context, network.context)
    coarse = graph.joined(coarse, context, network.spread)
    coarse = graph.blocks(coarse, network.coarse[half:])
    coarse = graph.folded(coarse, network.lateral)
    x = graph.blocks(graph.joined(fine, coarse, network.up), network.head)
    first, outputs = 0, []
    for name, channels, unit in HEADS:
        part = slice(first, first + channels)
        first += channels
        is_heat = name == "heatmap"
        y = graph.conv(x, network.last, network.last.weight[part] * unit,
                       network.last.bias[part] * unit,
                       None if is_heat else name)
        if is_heat:
            graph.node("Sigmoid", [y], name)
        outputs.append(tensor(name, channels, "grid_height", "grid_width"))
    return tensor("image", 3, "height", "width"), outputs


def add_places(graph, network):
    """Places of a part; returns input and outputs."""
    x = "image"
    for stage, layer in enumerate(network.stages):
        x = graph.relu(graph.folded(x, layer))
        if 1 <= stage <= len(network.blocks):
            x = graph.blocks(x, [network.blocks[stage - 1]])
    x = graph.relu(graph.folded(x, network.hidden))
    graph.conv(x, network.last, network.last.weight * PART_UNIT,
               network.last.bias * PART_UNIT, "places")
    return (tensor("image", 3, network.size, network.size),
            [tensor("places", 2 * len(network.keypoints), 1, 1)])


def build(name, network):
    graph = Graph()
    add = add_places if isinstance(network, PoseSmallPart) else add_maps
    image, outputs = add(graph, network)
    model = helper.make_model(
        helper.make_graph(graph.nodes, name, [image], outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 17)], producer_name="adze")
    model.ir_version = 8
    helper.set_model_props(model, PROPERTIES[name])
    onnx.checker.check_model(model)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    options = parser.parse_args()
    network = load(options.network, options.checkpoint)
    onnx.save(build(options.network, network), options.output)


if __name__ == "__main__":
    main()
