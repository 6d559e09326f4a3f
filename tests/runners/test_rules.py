"""The rules guardian: what it makes of what it finds, and what an operator can set."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, Finish, Verdict
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.metadata import KEYS
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.values import Usage
from breeze.runners.rules import RulesParameters, RulesRunner
from tests.runners.judging import judge, loaded


@pytest.fixture(scope="module")
def rules() -> RulesRunner:
    return asyncio.run(loaded())


@pytest.mark.parametrize(
    ("text", "risk", "status", "action"),
    [
        ("claim your prize", 0.3, "WARNING", "REVIEW"),
        ("mail jane@example.com", 0.5, "WARNING", "REVIEW"),
        ("mail jane@example.com, joe@example.com", 0.55, "WARNING", "REVIEW"),
        ("shut up", 0.6, "WARNING", "REVIEW"),
        ("send nudes", 0.7, "WARNING", "REVIEW"),
        ("I will stab you", 0.8, "BLOCKED", "BLOCK"),
        ("kill yourself", 0.9, "BLOCKED", "BLOCK"),
        ("kill yourself, jane@example.com", 0.9, "BLOCKED", "BLOCK"),
    ],
)
async def test_risk_is_the_gravest_category_and_a_little_for_each_further_match(
    rules: RulesRunner, text: str, risk: float, status: str, action: str
) -> None:
    answer = await judge(rules, text)
    assert (answer.risk, answer.status, answer.action) == (risk, status, action)


@pytest.mark.parametrize("text", ["I will stab you", "kill yourself", "jane@example.com", "hello"])
async def test_strictness_raises_the_risk(rules: RulesRunner, text: str) -> None:
    grades = ["SAFE", "WARNING", "BLOCKED"]
    low, medium, high = [
        await judge(rules, text, strictness=level) for level in ("low", "medium", "high")
    ]
    assert low.risk <= medium.risk <= high.risk <= 1
    assert low.risk == pytest.approx(0.8 * medium.risk)
    assert grades.index(low.status) <= grades.index(medium.status) <= grades.index(high.status)


async def test_the_parameter_is_the_strictness_of_requests_that_leave_it() -> None:
    strict = await loaded(strictness_level="high", languages=("en",))
    assert (await judge(strict, "shut up")).risk == pytest.approx(0.72)
    assert (await judge(strict, "shut up", strictness="low")).risk == pytest.approx(0.48)
    relaxed = await judge(strict, "shut up", params={"strictness_level": "medium"})
    assert relaxed.risk == 0.6
    assert relaxed.metadata is not None
    assert relaxed.metadata["strictness_level"] == "medium"


async def test_categories_limit_what_is_looked_for(rules: RulesRunner) -> None:
    text = "kill yourself, jane@example.com"
    assert (await judge(rules, text, categories=("PII",))).categories == ("PII",)
    assert (await judge(rules, text, categories=("self_harm",))).categories == ("SELF_HARM",)
    assert (await judge(rules, text, categories=("SPAM",))).status == "SAFE"


async def test_an_unknown_category_is_refused_with_the_nearest_one(rules: RulesRunner) -> None:
    with pytest.raises(InputError, match="did you mean VIOLENCE") as caught:
        await judge(rules, "x", categories=("VIOLENT",))
    assert caught.value.field == "categories"


async def test_own_words_and_allowed_ones() -> None:
    own = await loaded(
        extra_words="toxicity: zonk*; violence: !frobnicate\nSPAM: (cheap|free) widgets",
        allow="joe@example.com\nkill yourself laughing",
        languages=("en",),
    )
    zonked = await judge(own, "You zonker! Free  widgets")
    assert set(zonked.categories) == {"TOXICITY", "SPAM"}
    assert {finding.rule for finding in zonked.findings} == {"toxicity.own.1", "spam.own.3"}
    assert (await judge(own, "z0nk")).categories == ("TOXICITY",)
    assert (await judge(own, "frobnicate")).status == "BLOCKED"
    assert (await judge(own, "kill yourself laughing, joe@example.com")).status == "SAFE"
    assert (await judge(own, "jane@example.com")).status == "WARNING"


@pytest.mark.parametrize(
    "lines", ["nonsense", "colours: red", "violence:  ", "spam: (a|b", "spam: " + "(a|b)" * 20]
)
def test_own_words_of_another_form_are_refused(lines: str) -> None:
    with pytest.raises(InputError) as caught:
        RulesParameters.of({"extra_words": lines})
    assert caught.value.field == "parameters.extra_words"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"check_words": False}, "shut up"),
        ({"check_disguised": False}, "f u c k"),
        ({"check_personal_data": False}, "jane@example.com"),
        ({"check_secrets": False}, "AKIAIOSFODNN7EXAMPLE"),
        ({"check_spam": False}, "now!!!!!!!!"),
        ({"languages": ("de",)}, "shut up"),
        ({"secret_entropy": 5.5}, "9fK2jQx7Lp0ZsW4vB8nT3mYc6RgA"),
    ],
)
async def test_checks_can_be_turned_off(
    rules: RulesRunner, parameters: dict[str, Any], text: str
) -> None:
    assert (await judge(rules, text)).status == "WARNING"
    assert (await judge(await loaded(**parameters), text)).status == "SAFE"


def test_all_checks_off_is_worth_a_warning() -> None:
    names = ("words", "disguised", "personal_data", "secrets", "spam")
    found = RulesParameters.validate_parameters({f"check_{name}": False for name in names})
    assert found.ok
    assert found.warnings


async def test_nothing_that_was_found_is_repeated(rules: RulesRunner) -> None:
    secrets = ["AKIAIOSFODNN7EXAMPLE", "jane@example.com", "hunter2hunter2", "4111111111111111"]
    text = "Key {0}, mail {1}, password: {2}, card {3}; again {0} {1} {3}".format(*secrets)
    events = [event async for event in rules.stream(ModerateRequest(text))]
    for secret in secrets:
        assert secret not in str(events)


async def test_all_findings_count_though_few_are_listed() -> None:
    few = await loaded(max_findings=2, languages=())
    answer = await judge(few, "a@b.io c@d.io e@f.io g@h.io")
    assert len(answer.findings) == 2
    assert answer.risk == pytest.approx(0.65)
    assert answer.filtered_text == "[PII] [PII] [PII] [PII]"


async def test_a_short_text_gets_one_verdict_then_usage_and_the_end(rules: RulesRunner) -> None:
    events = [event async for event in rules.stream(ModerateRequest("hello"))]
    assert [type(event) for event in events] == [Verdict, Usage, Finish]
    assert events[1] == Usage(characters=5)


async def test_an_empty_text_is_safe(rules: RulesRunner) -> None:
    assert (await judge(rules, "")).status == "SAFE"


async def test_messages_are_judged_and_pictures_are_named_as_unseen(rules: RulesRunner) -> None:
    parts = (TextPart("shut up"), ImagePart(b"x"))
    request = ModerateRequest(messages=(Message("user", "hi"), Message("user", parts)))
    events = [event async for event in rules.stream(request)]
    assert events[0] == Adjusted("messages[1].content[1]", "image", None, "only text is judged")
    verdicts = [event for event in events if isinstance(event, Verdict)]
    assert verdicts[-1].filtered_text == "hi\n[TOXICITY]"


async def test_needs_loading_and_knows_its_model(rules: RulesRunner) -> None:
    unloaded = RulesRunner(RulesParameters())
    with pytest.raises(NotLoadedError):
        await judge(unloaded, "hi")
    with pytest.raises(NotFoundError):
        await unloaded.load("gpt")
    with pytest.raises(NotFoundError):
        await judge(rules, "hi", model="gpt")
    assert unloaded.check() is None
    assert (await rules.models())[0].id == rules.info.default_model


async def test_every_metadata_key_is_a_known_one(rules: RulesRunner) -> None:
    async for event in rules.stream(ModerateRequest("shut up " * 9000)):
        assert set(event.metadata or {}) <= KEYS.keys()
