"""A model that takes long to load: who waits gets it, and not the end of a time nobody gave."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import DeadlineError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Gate, Script, scripted
from tests.engine.conftest import OpenEngine

pytestmark = pytest.mark.parametrize("whole", [True, False])


def ask(*, whole: bool, **fields: Any) -> ChatRequest:
    return ChatRequest.of("Hi", runner="big", strict=True, whole=whole, **fields)


async def test_a_load_takes_no_time_of_a_deadline_that_nobody_gave(
    opened: OpenEngine, *, whole: bool
) -> None:
    clock, loading, thinking = ManualClock(), Gate(), Gate()
    script = Script([TextDelta("Hello"), thinking, Finish()], on_load=[loading])
    async with opened(scripted("big", script), clock=clock) as engine:
        asking = asyncio.create_task(engine.stream(ask(whole=whole)).result())
        await asyncio.wait_for(loading.started.wait(), 10)
        for _ in range(10):
            await clock.advance(20)
        loading.release.set()
        await asyncio.wait_for(thinking.started.wait(), 10)
        await clock.advance(28)
        assert not asking.done()
        await clock.advance(3)  # what remained was that of the request, and it counts again
        with pytest.raises(DeadlineError, match="30 s"):
            await asking
        assert script.loads == 1


async def test_nor_does_it_take_any_from_those_who_wait_for_a_place(
    opened: OpenEngine, *, whole: bool
) -> None:
    clock, loading = ManualClock(), Gate()
    script = Script([TextDelta("Hello"), Finish()], on_load=[loading])
    async with opened(scripted("big", script, concurrency=1), clock=clock) as engine:
        asking = [asyncio.create_task(engine.stream(ask(whole=whole)).result()) for _ in range(3)]
        await asyncio.wait_for(loading.started.wait(), 10)
        for _ in range(10):
            await clock.advance(20)
        loading.release.set()
        answers: list[Any] = await asyncio.wait_for(asyncio.gather(*asking), 10)
        assert [answer.text for answer in answers] == ["Hello"] * 3


async def test_a_load_that_never_ends_is_left(opened: OpenEngine, *, whole: bool) -> None:
    clock, loading = ManualClock(), Gate()
    script = Script([TextDelta("Hello"), Finish()], on_load=[loading])
    async with opened(scripted("big", script), clock=clock) as engine:
        asking = asyncio.create_task(engine.stream(ask(whole=whole)).result())
        await asyncio.wait_for(loading.started.wait(), 10)
        for _ in range(40):
            await clock.advance(16)
        with pytest.raises(DeadlineError):
            await asking


@pytest.mark.parametrize("whose", ["the request's", "the configuration's"])
async def test_a_deadline_that_was_given_bounds_the_load(
    opened: OpenEngine, tmp_path: Path, whose: str, *, whole: bool
) -> None:
    clock, loading = ManualClock(), Gate()
    script = Script([TextDelta("Hello"), Finish()], on_load=[loading])
    config = tmp_path / "config.json"
    mine = whose == "the request's"
    limits = {} if mine else {"failover": {"deadlineMs": 40_000}}
    config.write_text(json.dumps({"globalSettings": limits}))
    async with opened(scripted("big", script), clock=clock, config=config) as engine:
        request = ask(whole=whole, deadline=40.0 if mine else None)
        asking = asyncio.create_task(engine.stream(request).result())
        await asyncio.wait_for(loading.started.wait(), 10)
        await clock.advance(39)
        assert not asking.done()
        await clock.advance(2)
        with pytest.raises(DeadlineError, match="40 s"):
            await asking
