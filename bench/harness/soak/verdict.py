"""Whether the server is at the end what it was at the beginning."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from typing import NamedTuple

from harness.soak.samples import Sample
from harness.soak.site import Site

MEMORY_MB = 4.0
"""Growth of resident memory from the first third of the rests to the last that is no leak."""
THREADS = 2
SOCKETS = 16
"""Idle connections to the upstream that may have come to be kept."""


class Check(NamedTuple):
    """One thing that must hold."""

    name: str
    found: str
    holds: bool


def judged(base: Sample, rests: list[Sample], most_mb: float) -> list[Check]:
    """The rests after the warm-up: first third against last, and all against `base`."""
    third = max(1, len(rests) // 3)
    early, late = rests[:third], rests[-third:]

    def grown(name: str) -> float:
        first, last = ([float(getattr(rest, name)) for rest in part] for part in (early, late))
        return statistics.median(last) - statistics.median(first)

    def most(name: str) -> int:
        return max(int(getattr(rest, name)) for rest in rests)

    memory = grown("memory_mb")
    return [
        Check("memory", f"{memory:+.2f} MB, {slope(rests):+.2f} MB/h", memory <= most_mb),
        Check("tasks", f"{base.tasks}, at most {most('tasks')}", most("tasks") <= base.tasks),
        Check("files", f"{base.files}, at most {most('files')}", most("files") <= base.files),
        Check("threads", f"{grown('threads'):+.0f}", grown("threads") <= THREADS),
        Check("upstream sockets", f"{grown('sockets'):+.0f}", grown("sockets") <= SOCKETS),
        Check("requests left", str(most("live")), most("live") == 0),
        Check("upstream requests left", str(most("upstream")), most("upstream") == 0),
        Check("answers of 500 and above", str(rests[-1].failures or 0), not rests[-1].failures),
    ]


def slope(rests: list[Sample]) -> float:
    """Megabytes an hour, by least squares."""
    if len(rests) < 2:
        return 0.0
    fit = statistics.linear_regression([r.at for r in rests], [r.memory_mb for r in rests])
    return fit.slope * 3600


def told(seen: Counter[str], faults: list[str], kinds: int) -> list[Check]:
    """What the visitors say."""
    return [
        Check("kinds of visits", f"{len(seen)} of {kinds}", len(seen) == kinds),
        Check("untrue answers", f"{len(faults)} of {seen.total()}", not faults),
    ]


def after(site: Site, stopped: int, requests: int) -> list[Check]:
    """What is left behind when the server has stopped. `requests`: those it had counted."""
    log = (site.folder / "serve.log").read_text(errors="replace")
    lines = site.access_log.read_text().splitlines()
    whole = sum(type(json.loads(line)) is dict for line in lines)
    uploads = site.home / "uploads"
    left = [path.name for path in uploads.iterdir()] if uploads.exists() else []
    errors = log.count(" ERROR ")
    return [
        Check("stopped with", str(stopped), stopped == 0),
        Check("tracebacks in the log", str(log.count("Traceback")), "Traceback" not in log),
        Check("errors in the log", str(errors), not errors),
        Check("access log", f"{whole} lines for {requests} requests", whole == requests),
        Check("uploads left", str(len(left)), not left),
    ]
