"""From hits to a verdict: risk, status, action, and the text with every hit masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from breeze.contracts.events import Verdict
from breeze.contracts.values import Finding, Metadata, SafetyAction, SafetyStatus
from breeze.runners._rules_hits import HIGH_RISK, RISK, Hit

Strictness = Literal["low", "medium", "high"]
FACTOR: Mapping[str, float] = {"low": 0.8, "medium": 1.0, "high": 1.2}
"""What the risk is multiplied by."""
_FURTHER = 0.05
_BLOCK = 0.8
_ACTIONS: dict[SafetyStatus, SafetyAction] = {
    "SAFE": "NONE",
    "WARNING": "REVIEW",
    "BLOCKED": "BLOCK",
}


def distinct(hits: Iterable[Hit]) -> list[Hit]:
    """The hits in order; one that lies inside another of its category is part of that one."""
    kept: list[Hit] = []
    last: dict[str, int] = {}
    for hit in sorted(hits, key=lambda h: (h.start, -h.end, not h.high)):
        i = last.get(hit.category)
        if i is None or hit.end > kept[i].end:
            last[hit.category] = len(kept)
            kept.append(hit)
        elif hit.high:
            kept[i] = kept[i]._replace(high=True)
    return kept


class Tally:
    """What was found so far, as far as the risk is concerned."""

    def __init__(self) -> None:
        self.matches: Counter[str] = Counter()
        self.high = False

    def add(self, hits: Iterable[Hit]) -> None:
        """Count these hits too."""
        for hit in hits:
            self.matches[hit.category] += 1
            self.high = self.high or hit.high

    @property
    def categories(self) -> tuple[str, ...]:
        """Gravest first."""
        return tuple(category for category in RISK if category in self.matches)

    def risk(self, strictness: Strictness) -> float:
        """0 to 1: the gravest category, a little more for each further match, by strictness."""
        if not self.matches:
            return 0.0
        further = self.matches.total() - 1
        plain = max(RISK[category] for category in self.matches) + _FURTHER * further
        if self.high:
            plain = max(plain, HIGH_RISK)
        return round(min(1.0, plain * FACTOR[strictness]), 4)

    def status(self, strictness: Strictness) -> SafetyStatus:
        """BLOCKED from 0.8 or with a high-risk phrase; WARNING with anything else found."""
        if self.high or self.risk(strictness) >= _BLOCK:
            return "BLOCKED"
        return "WARNING" if self.matches else "SAFE"


def verdict(
    tally: Tally,
    strictness: Strictness,
    findings: Iterable[Hit] = (),
    *,
    masked: str = "",
    metadata: Metadata | None = None,
) -> Verdict:
    """The event. `findings` are those to report; `masked` the filtered text."""
    status = tally.status(strictness)
    return Verdict(
        status,
        tally.risk(strictness),
        categories=tally.categories,
        action=_ACTIONS[status],
        filtered_text=masked,
        findings=tuple(Finding(h.category, h.score, h.rule, h.start, h.end) for h in findings),
        metadata=metadata,
    )


def mask(text: str, hits: Iterable[Hit]) -> str:
    """`text` with every hit, and hits that touch as one, replaced by its gravest category.

    `hits` in order of their starts. Empty when there is none.
    """
    spans: list[Hit] = []
    for hit in hits:
        if spans and hit.start < spans[-1].end:
            last = spans[-1]
            grave = max(last, hit, key=lambda h: h.score)
            spans[-1] = grave._replace(start=last.start, end=max(last.end, hit.end))
        else:
            spans.append(hit)
    if not spans:
        return ""
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], f"[{span.category}]"]
        at = span.end
    return "".join([*pieces, text[at:]])
