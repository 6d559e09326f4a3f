"""The pictures of one answer: of a whole one, or of a stream with unfinished ones before."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TypeVar

import msgspec

from breeze.contracts.events import Progress
from breeze.runners._http_answer import Answer
from breeze.runners._http_sse import EventSplitter
from breeze.runners._json_answer import json_answer
from breeze.runners._openai_server import Server, kind_of

T = TypeVar("T")
_PARTIAL, _COMPLETED = ".partial_image", ".completed"


class Picture(msgspec.Struct):
    """One picture: its bytes as base64, or where it lies."""

    b64_json: str | None = None
    url: str | None = None
    seed: int | None = None


class _Used(msgspec.Struct):
    """Tokens, and dollars where the server counts them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None


class _Answer(msgspec.Struct):
    """A whole answer."""

    data: list[Picture] | None = None
    usage: _Used | None = None


class _Event(Picture):
    """One event of a stream."""

    type: str = ""
    partial_image_index: int = 0
    usage: _Used | None = None


class Drawn:
    """What all answers of a request add up to. `wanted` pictures in all."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.count = self.input_tokens = self.output_tokens = 0
        self.cost: float | None = None

    def add(self, used: _Used | None) -> None:
        """Take the figures of one answer into account."""
        if used is None:
            return
        self.input_tokens += used.input_tokens or 0
        self.output_tokens += used.output_tokens or 0
        if used.cost is not None:
            self.cost = (self.cost or 0.0) + used.cost


async def pictures_of(
    body: bytes, server: Server, total: Drawn
) -> AsyncGenerator[Picture | Progress]:
    """What the answer to `body` holds, in its order. Raises the error that came instead."""
    with await server.ask("/images/generations", body, "prompts") as answer:
        if kind_of(answer) == "text/event-stream":
            async for found in _streamed(answer, server, total):
                yield found
            return
        data = b"".join([piece async for piece in answer])
    whole = _decoded(data, _Answer, answer, server)
    total.add(whole.usage)
    for picture in whole.data or ():
        yield picture


async def _streamed(
    answer: Answer, server: Server, total: Drawn
) -> AsyncGenerator[Picture | Progress]:
    split, done = EventSplitter(), False
    async for data in answer:
        for event in split.feed(data):
            if (found := _event(event, answer, server)) is None:
                continue
            if found.type.endswith(_PARTIAL):
                parts = server.parameters.partial_images + 1
                yield Progress("drawing", found.partial_image_index + 1, max(parts, 1))
            elif found.type.endswith(_COMPLETED):
                done = True
                total.add(found.usage)
                yield found
    if not done:
        raise server.cut(answer)


def _event(event: bytes, answer: Answer, server: Server) -> _Event | None:
    if event.startswith(b"[DONE]"):
        return None
    found: _Event = _decoded(event, _Event, answer, server)
    return found


def _decoded(data: bytes, kind: type[T], answer: Answer, server: Server) -> T:
    server.found(answer, data, "prompts")  # an error is raised
    found: T = json_answer(data, kind, answer.where, "pictures")
    return found
