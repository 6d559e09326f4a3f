"""What a handler gives back: a whole answer, or a stream that is sent as it is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any, Literal

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.values import Attempt
from breeze.engine.stream import EventStream

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"
SSE = b"text/event-stream; charset=utf-8"
NDJSON = b"application/x-ndjson"
_encode = msgspec.json.Encoder().encode


class Reply:
    """A whole answer."""

    __slots__ = ("body", "headers", "status", "type")

    def __init__(
        self, body: bytes, type: bytes = JSON, *, status: int = 200, headers: Headers | None = None
    ) -> None:
        self.body = body
        self.type = type
        self.status = status
        self.headers = headers or []

    @property
    def sent(self) -> int:
        """Bytes of the body."""
        return len(self.body)

    @classmethod
    def json(cls, value: Any, *, status: int = 200, headers: Headers | None = None) -> Reply:
        """`value` as JSON: anything that msgspec can write."""
        return cls(_encode(value), status=status, headers=headers)


class Stream:
    """An answer that is sent piece by piece. `pieces` is closed when the client leaves.

    Pieces that become ready in one turn of the event loop leave in one write. `sent`: bytes of
    the body that have gone out.
    """

    __slots__ = ("headers", "pieces", "sent", "status", "type")

    def __init__(
        self, pieces: AsyncGenerator[bytes], type: bytes = SSE, *, headers: Headers | None = None
    ) -> None:
        self.pieces = pieces
        self.type = type
        self.status = 200
        self.sent = 0
        self.headers = headers or []


Answer = Reply | Stream


class Facts(msgspec.Struct, frozen=True, gc=False):
    """Who answered, for the headers of a response. `failed`: the tries before, which did not."""

    request_id: str
    runner: str = ""
    model: str = ""
    decision: str = ""
    mock: bool = False
    adjusted: tuple[str, ...] = ()
    failed: tuple[Attempt, ...] = ()

    @classmethod
    def of(cls, stream: EventStream[Any]) -> Facts:
        """What is known once the first event has come."""
        route = stream.route
        adjusted = route.fold.adjusted
        return cls(
            stream.request_id,
            route.runner,
            route.model,
            route.decision.id if route.decision else "",
            route.mock,
            tuple([event.field for event in adjusted]) if adjusted else (),
            route.failed,
        )

    def with_adjusted(self, adjustments: tuple[Adjustment, ...]) -> Facts:
        """The same, with further fields that were not used as asked."""
        if not adjustments:
            return self
        fields = (*(adjustment.field for adjustment in adjustments), *self.adjusted)
        return msgspec.structs.replace(self, adjusted=fields)

    def headers(self, *more: tuple[bytes, bytes]) -> Headers:
        """`x-request-id`, `x-breeze-…`; `more` after them."""
        who = _who(self.runner, self.model, self.decision, self.mock)
        found = [(b"x-request-id", _text(self.request_id)), *who, *more]
        if self.adjusted:
            found.append((b"x-breeze-adjustments", _text(", ".join(dict.fromkeys(self.adjusted)))))
        if self.failed:
            tries = ", ".join(f"{attempt.runner}:{attempt.code}" for attempt in self.failed)
            found.append((b"x-breeze-attempts", _text(tries)))
        return found


@lru_cache(maxsize=256)
def _who(runner: str, model: str, decision: str, mock: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that are the same for all answers of one decision."""
    said = (
        (b"x-breeze-runner", _text(runner)),
        (b"x-breeze-model", _text(model)),
        (b"x-breeze-decision", _text(decision)),
    )
    return (*said, (b"x-breeze-mock", b"true")) if mock else said


def _text(value: str) -> bytes:
    """`value` as a header: what is not printable ASCII is percent-encoded."""
    if value.isascii() and value.isprintable():
        return value.encode()
    return "".join(c if c.isascii() and c.isprintable() else _percent(c) for c in value).encode()


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


Dialect = Literal["openai", "native"]
