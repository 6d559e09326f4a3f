"""What the conformance kit says of a runner."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["pass", "fail", "n/a"]


class RuleResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: its id, what it demands, whether it holds, and why not (or why it does not apply).

    `seconds`: wall time that the check took.
    """

    rule: str
    status: Status
    title: str = ""
    message: str = ""
    seconds: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """All rules on one runner."""

    runner: str
    results: tuple[RuleResult, ...]

    @property
    def ok(self) -> bool:
        """True when no rule failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """The rules that are broken."""
        return tuple(result for result in self.results if result.status == "fail")

    @property
    def seconds(self) -> float:
        """Wall time of all checks."""
        return sum(result.seconds for result in self.results)

    def render(self) -> str:
        """One line a rule, the counts at the end."""
        wide = max((len(result.rule) for result in self.results), default=0)
        lines = [
            f"{r.status:<4}  {r.rule:<{wide}}  {r.message or r.title}".rstrip()
            for r in self.results
        ]
        counts = ", ".join(
            f"{sum(r.status == status for r in self.results)} {status}"
            for status in ("pass", "fail", "n/a")
        )
        return "\n".join([f"{self.runner}:", *lines, f"{counts} in {self.seconds:.1f} s"])
