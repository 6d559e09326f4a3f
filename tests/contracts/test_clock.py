"""The machine's clock; tests move another one by hand."""

import asyncio

from breeze.contracts.clock import SystemClock


async def test_time_only_grows() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0)
    assert clock.now() >= before


async def test_a_timer_calls_back_unless_it_was_cancelled() -> None:
    clock, called = SystemClock(), asyncio.Event()
    never = clock.call_later(0, lambda: 1 / 0)
    never.cancel()
    clock.call_later(0, called.set)
    await called.wait()
    never.cancel()
