"""How events travel: a line each, or server-sent events with their numbers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import NamedTuple

from breeze.surfaces.http.call import Call
from breeze.surfaces.http.reply import NDJSON, SSE


class Form(NamedTuple):
    """One way of writing messages. `beat`: a sign of life that is no message."""

    type: bytes
    write: Callable[[bytes, int], bytes]
    beat: bytes


def _line(message: bytes, number: int) -> bytes:
    return message + b"\n"


def _frame(message: bytes, number: int) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (number, message)


LINES = Form(NDJSON, _line, b"\n")
FRAMES = Form(SSE, _frame, b": \n\n")


def form_of(call: Call) -> Form:
    """What the caller accepts."""
    return LINES if NDJSON in call.headers.get(b"accept", b"") else FRAMES


async def written(
    batches: AsyncGenerator[list[bytes]], form: Form, after: int
) -> AsyncGenerator[bytes]:
    """A reader's messages after message `after`, ready to send. Closes `batches`."""
    number = after
    try:
        async for batch in batches:
            yield form.beat if not batch else b"".join(_numbered(batch, form, number))
            number += len(batch)
    finally:
        await batches.aclose()


def _numbered(batch: list[bytes], form: Form, number: int) -> Iterable[bytes]:
    return (form.write(message, number + i) for i, message in enumerate(batch, 1))
