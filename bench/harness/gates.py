"""What Breeze has to hold, side by side with nginx and its peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.results import Results, middle
from harness.standing import Standing

NOISE = 1.3
"""How far a ratio or a time may miss its aim on a machine that others use too."""

OWN = "breeze"


@dataclass(frozen=True)
class Gate:
    """One figure and its limit; `of` gives None when it was not measured."""

    what: str
    aim: float
    of: Callable[[Results], float | None]
    unit: str = "x"
    noisy: bool = True

    @property
    def limit(self) -> float:
        return self.aim * (NOISE if self.noisy else 1)

    def verdict(self, results: Results) -> tuple[bool | None, str]:
        """Whether it holds (None: not measured), and a line that says so."""
        value = self.of(results)
        aim = f"aim {self.aim:.3g}{self.unit}, gate {self.limit:.3g}{self.unit}"
        if value is None:
            return None, f"{'not measured':19}{self.what} ({aim})"
        holds = value <= self.limit
        word = "holds" if holds else "FAILED"
        return holds, f"{word:6}{value:8.3g}{self.unit:5}{self.what} ({aim})"


def _cpu(case: str, base: str) -> Callable[[Results], float | None]:
    return lambda results: middle(results.ratios(case, OWN, base, lambda row: row.cpu))


def _stood(figure: Callable[[Standing], float | None]) -> Callable[[Results], float | None]:
    return lambda results: results.stood(OWN, figure)


def _added(results: Results) -> float | None:
    return middle(results.added_ratios("plain1", OWN, "nginx", lambda row: row.whole_p50))


def _faults(results: Results) -> float | None:
    own = [row for row in results.rows if row.target == OWN]
    return sum(sum(row.errors.values()) + (not row.good) for row in own) if own else None


GATES = (
    Gate("CPU per plain request at 16, against TensorZero", 1, _cpu("plain16", "tensorzero")),
    Gate("CPU per plain request at 16, against LiteLLM", 1 / 150, _cpu("plain16", "litellm")),
    Gate("CPU per chunk in bursts at 16, against nginx", 1.3, _cpu("stream16", "nginx")),
    Gate("CPU per chunk 10 ms apart at 16, against nginx", 3.5, _cpu("paced16", "nginx")),
    Gate("CPU per chunk 10 ms apart at 128, against nginx", 2.5, _cpu("paced128", "nginx")),
    Gate("median latency added at one connection, against nginx", 2.5, _added),
    Gate("first good answer", 1, _stood(lambda s: s.start_s), " s"),
    Gate("idle resident memory", 80, _stood(lambda s: s.rss_mb), " MB", noisy=False),
    Gate("memory of an idle stream", 40, _stood(lambda s: s.stream_kb), " kB", noisy=False),
    Gate(
        "upstream closed after a client left a silent stream",
        5, _stood(lambda s: s.leave_stream_ms), " ms",
    ),
    Gate(
        "upstream closed after a client left before its answer",
        5, _stood(lambda s: s.leave_plain_ms), " ms",
    ),
    Gate("closes that did not come", 0, _stood(lambda s: s.never_closed), "", noisy=False),
    Gate("upstreams left after all clients left", 0, _stood(lambda s: s.upstream_left), "", False),
    Gate("faulty answers", 0, _faults, "", noisy=False),
)  # fmt: skip


def check(results: Results) -> bool:
    """Prints every gate; whether none failed."""
    verdicts = [gate.verdict(results) for gate in GATES]
    for _, line in verdicts:
        print(line)
    return all(holds is not False for holds, _ in verdicts)
