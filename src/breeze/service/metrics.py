"""What is counted while serving: plain numbers, added up on the way and read when somebody asks.

Labels come from closed sets: routes of the table, names of instances, codes. What is not among
them counts as `other`, so that no caller can make the numbers grow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

import msgspec

from breeze.engine.ledger import Row
from breeze.engine.roster import RunnerStatus

OTHER = "other"
MOST = 200
"""Combinations of labels that one metric keeps apart."""
BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
"""Upper ends of the histograms' classes, in seconds."""
Labels = tuple[str, ...]


class Histogram:
    """How many values fell into each class; the last class has no end."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Used:
    """What the attempts of one kind used together."""

    __slots__ = (
        "attempts", "audio_seconds", "characters", "completion_tokens", "events", "images",
        "prompt_tokens",
    )  # fmt: skip

    def __init__(self) -> None:
        self.attempts = self.events = self.prompt_tokens = self.completion_tokens = 0
        self.characters = self.images = 0
        self.audio_seconds = 0.0

    def add(self, row: Row) -> None:
        self.attempts += 1
        self.events += row.events
        if row.prompt_tokens or row.completion_tokens:
            self.prompt_tokens += row.prompt_tokens
            self.completion_tokens += row.completion_tokens
        else:
            self.characters += row.characters
            self.audio_seconds += row.audio_seconds
            self.images += row.images


class Sample(msgspec.Struct, frozen=True):
    """One number, or one histogram, with its labels' values."""

    labels: Labels
    value: float
    counts: tuple[int, ...] = ()


Snapshot = dict[str, list[Sample]]
"""Every number of one process, by metric."""


class Metrics:
    """The numbers of one process. `runners` tells the present state when somebody asks."""

    def __init__(self, runners: Callable[[], Iterable[RunnerStatus]]) -> None:
        self._runners = runners
        self._requests: dict[tuple[str, int], int] = {}
        self._seconds: dict[str, Histogram] = {}
        self._errors: dict[str, int] = {}
        self._received: dict[str, int] = {}
        self._used: dict[tuple[str, str, str], Used] = {}
        self._first: dict[tuple[str, str], Histogram] = {}

    def answered(self, route: str, status: int, seconds: float, code: str) -> None:
        """A request was answered: by which route (empty: none), with what, how fast."""
        key = (route or OTHER, status)
        if key not in self._requests and len(self._requests) >= MOST:
            key = (OTHER, 0)
        self._requests[key] = self._requests.get(key, 0) + 1
        taken = self._seconds.get(key[0])
        if taken is None:
            taken = self._seconds[key[0]] = Histogram()
        taken.add(seconds)
        if code:
            self._errors[code] = self._errors.get(code, 0) + 1

    def received(self, route: str, size: int) -> None:
        """A body of `size` bytes was taken in."""
        self._received[route] = self._received.get(route, 0) + size

    def attempted(self, row: Row) -> None:
        """A runner was tried; a row of the ledger says what came of it."""
        key = (row.capability, row.runner, row.status)
        used = self._used.get(key)
        if used is None:
            used = self._used.setdefault(key if len(self._used) < MOST else _OTHERS, Used())
        used.add(row)
        if row.first_event_seconds is not None:
            first = self._first.get(key[:2])
            if first is None:
                short = key[:2] if len(self._first) < MOST else _OTHERS[:2]
                first = self._first.setdefault(short, Histogram())
            first.add(row.first_event_seconds)

    def snapshot(self, live: int) -> Snapshot:
        """Everything, now. `live`: requests that run."""
        return {
            "requests": [Sample((r, str(s or OTHER)), n) for (r, s), n in self._requests.items()],
            "request_seconds": [_sample((r,), h) for r, h in self._seconds.items()],
            "errors": [Sample((code,), n) for code, n in self._errors.items()],
            "received_bytes": [Sample((route,), n) for route, n in self._received.items()],
            "first_event_seconds": [_sample(labels, h) for labels, h in self._first.items()],
            "live_requests": [Sample((), live)],
            **self._used_samples(),
            **self._runner_samples(),
        }

    def _used_samples(self) -> Snapshot:
        used, tokens = self._used, []
        for (capability, runner, _), found in used.items():
            tokens.append(Sample((capability, runner, "prompt"), found.prompt_tokens))
            tokens.append(Sample((capability, runner, "completion"), found.completion_tokens))
        return merged([{
            "attempts": [Sample(labels, u.attempts) for labels, u in used.items()],
            "events": [Sample(labels[:2], u.events) for labels, u in used.items()],
            "tokens": tokens,
            "characters": [Sample(labels[:2], u.characters) for labels, u in used.items()],
            "audio_seconds": [Sample(labels[:2], u.audio_seconds) for labels, u in used.items()],
            "images": [Sample(labels[:2], u.images) for labels, u in used.items()],
        }])  # fmt: skip

    def _runner_samples(self) -> Snapshot:
        runners = list(self._runners())[:MOST]
        return {
            "queue_waiting": [Sample((r.name,), r.waiting) for r in runners],
            "loaded_models": [Sample((r.name,), len(r.loaded)) for r in runners],
            "leases": [Sample((r.name,), r.leases) for r in runners],
        }


_OTHERS = (OTHER, OTHER, OTHER)


def _sample(labels: Labels, histogram: Histogram) -> Sample:
    return Sample(labels, histogram.total, tuple(histogram.counts))


def merged(snapshots: Iterable[Mapping[str, Iterable[Sample]]]) -> Snapshot:
    """The numbers of several processes as if they were one."""
    found: dict[str, dict[Labels, Sample]] = {}
    for snapshot in snapshots:
        for name, samples in snapshot.items():
            known = found.setdefault(name, {})
            for sample in samples:
                before = known.get(sample.labels)
                known[sample.labels] = sample if before is None else _sum(before, sample)
    return {name: list(samples.values()) for name, samples in found.items()}


def _sum(a: Sample, b: Sample) -> Sample:
    counts = tuple(map(sum, zip(a.counts, b.counts, strict=True)))
    return Sample(a.labels, a.value + b.value, counts)
