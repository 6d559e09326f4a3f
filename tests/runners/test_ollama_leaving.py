"""Leaving the ollama runner in every phase: its connection closes at once, the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from breeze.contracts.errors import OverloadedError, RunnerError
from breeze.contracts.request import Request
from breeze.runners.ollama import OllamaRunner
from breeze.testing.standins.ollama import OllamaStandin
from tests.runners.leaving import leave
from tests.runners.ollama_asking import answer, asking, embedding, running

SAID = "You said: Hi you"


class Phase(NamedTuple):
    """Where a request waits: for which answer, after which fault."""

    request: Request[Any]
    fault: str
    on: str
    calls: int


PHASES = {
    "looking for a model": Phase(asking(model="auto"), "slow-head", "GET /api/tags", 1),
    "waiting for the head": Phase(asking(), "slow-head", "POST /api/chat", 1),
    "waiting for the first line": Phase(asking(), "slow-first", "POST /api/chat", 1),
    "waiting for a whole answer": Phase(asking(whole=True), "stall", "POST /api/chat", 1),
    "amid the lines": Phase(asking(), "stall", "POST /api/chat", 1),
    "amid a flood of lines": Phase(asking(), "endless", "POST /api/chat", 1),
    "waiting for vectors": Phase(embedding("a"), "slow-head", "POST /api/embed", 1),
    "amid the vectors": Phase(embedding("a"), "stall", "POST /api/embed", 1),
    "waiting for a pull": Phase(asking(model="owl"), "slow-head", "POST /api/pull", 2),
    "amid a pull": Phase(asking(model="owl"), "stall", "POST /api/pull", 2),
    "pulling an embedder": Phase(embedding("a", model="owl"), "stall", "POST /api/pull", 2),
}


@pytest.fixture
async def vendor() -> AsyncIterator[OllamaStandin]:
    async with OllamaStandin.serving() as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: OllamaStandin) -> AsyncIterator[OllamaRunner]:
    async with running(vendor, pull=True) as runner:
        yield runner


@pytest.mark.parametrize("name", PHASES)
async def test_the_connection_is_closed_within_a_tenth_of_a_second(
    vendor: OllamaStandin, runner: OllamaRunner, name: str
) -> None:
    phase = PHASES[name]
    vendor.fault(phase.fault, on=phase.on)
    await leave(vendor, runner, phase.request, phase.calls)
    assert (await answer(runner)).text == SAID


async def test_who_leaves_takes_nobody_along(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    """Half of forty streams hang and are left; each of the others gets its whole answer."""
    vendor.fault("stall", times=20)
    hanging = [asyncio.ensure_future(answer(runner)) for _ in range(20)]
    await asyncio.wait(hanging, timeout=0.1)
    fine = [asyncio.ensure_future(answer(runner, asking(f"Hi {i}"))) for i in range(20)]
    for each in hanging:
        each.cancel()
    texts = [found.text for found in await asyncio.gather(*fine)]
    assert texts == [f"You said: Hi {i}" for i in range(20)]
    await asyncio.wait(hanging)
    async with asyncio.timeout(0.1):
        await vendor.idle()
    assert runner.work.active == 0


async def test_unloading_ends_what_still_runs(vendor: OllamaStandin, runner: OllamaRunner) -> None:
    vendor.fault("stall")
    reading = asyncio.ensure_future(answer(runner))
    await asyncio.wait([reading], timeout=0.05)
    await runner.unload()
    with pytest.raises(RunnerError):
        await reading
    async with asyncio.timeout(0.1):
        await vendor.idle()


@pytest.mark.parametrize("fault", ["error-503", "error-200", "stream-error", "malformed"])
async def test_a_fault_leaves_a_connection_that_can_be_used_or_none(
    vendor: OllamaStandin, runner: OllamaRunner, fault: str
) -> None:
    for _ in range(3):
        vendor.fault(fault)
        with pytest.raises(RunnerError):
            await answer(runner)
        assert (await answer(runner)).text == SAID
    async with asyncio.timeout(0.1):
        await vendor.idle()
    assert vendor.open_connections <= 2


async def test_a_pulled_model_is_asked_like_any_other(
    vendor: OllamaStandin, runner: OllamaRunner
) -> None:
    """After the pull the very same request is sent, and a busy server is told as ever."""
    vendor.fault("model-missing", on="POST /api/chat")
    vendor.fault("error-503", on="POST /api/chat")
    with pytest.raises(OverloadedError):
        await answer(runner)
    first, pull, second = vendor.calls
    assert pull.json == {"model": "parrot", "stream": True}
    assert first.body == second.body


async def test_what_was_begun_is_not_begun_anew(
    vendor: OllamaStandin, runner: OllamaRunner
) -> None:
    """A model that goes missing amid its answer is not pulled: the caller has text already."""
    vendor.fault("stream-error;kind=not_found")
    with pytest.raises(RunnerError, match="not found"):
        await answer(runner)
    assert [call.path for call in vendor.calls] == ["/api/chat"]
