"""The rules guardian's patterns: numbers that prove themselves, secrets, offsets, long texts."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breeze.contracts.answers import Moderation
from breeze.contracts.events import Verdict
from breeze.contracts.requests import ModerateRequest
from breeze.runners.rules import RulesRunner
from tests.runners.judging import judge, loaded


@pytest.fixture(scope="module")
def rules() -> RulesRunner:
    return asyncio.run(loaded())


def now(runner: RulesRunner, text: str) -> Moderation:
    """For hypothesis, which drives plain functions."""
    return asyncio.run(judge(runner, text))


PERSONAL = [
    ("email", "jane.doe+news@mail.example.co.uk"),
    ("email", "müller@exämple.de"),
    ("email", "jane (at) example (dot) com"),
    ("login", "joe:hunter2@db.example.com"),
    ("card", "4111 1111 1111 1111"),
    ("card", "5555-5555-5555-4444"),
    ("card", "3782 822463 10005"),
    ("card", "6011111111111117"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB29NWBK60161331926819"),
    ("ssn", "123-45-6789"),
    ("phone", "+49 30 1234567"),
    ("phone", "+1 (415) 555-0132"),
    ("phone", "(718) 575-1816"),
    ("phone", "0912-345-678"),
    ("phone", "06 12 34 56 78"),
    ("address", "203.0.113.7"),
    ("address", "2001:db8::8a2e:370:7334"),
]


@pytest.mark.parametrize(("rule", "text"), PERSONAL)
async def test_personal_data_is_found_whole(rules: RulesRunner, rule: str, text: str) -> None:
    before = "See https://" if rule == "login" else "It is "
    answer = await judge(rules, f"{before}{text}, thanks.")
    assert [finding.rule for finding in answer.findings] == [f"personal.{rule}"]
    assert answer.filtered_text == f"{before}[PII], thanks."


SECRETS = [
    ("sk", "sk-proj-abcDEF1234567890abcdEFGH"),
    ("akia", "AKIAIOSFODNN7EXAMPLE"),
    ("ghp", "ghp_" + "a1B2c3D4e5F6" * 3),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
    ("pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"),
    ("random", "9fK2jQx7Lp0ZsW4vB8nT3mYc6RgA"),
    ("random", "d41d8cd98f00b204e9800998ecf8427e"),
]


@pytest.mark.parametrize(("rule", "text"), SECRETS)
async def test_secrets_are_found_whole(rules: RulesRunner, rule: str, text: str) -> None:
    answer = await judge(rules, f"take {text} now")
    assert f"secret.{rule}" in {finding.rule for finding in answer.findings}
    assert answer.filtered_text == "take [PII] now"


@pytest.mark.parametrize(
    "text",
    [
        "password: s3cretpass",
        "my API key = abcd1234efgh",
        "Passwort ist h8ckm3ck",
        "密碼：abc12345",  # noqa: RUF001
    ],
)
async def test_what_is_called_a_secret_is_one(rules: RulesRunner, text: str) -> None:
    answer = await judge(rules, text)
    assert [finding.rule for finding in answer.findings] == ["secret.labelled"]


def luhn_digit(body: str) -> str:
    """The check digit, the long way."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


@given(st.integers(0, 10**11 - 1), st.integers(1, 9))
def test_a_card_is_one_only_with_the_right_check_digit(
    rules: RulesRunner, number: int, off: int
) -> None:
    body = f"4111{number:011d}"
    right = luhn_digit(body)
    wrong = str((int(right) + off) % 10)
    assert {f.rule for f in now(rules, f"card {body}{right}").findings} == {"personal.card"}
    assert now(rules, f"card {body}{wrong}").status == "SAFE"


@given(st.integers(0, 10**18 - 1), st.integers(1, 96))
def test_an_iban_is_one_only_with_the_right_check_digits(
    rules: RulesRunner, account: int, off: int
) -> None:
    right = 98 - int(f"{account:018d}131400") % 97  # D is 13, E is 14
    wrong = (right - 2 + off) % 97 + 2
    assert now(rules, f"to DE{right:02d}{account:018d}").filtered_text == "to [PII]"
    rules_found = {f.rule for f in now(rules, f"to DE{wrong:02d}{account:018d}").findings}
    assert "personal.iban" not in rules_found


ITEMS = ["kill yourself", "I'll stab you", "jane@example.com", "4111 1111 1111 1111", "色情影片"]


@given(
    st.text(alphabet="é ß😀ａ\u200b\u0301ﬁ.\n好,", max_size=30),  # noqa: RUF001
    st.sampled_from(ITEMS),
    st.text(alphabet="é ß😀ａ\u200b\u0301ﬁ.\n好,", max_size=30),  # noqa: RUF001
)
def test_a_span_is_the_match_itself_whatever_stands_around_it(
    rules: RulesRunner, before: str, item: str, after: str
) -> None:
    text = f"{before} {item} {after}"
    finding = now(rules, text).findings[0]
    assert text[finding.start : finding.end] == item
    alone = now(rules, item).findings[0]
    assert (alone.rule, alone.score) == (finding.rule, finding.score)


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text_gets_a_verdict_with_spans_inside_it(rules: RulesRunner, text: str) -> None:
    answer = now(rules, text)
    assert 0 <= answer.risk <= 1
    assert all(0 <= f.start < f.end <= len(text) for f in answer.findings)
    assert bool(answer.filtered_text) == bool(answer.findings)


async def test_a_long_text_is_judged_in_portions_and_nothing_is_lost_between_them(
    rules: RulesRunner,
) -> None:
    dice = random.Random(7)
    words = ["lamp", "tree", "seven", "jane@example.com", "I'll stab you", "ok.\n"]
    text = " ".join(dice.choice(words) for _ in range(30_000))
    answer = await judge(rules, text)
    expected = text.replace("jane@example.com", "[PII]").replace("I'll stab you", "[VIOLENCE]")
    assert answer.filtered_text == expected


async def test_a_long_text_shows_how_far_the_checks_are(rules: RulesRunner) -> None:
    text = "kill yourself " + "lamp tree " * 15_000
    stream = rules.stream(ModerateRequest(text))
    verdicts = [event async for event in stream if isinstance(event, Verdict)]
    seen = [verdict.metadata or {} for verdict in verdicts]
    assert len(verdicts) == seen[-1]["total_checks"] > 5
    assert [m["completed_checks"] for m in seen] == list(range(1, len(seen) + 1))
    assert seen[0]["check_type"] == "words"
    assert seen[-1]["text_portion_analyzed"] == len(text)
    assert seen[-1]["analysis_progress"] == 100
    assert seen[-1]["detected_issues"] == ["self_harm.en.1"]
    assert verdicts[0].status == verdicts[-1].status == "BLOCKED"
    assert [bool(verdict.filtered_text) for verdict in verdicts[-2:]] == [False, True]


async def test_closing_stops_the_work_and_leaves_another_stream_alone(rules: RulesRunner) -> None:
    text = "lamp tree " * 1_000_000
    before = rules.work.steps
    async with aclosing(rules.stream(ModerateRequest(text))) as long:
        assert isinstance(await anext(long), Verdict)
        assert (await judge(rules, "shut up")).status == "WARNING"
        assert rules.work.active == 1
    assert rules.work.active == 0
    done = rules.work.steps
    assert done - before < 500  # of 1530: the buffer's worth and what ran meanwhile
    await asyncio.to_thread(sum, range(100_000))
    assert rules.work.steps == done


HOSTILE = [
    "4111 ", "1 ", "k ", "a@", "a.", "aB3", "!", "a$", "+1 ", "ab:", "eyJaaaaaaaa.", "password: ",
    "-----BEGIN PRIVATE KEY-----", "k\u200b", "a\u0301", "http://a.b ", "ab ", "a", "at (at) ",
    "DE89 3704 0044 0532 0130 01 ", "030 1234567 ", "(", "i will ", "自 ", "kill yourself ", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
async def test_no_text_makes_it_slow(rules: RulesRunner, unit: str) -> None:
    """Four times the text takes about four times the time, and never a second for 100 kB."""

    async def seconds(length: int) -> float:
        began = time.process_time()
        await judge(rules, (unit * length)[:length])
        return time.process_time() - began

    short = min([await seconds(25_000) for _ in range(3)])
    long = min([await seconds(100_000) for _ in range(3)])
    assert long < max(12 * short, 0.2)
    assert long < 1


async def test_loading_twice_and_unloading_twice_is_fine() -> None:
    runner = await loaded(languages=("en",))
    await runner.load("rules-v1")
    assert (await judge(runner, "shut up")).status == "WARNING"
    await runner.unload()
    await runner.unload()
