"""What a fault is, and how one is asked for: `stream-cut;after=2`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from breeze.testing.standins._reply import Reply

if TYPE_CHECKING:
    from breeze.testing.standins._call import Call
    from breeze.testing.standins._server import Standin

HEADER = "x-standin"
MODEL = "standin-"

Phase = Literal["before", "during", "shape"]
"""Before any output; after some of it; or another shape of an answer."""
Play = Callable[["Scene"], Reply]


@dataclass(frozen=True, eq=False)
class Fault:
    """A named way to go wrong.

    `number`: its row in the list of faults; 0 for one of a single dialect. `values`: what may be
    given with it, each with its default. `harmless`: a good client answers as if nothing were.
    """

    name: str
    number: int
    title: str
    looks: str
    phase: Phase
    play: Play
    values: Mapping[str, str] = field(default_factory=dict)
    harmless: bool = False


@dataclass(frozen=True)
class Order:
    """A fault that was asked for, and its values."""

    fault: Fault
    values: Mapping[str, str]

    def __str__(self) -> str:
        return ";".join([self.fault.name, *(f"{n}={v}" for n, v in self.values.items())])


@dataclass(frozen=True)
class Scene:
    """All that a fault may look at: who plays, the request, and the answer if nothing were."""

    vendor: Standin
    call: Call
    reply: Reply
    values: Mapping[str, str]

    def number(self, name: str) -> float:
        return float(self.values[name])

    @property
    def after(self) -> int:
        """How many pieces of a stream come before the fault."""
        return max(0, min(int(self.number("after")), len(self.reply.pieces) - 1))

    @property
    def begun(self) -> tuple[bytes, ...]:
        """What comes before the fault: pieces of a stream, or half of a whole answer."""
        if self.reply.streamed:
            return self.reply.pieces[: self.after]
        body = self.reply.body
        return (body[: len(body) // 2],) if self.values["after"] != "0" else ()

    @property
    def next(self) -> bytes:
        """The piece that the fault falls upon."""
        return self.reply.pieces[self.after] if self.reply.pieces else b""

    def with_next(self, *pieces: bytes) -> Reply:
        """The answer with other pieces in the place of that one."""
        if not self.reply.streamed:
            return self.reply.but(pieces=pieces)
        kept = self.reply.pieces
        return self.reply.but(pieces=(*kept[: self.after], *pieces, *kept[self.after + 1 :]))


class UnknownFaultError(ValueError):
    """There is no such fault, or it takes no such value. The message names the nearest."""


def ordered(text: str, faults: Iterable[Fault]) -> Order:
    """The fault that `name;key=value;…` asks for; commas do too. Raises UnknownFaultError."""
    name, *given = (part.strip() for part in re.split("[;,]", text))
    known = {fault.name: fault for fault in faults}
    if name not in known:
        raise UnknownFaultError(f"There is no fault {name!r}{_nearest(name, known)}")
    fault = known[name]
    values = {n: v or "1" for n, _, v in (part.partition("=") for part in given if part)}
    for value in values.keys() - fault.values.keys():
        takes = ", ".join(fault.values) or "none"
        raise UnknownFaultError(f"{name} takes no value {value!r}: it takes {takes}.")
    return Order(fault, {**fault.values, **values})


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), 3, 0.5)
    return f": did you mean {' or '.join(found)}?" if found else "."
