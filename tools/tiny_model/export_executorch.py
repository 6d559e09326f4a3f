"""A Hugging Face folder as an ExecuTorch program with a cache of keys and values of its own.

usage: python -m tiny_model.export_executorch HF_FOLDER OUT_FOLDER [portable]
"""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 128
"""Most tokens of a prompt that the program takes in one go."""
CONTEXT = 512
"""Tokens of prompt and answer: each costs time for all of them, whether they are there or not."""


def linear(weight: Tensor) -> nn.Linear:
    """A layer with these weights."""
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    made.weight.data = weight.clone()
    return made


def norm(weight: Tensor, epsilon: float) -> nn.RMSNorm:
    """A norm with these weights."""
    made = nn.RMSNorm(weight.shape[0], eps=epsilon)
    made.weight.data = weight.clone()
    return made


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position code of `x` [1, heads, tokens, head] in the half-split order."""
    one, other = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-other, one], dim=-1) * sin


class CachedLayer(nn.Module):  # type: ignore[misc]
    """One decoder layer that remembers the keys and values of every token so far."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Tensor], layer: int) -> None:
        super().__init__()
        named = {
            name.removeprefix(f"model.layers.{layer}.").removesuffix(".weight"): weight
            for name, weight in weights.items()
            if name.startswith(f"model.layers.{layer}.")
        }
        self.heads, self.head = config["num_attention_heads"], config["head_dim"]
        self.shared = config["num_key_value_heads"]
        for short in ("self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o"):
            setattr(self, short[-1], linear(named[f"{short}_proj"]))
        for short in ("gate", "up", "down"):
            setattr(self, short, linear(named[f"mlp.{short}_proj"]))
        self.before = norm(named["input_layernorm"], config["rms_norm_eps"])
        self.after = norm(named["post_attention_layernorm"], config["rms_norm_eps"])
        room = (1, self.shared, config["max_position_embeddings"], self.head)
        self.register_buffer("keys", torch.zeros(room))
        self.register_buffer("values", torch.zeros(room))

    def split(self, x: Tensor, heads: int) -> Tensor:
        """[1, tokens, width] as [1, heads, tokens, head]."""
        return x.view(1, -1, heads, self.head).transpose(1, 2)

    def forward(self, x: Tensor, places: Tensor, code: tuple[Tensor, Tensor], seen: Tensor) -> Any:
        h = self.before(x)
        q = rotate(self.split(self.q(h), self.heads), *code)
        k = rotate(self.split(self.k(h), self.shared), *code)
        self.keys.index_copy_(2, places, k)
        self.values.index_copy_(2, places, self.split(self.v(h), self.shared))
        group = self.heads // self.shared
        keys = self.keys.repeat_interleave(group, 1)
        values = self.values.repeat_interleave(group, 1)
        weight = torch.softmax(q @ keys.transpose(2, 3) / math.sqrt(self.head) + seen, -1)
        x = x + self.o((weight @ values).transpose(1, 2).reshape(1, -1, self.heads * self.head))
        h = self.after(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class CachedDecoder(nn.Module):  # type: ignore[misc]
    """Tokens [1, count] and the place of the first [1] in, scores [1, count, vocabulary] out."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Tensor]) -> None:
        super().__init__()
        table = weights["model.embed_tokens.weight"]
        self.embed = nn.Embedding.from_pretrained(table.clone())
        layers = range(config["num_hidden_layers"])
        self.layers = nn.ModuleList(CachedLayer(config, weights, i) for i in layers)
        self.norm = norm(weights["model.norm.weight"], config["rms_norm_eps"])
        self.score = linear(table)
        head, places = config["head_dim"], torch.arange(config["max_position_embeddings"])
        speed = config["rope_theta"] ** (-torch.arange(0, head, 2) / head)
        angle = torch.outer(places.float(), speed).repeat(1, 2)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())
        self.register_buffer("places", places)

    def forward(self, tokens: Tensor, first: Tensor) -> Tensor:
        places = first + torch.arange(tokens.shape[1])
        code = self.cos.index_select(0, places), self.sin.index_select(0, places)
        seen = torch.where(self.places[None] <= places[:, None], 0.0, -1e9)
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x, places, code, seen)
        return self.score(self.norm(x))


def facts(config: dict[str, Any]) -> dict[str, Any]:
    """What the runtime asks the program for."""
    return {
        "get_max_seq_len": BATCH,
        "get_max_context_len": config["max_position_embeddings"],
        "get_vocab_size": config["vocab_size"],
        "get_n_layers": config["num_hidden_layers"],
        "get_bos_id": 0,
        "get_n_bos": 0,
        "get_eos_ids": [config["eos_token_id"]],
        "get_n_eos": 0,
        "use_kv_cache": True,
        "use_sdpa_with_kv_cache": False,
        "enable_dynamic_shape": True,
    }


def to_executorch(source: Path, out: Path, *, portable: bool = False) -> None:
    """Writes `model.pte` (float32) and the tokenizer; `portable`: with no delegate at all."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from safetensors.torch import load_file

    config = json.loads((source / "config.json").read_text())
    config["max_position_embeddings"] = min(config["max_position_embeddings"], CONTEXT)
    model = CachedDecoder(config, load_file(source / "model.safetensors")).eval()
    count = torch.export.Dim("count", min=1, max=BATCH)
    example = (torch.tensor([[1, 2, 3]]), torch.tensor([0]))
    with torch.no_grad():
        program = torch.export.export(model, example, dynamic_shapes=({1: count}, None))
    lowered = to_edge_transform_and_lower(
        program,
        partitioner=[] if portable else [XnnpackPartitioner()],
        constant_methods=facts(config),
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.pte").write_bytes(lowered.to_executorch().buffer)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, out / name)


if __name__ == "__main__":
    to_executorch(Path(sys.argv[1]), Path(sys.argv[2]), portable=sys.argv[3:] == ["portable"])
