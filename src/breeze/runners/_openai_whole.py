"""An answer that was asked for as a whole: the short way, and the long one for all that is odd."""

from __future__ import annotations

from contextlib import suppress

from breeze.contracts.dialects.openai import ChunkReader, UpstreamError
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent
from breeze.runners._http_answer import Answer
from breeze.runners._openai_reply import Reply, named


def whole_events(
    body: bytes, answer: Answer, top: int, secrets: tuple[str, ...]
) -> list[ChatEvent]:
    """All events of an answer that was asked for as a whole. Raises the error that came instead."""
    reader = ChunkReader(top=top)
    events: list[ChatEvent] = []
    with suppress(UpstreamError, ProcessingError, UnicodeDecodeError):
        events = reader.read(body)
    if reader.reason is not None:
        *last, finish = reader.end()
        return [*events, *last, named(finish, reader.model)]
    reply = Reply(answer, top, secrets)  # what is no plain answer is looked at closely
    return [*reply.take(body), *reply.end()]
