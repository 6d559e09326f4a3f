"""Who a caller is and what they may do."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Role(IntEnum):
    """What a caller may do; each role includes those before it."""

    OPEN = 0
    USE = 1
    OPERATE = 2


class Principal(NamedTuple):
    """A caller. `name` is that of the key, never the key; empty when no key is asked for."""

    name: str
    role: Role


ANYBODY = Principal("", Role.OPERATE)
"""Everybody who reaches a server that has no keys: it listens on loopback only."""
STRANGER = Principal("", Role.OPEN)
"""Somebody without a valid key, on a server that has keys."""
