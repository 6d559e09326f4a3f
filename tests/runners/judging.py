"""Asking the rules guardian."""

from __future__ import annotations

from typing import Any

from breeze.contracts.answers import Moderation
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.results import collect
from breeze.runners.rules import RulesParameters, RulesRunner


async def loaded(**parameters: Any) -> RulesRunner:
    """A guardian that is ready."""
    runner = RulesRunner(RulesParameters.of(parameters))
    await runner.load("")
    return runner


async def judge(runner: RulesRunner, text: str, **fields: Any) -> Moderation:
    """Its verdict on `text`."""
    answer = await collect(runner.stream(ModerateRequest(text, **fields)), Moderation)
    assert isinstance(answer, Moderation)
    return answer
