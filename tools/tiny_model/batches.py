"""Batches of fresh dialogues; each step has its own seed, so training can resume at any step."""
# ruff: noqa: TID253 - a tool that is run by itself; nothing imports it with the engine

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from tiny_model.corpus import SEED, dialogue
from tiny_model.network import Block
from tiny_model.vocabulary import encode

DRILLED = 300
"""Steps at the beginning that mostly practise copying."""
SPREAD = 1.25
"""Longest row of a block, as a multiple of its shortest."""


@dataclass(frozen=True)
class Batch:
    """Flat tokens in blocks of equal row length, and where the next token is to be learned."""

    ids: Tensor
    positions: Tensor
    blocks: list[Block]
    at: Tensor
    expected: Tensor


def draw(
    tokenizer: Tokenizer, rng: Random, tokens: int, longest: int, drilled: bool
) -> list[tuple[list[int], list[bool]]]:
    """Encoded dialogues of about `tokens` tokens in all, shortest first."""
    found, total = [], 0
    while total < tokens:
        ids, learned = encode(tokenizer, dialogue(rng, drilled))
        if len(ids) <= longest:
            found.append((ids, learned))
            total += len(ids)
    return sorted(found, key=lambda pair: len(pair[0]))


def grouped(rows: list[tuple[list[int], list[bool]]]) -> list[list[tuple[list[int], list[bool]]]]:
    """Rows, shortest first, in groups of similar length."""
    groups: list[list[tuple[list[int], list[bool]]]] = []
    for row in rows:
        if not groups or len(row[0]) > SPREAD * len(groups[-1][0][0]):
            groups.append([])
        groups[-1].append(row)
    return groups


def batch(tokenizer: Tokenizer, step: int, tokens: int, longest: int) -> Batch:
    """The batch of training step `step`, without dialogues of more than `longest` tokens."""
    rows = draw(tokenizer, Random(f"{SEED}/{step}"), tokens, longest, step < DRILLED)
    flat: list[int] = []
    places: list[int] = []
    at: list[int] = []
    expected: list[int] = []
    blocks: list[Block] = []
    for group in grouped(rows):
        length = max(len(ids) for ids, _ in group)
        blocks.append((len(group), length))
        for ids, learned in group:
            targets = [i for i in range(1, len(ids)) if learned[i]]
            at += [len(flat) + i - 1 for i in targets]
            expected += [ids[i] for i in targets]
            flat += ids + [0] * (length - len(ids))
            places += range(length)
    tensor = torch.tensor
    return Batch(tensor(flat), tensor(places), blocks, tensor(at), tensor(expected))
