"""Thinking that goes back to its maker unchanged: blocks of it, and one signature for them all.

Our messages hold reasoning as one text. Its signature says where the blocks begin and what proves
each of them, in a form that only this dialect reads.
"""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.messages import Message

_OURS = "anthropic:"
"""Begins a signature of this dialect, so that no other one's is taken for it."""


class Thoughts:
    """The thinking of one answer, block by block."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: dict[int, list[Any]] = {}

    def add(self, block: int, text: str) -> None:
        """More text of a block."""
        self._block(block)[0] += len(text)

    def sign(self, block: int, signature: str) -> None:
        """More of the proof of a block."""
        self._block(block)[1] += signature

    def hide(self, block: int, data: str) -> None:
        """A block whose text is not shown."""
        self._blocks[block] = [-1, data]

    @property
    def signature(self) -> str:
        """The signature of all blocks; empty when none of them has a proof."""
        proven = [entry for entry in self._blocks.values() if entry[0] or entry[1]]
        if not any(proof for _, proof in proven):
            return ""
        return _OURS + msgspec.json.encode(proven).decode()

    def _block(self, block: int) -> list[Any]:
        return self._blocks.setdefault(block, [0, ""])


def thinking_blocks(message: Message) -> list[dict[str, Any]]:
    """The blocks of a message's reasoning; none when its signature does not belong to it."""
    if not message.reasoning_signature.startswith(_OURS):
        return []
    blocks: list[dict[str, Any]] = []
    at = 0
    try:
        entries = msgspec.json.decode(
            message.reasoning_signature.removeprefix(_OURS), type=list[tuple[int, str]]
        )
    except msgspec.DecodeError:
        return []
    for length, proof in entries:
        if length < 0:
            blocks.append({"type": "redacted_thinking", "data": proof})
            continue
        text = message.reasoning[at : at + length]
        at += length
        blocks.append({"type": "thinking", "thinking": text, "signature": proof})
    return blocks if at == len(message.reasoning) else []
