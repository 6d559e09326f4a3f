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


class Used:
    """What the attempts of one kind used together, and how soon their first events came."""

    __slots__ = (
        "attempts", "audio_seconds", "characters", "completion_tokens", "events", "first",
        "images", "prompt_tokens",
    )  # fmt: skip

    def __init__(self) -> None:
        self.attempts = self.events = self.prompt_tokens = self.completion_tokens = 0
        self.characters = self.images = 0
        self.audio_seconds = 0.0
        self.first = Histogram()


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
        self._answered: dict[tuple[str, int], Histogram] = {}
        self._errors: dict[str, int] = {}
        self._received: dict[str, int] = {}
        self._used: dict[tuple[str, str, str], Used] = {}

    def answered(self, route: str, status: int, seconds: float, code: str) -> None:
        """A request was answered: by which route (empty: none), with what, how fast."""
        key = (route or OTHER, status)
        taken = self._answered.get(key)
        if taken is None:
            if len(self._answered) >= MOST:
                key = (OTHER, 0)
            taken = self._answered.setdefault(key, Histogram())
        taken.counts[bisect_left(BUCKETS, seconds)] += 1
        taken.total += seconds
        if code:
            self._errors[code] = self._errors.get(code, 0) + 1

    def received(self, route: str, size: int) -> None:
        """A body of `size` bytes was taken in."""
        self._received[route] = self._received.get(route, 0) + size

    def attempted(self, row: Row) -> None:
        """A runner was tried; a row of the ledger says what came of it."""
        used = self._used.get((row.capability, row.runner, row.status))
        if used is None:
            key = (row.capability, row.runner, row.status)
            used = self._used.setdefault(key if len(self._used) < MOST else _OTHERS, Used())
        used.attempts += 1
        used.events += row.events
        used.prompt_tokens += row.prompt_tokens
        used.completion_tokens += row.completion_tokens
        used.characters += row.characters
        used.audio_seconds += row.audio_seconds
        used.images += row.images
        seconds = row.first_event_seconds
        if seconds is not None:
            used.first.counts[bisect_left(BUCKETS, seconds)] += 1
            used.first.total += seconds

    def snapshot(self, live: int) -> Snapshot:
        """Everything, now. `live`: requests that run."""
        answered = self._answered.items()
        return {
            "requests": [Sample((r, str(s or OTHER)), sum(h.counts)) for (r, s), h in answered],
            **merged([{"request_seconds": [_sample((r,), h) for (r, _), h in answered]}]),
            "errors": [Sample((code,), n) for code, n in self._errors.items()],
            "received_bytes": [Sample((route,), n) for route, n in self._received.items()],
            "live_requests": [Sample((), live)],
            **self._used_samples(),
            **self._runner_samples(),
        }

    def _used_samples(self) -> Snapshot:
        used, tokens = self._used, []
        first = [_sample(labels[:2], u.first) for labels, u in used.items() if any(u.first.counts)]
        for (capability, runner, _), found in used.items():
            tokens.append(Sample((capability, runner, "prompt"), found.prompt_tokens))
            tokens.append(Sample((capability, runner, "completion"), found.completion_tokens))
        return merged([{
            "first_event_seconds": first,
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
            "model_bytes": [Sample((r.name,), r.size) for r in runners],
            "memory_budget": [Sample((), max((r.budget for r in runners), default=0))],
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
