"""A soak of `breeze serve`: many kinds of clients, most of whom leave; then: is it as before?

usage: python bench/soak.py [--minutes 30 | --seconds S] [--rate R] [--keep DIR] [--json OUT]

A real server (keys, metrics, access log, one remote runner with a mock upstream, the local ones)
is visited at random. Now and then everybody goes, and what the server still holds is written
down: these rests are compared. Exits 1 when memory, files or tasks are not flat, an answer was
untrue, or something is left. See README.md here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from harness.soak.crowd import VISITS, Crowd
from harness.soak.samples import Sample, take
from harness.soak.site import STOP_WITHIN, Site, site
from harness.soak.verdict import MEMORY_MB, Check, after, judged, told

WARM = 0.15
"""Share of the rests that count as warm-up."""
COLUMNS = ("s", "visits", "MB", "files", "sockets", "threads", "tasks", "live", "cpu %")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--minutes", type=float, default=30, help="of visits (default 30)")
    add("--seconds", type=float, help="instead of minutes")
    add("--rate", type=float, default=15, help="visits a second (default 15)")
    add("--workers", type=int, default=1, help="processes of the server (default 1)")
    add("--rests", type=int, default=30, help="how often everybody goes (default 30)")
    add("--memory", type=float, default=MEMORY_MB, metavar="MB",
        help=f"growth of resident memory that is no leak (default {MEMORY_MB:g})")  # fmt: skip
    add("--seed", type=int, default=1, help="of chance")
    add("--keep", type=Path, help="an empty folder for the logs, which stay there")
    add("--json", type=Path, help="write every sample here")
    given = parser.parse_args()
    given.seconds = given.seconds or given.minutes * 60
    return given


async def soak(given: argparse.Namespace, place: Site) -> tuple[Sample, list[Sample], Crowd]:
    """The state after everybody was there once, the rests since, and who was there."""
    crowd = Crowd(place, given.rate, given.seed)
    await crowd.warm()
    begun = before = await crowd.rest(None)
    print(" ".join(f"{name:>7}" for name in COLUMNS))
    rests: list[Sample] = []
    told_of = 0
    for _ in range(given.rests):
        await crowd.come(given.seconds / given.rests)
        busy = await take(place)
        row("", begun, before, busy, crowd)
        rests.append(await crowd.rest(begun))
        row("rest", begun, before, rests[-1], crowd)
        before = rests[-1]
        for fault in crowd.faults[told_of:]:
            print(f"  {fault}")
        told_of = len(crowd.faults)
    return begun, rests, crowd


def row(name: str, begun: Sample, before: Sample, now: Sample, crowd: Crowd) -> None:
    took = max(now.at - before.at, 1e-9)
    cells = (
        f"{now.at - begun.at:.0f}", crowd.seen.total(), f"{now.memory_mb:.1f}", now.files,
        now.sockets, now.threads, now.tasks, now.live, f"{100 * (now.cpu - before.cpu) / took:.1f}",
    )  # fmt: skip
    print(" ".join(f"{cell:>7}" for cell in cells), name, flush=True)


def main() -> int:
    given = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    with ExitStack() as stack:
        folder = given.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="breeze-soak-"))
        )
        place = stack.enter_context(site(folder, given.workers))
        began = time.monotonic()
        begun, rests, crowd = asyncio.run(soak(given, place))
        took = time.monotonic() - began
        last = asyncio.run(take(place))
        status = place.server.stop(STOP_WITHIN)
        checks = judged(begun, rests[int(len(rests) * WARM) :], given.memory)
        checks += told(crowd.seen, crowd.faults, len(VISITS))
        checks += after(place, status, last.requests + 1)
    report(checks, crowd, rests, took)
    if given.json:
        given.json.write_text(json.dumps([asdict(rest) for rest in rests], indent=1) + "\n")
    return 0 if all(check.holds for check in checks) else 1


def report(checks: list[Check], crowd: Crowd, rests: list[Sample], took: float) -> None:
    print(f"\n{crowd.seen.total()} visits, {rests[-1].requests} requests in {took:.0f} s: "
          + ", ".join(f"{name} {count}" for name, count in sorted(crowd.seen.items())))  # fmt: skip
    for check in checks:
        print(f"{'ok' if check.holds else 'NOT':>4}  {check.name:26} {check.found}")


if __name__ == "__main__":
    sys.exit(main())
