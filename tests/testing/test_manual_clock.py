"""The clock that tests move by hand."""

from __future__ import annotations

import asyncio

import pytest

from breeze.contracts.clock import Clock
from breeze.testing.clock import ManualClock


def test_it_is_a_clock() -> None:
    clock: Clock = ManualClock(5.0)
    assert clock.now() == 5.0


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(10))
    await clock.until_pending()
    await clock.advance(9.9)
    assert not sleeper.done()
    await clock.advance(0.1)
    assert sleeper.done()
    assert clock.now() == 10.0


async def test_callbacks_come_in_the_order_of_their_times() -> None:
    clock, seen = ManualClock(), list[tuple[str, float]]()
    clock.call_later(2, lambda: seen.append(("second", clock.now())))
    clock.call_later(1, lambda: seen.append(("first", clock.now())))
    clock.call_later(2, lambda: seen.append(("third", clock.now())))
    await clock.advance(5)
    assert seen == [("first", 1.0), ("second", 2.0), ("third", 2.0)]
    assert clock.now() == 5.0


async def test_who_wakes_may_sleep_again_within_the_same_move() -> None:
    clock, ticks = ManualClock(), list[float]()

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.now())

    ticking = asyncio.create_task(tick())
    await clock.advance(3)
    assert ticks == [1.0, 2.0, 3.0]
    ticking.cancel()


async def test_a_cancelled_timer_never_fires() -> None:
    clock, seen = ManualClock(), list[int]()
    timer = clock.call_later(1, lambda: seen.append(1))
    assert clock.pending == 1
    timer.cancel()
    assert clock.pending == 0
    await clock.advance(2)
    assert seen == []


async def test_a_cancelled_sleeper_leaves_nothing_behind() -> None:
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(1))
    await clock.until_pending()
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert clock.pending == 0


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_time_is_no_wait(seconds: float) -> None:
    await ManualClock().sleep(seconds)
