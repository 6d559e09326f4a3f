"""What every check of the rules guardian yields, and the categories it may name."""

from __future__ import annotations

from typing import NamedTuple

RISK = {
    "VIOLENCE": 0.8,
    "SELF_HARM": 0.8,
    "HATE_SPEECH": 0.7,
    "SEXUAL_CONTENT": 0.7,
    "TOXICITY": 0.6,
    "UNSAFE_CONTENT": 0.6,
    "PII": 0.5,
    "SPAM": 0.3,
}
"""Every category, and the risk (0 to 1) of its first match."""

HIGH_RISK = 0.9
"""The least risk of a phrase that is marked as high risk."""


class Hit(NamedTuple):
    """One match: code points `start` to `end` of the text, its category and the rule's id.

    `high` marks a high-risk phrase. A rule's id never holds any of the text.
    """

    start: int
    end: int
    category: str
    rule: str
    high: bool = False

    @property
    def score(self) -> float:
        """Risk of this match alone, 0 to 1, before strictness."""
        return max(RISK[self.category], HIGH_RISK) if self.high else RISK[self.category]
