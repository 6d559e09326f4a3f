"""Medians over rounds, and ratios taken pair by pair within a round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.cases import Row
from harness.standing import Standing

Figure = Callable[[Row], float]


@dataclass
class Results:
    """Everything that was measured."""

    rows: list[Row] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    def targets(self) -> list[str]:
        """Names in the order in which they were first measured."""
        names = [row.target for row in self.rows] + [s.target for s in self.standings]
        return list(dict.fromkeys(names))

    def cases(self) -> list[str]:
        return list(dict.fromkeys(row.case for row in self.rows))

    def of(self, case: str, target: str) -> dict[int, Row]:
        """A target's rows of a case, by round; rounds without any good answer left out."""
        return {
            row.round: row
            for row in self.rows
            if row.case == case and row.target == target and row.good
        }

    def median(self, case: str, target: str, figure: Figure) -> float | None:
        return middle(figure(row) for row in self.of(case, target).values())

    def ratios(self, case: str, target: str, base: str, figure: Figure) -> list[float]:
        """The figure of `target` over that of `base`, for each round that has both."""
        own, other = self.of(case, target), self.of(case, base)
        return [
            figure(own[r]) / figure(other[r]) for r in own if r in other and figure(other[r]) > 0
        ]

    def added(self, case: str, target: str, figure: Figure) -> list[tuple[int, float]]:
        """Round and what the target adds to the figure of asking the mock directly."""
        own, direct = self.of(case, target), self.of(case, "direct")
        return [(r, figure(own[r]) - figure(direct[r])) for r in own if r in direct]

    def added_ratios(self, case: str, target: str, base: str, figure: Figure) -> list[float]:
        """What `target` adds over what `base` adds, for each round that has both."""
        other = dict(self.added(case, base, figure))
        own = self.added(case, target, figure)
        return [value / other[r] for r, value in own if other.get(r, 0) > 0]

    def stood(self, target: str, figure: Callable[[Standing], float | None]) -> float | None:
        """Median of a figure over the starts of a target."""
        seen = [figure(s) for s in self.standings if s.target == target]
        return middle(value for value in seen if value is not None)

    def faults(self) -> list[str]:
        """What went wrong in any measurement, in words."""
        return [
            f"{row.target}, {row.case}, round {row.round + 1}: "
            + (", ".join(f"{n} {fault}" for fault, n in row.errors.items()) or "no good answer")
            for row in self.rows
            if row.errors or not row.good
        ]


def middle(values: Iterable[float]) -> float | None:
    """The median, or None of nothing."""
    listed = list(values)
    return statistics.median(listed) if listed else None
