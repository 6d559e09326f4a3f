"""What the engine costs: CPU per request and per event, with every layer in place.

usage: python bench/overhead.py [ROUNDS]

Prints medians over ROUNDS (default 7). `bare` is the same runner read without the engine; the
difference is the engine's own: live table, deadline timer, fold, failover with its limits, lease,
terminal truth, ledger row on disk.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path

from breeze.contracts.capability import RunnerKind
from breeze.contracts.events import ChatEvent, Finish, TextDelta, Usage
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.contracts.runner import Runner, runner
from breeze.engine.engine import Engine

DELTAS = 200
REQUESTS = 1000
_PIECE = "word "


@runner("benchmark", vendor="bench", kind=RunnerKind.LOCAL, concurrency=64)
class BenchmarkRunner(Runner[Parameters]):
    """Yields as many deltas as `max_tokens` says, as fast as it can."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        for _ in range(request.max_tokens or 0):
            yield TextDelta(_PIECE)
        yield Usage(1, request.max_tokens or 0)
        yield Finish()


async def _cpu(work: Callable[[], Coroutine[object, object, None]], times: int) -> float:
    """Microseconds of CPU of this thread and the ledger's, per call of `work`.

    Each thread's own clock is read: the clock of the whole process counts too much on some
    virtual machines as soon as there is a second thread.
    """
    begun = time.thread_time() + _ledger_time()
    for _ in range(times):
        await work()
    return (time.thread_time() + _ledger_time() - begun) / times * 1e6


def _ledger_time() -> float:
    """Seconds of CPU that the ledger's thread has used."""
    writers = [thread.ident for thread in threading.enumerate() if thread.name == "breeze-ledger"]
    return sum(time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in writers if ident)


async def _round(engine: Engine) -> dict[str, float]:
    bare = BenchmarkRunner(Parameters())
    few, many = ChatRequest.of("Hi", max_tokens=1), ChatRequest.of("Hi", max_tokens=DELTAS)

    async def through(request: ChatRequest) -> None:
        again = ChatRequest(request.messages, max_tokens=request.max_tokens, runner="benchmark")
        async with engine.stream(again) as events:
            async for _ in events:
                pass

    async def direct(request: ChatRequest) -> None:
        await collect(bare.stream(request))

    figures = {
        "engine_1": await _cpu(lambda: through(few), REQUESTS),
        "engine_200": await _cpu(lambda: through(many), REQUESTS),
        "bare_1": await _cpu(lambda: direct(few), REQUESTS),
        "bare_200": await _cpu(lambda: direct(many), REQUESTS),
    }
    engine.ledger.flush()
    return figures


def _start(arguments: list[str], times: int = 9) -> float:
    """Median wall milliseconds of a fresh process."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


async def _measure(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        async with Engine.open(home=Path(home), environ={}, runners=[BenchmarkRunner]) as engine:
            await _round(engine)  # warm
            results = [await _round(engine) for _ in range(rounds)]
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    figures = asyncio.run(_measure(rounds))
    per_event = (figures["engine_200"] - figures["engine_1"]) / (DELTAS - 1)
    bare_event = (figures["bare_200"] - figures["bare_1"]) / (DELTAS - 1)
    per_request = figures["engine_1"] - per_event
    print(f"engine, per request      {per_request:8.1f} µs of CPU   (aim: under 50)")
    print(f"engine, per event        {per_event:8.2f} µs of CPU   (aim: under 2)")
    print(f"bare runner and fold, per event {bare_event:.2f} µs")
    for name, arguments, aim in (
        ("import breeze", ["-c", "import breeze"], "(aim: under 200)"),
        ("breeze --help", ["-m", "breeze", "--help"], "(aim: under 400)"),
        ("bare interpreter", ["-c", "pass"], ""),
    ):
        print(f"{name:24} {_start(arguments):8.0f} ms           {aim}")


if __name__ == "__main__":
    main()
