# SPDX-License-Identifier: Apache-2.0
"""Muon: momentum whose matrices are made orthogonal, for dense convolutions; the
rest is left to AdamW. K. Jordan et al., "Muon: An optimizer for hidden
layers in neural networks", 2024; steps scaled as in J. Liu et al., "Muon is
scalable for LLM training", 2025, so that AdamW's rates fit.
"""
import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix, steps=5):
    """Nearly U V^T of its singular value decomposition, by Newton-Schulz."""
    a, b, c = COEFFICIENTS
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, rate, momentum=0.95, weight_decay=0.05):
        super().__init__(parameters, {"lr": rate, "momentum": momentum,
                                      "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                buffer, rate = state["momentum"], group["lr"]
                buffer.lerp_(p.grad, 1 - group["momentum"])
                ahead = p.grad.lerp(buffer, group["momentum"])
                flat = orthogonal(ahead.flatten(1))
                scale = 0.2 * max(flat.shape)**0.5
                p.mul_(1 - rate * group["weight_decay"])
                p.add_(flat.view_as(p), alpha=-rate * scale)
