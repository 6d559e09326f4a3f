"""The runner that follows a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.contracts.capability import Capability, RunnerKind
from breeze.contracts.errors import NotLoadedError, ProcessingError, UnavailableError
from breeze.contracts.events import AudioChunk, Finish, TextDelta
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.contracts.results import collect
from breeze.contracts.runner import ModelInfo
from breeze.testing.scripted import Gate, Script, ScriptedRunner, scripted

HELLO = [TextDelta("Hello"), Finish()]
ASK = ChatRequest.of("Hi")


def made(script: Script, *methods: str, **facts: Any) -> ScriptedRunner:
    return scripted("actor", script, *methods, **facts)(Parameters())


async def test_each_call_follows_its_line_and_the_last_line_repeats() -> None:
    script = Script([UnavailableError("Off.")], HELLO)
    runner = made(script)
    with pytest.raises(UnavailableError):
        await collect(runner.stream(ASK))
    for _ in range(2):
        assert (await collect(runner.stream(ASK))).finish_reason == "stop"
    assert [call.ended for call in script.calls] == [False, True, True]
    assert isinstance(script.calls[0].error, UnavailableError)
    assert script.calls[1].request is ASK


async def test_each_raise_is_an_error_of_its_own() -> None:
    runner = made(Script([ProcessingError("Broke.", detail="cut")]))
    caught = []
    for _ in range(2):
        with pytest.raises(ProcessingError) as error:
            await collect(runner.stream(ASK))
        caught.append(error.value)
    assert caught[0] is not caught[1]
    assert caught[1].detail == "cut"


async def test_a_line_may_depend_on_the_request() -> None:
    script = Script(lambda request: [TextDelta(request.session_id), Finish()])
    request = ChatRequest.of("Hi", session_id="of Ada")
    events = [event async for event in made(script).stream(request)]
    assert events[0] == TextDelta("of Ada")


async def test_a_gate_holds_the_call_until_it_is_released() -> None:
    gate = Gate()
    script = Script([TextDelta("Hel"), gate, TextDelta("lo"), Finish()])
    answer = asyncio.create_task(collect(made(script).stream(ASK)))
    await gate.started.wait()
    assert script.active == 1
    assert script.calls[0].sent == 1
    gate.release.set()
    await answer
    assert script.active == 0


async def test_a_reader_who_leaves_is_noted() -> None:
    script = Script(HELLO)
    runner = made(script)
    events = runner.stream(ASK)
    await anext(events)
    assert runner.work.active == 1
    await events.aclose()
    assert script.closes == 1
    assert runner.work.active == 0
    assert script.calls[0].over.is_set()


async def test_loads_and_unloads_are_counted_over_all_instances() -> None:
    script = Script(HELLO)
    kind = scripted("actor", script)
    one, two = kind(Parameters()), kind(Parameters())
    await one.load("a")
    await two.load("b")
    await two.unload()
    assert (script.loads, script.unloads, script.loaded_models) == (2, 1, ["a", "b"])
    assert script.instances == [one, two]


async def test_loading_may_wait_and_fail() -> None:
    gate = Gate()
    runner = made(Script(HELLO, on_load=[gate, NotLoadedError("No memory.")]))
    loading = asyncio.create_task(runner.load(""))
    await gate.started.wait()
    gate.release.set()
    with pytest.raises(NotLoadedError):
        await loading


async def test_an_event_has_no_place_in_loading() -> None:
    with pytest.raises(TypeError):
        await made(Script(on_load=[Finish()])).load("")


async def test_it_is_a_runner_like_any_other() -> None:
    script = Script(
        [AudioChunk(b"", 0, 8_000), Finish()], reason="no key", models=(ModelInfo("tiny"),)
    )
    runner = made(script, "speak", "chat", kind=RunnerKind.CLOUD, concurrency=2, vision=True)
    assert runner.info.name == "actor"
    assert runner.info.kind is RunnerKind.CLOUD
    assert runner.info.concurrency == 2
    assert set(runner.info.capabilities) == {Capability.LLM, Capability.VLM, Capability.TTS}
    assert runner.check() == "no key"
    assert await runner.models() == (ModelInfo("tiny"),)
    script.reason = None
    assert runner.check() is None
    events = [event async for event in runner.stream(SpeakRequest("Hi"))]
    assert isinstance(events[-1], Finish)


async def test_default_models_are_those_of_the_info() -> None:
    runner = made(Script(HELLO), default_model="small")
    assert [model.id for model in await runner.models()] == ["small"]
