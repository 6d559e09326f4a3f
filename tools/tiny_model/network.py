"""The network: a Llama decoder that works on one flat list of tokens.

Dialogues of similar length stand together in *blocks*. Everything but attention sees one long list
of tokens; attention takes each block as rows of equal length. Weights have the names that Hugging
Face's Llama uses, so that `export.py` and other converters need no table.
"""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tiny_model.shape import Shape

Block = tuple[int, int]
"""Rows and tokens per row of one block; the blocks follow each other in the flat list."""


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position code of `x` [tokens, heads, head] in the half-split order."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention over [rows, heads, tokens, head]; here it beats the fused kernel."""
    length = q.shape[2]
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
    ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(ahead, float("-inf")), dim=-1, dtype=q.dtype) @ v


class Attention(nn.Module):  # type: ignore[misc]
    """Grouped-query attention that never looks across dialogues."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.s = s
        self.q_proj = nn.Linear(s.width, s.heads * s.head, bias=False)
        self.k_proj = nn.Linear(s.width, s.kv_heads * s.head, bias=False)
        self.v_proj = nn.Linear(s.width, s.kv_heads * s.head, bias=False)
        self.o_proj = nn.Linear(s.heads * s.head, s.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, blocks: list[Block]) -> Tensor:
        s = self.s
        q = rotate(self.q_proj(x).view(-1, s.heads, s.head), cos, sin)
        k = rotate(self.k_proj(x).view(-1, s.kv_heads, s.head), cos, sin)
        v = self.v_proj(x).view(-1, s.kv_heads, s.head)
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        sizes = [rows * length for rows, length in blocks]
        parts = []  # split, not slices: the gradient of a slice is a whole tensor of zeros
        for (rows, length), *qkv in zip(blocks, *(t.split(sizes) for t in (q, k, v)), strict=True):
            r = [t.view(rows, length, s.heads, -1).transpose(1, 2) for t in qkv]
            o = attend(r[0], r[1], r[2])
            parts.append(o.transpose(1, 2).reshape(rows * length, s.width))
        return self.o_proj(torch.cat(parts))


class FeedForward(nn.Module):  # type: ignore[misc]
    """The gated layer (SwiGLU)."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(s.width, s.hidden, bias=False)
        self.up_proj = nn.Linear(s.width, s.hidden, bias=False)
        self.down_proj = nn.Linear(s.hidden, s.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):  # type: ignore[misc]
    """One decoder layer."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(s.width, eps=s.epsilon)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = nn.RMSNorm(s.width, eps=s.epsilon)
        self.mlp = FeedForward(s)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, blocks: list[Block]) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, blocks)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):  # type: ignore[misc]
    """The whole network; `forward` returns the hidden state of every token."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.s = s
        self.embed_tokens = nn.Embedding(s.vocab, s.width)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.norm = nn.RMSNorm(s.width, eps=s.epsilon)
        angle = torch.outer(
            torch.arange(s.context).float(), s.rope_base ** (-torch.arange(0, s.head, 2) / s.head)
        )
        self.register_buffer("cos", angle.cos()[:, None, :], persistent=False)
        self.register_buffer("sin", angle.sin()[:, None, :], persistent=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                last = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * s.layers) ** 0.5 if last else 0.02)

    def forward(self, ids: Tensor, positions: Tensor, blocks: list[Block]) -> Tensor:
        x = self.embed_tokens(ids).to(
            torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
        )
        cos, sin = self.cos[positions].to(x.dtype), self.sin[positions].to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin, blocks)
        return self.norm(x)
