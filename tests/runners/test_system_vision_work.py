"""The system vision runner: how its work is stopped, loaded and kept quiet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

pytest.importorskip("rapidocr")
pytest.importorskip("cv2")

from breeze.contracts.capability import Capability
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import ChatEvent, Progress
from breeze.runners.system_vision import SystemVisionParameters, SystemVisionRunner
from tests.runners.pictures import ask, page, plain, question


@pytest.fixture(scope="module")
def vision() -> Iterator[SystemVisionRunner]:
    runner = SystemVisionRunner(SystemVisionParameters())
    asyncio.run(runner.load(""))
    yield runner
    asyncio.run(runner.unload())


async def test_closing_stops_the_work_and_leaves_another_stream_alone(
    vision: SystemVisionRunner,
) -> None:
    before = vision.work.steps
    stream = vision.stream(question("Read the page", page(40, size=16)))
    async with aclosing(stream) as reading:
        await first_line(reading)
        assert (await ask(vision, "What colour?", plain())).text.endswith("red (100 %).")
        assert vision.work.active == 1
    assert vision.work.active == 0
    done = vision.work.steps
    assert 3 <= done - before < 42  # all would be 1 to find, 40 to read, 1 for the colour
    await asyncio.to_thread(sum, range(100_000))
    assert vision.work.steps == done


async def first_line(events: Any) -> ChatEvent:
    """The first event that tells of a line that was read."""
    async for event in events:
        if isinstance(event, Progress) and "processing_region" in (event.metadata or {}):
            return event
    raise AssertionError("the stream ended before a line was read")


async def test_a_cancel_during_a_native_run_does_not_wait_for_it(
    vision: SystemVisionRunner,
) -> None:
    """The search for lines is one native run; what follows it never happens."""
    before = vision.work.steps
    stream = vision.stream(question("Read the page", page(14), params={"read_side": 1920}))
    begun = asyncio.Event()

    async def drain() -> None:
        async for _ in stream:
            begun.set()

    task = asyncio.create_task(drain())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert vision.work.active == 0
    assert vision.work.steps - before <= 1


async def test_needs_loading_a_picture_and_its_own_model(vision: SystemVisionRunner) -> None:
    unloaded = SystemVisionRunner(SystemVisionParameters())
    with pytest.raises(NotLoadedError):
        await ask(unloaded, "What colour?", plain())
    with pytest.raises(NotFoundError):
        await unloaded.load("gpt")
    with pytest.raises(NotFoundError):
        await ask(vision, "What colour?", plain(), model="gpt")
    assert vision.info.capabilities == (Capability.VLM,)
    assert vision.check() is None
    assert "zh-TW" in (await vision.models())[0].languages


async def test_the_log_of_the_reader_is_silent(
    vision: SystemVisionRunner, capfd: pytest.CaptureFixture[str]
) -> None:
    again = SystemVisionRunner(SystemVisionParameters.of({"threads": 2}))
    await again.load("")
    await ask(again, "Read it", page(1))
    await again.unload()
    await again.unload()
    assert capfd.readouterr() == ("", "")
