"""Streams of `pocketsphinx`: several at once, cancelled in every phase, loaded again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import Finish
from breeze.contracts.requests import TranscribeRequest
from breeze.runners._pocketsphinx_parameters import PocketsphinxParameters
from breeze.runners.pocketsphinx import PocketsphinxRunner
from tests.runners.alone import printed_alone
from tests.runners.hearing import (
    CHILDREN,
    RATE,
    SAID,
    SECOND,
    heard,
    listening,
    raw,
    spoken,
    transcripts,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner() -> AsyncIterator[PocketsphinxRunner]:
    async with listening() as shared:
        yield shared


async def test_streams_at_once_hear_what_each_would_alone(runner: PocketsphinxRunner) -> None:
    sounds = [CHILDREN, spoken(6)[: 2 * SECOND], CHILDREN[: 2 * SECOND]]
    alone = [await heard(runner, sound) for sound in sounds]
    together = await asyncio.gather(*(heard(runner, sound) for sound in sounds))

    assert together == alone


async def test_a_stream_waits_for_a_free_decoder() -> None:
    async with listening(concurrency=1) as runner:
        assert runner.info.concurrency == 1
        first = runner.stream(raw(CHILDREN))
        await anext(first)
        second = asyncio.create_task(heard(runner, CHILDREN))
        rest = [event async for event in first]

        assert isinstance(rest[-1], Finish)
        assert (await second).text == SAID


async def closing_time(stream: AsyncGenerator[Any]) -> float:
    start = time.perf_counter()
    await stream.aclose()
    return time.perf_counter() - start


async def test_closing_stops_at_once_and_leaves_the_decoder_fit(
    runner: PocketsphinxRunner,
) -> None:
    times = []
    for events in (1, 4, 8):
        stream = runner.stream(raw(CHILDREN * 20))
        for _ in range(events):
            await anext(stream)
        assert runner.work.active == 1
        times.append(await closing_time(stream))
        assert runner.work.active == 0

    assert min(times) < 0.1
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_a_cancel_stops_the_work_in_every_phase(runner: PocketsphinxRunner) -> None:
    times = []
    for turns in (0, 1, 3, 10, 100):
        reading = asyncio.create_task(heard(runner, CHILDREN * 20))
        for _ in range(turns):
            await asyncio.sleep(0)
        start = time.perf_counter()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        times.append(time.perf_counter() - start)
        assert runner.work.active == 0

    assert sorted(times)[2] < 0.1
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_a_cancel_while_a_live_source_is_silent_closes_the_source(
    runner: PocketsphinxRunner,
) -> None:
    quiet, closed = asyncio.Event(), asyncio.Event()

    async def speaker() -> AsyncIterator[bytes]:
        try:
            yield CHILDREN[:SECOND]
            quiet.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    request = TranscribeRequest(live=speaker(), sample_rate=RATE)
    reading = asyncio.create_task(transcripts(runner, request))
    await quiet.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert closed.is_set()
    assert runner.work.active == 0


async def test_it_must_be_loaded_and_loads_again() -> None:
    runner = PocketsphinxRunner(PocketsphinxParameters())
    with pytest.raises(NotLoadedError, match="call load first"):
        await heard(runner, CHILDREN)
    for _ in range(2):
        await runner.load("en-us")
        await runner.load("")
        assert (await heard(runner, CHILDREN)).text == SAID
        await runner.unload()
        await runner.unload()
    with pytest.raises(NotFoundError, match="not 'large'") as caught:
        await runner.load("large")
    assert caught.value.field == "model"
    assert runner.check() is None


TWENTY_LOADS = """
import asyncio, gc
from pathlib import Path
from tests.runners.hearing import CHILDREN, SECOND, heard, listening

async def once():
    async with listening() as runner:
        await heard(runner, CHILDREN[:SECOND])

async def main():
    for _ in range(20):
        await once()
        gc.collect()
        print(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_twenty_loads_leave_memory_as_it_was() -> None:
    sizes = [size for (size,) in printed_alone(TWENTY_LOADS)]
    assert min(sizes[-5:]) - min(sizes[:5]) < 2_000_000
