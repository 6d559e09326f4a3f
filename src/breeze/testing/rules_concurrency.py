"""The rule that streams at the same time do not mix."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from breeze.contracts.answers import Answer
from breeze.contracts.capability import Capability
from breeze.contracts.events import Finish, Progress
from breeze.contracts.results import ANSWERS, Fold
from breeze.testing.bench import AnyRunner, Bench
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.run import Run

_AT_ONCE = 4
_BY_CHANCE = (Capability.LLM, Capability.VLM, Capability.EMBEDDING)
"""A model that works on several streams together may round differently than for one alone."""


async def _same(bench: Bench) -> None:
    count = min(bench.info.concurrency, _AT_ONCE)
    if count < 2:
        raise NotApplicable("it takes one stream at a time")
    runner = await bench.shared()
    for capability in await bench.answering():
        alone = [await _ask(bench, runner, capability, i) for i in range(count)]
        again = [await _ask(bench, runner, capability, i) for i in range(count)]
        jobs = (_ask(bench, runner, capability, i) for i in range(count))
        together = await asyncio.gather(*jobs)
        exact = bench.info.mock or capability not in _BY_CHANCE
        look = _answer if exact and [*map(_answer, alone)] == [*map(_answer, again)] else _shape
        for one, other in zip(alone, together, strict=True):
            if not one.trouble(bench.limits) and (why := other.trouble(bench.limits)):
                raise Failed(f"{capability.method}, {count} at once: {why}")
            if look(one) != look(other):
                raise Failed(f"{capability.method}: the answer differs when {count} run at once")


async def _ask(bench: Bench, runner: AnyRunner, capability: Capability, number: int) -> Run:
    return await bench.drive(runner, bench.samples.varied(capability, number))


def _answer(run: Run) -> Answer | str:
    """What the events add up to, without metadata, which may hold times."""
    if not run.whole:
        return type(run.error).__name__
    fold = Fold(ANSWERS[run.request.capability.method])
    for event in run.events:
        fold.add(event)
    return msgspec.structs.replace(fold.result(run.events[-1]), metadata=None)


def _shape(run: Run) -> list[Any]:
    """The kinds of events in their order, repeats counted once, and the reason of the end."""
    kinds: list[Any] = []
    for event in run.events:
        if not isinstance(event, Progress) and kinds[-1:] != [type(event)]:
            kinds.append(type(event))
    return [*kinds, *(event.reason for event in run.of(Finish))]


RULES = (Rule("concurrency.same", "streams at the same time answer as they do one by one", _same),)
