"""Rules on loading and unloading."""

from __future__ import annotations

import ctypes
import gc
import os
import statistics
import sys
import time
from pathlib import Path

from breeze.contracts.errors import NotLoadedError
from breeze.testing.bench import Bench
from breeze.testing.rule import Failed, NotApplicable, Rule
from breeze.testing.samples import AnySample, renewed

_WARM_UP = 3
"""Cycles whose memory is not looked at: caches and pools fill up once."""
_FEWEST = 8
"""Cycles that are looked at, however long they take."""
_ROUNDS = 3
"""Growth that is seen once may be chance, or an allocator that fills up; a leak is seen again."""


async def _twice(bench: Bench) -> None:
    first = (await bench.answering())[0]
    runner = bench.make()
    await bench.load(runner)
    await bench.load(runner)
    sample = bench.samples.short(first)
    before = await bench.drive(runner, renewed(sample))
    await runner.unload()
    await runner.unload()
    if why := before.trouble(bench.limits):
        raise Failed(f"after two loads it did not answer: {why}")
    await bench.load(runner)
    again = await bench.drive(runner, renewed(sample))
    await runner.unload()
    if why := again.trouble(bench.limits):
        raise Failed(f"loaded again after unload, it did not answer: {why}")


async def _needed(bench: Bench) -> None:
    first = (await bench.answering())[0]
    runner = bench.make()
    await bench.load(runner)
    await runner.unload()
    run = await bench.drive(runner, renewed(bench.samples.short(first)))
    if run.error is None:
        raise Failed("after unload it answered all the same")
    if not isinstance(run.error, NotLoadedError):
        raise Failed(f"after unload it raised {type(run.error).__name__}, not NotLoadedError")


async def _memory(bench: Bench) -> None:
    first = (await bench.answering())[0]
    await bench.close()
    gc.freeze()  # what was there before is not looked at again and again
    try:
        each = 0.0
        for _ in range(_ROUNDS):
            each = _growth(await _sizes(bench, bench.samples.short(first)))
            if each <= bench.limits.growth:
                return
    finally:
        gc.unfreeze()
    raise Failed(f"each load, answer and unload keeps {each / 1024:.0f} KiB")


def _growth(sizes: list[int]) -> float:
    """Bytes kept by each cycle, 0 where memory only goes up and down.

    It grows when the later half lies above all of the earlier one.
    """
    middle = len(sizes) // 2
    early, late = sizes[:middle], sizes[-middle:]
    if min(late) <= max(early):
        return 0.0
    return (statistics.median(late) - statistics.median(early)) / (len(sizes) - middle)


async def _sizes(bench: Bench, sample: AnySample) -> list[int]:
    """Resident memory after each cycle of load, answer and unload, once warm."""
    sizes: list[int] = []
    start = time.monotonic()
    while len(sizes) < bench.limits.cycles + _WARM_UP:
        async with bench.loaded() as runner:
            await bench.drive(runner, renewed(sample))
        del runner
        gc.collect()
        sizes.append(_resident())
        if len(sizes) >= _WARM_UP + _FEWEST and time.monotonic() - start > bench.limits.cycling:
            break
    return sizes[_WARM_UP:]


def _resident() -> int:
    """Resident memory of this process in bytes, without what the allocator keeps in reserve."""
    if sys.platform != "linux":
        raise NotApplicable("resident memory is read from /proc, which only Linux has")
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


RULES = (
    Rule("load.twice", "load and unload may be called twice, and load again later", _twice),
    Rule("load.needed", "after unload a request is NotLoadedError (E502)", _needed),
    Rule("load.memory", "load, answer and unload leave memory as it was", _memory),
)
