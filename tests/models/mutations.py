"""Files that are not quite what they were."""

from __future__ import annotations

import random
from collections.abc import Iterator


def mutations(sound: bytes, head: int, number: int, seed: int) -> Iterator[bytes]:
    """Other bytes, other numbers, cut short, made longer: each in the first `head` bytes."""
    dice = random.Random(seed)
    odd = [0, 1, 0x7F, 0x80, 0xFF]
    for _ in range(number):
        data = bytearray(sound)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(min(head, len(data)))
            kind = dice.randrange(5)
            if kind == 0:
                data[at] = dice.choice(odd)
            elif kind == 1:
                data[at] ^= 1 << dice.randrange(8)
            elif kind == 2:
                data[at : at + 8] = dice.choice([2**64 - 1, 2**63, 2**32, 0]).to_bytes(8, "little")
            elif kind == 3:
                del data[at : at + dice.randint(1, 16)]
            else:
                data[at:at] = dice.randbytes(dice.randint(1, 16))
        yield bytes(data)
