"""The loss over the tokens that the assistant wrote."""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class CrossEntropy(torch.autograd.Function):  # type: ignore[misc]
    """Mean cross entropy that makes its gradient on the way forward: half the passes."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, table: Tensor, expected: Tensor) -> Tensor:
        """`hidden` [count, width], `table` [vocabulary, width], `expected` [count] -> the loss."""
        hidden, narrow = hidden.bfloat16(), table.bfloat16()
        chances = torch.softmax((hidden @ narrow.T).float(), dim=-1)
        rows = torch.arange(len(expected))
        loss = -chances[rows, expected].clamp_min(1e-30).log().mean()
        chances[rows, expected] -= 1
        slope = chances.div_(len(expected)).bfloat16()
        ctx.save_for_backward(slope @ narrow, (slope.T @ hidden).float())
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients of `hidden` and of `table`."""
        by_hidden, by_table = ctx.saved_tensors
        return grad * by_hidden, grad * by_table, None
