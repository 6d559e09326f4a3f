"""What runners serve is asked of them seldom: a remote one asks its server each time."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.errors import NotFoundError, RunnerError, UnavailableError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import ModelInfo, Runner
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, scripted
from tests.engine.conftest import OpenEngine

HELLO = [TextDelta("Hello"), Finish()]


class Server:
    """What the runner `far` hears when it asks which models there are, and how often it asks."""

    def __init__(self, *models: str) -> None:
        self.models = models
        self.failure: RunnerError | None = None
        self.gate: Gate | None = None
        self.asked = 0

    def runner(self) -> type[Runner[Parameters]]:
        server = self

        class Far(scripted("far", Script(HELLO))):  # type: ignore[misc]
            async def models(self) -> tuple[ModelInfo, ...]:
                server.asked += 1
                if server.gate is not None:
                    await server.gate()
                if server.failure is not None:
                    raise server.failure
                return tuple(ModelInfo(name) for name in server.models)

        return Far


def named(model: str) -> ChatRequest:
    return ChatRequest.of("Hi", model=model)


async def test_a_model_named_again_and_again_is_looked_up_once_a_minute(
    opened: OpenEngine,
) -> None:
    clock, server = ManualClock(), Server("big")
    async with opened(server.runner(), clock=clock) as engine:
        for _ in range(30):
            answer = await engine.run(named("big"))
            await clock.advance(1.9)
        assert (answer.runner, answer.model, server.asked) == ("far", "big", 1)
        await clock.advance(5)
        await engine.run(named("big"))
        assert server.asked == 2


async def test_the_list_of_models_comes_from_the_same_memory(opened: OpenEngine) -> None:
    clock, server = ManualClock(), Server("big")
    async with opened(server.runner(), clock=clock) as engine:
        first, again = await engine.models(), await engine.models()
        assert [model.id for model in first["far"]] == ["big"]
        assert (again, server.asked) == (first, 1)
        server.models = ("big", "huge")
        await clock.advance(61)
        assert [model.id for model in (await engine.models())["far"]] == ["big", "huge"]


async def test_an_instance_is_not_asked_for_a_model_that_names_it(opened: OpenEngine) -> None:
    server = Server("big")
    async with opened(server.runner()) as engine:
        answer = await engine.run(named("far/other"))
    assert (answer.model, server.asked) == ("other", 0)


async def test_a_model_that_is_new_is_found_within_seconds(opened: OpenEngine) -> None:
    clock, server = ManualClock(), Server("big")
    async with opened(server.runner(), clock=clock) as engine:
        await engine.run(named("big"))
        server.models = ("big", "new")
        with pytest.raises(NotFoundError):
            await engine.run(named("new"))
        await clock.advance(5)
        assert (await engine.run(named("new"))).model == "new"
        assert server.asked == 2


async def test_a_configured_model_is_known_without_a_second_question(opened: OpenEngine) -> None:
    clock, server = ManualClock(), Server("big")
    file = '{"version": "2.0", "capabilities": {"LLM": {"runners": {'
    file += '"mine": {"class": "far", "modelId": "own"}}}}}'
    config = msgspec.json.decode(file)
    async with opened(
        server.runner(), clock=clock, config=EngineConfig.model_validate(config)
    ) as engine:
        await engine.run(named("own"))
        asked = server.asked
        await clock.advance(30)
        assert (await engine.run(named("own"))).runner == "mine"
        assert server.asked == asked


async def test_unknown_names_cannot_make_the_runners_ask_all_the_time(opened: OpenEngine) -> None:
    clock, server = ManualClock(), Server("big")
    async with opened(server.runner(), clock=clock) as engine:
        for number in range(20):
            with pytest.raises(NotFoundError):
                await engine.run(named(f"unknown-{number}"))
    assert server.asked == 1


async def test_a_failure_is_tried_again_after_five_seconds_and_the_last_answer_counts(
    opened: OpenEngine,
) -> None:
    clock, server = ManualClock(), Server("big")
    async with opened(server.runner(), clock=clock) as engine:
        known = await engine.models()
        server.failure = UnavailableError("no network")
        await clock.advance(60)
        assert await engine.models() == known
        await clock.advance(4)
        await engine.models()
        assert server.asked == 2
        server.failure = None
        await clock.advance(1)
        await engine.models()
        assert server.asked == 3


async def test_nobody_knows_what_a_runner_serves_that_never_told(opened: OpenEngine) -> None:
    server = Server("big")
    server.failure = UnavailableError("no network")
    async with opened(server.runner()) as engine:
        assert (await engine.models())["far"] == ()
        assert engine.instances["far"].models is None


async def test_requests_at_the_same_time_share_one_question(opened: OpenEngine) -> None:
    server = Server("big")
    server.gate = gate = Gate()
    async with opened(server.runner()) as engine:
        tasks = [asyncio.create_task(engine.run(named("big"))) for _ in range(8)]
        await gate.started.wait()
        await settle()
        gate.release.set()
        answers = await asyncio.gather(*tasks)
    assert {answer.model for answer in answers} == {"big"}
    assert server.asked == 1


async def test_who_waits_asks_anew_when_the_asker_gives_up(opened: OpenEngine) -> None:
    server = Server("big")
    server.gate = gate = Gate()
    async with opened(server.runner()) as engine:
        first = asyncio.create_task(engine.run(named("big")))
        await gate.started.wait()
        second = asyncio.create_task(engine.run(named("big")))
        await settle()
        first.cancel()
        gate.release.set()
        assert (await second).model == "big"
        with pytest.raises(asyncio.CancelledError):
            await first
    assert server.asked == 2


async def test_changed_settings_forget_what_was_told(opened: OpenEngine) -> None:
    server = Server("big")
    async with opened(server.runner()) as engine:
        await engine.models()
        await engine.refresh()
        await engine.models()
    assert server.asked == 2
