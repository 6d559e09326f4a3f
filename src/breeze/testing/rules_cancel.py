"""Rules on cancelling: at once, in every phase, for real, and without touching anybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from breeze.contracts.capability import Capability
from breeze.contracts.request import Request
from breeze.contracts.requests import TranscribeRequest
from breeze.testing.bench import AnyRunner, Bench
from breeze.testing.media import pcm
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.run import read_output
from breeze.testing.samples import renewed

_TRIES = 3
"""A cancel that was too slow is tried again: the machine may have been busy."""
_HUNG = 10.0
"""Seconds after which a cancel is taken never to end."""


async def _closed(events: AsyncGenerator[Any]) -> float:
    """Close a stream; the seconds it took. Raises Failed when it yields instead of ending."""
    start = time.perf_counter()
    try:
        async with asyncio.timeout(_HUNG):
            await events.aclose()
    except TimeoutError as error:
        raise Failed(f"closing did not end within {_HUNG:g} s") from error
    except RuntimeError as error:  # Python's own finding: the generator ignored GeneratorExit
        raise Failed(f"closing was answered with {error}") from error
    if [event async for event in events]:
        raise Failed("events came after closing")
    return time.perf_counter() - start


async def _abandoned(pending: asyncio.Task[Any]) -> float:
    """Cancel a task that waits for an event; the seconds until it ended."""
    start = time.perf_counter()
    pending.cancel()
    await asyncio.wait([pending], timeout=_HUNG)
    if not pending.done():
        raise Failed(f"a cancelled wait for an event did not end within {_HUNG:g} s")
    if not pending.cancelled():
        pending.exception()  # it ended before the cancel; what it raised is judged elsewhere
    return time.perf_counter() - start


async def _fresh(bench: Bench, runner: AnyRunner, request: Request[Any]) -> float:
    return await _closed(runner.stream(request))


async def _before_first(bench: Bench, runner: AnyRunner, request: Request[Any]) -> float:
    events = runner.stream(request)
    waiting = asyncio.ensure_future(anext(events, None))
    for _ in range(3):
        await asyncio.sleep(0)
    return await _abandoned(waiting) + await _closed(events)


async def _in_middle(bench: Bench, runner: AnyRunner, request: Request[Any]) -> float:
    events = runner.stream(request)
    async with asyncio.timeout(bench.limits.stream):
        await read_output(events, 2)
    return await _closed(events)


async def _live(bench: Bench, runner: AnyRunner, request: Request[Any]) -> float:
    events = runner.stream(request)
    waiting = asyncio.ensure_future(_read_all(events))
    await asyncio.sleep(bench.limits.settle)
    return await _abandoned(waiting) + await _closed(events)


async def _read_all(events: AsyncGenerator[Any]) -> None:
    async for _ in events:
        pass


async def _endless(blocks: int = 5) -> AsyncIterator[bytes]:
    """Some sound, then a speaker who has fallen silent for ever."""
    for _ in range(blocks):
        yield pcm(0.1)
    await asyncio.Event().wait()


def _quick(phase: Any, what: str) -> Any:
    """The rule that a cancel in `phase` is over in time and leaves no work behind."""

    async def check(bench: Bench) -> None:
        runner = await bench.shared()
        for capability in await bench.answering():
            await _try(bench, runner, phase, what, bench.samples.long(capability))

    return check


async def _try(
    bench: Bench, runner: AnyRunner, phase: Any, what: str, sample: Request[Any]
) -> None:
    active, method = runner.work.active, sample.capability.method
    for left in range(_TRIES - 1, -1, -1):
        taken = await phase(bench, runner, renewed(sample))
        if taken <= bench.limits.cancel:
            break
        if not left:
            raise Failed(f"{method}, {what}: cancelling took {taken * 1000:.0f} ms")
    if runner.work.active != active:
        raise Failed(f"{method}, {what}: work.active stayed at {runner.work.active}")
    steps = runner.work.steps
    await asyncio.sleep(bench.limits.settle)
    if runner.work.steps != steps:
        raise Failed(
            f"{method}, {what}: {runner.work.steps - steps} steps of work after cancelling"
        )


async def _after_load(bench: Bench) -> None:
    for capability in await bench.answering():
        taken = 0.0
        for _ in range(_TRIES):
            async with bench.loaded() as runner:
                request = renewed(bench.samples.long(capability))
                taken = await _before_first(bench, runner, request)
                if runner.work.active:
                    raise Failed(f"{capability.method}: work.active stayed {runner.work.active}")
            if taken <= bench.limits.cancel:
                break
        else:
            raise Failed(f"{capability.method}: cancelling took {taken * 1000:.0f} ms")


async def _live_source(bench: Bench) -> None:
    if Capability.ASR not in bench.capabilities:
        raise NotApplicable("it does not transcribe")
    runner = await bench.shared()
    active = runner.work.active
    taken = 0.0
    for _ in range(_TRIES):
        request = TranscribeRequest(live=_endless(), sample_rate=16_000)
        taken = await _live(bench, runner, request)
        if taken <= bench.limits.cancel:
            break
    if taken > bench.limits.cancel:
        raise Failed(f"while a live source was silent, cancelling took {taken * 1000:.0f} ms")
    if runner.work.active != active:
        raise Failed(f"while a live source was silent: work.active stayed at {runner.work.active}")


async def _counted(bench: Bench) -> None:
    runner = await bench.shared()
    for capability in await bench.answering():
        steps, active = runner.work.steps, runner.work.active
        async with aclosing(runner.stream(renewed(bench.samples.long(capability)))) as events:
            async with asyncio.timeout(bench.limits.stream):
                found = await read_output(events)
            if found and runner.work.active <= active and runner.work.steps <= steps:
                raise Failed(
                    f"{capability.method}: neither work.active nor work.steps rose. Put "
                    "`with self.work.stream() as work` around the work and count work.steps"
                )
            async with asyncio.timeout(bench.limits.stream):
                await _read_all(events)
        if runner.work.active != active or runner.work.steps <= steps:
            raise Failed(
                f"{capability.method}: at the end work.active was {runner.work.active} and "
                f"work.steps had risen by {runner.work.steps - steps}"
            )


async def _others(bench: Bench) -> None:
    if bench.info.concurrency < 2:
        raise NotApplicable("it takes one stream at a time")
    runner = await bench.shared()
    for capability in await bench.answering():
        sample = bench.samples.long(capability)
        alone = await bench.drive(runner, renewed(sample))
        victim = runner.stream(renewed(sample))
        async with asyncio.timeout(bench.limits.stream):
            await read_output(victim)
        other = asyncio.create_task(bench.drive(runner, renewed(sample)))
        await asyncio.sleep(0)
        await _closed(victim)
        run = await other
        if not alone.trouble(bench.limits) and (why := run.trouble(bench.limits)):
            raise Failed(f"{capability.method}: another stream was cancelled, and this one: {why}")


RULES = (
    Rule("cancel.fresh", "closing a stream that nobody read is harmless", _quick(_fresh, "unread")),
    Rule("cancel.loaded", "a cancel right after load is over in 100 ms", _after_load),
    Rule(
        "cancel.first",
        "a cancel before the first event is over in 100 ms and stops the work",
        _quick(_before_first, "before the first event"),
    ),
    Rule(
        "cancel.middle",
        "a cancel in the middle is over in 100 ms and stops the work",
        _quick(_in_middle, "in the middle"),
    ),
    Rule("cancel.live", "a cancel while a live source is silent is over in 100 ms", _live_source),
    Rule("cancel.counted", "work.active and work.steps account for the work", _counted),
    Rule("cancel.others", "cancelling one stream leaves another alone", _others),
)
