"""Moderations of the openai runner: the verdict that scores and flags come to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from breeze.contracts.errors import ProcessingError, RateLimitError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ModerateRequest
from tests.runners.asking import running
from tests.runners.asking import whole as in_one
from tests.runners.openai_vendor import MODEL, serving, whole
from tests.runners.standin import StandIn


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


async def test_a_text_is_judged() -> None:
    async with serving() as (vendor, runner):
        good = await whole(runner, ModerateRequest("A friendly greeting."))
        bad = await whole(runner, ModerateRequest("I will kill you."))
    assert (good.status, good.action, good.categories) == ("SAFE", "NONE", ())
    assert (bad.status, bad.action, bad.categories) == ("BLOCKED", "BLOCK", ("violence",))
    assert (good.risk, bad.risk) == (0.01, 0.97)
    assert bad.findings[0].category == "violence"
    assert bad.usage.characters == 16
    assert vendor.calls[0].json == {"input": "A friendly greeting."}, "the server has its own model"


@pytest.mark.parametrize(
    ("values", "asked", "sent"),
    [({"moderation_model": "judge"}, "auto", "judge"), ({}, MODEL, MODEL),
     ({"moderation_model": "judge"}, MODEL, MODEL)],
)  # fmt: skip
async def test_a_model_may_be_named(values: dict[str, str], asked: str, sent: str) -> None:
    async with serving(**values) as (vendor, runner):
        await whole(runner, ModerateRequest("Hi", model=asked))
    assert vendor.calls[0].json["model"] == sent


async def test_messages_are_judged_as_one_text_or_in_parts() -> None:
    said = (Message("user", "Hello"), Message("assistant", "there"))
    seen = Message("user", (TextPart("What is it?"), ImagePart(b"\x89PNG\r\n")))
    async with serving() as (vendor, runner):
        await whole(runner, ModerateRequest(messages=said))
        await whole(runner, ModerateRequest(messages=(seen,)))
    assert vendor.calls[0].json["input"] == "Hello\nthere"
    assert vendor.calls[1].json["input"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0K"}},
    ]


async def judged(server: StandIn, result: Any, **fields: Any) -> Any:
    body = result if isinstance(result, bytes) else msgspec.json.encode({"results": result})
    server.play(in_one(body))
    async with running(server) as runner:
        return await whole(runner, ModerateRequest("Hi", **fields))


def told(score: float, *, flagged: bool) -> list[dict[str, Any]]:
    return [{"flagged": flagged, "categories": {"hate": flagged, "sexual": False},
             "category_scores": {"hate": score, "sexual": 0.001}}]  # fmt: skip


@pytest.mark.parametrize(
    ("strictness", "score", "flagged", "status"),
    [
        ("low", 0.9, True, "BLOCKED"), ("low", 0.6, True, "WARNING"), ("low", 0.6, False, "SAFE"),
        ("medium", 0.6, True, "BLOCKED"), ("medium", 0.6, False, "WARNING"),
        ("medium", 0.4, False, "SAFE"),
        ("high", 0.1, True, "BLOCKED"), ("high", 0.45, False, "BLOCKED"),
        ("high", 0.25, False, "WARNING"), ("high", 0.1, False, "SAFE"),
    ],
)  # fmt: skip
async def test_strictness_is_a_limit_on_scores(
    server: StandIn, strictness: str, score: float, flagged: bool, status: str
) -> None:
    found = await judged(server, told(score, flagged=flagged), strictness=strictness)
    assert (found.status, found.risk) == (status, score)
    assert found.categories == (("hate",) if status != "SAFE" else ())
    assert [f.category for f in found.findings] == ["hate"], "noise is no finding"


@pytest.mark.parametrize(
    ("asked", "status"),
    [(("hate",), "BLOCKED"), (("HATE_SPEECH",), "BLOCKED"), (("sexual",), "SAFE"), ((), "BLOCKED")],
)
async def test_only_the_categories_asked_for_count(
    server: StandIn, asked: tuple[str, ...], status: str
) -> None:
    found = await judged(server, told(0.9, flagged=True), categories=asked)
    assert found.status == status
    assert found.adjustments == ()


async def test_a_category_holds_its_kinds(server: StandIn) -> None:
    result = [{"flagged": True, "categories": {"hate": False, "hate/threatening": True},
               "category_scores": {"hate": 0.1, "hate/threatening": 0.9}}]  # fmt: skip
    found = await judged(server, result, categories=("hate",))
    assert found.categories == ("hate/threatening",)


async def test_what_the_server_does_not_judge_is_told(server: StandIn) -> None:
    found = await judged(server, told(0.9, flagged=True), categories=("hate", "PII"))
    (note,) = found.adjustments
    assert (note.field, note.used) == ("categories", ("hate",))
    assert "PII" in note.why


async def test_flags_without_scores(server: StandIn) -> None:
    result = [{"flagged": True, "categories": {"hate": True, "sexual": None}}]
    found = await judged(server, result, strictness="high")
    assert (found.status, found.risk, found.categories) == ("BLOCKED", 1.0, ("hate",))
    assert [note.field for note in found.adjustments] == ["strictness"]


async def test_scores_without_flags(server: StandIn) -> None:
    assert (await judged(server, [{"category_scores": {"pii": 0.7}}])).status == "BLOCKED"
    assert (await judged(server, [{"category_scores": {"pii": 0.3}}])).status == "SAFE"


async def test_a_flag_without_a_category(server: StandIn) -> None:
    found = await judged(server, [{"flagged": True}])
    assert (found.status, found.risk) == ("BLOCKED", 1.0)


async def test_the_gravest_of_several_results_counts(server: StandIn) -> None:
    found = await judged(server, [*told(0.1, flagged=False), *told(0.8, flagged=True)])
    assert (found.status, found.risk) == ("BLOCKED", 0.8)


@pytest.mark.parametrize("body", [b"{}", b'{"results":[]}', b"<html>", b'{"results":5}', b"[]"])
async def test_what_is_no_verdict_is_an_error(server: StandIn, body: bytes) -> None:
    with pytest.raises(ProcessingError):
        await judged(server, body)


async def test_an_error_in_a_200_is_its_own_kind(server: StandIn) -> None:
    with pytest.raises(RateLimitError):
        await judged(server, b'{"error":{"message":"x","code":"slow_down"}}')
