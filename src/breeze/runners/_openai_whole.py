"""An answer that was asked for as a whole: the short way, and the long one for all that is odd."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec

from breeze.contracts.dialects.openai import ChunkReader, UpstreamError, usage_of
from breeze.contracts.dialects.openai_chunk_json import UsageJson
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import ChatEvent, Finish, TextDelta
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._http_answer import Answer
from breeze.runners._openai_reply import Reply, named

_Empty = Annotated[list[Any], msgspec.Meta(max_length=0)] | None


class _Message(msgspec.Struct, gc=False):
    """Text, and none of what else a message may hold."""

    content: str
    refusal: None = None
    reasoning_content: None = None
    reasoning: None = None
    reasoning_details: _Empty = None
    tool_calls: _Empty = None


class _Choice(msgspec.Struct, gc=False):
    """The only one."""

    message: _Message
    finish_reason: Literal["stop", "length", "content_filter"]
    index: Literal[0, None] = None
    delta: None = None
    logprobs: None = None


class _Usual(msgspec.Struct, gc=False):
    """The answer that nearly all are: one text. Whatever is not of this shape is odd."""

    choices: tuple[_Choice]
    usage: UsageJson | None = None
    model: str | None = None
    error: None = None


_usual = msgspec.json.Decoder(_Usual).decode


def whole_events(answer: Answer, top: int, secrets: tuple[str, ...]) -> list[ChatEvent]:
    """All events of an answer that was asked for as a whole. Raises the error that came instead."""
    try:
        found = _usual(b"".join(answer.parts))
    except UNREADABLE:
        return _odd_events(answer, top, secrets)
    choice, model, used = found.choices[0], found.model, found.usage
    text = choice.message.content
    events: list[ChatEvent] = [TextDelta(text)] if text else []
    if used is not None and (usage := usage_of(used)) is not None:
        events.append(usage)
    events.append(Finish(choice.finish_reason, metadata={"model_name": model} if model else None))
    return events


def _odd_events(answer: Answer, top: int, secrets: tuple[str, ...]) -> list[ChatEvent]:
    body = answer.body()
    reader = ChunkReader(top=top)
    events: list[ChatEvent] = []
    with suppress(UpstreamError, ProcessingError, UnicodeDecodeError):
        events = reader.read(body)
    if reader.reason is not None:
        *last, finish = reader.end()
        return [*events, *last, named(finish, reader.model)]
    reply = Reply(answer, top, secrets)  # what is no plain answer is looked at closely
    return [*reply.take(body), *reply.end()]
