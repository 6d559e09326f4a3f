"""Who shares a failure, whom nobody asked, and what is left of an answer that was withdrawn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from breeze.contracts.answers import Embeddings
from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    AuthenticationError,
    NotLoadedError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import (
    ALIVE,
    Adjusted,
    Embedding,
    Finish,
    Restarted,
    TextDelta,
)
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import GuardianOptions
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import Fold
from breeze.contracts.runner import ModelInfo
from breeze.engine.holding import Holding
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, ScriptedRunner, Steps, scripted
from tests.engine.conftest import OpenEngine
from tests.engine.lines import FINE, Line, Lined

ONCE = {"attempts": 1}
RESTART = {"afterOutput": "restart", "attempts": 1}
DOWN: Steps = [UnavailableError("off")]
BROKE = UnavailableError("it broke")


async def test_each_who_waited_for_a_load_that_fails_has_an_error_of_his_own(
    opened: OpenEngine,
) -> None:
    gate = Gate()
    script = Script(FINE, on_load=[gate, NotLoadedError("no weights", retryable=False)])
    async with opened(scripted("one", script), clock=ManualClock()) as engine:
        asked = [engine.run(ChatRequest.of("Hi", runner="one", strict=True)) for _ in range(2)]
        tasks = [asyncio.ensure_future(work) for work in asked]
        await gate.started.wait()
        await settle()
        gate.release.set()
        one, two = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(one, NotLoadedError)
    assert isinstance(two, NotLoadedError)
    assert one is not two
    assert one.attempts is not two.attempts


# probes ---------------------------------------------------------------------------------------


async def test_who_waited_for_a_probe_that_failed_goes_where_another_succeeded(
    lined: Lined,
) -> None:
    """Both rest, and are probed by others; the one that was waited for still does not work."""
    fails, works = Gate(), Gate()
    one: list[Steps] = [DOWN, [fails, BROKE]]
    two: list[Steps] = [DOWN, [works, *FINE], FINE]
    async with lined(ONCE, circuit={"failures": 1}, a=one, b=two) as line:
        with pytest.raises(UnavailableError):
            await line.read()
        tasks = [asyncio.create_task(line.read()) for _ in range(2)]
        await fails.started.wait()
        await works.started.wait()
        late = asyncio.create_task(line.read())
        await settle()
        works.release.set()
        await settle()
        assert not late.done()  # it waits for the other
        fails.release.set()
        assert (await late)[0] == FINE
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_waited_for_a_probe_that_failed_waits_for_the_other(lined: Lined) -> None:
    gates = [Gate(), Gate()]
    one: list[Steps] = [DOWN, [gates[0], BROKE]]
    two: list[Steps] = [DOWN, [gates[1], *FINE], FINE]
    async with lined(ONCE, circuit={"failures": 1}, a=one, b=two) as line:
        with pytest.raises(UnavailableError):
            await line.read()
        tasks = [asyncio.create_task(line.read()) for _ in range(3)]
        for gate in gates:
            await gate.started.wait()
            await settle()
            gate.release.set()
            await settle()
        assert (await tasks[2])[0] == FINE
        await asyncio.gather(*tasks, return_exceptions=True)
    assert line.calls.count("a") == 2  # not once more, after it has failed


class Warm(Parameters):
    """Has something to set."""

    warmth: int = integer(3, "Of the tone")


@pytest.mark.parametrize("error", [AuthenticationError("Set api_key."), BROKE], ids=repr)
async def test_a_failure_under_former_settings_says_nothing_of_the_new(
    lined: Lined, error: RunnerError
) -> None:
    gate, facts = Gate(), {"a": {"parameters": Warm}}
    lines: list[Steps] = [[gate, error], FINE]
    async with lined(ONCE, circuit={"failures": 1}, facts=facts, a=lines) as line:
        task = asyncio.create_task(line.read())
        await gate.started.wait()
        line.engine.layers.store.set("a", "warmth", 4, secret=False)
        await line.engine.refresh()
        gate.release.set()
        with pytest.raises(type(error)):
            await task
        assert _circuit(line) == "closed"
        assert (await line.read())[0] == FINE


def _circuit(line: Line) -> str:
    return next(s.circuit for s in line.engine.runners() if s.name == "a")


# a text without a character -------------------------------------------------------------------


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_an_empty_text_is_no_output(lined: Lined, whole: bool) -> None:
    async with lined(ONCE, a=[[TextDelta(""), BROKE]], b=[FINE]) as line:
        if whole:
            assert (await line.whole()).text == "fine"
        else:
            assert (await line.read())[0] == FINE


async def test_an_empty_text_frees_no_way(lined: Lined) -> None:
    gate = Gate()
    lines: list[Steps] = [DOWN, [TextDelta(""), gate, *FINE]]
    async with lined(ONCE, circuit={"failures": 1}, a=lines) as line:
        with pytest.raises(UnavailableError):
            await line.read()
        task = asyncio.create_task(line.read())
        await gate.started.wait()
        assert _circuit(line) == "probing"
        gate.release.set()
        await task


# what was withdrawn ---------------------------------------------------------------------------


async def test_what_a_withdrawn_answer_did_not_honour_is_withdrawn_too(lined: Lined) -> None:
    one, two = Adjusted("seed", 1, None, "a has none"), Adjusted("top_p", 3, 1, "b has less")
    first: Steps = [one, TextDelta("one"), BROKE]
    async with lined(RESTART, a=[first], b=[[two, *FINE]]) as line:
        stream = line.stream()
        events: list[Any] = [event async for event in stream]
    assert [a.field for a in events[-1].result.adjustments] == ["top_p"]
    assert [a.field for a in stream.route.fold.adjusted] == ["top_p"]


async def test_what_nobody_honours_is_said_of_the_new_answer_too(lined: Lined) -> None:
    request = msgspec.structs.replace(ChatRequest.of("Hi"), guardian=GuardianOptions(enabled=True))
    first: Steps = [TextDelta("one"), BROKE]
    async with lined(RESTART, request=request, a=[first], b=[FINE]) as line:
        stream = line.stream()
        events: list[Any] = [event async for event in stream]
    assert [type(e) for e in events] == [
        Adjusted, TextDelta, Restarted, Adjusted, TextDelta, Finish,
    ]  # fmt: skip
    assert [a.field for a in events[-1].result.adjustments] == ["guardian"]


def test_adding_up_leaves_nothing_of_what_was_withdrawn() -> None:
    fold = Fold(Embeddings)
    for event in (Adjusted("x", 1, 2, "why"), Embedding.of(0, [1.0]), Restarted("a", "b", "off")):
        fold.add(event)
    assert (fold.adjusted, fold.result(Finish()).adjustments) == ([], ())


# recordings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [False, True], ids=["stream", "whole"])
async def test_a_sign_of_life_is_not_recorded(
    opened: OpenEngine, tmp_path: Path, whole: bool
) -> None:
    script = Script([ALIVE, TextDelta("x"), ALIVE, Finish()])
    async with opened(scripted("one", script), record=tmp_path / "tapes") as engine:
        async with engine.stream(ChatRequest.of("Hi", runner="one", whole=whole)) as stream:
            if whole:
                await stream.result()
            else:
                assert [type(event) async for event in stream] == [TextDelta, Finish]
    [tape] = (tmp_path / "tapes").glob("*.jsonl")
    assert "alive" not in tape.read_text()


def test_a_withdrawn_text_says_nothing_of_the_one_after_it() -> None:
    """It ended just where a key would have stood."""
    holding = Holding(["quite-secret"])
    events = [
        TextDelta("password: quite-"),
        Restarted("a", "b", "off"),
        TextDelta("secret "),
        Finish(),
    ]
    taken = [found for event in events for _, found in holding.take(0.0, event)]
    assert [*taken, *(found for _, found in holding.rest())] == events


# who does not even tell what it serves ----------------------------------------------------------


class Mute(ScriptedRunner):
    """Is asked what it serves, and says nothing."""

    asked: ClassVar[Gate]

    async def models(self) -> tuple[ModelInfo, ...]:
        await self.asked()
        return ()


async def test_a_mute_one_holds_up_others_once_a_minute_and_not_for_long(lined: Lined) -> None:
    served = {"models": (ModelInfo("m", (Capability.LLM,)),), "default_model": "m"}
    async with lined(ONCE, facts={"b": served}, a=[FINE], b=[FINE]) as line:
        instance, gate = line.engine.instances["a"], Gate()
        assert instance.runner_type is not None
        instance.runner_type = type("mute", (Mute, instance.runner_type), {"asked": gate})
        task = asyncio.create_task(line.read(model="m"))
        await gate.started.wait()
        await line.clock.advance(4.9)
        assert not task.done()
        await line.clock.advance(0.2)
        assert (await task)[0] == FINE
        for _ in range(3):
            await line.clock.advance(15)
            assert (await line.read(model="m"))[0] == FINE  # no time passes
    assert line.calls == ["b"] * 4
