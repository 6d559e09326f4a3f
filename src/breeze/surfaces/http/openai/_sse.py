"""What the streams of OpenAI's routes share: the first output decides the status."""

from __future__ import annotations

from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import InputError, RunnerError
from breeze.contracts.events import AnyEvent, Progress
from breeze.contracts.results import cut
from breeze.engine.stream import EventStream
from breeze.surfaces.http.problems import openai_error

_encode = msgspec.json.Encoder().encode
BOOKKEEPING = "is the book-keeping of another service and has no effect here"


async def first_of(events: EventStream[Any]) -> AnyEvent:
    """The first event that shows who answers. Until it comes, a failure is a status of its own.

    Raises RunnerError; the stream is closed then.
    """
    try:
        async for event in events:
            if type(event) is not Progress:
                return event  # type: ignore[no-any-return]
    except BaseException:
        await events.aclose()
        raise
    raise cut(0)


def failed(error: RunnerError) -> bytes:
    """The last event of a stream that ends in failure. No `[DONE]` follows."""
    return b"data: " + _encode(openai_error(error)) + b"\n\n"


def event(value: Any) -> bytes:
    """One SSE event."""
    return b"data: " + _encode(value) + b"\n\n"


def set_aside(body: dict[str, Any], names: tuple[str, ...], why: str) -> tuple[Adjustment, ...]:
    """Those of the fields `names` that the caller gave and that have no effect here."""
    given = [name for name in body if name in names and body[name] is not None]
    return tuple(Adjustment(name, body[name], None, why) for name in given)


def include_usage(body: dict[str, Any]) -> bool:
    """Whether a stream is to end with its usage. Raises InputError for a wrong option."""
    options = body.get("stream_options")
    if options is None:
        return False
    if not body.get("stream"):
        raise InputError("stream_options: is for streams: set stream.", field="stream_options")
    for name, value in options.items():
        path = f"stream_options.{name}"
        if name not in ("include_usage", "include_obfuscation"):
            raise InputError(f"{path} is not known here: leave it out.", field=path)
        if type(value) is not bool:
            raise InputError(f"{path}: must be true or false.", field=path)
    return bool(options.get("include_usage"))
