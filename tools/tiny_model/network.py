"""The network: a Llama decoder that works on a flat list of tokens, without padding in its matrices.

Dialogues of similar length stand together in *blocks*. Everything but attention sees one long list
of tokens; attention takes each block as rows of equal length. Weights have the names that Hugging
Face's Llama uses, so that `export.py` and other converters need no table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Block = tuple[int, int]
"""Rows and tokens per row of one block; the blocks follow each other in the flat list."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; every row that q8_0 quantizes must be a multiple of 32 long."""

    vocab: int = 2048
    width: int = 256
    layers: int = 5
    heads: int = 8
    kv_heads: int = 4
    hidden: int = 512
    context: int = 1024
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        """Length of one attention head."""
        return self.width // self.heads

    def config(self) -> dict[str, object]:
        """The same sizes as a Hugging Face `config.json`."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocab,
            "hidden_size": self.width,
            "intermediate_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head,
            "max_position_embeddings": self.context,
            "rope_theta": self.rope_base,
            "rms_norm_eps": self.epsilon,
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "attention_bias": False,
            "mlp_bias": False,
            "bos_token_id": None,
            "eos_token_id": 1,
            "pad_token_id": 0,
            "torch_dtype": "float32",
            "breeze_shape": asdict(self),
        }


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position code of `x` [tokens, heads, head] in the half-split order."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention over [rows, heads, tokens, head]; plain products beat the fused CPU kernel here."""
    length = q.shape[2]
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
    ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(ahead, float("-inf")), dim=-1, dtype=q.dtype) @ v


class Attention(nn.Module):
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
        parts, start = [], 0
        for rows, length in blocks:
            end = start + rows * length
            r = [t[start:end].view(rows, length, s.heads, -1).transpose(1, 2) for t in (q, k, v)]
            o = attend(r[0], r[1], r[2])
            parts.append(o.transpose(1, 2).reshape(rows * length, s.width))
            start = end
        return self.o_proj(torch.cat(parts))


class FeedForward(nn.Module):
    """The gated layer (SwiGLU)."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(s.width, s.hidden, bias=False)
        self.up_proj = nn.Linear(s.width, s.hidden, bias=False)
        self.down_proj = nn.Linear(s.hidden, s.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
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


class Decoder(nn.Module):
    """The whole network; `forward` returns the hidden state of every token."""

    def __init__(self, s: Shape) -> None:
        super().__init__()
        self.s = s
        self.embed_tokens = nn.Embedding(s.vocab, s.width)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.norm = nn.RMSNorm(s.width, eps=s.epsilon)
        angle = torch.outer(torch.arange(s.context).float(), s.rope_base ** (-torch.arange(0, s.head, 2) / s.head))
        self.register_buffer("cos", angle.cos()[:, None, :], persistent=False)
        self.register_buffer("sin", angle.sin()[:, None, :], persistent=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                last = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * s.layers) ** 0.5 if last else 0.02)

    def forward(self, ids: Tensor, positions: Tensor, blocks: list[Block]) -> Tensor:
        x = self.embed_tokens(ids).to(torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32)
        cos, sin = self.cos[positions].to(x.dtype), self.sin[positions].to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin, blocks)
        return self.norm(x)
