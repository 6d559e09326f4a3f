"""The engine from outside: a request goes in, events come out, whatever happens on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    CancelledError,
    DeadlineError,
    InputError,
    NotFoundError,
    ProcessingError,
    UnavailableError,
)
from breeze.contracts.events import Adjusted, Finish, Progress, TextDelta, Usage
from breeze.contracts.fields import integer, number, secret
from breeze.contracts.parameters import Parameters
from breeze.contracts.request import GuardianOptions
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, scripted
from tests.engine.conftest import OpenEngine

HELLO = [TextDelta("Hel"), TextDelta("lo"), Usage(3, 2), Finish()]


def chat(text: str = "Hi", **fields: Any) -> ChatRequest:
    named: dict[str, Any] = {"runner": "one", "strict": True}
    return ChatRequest.of(text, **(named | fields))


async def test_run_is_the_fold_over_stream_and_tells_who_answered(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script(HELLO), default_model="tiny")) as engine:
        request = chat()
        answer = await engine.run(request)
    assert (answer.text, answer.runner, answer.model) == ("Hello", "one", "tiny")
    assert answer.usage == Usage(3, 2)
    assert (answer.request_id, answer.mock) == (request.id, False)
    assert len(answer.decision) == 16
    assert answer.metadata
    assert answer.metadata["processing_time_ms"] >= 0


async def test_the_model_is_told_that_a_server_chose_by_itself(opened: OpenEngine) -> None:
    end = Finish(metadata={"model_name": "theirs"})
    async with opened(scripted("one", Script([TextDelta("Hello"), end]))) as engine:
        answer = await engine.run(chat())
    assert (answer.runner, answer.model) == ("one", "theirs")


async def test_the_stream_carries_the_same_and_its_end_holds_the_whole(opened: OpenEngine) -> None:
    async with (
        opened(scripted("one", Script(HELLO))) as engine,
        engine.stream(chat()) as events,
    ):
        seen = [event async for event in events]
        assert events.route.runner == "one"
        assert not events.running
    assert seen[:3] == HELLO[:3]
    assert isinstance(seen[3], Finish)
    assert seen[3].result is not None
    assert [event.partial for event in seen] == [True, True, True, False]


async def test_a_wrong_request_is_refused_at_once_with_every_field(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script(HELLO))) as engine:
        with pytest.raises(InputError) as caught:
            engine.stream(chat(temperature=3, n=99))
    assert caught.value.field == "temperature"
    assert set(caught.value.data["fields"]) == {"temperature", "n"}


async def test_an_id_cannot_be_used_twice_at_once(opened: OpenEngine) -> None:
    gate = Gate()
    async with opened(scripted("one", Script([gate, *HELLO]))) as engine:
        request = chat()
        task = asyncio.create_task(engine.run(request))
        await gate.started.wait()
        with pytest.raises(InputError, match="still running"):
            engine.stream(request)
        gate.release.set()
        assert (await task).text == "Hello"
        assert (await engine.run(request)).text == "Hello"  # free again


async def test_a_stream_that_just_stops_was_cut(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script([TextDelta("Hel")]))) as engine:
        with pytest.raises(ProcessingError, match="cut after 1 events") as caught:
            await engine.run(chat())
    assert (caught.value.detail, caught.value.delivered) == ("cut", 0)


async def test_nothing_comes_after_the_end(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script([*HELLO, TextDelta("more")]))) as engine:
        assert (await engine.run(chat())).text == "Hello"


class Keyed(Parameters):
    """Parameters with a secret."""

    api_key: SecretStr = secret("Key")
    context: int = integer(8, "Context", requires_reload=True)
    pitch: float = number(1.0, "Pitch", per_request=True)


async def test_an_unexpected_failure_becomes_ours_without_the_secret(opened: OpenEngine) -> None:
    script = Script([ValueError("bad key CANARY-1 refused")])
    keys = {"one": {"api_key": "CANARY-1"}}
    async with opened(scripted("one", script, parameters=Keyed), overrides=keys) as engine:
        with pytest.raises(ProcessingError, match=r"one failed: ValueError: bad key \*\*\*"):
            await engine.run(chat())


# cancellation, in every phase and by every road ---------------------------------------------


async def cancelled(engine: Any, request: ChatRequest, where: Gate) -> asyncio.Task[Any]:
    task = asyncio.create_task(engine.run(request))
    await where.started.wait()
    assert engine.live == (request.id,)
    assert engine.cancel(request.id)
    assert not engine.cancel(request.id)
    return task


@pytest.mark.parametrize("before", [[], [TextDelta("Hel")]], ids=["first event", "mid stream"])
async def test_cancel_by_id_reaches_the_runner(opened: OpenEngine, before: list[Any]) -> None:
    gate, request = Gate(), chat()
    script = Script([*before, gate, *HELLO])
    async with opened(scripted("one", script)) as engine:
        task = await cancelled(engine, request, gate)
        with pytest.raises(CancelledError) as caught:
            await task
        assert caught.value.delivered == 0  # who waits for the whole has nothing yet
        assert (script.closes, script.active, engine.live) == (1, 0, ())


async def test_cancel_while_the_model_loads(opened: OpenEngine) -> None:
    gate, request = Gate(), chat()
    script = Script(HELLO, on_load=[gate])
    async with opened(scripted("one", script)) as engine:
        task = await cancelled(engine, request, gate)
        with pytest.raises(CancelledError):
            await task
    assert script.calls == []


async def test_cancel_in_the_queue_leaves_the_one_at_work_alone(opened: OpenEngine) -> None:
    gate = Gate()
    script = Script([gate, *HELLO])
    async with opened(scripted("one", script, concurrency=1)) as engine:
        first = asyncio.create_task(engine.run(chat()))
        await gate.started.wait()
        request = chat()
        second = asyncio.create_task(engine.run(request))
        await settle()
        assert engine.cancel(request.id)
        with pytest.raises(CancelledError):
            await second
        gate.release.set()
        assert (await first).text == "Hello"
        assert len(script.calls) == 1


async def test_cancel_while_nobody_reads_still_stops_the_work(opened: OpenEngine) -> None:
    script = Script(HELLO)
    async with opened(scripted("one", script)) as engine:
        async with engine.stream(chat()) as events:
            await anext(events)
            assert events.cancel()
            await events.closed()
            assert (script.closes, script.active) == (1, 0)
            with pytest.raises(CancelledError):
                await anext(events)


async def test_closing_the_stream_stops_the_work(opened: OpenEngine) -> None:
    script = Script(HELLO)
    async with opened(scripted("one", script)) as engine:
        async with engine.stream(chat()) as events:
            await anext(events)
        assert (script.closes, script.active, engine.live) == (1, 0, ())


async def test_a_cancelled_caller_takes_its_work_along(opened: OpenEngine) -> None:
    gate = Gate()
    script = Script([gate, *HELLO])
    async with opened(scripted("one", script)) as engine:
        task = asyncio.create_task(engine.run(chat()))
        await gate.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (script.closes, script.active, engine.live) == (1, 0, ())


async def test_closing_the_engine_stops_everybody(opened: OpenEngine) -> None:
    gate = Gate()
    script = Script([gate, *HELLO])
    async with opened(scripted("one", script)) as engine:
        task = asyncio.create_task(engine.run(chat()))
        await gate.started.wait()
    with pytest.raises(CancelledError):
        await task
    assert (script.closes, script.unloads) == (1, 1)


async def test_an_unknown_id_cancels_nothing(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script(HELLO))) as engine:
        request = chat()
        await engine.run(request)
        assert not engine.cancel(request.id)
        assert not engine.cancel("nobody")


# time -----------------------------------------------------------------------------------------


async def test_the_deadline_of_a_request_bounds_everything(opened: OpenEngine) -> None:
    clock, gate = ManualClock(), Gate()
    script = Script([TextDelta("Hel"), gate])
    async with opened(scripted("one", script), clock=clock) as engine:
        task = asyncio.create_task(engine.run(chat(deadline=2)))
        await gate.started.wait()
        await clock.advance(1.9)
        assert not task.done()
        await clock.advance(0.2)
        with pytest.raises(DeadlineError, match="longer than the 2 s"):
            await task
        assert script.active == 0


async def test_without_one_the_configured_deadline_holds(opened: OpenEngine) -> None:
    clock, gate = ManualClock(), Gate()
    async with opened(scripted("one", Script([TextDelta("Hel"), gate])), clock=clock) as engine:
        task = asyncio.create_task(engine.run(chat()))
        await gate.started.wait()
        await clock.advance(30)
        with pytest.raises((DeadlineError, UnavailableError), match="30 s"):
            await task


# accounts, adjustments, availability ----------------------------------------------------------


async def test_every_attempt_has_its_row(opened: OpenEngine) -> None:
    gate = Gate()
    script = Script(HELLO, [UnavailableError("off", retryable=False)], [TextDelta("x"), gate])
    async with opened(scripted("one", script)) as engine:
        await engine.run(chat())
        with pytest.raises(UnavailableError):
            await engine.run(chat())
        task = asyncio.create_task(engine.run(request := chat()))
        await gate.started.wait()
        engine.cancel(request.id)
        with pytest.raises(CancelledError):
            await task
        rows = engine.ledger.rows()
    assert [(r.status, r.code, r.events) for r in rows] == [
        ("finished", "", 4),
        ("error", "E501", 0),
        ("cancelled", "E302", 1),
    ]
    assert (rows[0].prompt_tokens, rows[0].completion_tokens) == (3, 2)


async def test_what_the_engine_cannot_honour_is_listed(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script(HELLO))) as engine:
        answer = await engine.run(chat(guardian=GuardianOptions(enabled=True)))
    assert [a.field for a in answer.adjustments] == ["guardian"]


async def test_adjustments_and_progress_of_the_runner_reach_the_caller(opened: OpenEngine) -> None:
    steps = [Progress("load", 1, 2), Adjusted("n", 2, 1, "one at a time"), *HELLO]
    async with opened(scripted("one", Script(steps))) as engine:
        async with engine.stream(chat()) as events:
            seen = [type(event) async for event in events]
        answer = await engine.run(chat())
    assert seen[:2] == [Progress, Adjusted]
    assert answer.adjustments[0].used == 1


async def test_a_runner_that_cannot_work_here_says_why(opened: OpenEngine) -> None:
    script = Script(HELLO, reason="no key: set ONE_KEY")
    clock = ManualClock()
    async with opened(scripted("one", script), clock=clock) as engine:
        with pytest.raises(UnavailableError, match="no key: set ONE_KEY"):
            await engine.run(chat())
        status = next(s for s in engine.runners() if s.name == "one")
        assert (status.state, status.reason) == ("unavailable", "no key: set ONE_KEY")
        script.reason = None
        await clock.advance(10)  # asked again after a while
        assert (await engine.run(chat())).text == "Hello"
        status = next(s for s in engine.runners() if s.name == "one")
        assert (status.state, status.leases) == ("ready", 0)


async def test_explain_lists_everybody_without_running_anything(opened: OpenEngine) -> None:
    script = Script(HELLO)
    async with opened(scripted("one", script)) as engine:
        decision = await engine.explain(chat())
        assert [(c.name, c.why) for c in decision.order] == [("one", "named by the request")]
        assert "mock_tts" in {r.name for r in decision.rejected}
        assert decision.capability is Capability.LLM
        assert (await engine.run(chat())).decision == decision.id
    assert script.loads == 1


async def test_unknown_runners_and_models_are_named(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script(HELLO))) as engine:
        with pytest.raises(NotFoundError, match="'onee'. Did you mean one"):
            await engine.run(chat(runner="onee"))
        with pytest.raises(NotFoundError, match="No model is called 'gpt-9'"):
            await engine.run(ChatRequest.of("Hi", model="gpt-9"))


# configuration --------------------------------------------------------------------------------


async def test_failover_goes_through_the_configured_instances(
    opened: OpenEngine, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(
        '{"version": "2.0", "capabilities": {"LLM": {"runners": {'
        '"primary": {"class": "down", "priority": 10}, '
        '"fallback": {"class": "one", "priority": 20, "modelId": "small"}}}}}'
    )
    down = scripted("down", Script([UnavailableError("refused", retryable=False)]))
    async with opened(down, scripted("one", Script(HELLO)), config=config) as engine:
        answer = await engine.run(ChatRequest.of("Hi"))
    assert (answer.runner, answer.model, answer.text) == ("fallback", "small", "Hello")
    assert [(a.runner, a.code) for a in answer.attempts] == [("primary", "E501")]


async def test_a_stand_in_says_what_was_asked_for(opened: OpenEngine) -> None:
    down = scripted("down", Script([UnavailableError("refused", retryable=False)]))
    runners = (down, scripted("one", Script(HELLO), default_model="small", priority=-1))
    async with opened(*runners) as engine:
        answer = await engine.run(ChatRequest.of("Hi", runner="down", model="big"))
        assert [(a.field, a.asked, a.used) for a in answer.adjustments] == [
            ("runner", "down", "one"),
            ("model", "big", "small"),
        ]
        named = await engine.run(ChatRequest.of("Hi", runner="one"))
    assert (answer.text, named.adjustments) == ("Hello", ())


async def test_a_change_that_needs_a_reload_reloads_and_others_do_not(opened: OpenEngine) -> None:
    script = Script(HELLO)
    async with opened(scripted("one", script, parameters=Keyed)) as engine:
        await engine.run(chat())
        engine.layers.store.set("one", "pitch", 2.0, secret=False)
        await engine.refresh()
        await engine.run(chat())
        assert (script.loads, script.instances[-1].parameters.model_dump()["pitch"]) == (1, 2.0)
        engine.layers.store.set("one", "context", 16, secret=False)
        await engine.refresh()
        await engine.run(chat())
        assert (script.loads, script.unloads) == (2, 1)


async def test_a_saved_selection_comes_before_the_strategy(opened: OpenEngine) -> None:
    runners = (scripted("one", Script(HELLO), priority=0), scripted("two", Script(HELLO)))
    async with opened(*runners) as engine:
        engine.layers.store.select(Capability.LLM, "two")
        await engine.refresh()
        assert (await engine.run(ChatRequest.of("Hi"))).runner == "two"


async def test_each_capability_has_its_method(opened: OpenEngine) -> None:
    async with opened(scripted("one", Script(HELLO))) as engine:
        with pytest.raises(Exception, match="one cannot do TTS"):
            await engine.run(SpeakRequest("hi", runner="one"))
