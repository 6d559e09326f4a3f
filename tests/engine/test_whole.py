"""Whole answers: nothing is delivered before the end, so that more can be mended on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import InputError, ProcessingError, UnavailableError
from breeze.contracts.events import Adjusted, Event, Finish, Progress, TextDelta, Usage
from breeze.contracts.requests import ChatRequest
from breeze.testing.clock import ManualClock
from breeze.testing.scripted import Gate, Script, Steps, scripted
from tests.engine.conftest import OpenEngine

GOOD: Steps = [TextDelta("good"), Usage(1, 1), Finish()]
BROKEN: Steps = [
    TextDelta("bad beginning"),
    Adjusted("top_k", 3, None, "why"),
    UnavailableError("gone"),
]
CONFIG = """{"version": "2.0",
  "globalSettings": {"failover": {"attempts": 1, "stallMs": 5000, "deadlineMs": 60000}},
  "capabilities": {"LLM": {"runners": {
    "first": {"class": "one", "priority": 1}, "second": {"class": "two", "priority": 2}}}}}"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.json"
    file.write_text(CONFIG)
    return file


async def test_a_failure_in_the_middle_is_mended_and_leaves_no_trace(
    opened: OpenEngine, config: Path
) -> None:
    runners = scripted("one", Script(BROKEN)), scripted("two", Script(GOOD))
    async with opened(*runners, config=config) as engine:
        answer = await engine.run(ChatRequest.of("Hi"))
    assert (answer.text, answer.runner, answer.adjustments) == ("good", "second", ())
    assert [(attempt.runner, attempt.code) for attempt in answer.attempts] == [("first", "E501")]


async def test_a_stream_of_the_same_stops_as_its_reader_has_the_beginning(
    opened: OpenEngine, config: Path
) -> None:
    runners = scripted("one", Script(BROKEN)), scripted("two", Script(GOOD))
    async with opened(*runners, config=config) as engine:
        events = engine.stream(ChatRequest.of("Hi"))
        with pytest.raises(UnavailableError) as caught:
            [event async for event in events]
    assert caught.value.delivered == 2


async def test_when_nobody_answers_the_last_error_lists_every_try(
    opened: OpenEngine, config: Path
) -> None:
    cut = Script([TextDelta("half")])
    async with opened(
        scripted("one", Script(BROKEN)), scripted("two", cut), config=config
    ) as engine:
        with pytest.raises(ProcessingError) as caught:
            await engine.run(ChatRequest.of("Hi"))
    assert [attempt.code for attempt in caught.value.attempts] == ["E501", "E101"]
    assert (caught.value.runner, caught.value.delivered) == ("second", 0)


async def test_what_no_other_would_mend_is_not_tried_elsewhere(
    opened: OpenEngine, config: Path
) -> None:
    other = Script(GOOD)
    runners = scripted("one", Script([InputError("no", field="x")])), scripted("two", other)
    async with opened(*runners, config=config) as engine:
        with pytest.raises(InputError):
            await engine.run(ChatRequest.of("Hi"))
    assert other.calls == []


@pytest.mark.parametrize(("seconds", "answers"), [(29, "first"), (31, "second")])
async def test_it_may_take_its_share_of_the_time_before_another_is_asked(
    opened: OpenEngine, config: Path, seconds: float, answers: str
) -> None:
    """A server that is asked for the whole says nothing before it has it."""
    clock, gate = ManualClock(), Gate()
    slow = scripted("one", Script([gate, *GOOD]))
    async with opened(slow, scripted("two", Script(GOOD)), config=config, clock=clock) as engine:
        task = asyncio.create_task(engine.run(ChatRequest.of("Hi")))
        await gate.started.wait()
        await clock.advance(seconds)
        gate.release.set()
        assert (await task).runner == answers


async def test_the_last_one_may_take_as_long_as_the_deadline_allows(
    opened: OpenEngine, config: Path
) -> None:
    clock, gate = ManualClock(), Gate()
    slow = scripted("two", Script([gate, *GOOD]))
    async with opened(scripted("one", Script(BROKEN)), slow, config=config, clock=clock) as engine:
        task = asyncio.create_task(engine.run(ChatRequest.of("Hi")))
        await gate.started.wait()
        await clock.advance(59)
        gate.release.set()
        assert (await task).runner == "second"


@pytest.mark.parametrize(
    "first", [Adjusted("top_k", 3, None, "why"), Progress("load"), Usage(1)], ids=type
)
async def test_what_comes_before_the_answer_proves_nothing(
    opened: OpenEngine, config: Path, first: Event
) -> None:
    """A note of what was not used as asked leaves the server as much time as without it."""
    clock, gate = ManualClock(), Gate()
    slow = scripted("one", Script([first, gate, *GOOD]))
    async with opened(slow, scripted("two", Script(GOOD)), config=config, clock=clock) as engine:
        task = asyncio.create_task(engine.run(ChatRequest.of("Hi")))
        await gate.started.wait()
        await clock.advance(29)
        gate.release.set()
        assert (await task).runner == "first"


async def test_one_that_falls_silent_after_it_began_is_abandoned(
    opened: OpenEngine, config: Path
) -> None:
    clock, gate = ManualClock(), Gate()
    stuck: Any = Script([TextDelta("half"), gate])
    async with opened(
        scripted("one", stuck), scripted("two", Script(GOOD)), config=config, clock=clock
    ) as engine:
        task = asyncio.create_task(engine.run(ChatRequest.of("Hi")))
        await gate.started.wait()
        await clock.advance(5.1)
        answer = await task
    assert (answer.text, answer.runner) == ("good", "second")
    assert stuck.calls[0].closed


async def test_the_complaint_of_a_stand_in_does_not_hide_why_it_was_asked(
    opened: OpenEngine, config: Path
) -> None:
    """It may know nothing of what the first one would have taken, such as its parameters."""
    broken, picky = Script(BROKEN), Script([InputError("params.x is not known", field="params.x")])
    async with opened(scripted("one", broken), scripted("two", picky), config=config) as engine:
        with pytest.raises(UnavailableError) as whole:
            await engine.run(ChatRequest.of("Hi"))
        early = Script([UnavailableError("off")])
    async with opened(scripted("one", early), scripted("two", picky), config=config) as engine:
        with pytest.raises(UnavailableError) as streamed:
            [event async for event in engine.stream(ChatRequest.of("Hi"))]
    for caught in (whole, streamed):
        assert [attempt.code for attempt in caught.value.attempts] == ["E501", "E400"]
