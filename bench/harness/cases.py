"""Load under which a target is measured, and one measurement of it."""

from __future__ import annotations

import resource
from dataclasses import dataclass

from harness.native import run_load
from harness.process import Clocks, Process, machine_time, spent
from harness.target import Server

CHUNKS = 200
"""Chunks of a streamed answer."""

FAULTS = ("refused", "incomplete", "unfinished", "disordered", "cut", "late")


@dataclass(frozen=True)
class Case:
    """`connections` send again as soon as they have an answer, for the given seconds."""

    name: str
    connections: int
    model: str
    stream: bool

    @property
    def once(self) -> bool:
        """A paced stream takes two seconds: each connection opens one."""
        return self.model == "mock-paced"

    @property
    def marks(self) -> int:
        return CHUNKS if self.stream else 1


CASES = {
    case.name: case
    for connections in (1, 16, 128)
    for case in (
        Case(f"plain{connections}", connections, "mock", False),
        Case(f"stream{connections}", connections, "mock", True),
        Case(f"paced{connections}", connections, "mock-paced", True),
    )
}
DEFAULT = ("plain1", "plain16", "stream1", "stream16", "paced16", "paced128")


@dataclass(frozen=True)
class Row:
    """One measurement. Times are microseconds."""

    round: int
    case: str
    target: str
    good: int
    errors: dict[str, int]
    per_second: float
    cpu: float
    """Of the target, per request, or per chunk of a stream."""
    whole_p50: float
    whole_p99: float
    first_p50: float
    first_p99: float
    delay_p50: float
    """From the mock's write of a chunk to the client's read of it."""
    delay_p99: float
    foreign: float
    """Share of the machine that was used by others meanwhile."""


def measure(server: Server, case: Case, round: int, seconds: float, mock: Process) -> Row:
    """Warms the target up with the same kind of request, then measures it."""
    warm = server.request("mock", stream=case.stream)
    run_load(server.port, warm, min(case.connections, 16), 0.2, case.marks)
    request = server.request(case.model, stream=case.stream)
    before, tools, others = _clocks(server), _tools(mock), machine_time()
    seen = run_load(server.port, request, case.connections, 0 if case.once else seconds, case.marks)
    cpu = spent(before, _clocks(server))
    busy, had = (now - then for now, then in zip(machine_time(), others, strict=True))
    errors = {fault: seen[fault] for fault in FAULTS if seen[fault]}
    units = seen["marks"] if case.stream else seen["good"] + sum(errors.values())
    times = {
        f"{name}_{part}": seen[f"{name}_{part}"]
        for name in ("whole", "first", "delay")
        for part in ("p50", "p99")
    }
    return Row(
        round, case.name, server.target.name, seen["good"], errors,
        per_second=seen["good"] / max(seen["seconds"], 1e-9),
        cpu=cpu / max(units, 1) * 1e6,
        foreign=max(0.0, busy - cpu - (_tools(mock) - tools)) / max(had, 1e-9),
        **times,
    )  # fmt: skip


def _clocks(server: Server) -> Clocks:
    return server.process.clocks() if server.process else {}


def _tools(mock: Process) -> float:
    """Processor seconds of the mock and of the load generators that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent({}, mock.clocks()) + used.ru_utime + used.ru_stime
