"""`my_runner`: a list of words, until your safety model moves in."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, Finding, Finish, ModerateEvent, Verdict
from breeze.contracts.fields import text
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, ModerateRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage

MODEL = "word-list"
CATEGORY = "listed"
_RISK = {"low": 0.5, "medium": 0.8, "high": 1.0}
"""Risk of one listed word, by strictness."""


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    words: str = text("bomb, credit card", "Words to refuse, separated by commas", max_length=4000)


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Finds the words of a list, masks them, and judges by how strict it shall be."""

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._loaded = False

    async def load(self, model: str) -> None:
        _check_model(model)
        self._loaded = True

    async def unload(self) -> None:
        self._loaded = False

    async def moderate(self, request: ModerateRequest) -> AsyncGenerator[ModerateEvent]:
        if not self._loaded:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        p = self.parameters_for(request)
        wanted = not request.categories or CATEGORY in request.categories
        if set(request.categories) - {CATEGORY}:
            yield Adjusted("categories", list(request.categories), [CATEGORY], "it knows no other")
        with self.work.stream() as work:
            found = hits(request.whole_text, p.words if wanted else "")
            work.steps += 1
            yield verdict(request.whole_text, found, _RISK[request.strictness])
        yield Usage(characters=len(request.whole_text))
        yield Finish()


def hits(content: str, words: str) -> list[re.Match[str]]:
    """Where the listed words stand in `content`, in any case."""
    listed = "|".join(re.escape(word.strip()) for word in words.split(",") if word.strip())
    return list(re.finditer(rf"\b(?:{listed})\b", content, re.IGNORECASE)) if listed else []


def verdict(content: str, found: list[re.Match[str]], risk: float) -> Verdict:
    """SAFE without a hit; WARNING or BLOCKED by the risk, with the hits masked by stars."""
    if not found:
        return Verdict("SAFE", 0.0)
    masked = content
    for hit in found:
        masked = f"{masked[: hit.start()]}{'*' * len(hit.group())}{masked[hit.end() :]}"
    findings = tuple(Finding(CATEGORY, risk, "word", hit.start(), hit.end()) for hit in found)
    if risk >= _RISK["medium"]:
        return Verdict("BLOCKED", risk, (CATEGORY,), "BLOCK", masked, findings)
    return Verdict("WARNING", risk, (CATEGORY,), "REVIEW", masked, findings)


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
