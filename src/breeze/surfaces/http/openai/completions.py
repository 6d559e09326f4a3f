"""POST /v1/completions: each prompt as one user message; several prompts side by side."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment, ChatAnswer
from breeze.contracts.dialects.openai_answer import ours_json, usage_json
from breeze.contracts.dialects.openai_completion_chunks import CompletionChunks
from breeze.contracts.dialects.openai_completion_json import (
    NAMES,
    Completions,
    choice_json,
    completions_from_json,
)
from breeze.contracts.dialects.openai_reading import in_their_words, renamed
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Adjusted, Progress, Restarted, Usage
from breeze.surfaces.http.call import Call
from breeze.surfaces.http.openai._many import Numbered, events_of, merged, run_all, summed
from breeze.surfaces.http.openai._sse import BOOKKEEPING, failed, include_usage, set_aside
from breeze.surfaces.http.reply import Answer, Facts, Reply, Stream
from breeze.surfaces.http.routes import Role, Route


async def completions(call: Call) -> Answer:
    """The text after each prompt; as a stream when `stream` is true."""
    body = await call.json()
    asked = completions_from_json(body)
    with_usage = include_usage(body)
    aside = (*asked.adjustments, *set_aside(body, ("user",), BOOKKEEPING))
    try:
        if body.get("stream"):
            return await _streamed(call, asked, aside, usage=with_usage)
        return await _whole(call, asked, aside)
    except RunnerError as error:
        raise renamed(error, NAMES) from error


async def _whole(call: Call, asked: Completions, aside: tuple[Adjustment, ...]) -> Reply:
    answers: list[ChatAnswer] = []
    all_facts: list[Facts] = []
    for answer, facts in await run_all(call, asked.requests):
        assert isinstance(answer, ChatAnswer)
        answers.append(answer)
        all_facts.append(facts)
    adjustments = list(aside)
    for answer in answers:
        new = in_their_words(answer.adjustments, NAMES)
        adjustments += [one for one in new if one not in adjustments]
    first = answers[0]
    found = {
        "id": f"cmpl-{asked.requests[0].id}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": first.model or first.runner,
        "choices": list(_choices(asked, answers)),
        "usage": usage_json(summed(answer.usage for answer in answers)),
        "system_fingerprint": None,
        "breeze": ours_json(tuple(adjustments)),
    }
    return Reply.json(found, headers=merged(all_facts).with_adjusted(aside).headers())


def _choices(asked: Completions, answers: list[ChatAnswer]) -> list[dict[str, Any]]:
    return [
        choice_json(choice, asked.index(number, i), asked.prompts[number] if asked.echo else "")
        for number, answer in enumerate(answers)
        for i, choice in enumerate(answer.choices)
    ]


async def _streamed(
    call: Call, asked: Completions, aside: tuple[Adjustment, ...], *, usage: bool
) -> Stream:
    events = events_of(call, asked.requests)
    early: list[Numbered] = []
    try:
        async for numbered in events:
            early.append(numbered)
            if type(numbered.event) not in (Adjusted, Progress, Usage):
                break
    except BaseException:
        await events.aclose()
        raise
    facts = Facts.of(early[-1].stream)
    id, model = f"cmpl-{asked.requests[0].id}", facts.model or facts.runner
    chunks = CompletionChunks(asked, id, int(time.time()), model, usage=usage)
    pieces = _pieces(chunks, early, events, aside)
    return Stream(pieces, headers=facts.with_adjusted(aside).headers())


async def _pieces(
    chunks: CompletionChunks,
    early: list[Numbered],
    events: AsyncGenerator[Numbered],
    aside: tuple[Adjustment, ...],
) -> AsyncGenerator[bytes]:
    """The chunks. They end in [DONE], or in an error event and nothing after it."""
    telling = _Telling(chunks, aside)
    async with aclosing(events):
        yield telling.first(early)
        for numbered in early:
            if data := telling.next(numbered):
                yield data
        try:
            async for numbered in events:
                if data := telling.next(numbered):
                    yield data
        except RunnerError as error:
            yield failed(renamed(error, NAMES))
        else:
            yield chunks.last(summed(telling.used.values()))


class _Telling:
    """What was told so far: every adjustment once, the usage at the end."""

    def __init__(self, chunks: CompletionChunks, aside: tuple[Adjustment, ...]) -> None:
        self._chunks = chunks
        self._told = [*aside]
        self.used: dict[int, Usage] = {}

    def first(self, early: list[Numbered]) -> bytes:
        for numbered in early:
            if isinstance(numbered.event, Adjusted):
                self._new(numbered.event)
        return self._chunks.first([msgspec.to_builtins(one) for one in self._told])

    def next(self, numbered: Numbered) -> bytes:
        number, event, _ = numbered
        if isinstance(event, Usage):
            self.used[number] = event
        elif not isinstance(event, Adjusted):
            if isinstance(event, Restarted):
                self.used.pop(number, None)
            return self._chunks.piece(number, event)
        elif (new := self._new(event)) is not None:
            return self._chunks.adjusted(number, msgspec.to_builtins(new))
        return b""

    def _new(self, event: Adjusted) -> Adjustment | None:
        one = _adjustment(event)
        if one in self._told:
            return None
        self._told.append(one)
        return one


def _adjustment(event: Adjusted) -> Adjustment:
    plain = Adjustment(event.field, event.asked, event.used, event.why)
    return in_their_words((plain,), NAMES)[0]


ROUTES = (Route("POST", "/v1/completions", Role.USE, completions, "Continue a text (older form)"),)
