"""Ending a wait from outside, with a reason."""

from __future__ import annotations

import asyncio

import pytest

from breeze.contracts.errors import CancelledError, DeadlineError
from breeze.engine.watch import Watch


async def test_a_fired_watch_ends_the_wait_with_its_reason() -> None:
    watch, cleaned = Watch(), []

    async def wait() -> None:
        with watch:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(True)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert watch.task is not None
    assert watch.fire(DeadlineError("too late"))
    with pytest.raises(DeadlineError, match="too late"):
        await task
    assert cleaned == [True]
    assert task.cancelling() == 0  # the caller's task is not left half cancelled


async def test_a_watch_fires_once_and_refuses_the_next_wait() -> None:
    watch = Watch()
    assert watch.fire(CancelledError("stop"))
    assert not watch.fire(DeadlineError("too late"))
    with pytest.raises(CancelledError, match="stop"), watch:
        pytest.fail("the block must not run")


async def test_the_callers_own_cancellation_passes_through() -> None:
    watch = Watch()

    async def wait() -> None:
        with watch:
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_when_both_happen_at_once_the_caller_is_cancelled() -> None:
    watch = Watch()

    async def wait() -> None:
        with watch:
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    watch.fire(DeadlineError("too late"))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_watches_nest_and_only_the_fired_one_speaks() -> None:
    outer, inner = Watch(), Watch()

    async def wait() -> str:
        with outer:
            try:
                with inner:
                    await asyncio.Event().wait()
            except DeadlineError:
                return "inner"
        return "nobody"

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    inner.fire(DeadlineError("slow"))
    assert await task == "inner"
