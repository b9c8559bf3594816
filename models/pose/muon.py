# SPDX-License-Identifier: Apache-2.0
"""Muon: momentum whose matrices are made orthogonal, for dense convolutions; the
rest is left to AdamW. K. Jordan et al., "Muon: An optimizer for hidden
layers in neural networks", 2024; steps scaled as in J. Liu et al., "Muon is
scalable for LLM training", 2025, so that AdamW's rates fit.
"""
import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices, steps=5):
    """Nearly U V^T of the singular value decomposition of each of [B, M, N], by
    Newton-Schulz."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b,
                                           alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters, rate, momentum=0.95, weight_decay=0.05):
        super().__init__(parameters, {"lr": rate, "momentum": momentum,
                                      "weight_decay": weight_decay})

    def ahead(self, p, momentum):
        """The gradient with its momentum, a step ahead (Nesterov's)."""
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(state["momentum"], momentum).flatten(1)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = {}  # many are alike, and quicker all at once
            for p in group["params"]:
                flat = self.ahead(p, group["momentum"])
                by_shape.setdefault(flat.shape, []).append((p, flat))
            rate = group["lr"]
            for shape, alike in by_shape.items():
                steps = orthogonal(torch.stack([flat for _, flat in alike]))
                for (p, _), step in zip(alike, steps):
                    p.mul_(1 - rate * group["weight_decay"])
                    p.add_(step.view_as(p), alpha=-rate * 0.2 *
                           max(shape)**0.5)
