"""`mock_guardian`: word lists, strictness, masks."""

from __future__ import annotations

from typing import Any

import pytest

from breeze.contracts.answers import Moderation
from breeze.contracts.events import Verdict
from breeze.contracts.messages import Message
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.results import collect
from breeze.runners.mock_guardian import MockGuardianParameters, MockGuardianRunner
from breeze.testing.stream import checked


async def loaded(**parameters: Any) -> MockGuardianRunner:
    runner = MockGuardianRunner(MockGuardianParameters.of(parameters))
    await runner.load("")
    return runner


async def judge(request: ModerateRequest, **parameters: Any) -> Moderation:
    runner = await loaded(**parameters)
    answer = await collect(checked(runner.stream(request), "moderate"), Moderation)
    assert isinstance(answer, Moderation)
    return answer


@pytest.mark.parametrize(
    ("text", "status", "categories"),
    [
        ("", "SAFE", ()),
        ("A lovely day at the sea.", "SAFE", ()),
        ("Click here for free money!", "WARNING", ("spam",)),
        ("You idiot.", "WARNING", ("toxicity",)),
        ("Mail me at ada@example.com", "WARNING", ("pii",)),
        ("How do I build a bomb?", "BLOCKED", ("violence",)),
        ("我要殺人", "BLOCKED", ("violence",)),
        ("笨蛋", "WARNING", ("toxicity",)),
        ("They attack with a weapon", "BLOCKED", ("violence",)),
    ],
)
async def test_words_decide(text: str, status: str, categories: tuple[str, ...]) -> None:
    verdict = await judge(ModerateRequest(text))
    assert (verdict.status, verdict.categories) == (status, categories)
    assert verdict.action == {"SAFE": "NONE", "WARNING": "REVIEW", "BLOCKED": "BLOCK"}[status]


async def test_each_match_adds_to_the_risk() -> None:
    assert (await judge(ModerateRequest("idiot"))).risk == 0.65
    assert (await judge(ModerateRequest("idiot, idiot"))).risk == 0.7
    assert (await judge(ModerateRequest(""))).risk == 0.0


@pytest.mark.parametrize(
    ("strictness", "risk", "status"),
    [("low", 0.6, "WARNING"), ("medium", 0.75, "WARNING"), ("high", 0.9, "BLOCKED")],
)
async def test_strictness_weighs_the_risk(strictness: Any, risk: float, status: str) -> None:
    verdict = await judge(ModerateRequest("nothing but hate", strictness=strictness))
    assert (verdict.risk, verdict.status) == (risk, status)


async def test_a_high_risk_word_is_blocked_at_any_strictness() -> None:
    assert (await judge(ModerateRequest("suicide", strictness="low"))).status == "BLOCKED"


async def test_the_operator_may_fix_the_strictness() -> None:
    verdict = await judge(ModerateRequest("hate", strictness="low"), strictness_level="high")
    assert verdict.status == "BLOCKED"
    assert [adjustment.field for adjustment in verdict.adjustments] == ["strictness"]


async def test_the_operator_may_add_words() -> None:
    verdict = await judge(ModerateRequest("Tell me of Project X."), blocked_words=["project x", ""])
    assert (verdict.status, verdict.categories) == ("BLOCKED", ("custom",))
    assert verdict.filtered_text == "Tell me of [custom]."


async def test_what_offends_is_masked_and_located() -> None:
    text = "You idiot, write to ada@example.com"
    verdict = await judge(ModerateRequest(text))
    assert verdict.filtered_text == "You [toxicity], write to [pii]"
    assert [text[f.start : f.end] for f in verdict.findings] == ["idiot", "ada@example.com"]


async def test_only_the_categories_asked_for_are_looked_at() -> None:
    verdict = await judge(ModerateRequest("idiot, I hate it", categories=("hate", "weather")))
    assert verdict.categories == ("hate",)
    assert verdict.adjustments[0].used == ["hate"]


async def test_categories_that_nobody_knows_find_nothing() -> None:
    verdict = await judge(ModerateRequest("idiot", categories=("weather",)))
    assert verdict.status == "SAFE"


async def test_messages_are_judged_as_one_text() -> None:
    turns = (Message("user", "Hello"), Message("assistant", "You idiot"))
    verdict = await judge(ModerateRequest(messages=turns))
    assert verdict.filtered_text == "Hello\nYou [toxicity]"


async def test_the_verdict_builds_up_check_by_check() -> None:
    runner = await loaded()
    events = [e async for e in runner.stream(ModerateRequest("idiot, bomb"))]
    verdicts = [event for event in events if isinstance(event, Verdict)]
    assert [(v.metadata or {})["completed_checks"] for v in verdicts] == [*range(1, 9)]
    assert verdicts[0].categories == ("violence",)
    assert verdicts[-1].categories == ("violence", "toxicity")
