"""Muon: momentum whose direction is made orthogonal, for the matrices inside the layers."""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn


def orthogonal(g: Tensor, steps: int = 5) -> Tensor:
    """The (semi-)orthogonal matrices nearest to `g` [count, rows, columns], by Newton-Schulz."""
    a, b, c = 3.4445, -4.7750, 2.0315  # quintic that drives all singular values towards one
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.mT if tall else x).float()


class Muon:
    """Steps all matrices of one shape together; learning rates are given at each step."""

    def __init__(
        self, weights: list[nn.Parameter], momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        groups: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        for weight in weights:
            groups[tuple(weight.shape)].append(weight)
        self.groups = list(groups.values())
        self.buffers = [torch.zeros(len(group), *group[0].shape) for group in self.groups]
        self.momentum, self.decay = momentum, decay

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, rate: float) -> None:
        """One step along the orthogonal direction of the Nesterov momentum."""
        for group, buffer in zip(self.groups, self.buffers, strict=True):
            gradient = torch.stack([w.grad for w in group if w.grad is not None])
            buffer.lerp_(gradient, 1 - self.momentum)
            update = orthogonal(gradient.lerp(buffer, self.momentum))
            scale = max(1.0, update.shape[1] / update.shape[2]) ** 0.5
            for weight, change in zip(group, update, strict=True):
                weight.mul_(1 - rate * self.decay).add_(change, alpha=-rate * scale)
