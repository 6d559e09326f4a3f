"""Who leaves takes every connection along, within 100 ms, whatever the runner was doing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from breeze.contracts.requests import DrawRequest
from breeze.testing.clock import ManualClock
from breeze.testing.standins._server import Standin
from breeze.testing.standins.runware import RunwareStandin
from tests.http.leavers import until
from tests.runners.runware_bench import prompts, running

SOON = 0.1
_FIRST_POLL = 0.5
"""Seconds from sending until it is asked what has become of it."""


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


async def closed(server: Standin) -> float:
    """Seconds until no request runs any more."""
    start = time.perf_counter()
    async with asyncio.timeout(10):
        await server.idle()
    return time.perf_counter() - start


async def reached(vendor: RunwareStandin, clock: ManualClock, phase: str) -> None:
    """Return when the phase is on: the server has the request and is silent, or it is waited."""
    async with asyncio.timeout(10):
        if phase != "sending":
            await clock.until_pending()
        if phase in ("polling", "download"):
            await clock.advance(_FIRST_POLL)
    server = vendor.images if phase == "download" else vendor
    asked = 2 if phase in ("polling", "download") else 1
    await until(lambda: len(server.calls) == asked and server.at_rest)


@pytest.mark.parametrize("phase", ["sending", "polling", "download", "sleep"])
async def test_connections_close_at_once(
    vendor: RunwareStandin, tmp_path: Path, phase: str
) -> None:
    clock = ManualClock()
    if phase == "sending":
        vendor.fault("slow-first", times=None)
    elif phase == "polling":
        vendor.on_call = lambda _: vendor.fault("slow-head", times=None)
    elif phase == "download":
        vendor.images.fault("stall", times=None)
    async with running(vendor, home=tmp_path, clock=clock) as runner:
        events = runner.draw(DrawRequest(prompts(2)))
        task = asyncio.create_task(_pictures(events))
        await reached(vendor, clock, phase)
        start = time.perf_counter()
        task.cancel()
        await asyncio.wait([task])
        await events.aclose()
        assert time.perf_counter() - start < SOON
        assert await closed(vendor) < SOON
        assert await closed(vendor.images) < SOON
        assert runner.work.active == 0
        calls = len(vendor.calls)
        await clock.advance(3600)
        assert len(vendor.calls) == calls  # nobody goes on asking
    left = tmp_path / "media" / "images"
    assert not left.exists() or list(left.iterdir()) == []
    vendor.heal()
    vendor.images.heal()


async def test_another_stream_goes_on(vendor: RunwareStandin) -> None:
    clock = ManualClock()
    async with running(vendor, clock=clock) as runner:
        first, second = (runner.draw(DrawRequest(prompts(2))) for _ in range(2))
        leaving, other = (asyncio.create_task(_pictures(events)) for events in (first, second))
        async with asyncio.timeout(10):
            await clock.until_pending(2)
        leaving.cancel()
        await asyncio.wait([leaving])
        await first.aclose()
        assert clock.pending == 1
        await clock.advance(_FIRST_POLL)
        assert await other == 2


async def _pictures(events: AsyncIterator[object]) -> int:
    return len([event async for event in events if type(event).__name__ == "ImageReady"])
