"""What it costs that a runner works in a process of its own: per request, per event, per megabyte.

usage: python bench/workers.py [ROUNDS]

The same runner is read in this process and in one of its own, in turns; medians over ROUNDS
(default 7). CPU is that of both processes together, as the scheduler counts it. Linux only.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from harness.worker_load import MEGABYTE, BenchmarkWorkerRunner

from breeze.contracts.parameters import Parameters
from breeze.contracts.request import Request
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.contracts.runner import Runner
from breeze.engine.workers import WorkerRunner, isolated

DELTAS, REQUESTS, STREAMS, SOUNDS = 200, 300, 30, 20


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all its threads together."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def _cost(at: Runner[Any], request: Request[Any], times: int) -> tuple[float, float]:
    """Microseconds of wall time and of CPU for each time that `request` is answered."""
    pid = at.pid if isinstance(at, WorkerRunner) else 0
    cpu = time.process_time() + (_cpu(pid) if pid else 0)
    wall = time.perf_counter()
    for _ in range(times):
        async for _ in at.stream(request):
            pass
    wall = time.perf_counter() - wall
    cpu = time.process_time() + (_cpu(pid) if pid else 0) - cpu
    return wall / times * 1e6, cpu / times * 1e6


async def _round(here: Runner[Any], there: Runner[Any]) -> dict[str, tuple[float, ...]]:
    """For each measure: wall and CPU here, wall and CPU in a process."""
    few, many = ChatRequest.of("Hi", max_tokens=1), ChatRequest.of("Hi", max_tokens=DELTAS)
    sound = SpeakRequest("10")
    found = {
        name: (*await _cost(here, request, times), *await _cost(there, request, times))
        for name, request, times in (
            ("request", few, REQUESTS), ("stream", many, STREAMS), ("sound", sound, SOUNDS),
        )
    }  # fmt: skip
    ones, all_ = found["request"], found.pop("stream")
    found["event"] = tuple((b - a) / (DELTAS - 1) for a, b in zip(ones, all_, strict=True))
    found["megabyte"] = tuple(figure / 10 for figure in found.pop("sound"))
    return found


async def main(rounds: int) -> None:
    here, there = BenchmarkWorkerRunner(Parameters()), isolated(BenchmarkWorkerRunner(Parameters()))
    start = time.perf_counter()
    await there.load("")
    start = time.perf_counter() - start
    size = there.resident() / MEGABYTE
    try:
        await _round(here, there)
        found = [await _round(here, there) for _ in range(rounds)]
    finally:
        await there.unload()
    print(f"start {start * 1000:.0f} ms, idle memory {size:.0f} MB")
    print("| per | in process us | own process us | added us | added CPU us |")
    print("|---|---|---|---|---|")
    for name in ("request", "event", "megabyte"):
        wall, cpu, far, far_cpu = (
            statistics.median(row[name][place] for row in found) for place in range(4)
        )
        print(f"| {name} | {wall:.1f} | {far:.1f} | {far - wall:.1f} | {far_cpu - cpu:.1f} |")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
