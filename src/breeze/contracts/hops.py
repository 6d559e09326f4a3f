"""How many Breeze servers a request has passed, so that two that name each other end in an error.

The number travels in a header, and inside a process with the work that a request causes.
"""

from __future__ import annotations

from contextvars import ContextVar

HEADER = "x-breeze-hops"
_MOST = 1_000
_passed: ContextVar[int] = ContextVar("breeze_hops", default=0)


def passed() -> int:
    """Servers between the first one that was asked and this work; 0 for that one's own."""
    return _passed.get()


def arrived(header: str) -> None:
    """Take what came in the header, for the work of this task; nonsense counts as very many."""
    _passed.set(min(int(header), _MOST) if header.isdecimal() and len(header) < 9 else _MOST)
