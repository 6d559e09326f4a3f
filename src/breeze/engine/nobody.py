"""What to say when a decision has nobody to try."""

from __future__ import annotations

from collections.abc import Sequence

from breeze.contracts.errors import CapabilityError, RunnerError, UnavailableError
from breeze.contracts.service import Decision, Rejected
from breeze.engine.selection import STRICT

_NO_KEY, _FEW = "no API key", 2


def nobody(decision: Decision) -> RunnerError:
    """The error: E405 if nobody ever could, else E501."""
    able = [r for r in decision.rejected if not r.why.startswith("cannot do ")]
    if not able:
        return CapabilityError(
            f"No runner here can do {decision.capability}. Run: breeze runners", field="runner"
        )
    asked = [r for r in able if r.why != STRICT]
    who = "No runner" if len(asked) == len(able) else "No runner that the request allows"
    return UnavailableError(
        f"{who} can do {decision.capability} now. {'; '.join(_told(asked))}.",
        field="runner",
        retryable=False,
    )


def _told(rejected: Sequence[Rejected]) -> list[str]:
    """Each reason with its name; those whom the same keeps away are counted when they are many."""
    alike: dict[str, list[Rejected]] = {}
    for one in rejected:
        alike.setdefault(_NO_KEY if one.why.startswith(_NO_KEY) else one.why, []).append(one)
    told = []
    for why, some in alike.items():
        if len(some) <= _FEW:
            told += [f"{one.name}: {one.why}" for one in some]
        else:
            told.append(f"{len(some)} others: {why}")
    return [*told, "see: breeze runners"] if len(told) < len(rejected) else told
