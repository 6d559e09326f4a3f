"""Who leaves takes every connection along, within 100 ms, whatever the runner was doing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.contracts.clock import SystemClock
from breeze.contracts.requests import DrawRequest
from breeze.testing.standins._server import Standin
from breeze.testing.standins.runware import RunwareStandin
from tests.runners.runware_bench import prompts, running

SOON = 0.1


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


async def closed(server: Standin) -> float:
    """Seconds until no request runs any more."""
    start = time.perf_counter()
    await server.idle()
    return time.perf_counter() - start


async def reading(events: AsyncIterator[object], until: asyncio.Event) -> asyncio.Task[None]:
    """A task that reads, as an engine does, once `until` is set."""

    async def read() -> None:
        async for _ in events:
            pass

    task = asyncio.create_task(read())
    await asyncio.wait_for(until.wait(), 10)
    return task


@pytest.mark.parametrize("phase", ["sending", "polling", "download", "sleep"])
async def test_connections_close_at_once(
    vendor: RunwareStandin, tmp_path: Path, phase: str
) -> None:
    reached = asyncio.Event()
    server: Standin = vendor.images if phase == "download" else vendor
    if phase == "sending":
        vendor.fault("slow-first", times=None)
    elif phase == "polling":
        vendor.on_call = lambda _: vendor.fault("slow-head", times=None)
    elif phase == "download":
        vendor.images.fault("stall", times=None)
    else:
        vendor.work.polls = 10_000
    async with running(vendor, home=tmp_path, clock=SystemClock()) as runner:
        events = runner.draw(DrawRequest(prompts(2)))
        watch = asyncio.create_task(_reached(vendor, phase, reached))
        task = await reading(events, reached)
        await watch
        steps = runner.work.steps
        start = time.perf_counter()
        task.cancel()
        await asyncio.wait([task])
        await events.aclose()
        assert time.perf_counter() - start < SOON
        assert await closed(server) < SOON
        assert runner.work.active == 0
        await asyncio.sleep(0.05)
        assert runner.work.steps == steps
    left = tmp_path / "media" / "images"
    assert not left.exists() or list(left.iterdir()) == []
    vendor.heal()
    vendor.images.heal()


async def _reached(vendor: RunwareStandin, phase: str, event: asyncio.Event) -> None:
    """Set `event` when the phase is on: the server has the request, and is silent."""
    wanted = {"sending": (1, 0), "polling": (2, 0), "download": (2, 2), "sleep": (2, 0)}[phase]
    while (len(vendor.calls), len(vendor.images.calls)) < wanted:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    event.set()


async def test_another_stream_goes_on(vendor: RunwareStandin) -> None:
    vendor.work.polls = 1
    async with running(vendor, clock=SystemClock()) as runner:
        first, second = (runner.draw(DrawRequest(prompts(2))) for _ in range(2))
        await anext(first)
        other = asyncio.create_task(_pictures(second))
        await asyncio.sleep(0.1)
        await first.aclose()
        assert await other == 2


async def _pictures(events: AsyncIterator[object]) -> int:
    return len([event async for event in events if type(event).__name__ == "ImageReady"])
