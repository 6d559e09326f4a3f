"""`mock_guardian`: judges text by short lists of words, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from typing import Literal

from pydantic import field_validator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.events import Adjusted, ModerateEvent, Verdict
from breeze.contracts.fields import choice, text
from breeze.contracts.messages import TextPart
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.runner import runner
from breeze.contracts.values import Finding, SafetyAction, SafetyStatus, Usage
from breeze.runners._mock import MockParameters, MockRunner, finish, lines_of, pause

_CATEGORIES: dict[str, tuple[float, str]] = {
    "violence": (0.8, r"kill|murder|attack|weapon|bomb|殺人|暴力|武器|炸彈"),
    "self_harm": (0.8, r"suicide|self-harm|hurt myself|自殺|自殘"),
    "hate": (0.7, r"hate|racist|subhuman|仇恨|歧視"),
    "sexual": (0.7, r"porn|nude|sex tape|色情|裸照"),
    "toxicity": (0.6, r"stupid|idiot|moron|shut up|白痴|笨蛋"),
    "unsafe": (0.6, r"hack|malware|drugs|毒品|駭客"),
    "pii": (0.5, r"[\w.+-]+@[\w-]+\.\w[\w.]*|\d{3}-\d{2}-\d{4}|(?:\d[ -]?){15}\d"),
    "spam": (0.3, r"free money|click here|act now|免費贈送|點擊這裡"),
}
"""Base risk and pattern of each category."""
_HIGH_RISK = re.compile(r"bomb|suicide|murder|炸彈|自殺|殺人", re.IGNORECASE)
_OWN = "custom"
_PER_MATCH = 0.05
_STRICTNESS = {"low": 0.8, "medium": 1.0, "high": 1.2}


class MockGuardianParameters(MockParameters):
    """What mock_guardian can be told."""

    strictness_level: Literal["", "low", "medium", "high"] = choice(
        "",
        ["low", "medium", "high"],
        "Strictness for all requests; empty: as each request says",
        category="Safety",
    )
    blocked_words: str = text(
        "", "Further words to block, one a line (category custom)", category="Safety"
    )

    _lines = field_validator("blocked_words", mode="before")(lines_of)

    @property
    def patterns(self) -> dict[str, tuple[float, re.Pattern[str]]]:
        """Base risk and pattern of every category, the operator's own words included."""
        known = dict(_CATEGORIES)
        if own := [re.escape(w.strip()) for w in self.blocked_words.splitlines() if w.strip()]:
            known[_OWN] = (0.9, "|".join(own))
        return {
            name: (risk, re.compile(words, re.IGNORECASE)) for name, (risk, words) in known.items()
        }


@runner(
    "mock_guardian",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-guardian-v1",
    concurrency=64,
)
class MockGuardianRunner(MockRunner[MockGuardianParameters]):
    """Judges by word lists alone: for trying out the guardian, not for guarding."""

    async def moderate(self, request: ModerateRequest) -> AsyncGenerator[ModerateEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            patterns = p.patterns
            if unknown := [name for name in request.categories if name not in patterns]:
                used = [name for name in request.categories if name in patterns]
                why = f"unknown: {', '.join(unknown)}; known: {', '.join(patterns)}"
                yield Adjusted("categories", list(request.categories), used, why)
            for note in _unseen(request):
                yield note
            strictness = p.strictness_level or request.strictness
            if strictness != request.strictness:
                why = "the operator fixed strictness_level"
                yield Adjusted("strictness", request.strictness, strictness, why)
            await self.begin(request, p)
            checks = [name for name in patterns if name in (request.categories or patterns)]
            found: list[Finding] = []
            for done, name in enumerate(checks, 1):
                if done > 1:
                    await pause(p.stream_chunk_delay_ms)
                work.steps += 1
                found += _find(request.whole_text, name, *patterns[name])
                where = {"check_type": name, "completed_checks": done, "total_checks": len(checks)}
                yield verdict(request.whole_text, found, strictness, where)
            if not checks:
                yield verdict(request.whole_text, (), strictness, {"total_checks": 0})
            yield Usage(characters=len(request.whole_text))
            yield finish(model_name=model, strictness_level=strictness)


def _unseen(request: ModerateRequest) -> Iterable[Adjusted]:
    """What the request holds that is not text."""
    for i, message in enumerate(request.messages):
        for j, part in enumerate(message.parts):
            if not isinstance(part, TextPart):
                kind = type(part).__name__.removesuffix("Part").lower()
                yield Adjusted(f"messages[{i}].content[{j}]", kind, None, "a mock judges text only")


def _find(said: str, category: str, risk: float, pattern: re.Pattern[str]) -> Iterable[Finding]:
    for match in pattern.finditer(said):
        high = 0.9 if _HIGH_RISK.fullmatch(match[0]) else risk
        yield Finding(category, high, f"word list {category}", match.start(), match.end())


def verdict(
    said: str, found: Iterable[Finding], strictness: str, where: dict[str, object]
) -> Verdict:
    """What the findings so far add up to."""
    by_category: dict[str, list[float]] = {}
    for finding in found:
        by_category.setdefault(finding.category, []).append(finding.score)
    highest = max((max(s) + _PER_MATCH * len(s) for s in by_category.values()), default=0.0)
    risk = round(min(1.0, highest * _STRICTNESS[strictness]), 3)
    certain = any(finding.score >= 0.9 for finding in found)
    status: SafetyStatus = "BLOCKED" if risk >= 0.8 or certain else "WARNING"
    action: SafetyAction = "BLOCK" if status == "BLOCKED" else "REVIEW"
    if not by_category:
        status, action = "SAFE", "NONE"
    categories, masked = tuple(by_category), _masked(said, found) if by_category else ""
    return Verdict(status, risk, categories, action, masked, tuple(found), metadata=where)


def _masked(said: str, found: Iterable[Finding]) -> str:
    """`said` with each finding replaced by its category in brackets."""
    end = len(said) + 1
    for finding in sorted(found, key=lambda finding: -finding.start):
        if finding.end <= end:
            said = f"{said[: finding.start]}[{finding.category}]{said[finding.end :]}"
            end = finding.start
    return said
