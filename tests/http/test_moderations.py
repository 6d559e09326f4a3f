"""POST /v1/moderations, with the official client and without."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from breeze.contracts.dialects.openai_moderation_json import CATEGORIES
from breeze.contracts.events import Finish, Verdict
from breeze.contracts.requests import ModerateRequest
from breeze.contracts.values import Finding
from breeze.testing.media import png
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import official, post

PATH = "/v1/moderations"
PICTURE = f"data:image/png;base64,{base64.b64encode(png(8, 8)).decode()}"
IMAGE = {"type": "image_url", "image_url": {"url": PICTURE}}


def judge(verdict: Verdict) -> Any:
    """A runner class that always gives this verdict."""
    return scripted("judge", Script([verdict, Finish()]), "moderate")


async def test_every_category_of_the_official_client_is_there(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        answer = await client.moderations.create(input="I will kill you")
    (result,) = answer.results
    assert result.flagged
    assert result.categories.violence
    assert not result.categories.sexual
    assert result.category_scores.violence >= 0.8
    assert result.category_scores.sexual_minors == 0.0
    assert result.category_applied_input_types.violence == ["text"]
    dumped = result.categories.model_dump(by_alias=True)
    assert set(CATEGORIES) <= set(dumped)
    assert all(type(value) is bool for value in dumped.values())
    assert answer.id.startswith("modr-")
    assert answer.model == "rules-v1"


async def test_one_result_a_text_in_order(serve: Serve) -> None:
    texts = ["Good morning", "I will kill you", "Have a nice day"] * 20
    async with serve() as server, official(server) as client:
        answer = await client.moderations.create(input=texts)
    assert [result.flagged for result in answer.results] == [False, True, False] * 20


async def test_the_verdict_of_the_engine_stands_beside_it(serve: Serve) -> None:
    said = "I will kill you"
    async with serve() as server:
        raw = await post(server, PATH, input=said)
        own = await server.engine.run(ModerateRequest(text=said))
    ours = raw.json["results"][0]["breeze"]
    assert (ours["status"], ours["risk"], ours["action"]) == (own.status, own.risk, own.action)
    assert tuple(ours["categories"]) == own.categories
    assert ours["filtered_text"] == own.filtered_text != ""
    assert len(ours["findings"]) == len(own.findings)
    assert raw.headers["x-breeze-runner"] == "rules"
    assert "x-breeze-mock" not in raw.headers


async def test_what_has_no_name_there_is_listed_and_not_lost(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(server, PATH, input="Write to jane.doe@example.com")
    (result,) = raw.json["results"]
    assert result["breeze"]["unmapped"] == result["breeze"]["categories"] == ["PII"]
    assert not result["flagged"]
    assert not any(result["categories"].values())


async def test_what_the_guardian_blocks_is_flagged_whatever_it_is_called(serve: Serve) -> None:
    blocked = Verdict("BLOCKED", 0.95, ("custom",), "BLOCK", findings=(Finding("custom", 0.95),))
    async with serve(runners=[judge(blocked)]) as server:
        raw = await post(server, PATH, model="judge", input="x")
    (result,) = raw.json["results"]
    assert result["flagged"]
    assert not any(result["categories"].values())


async def test_a_runner_that_speaks_their_names_is_taken_at_its_word(serve: Serve) -> None:
    found = (Finding("hate/threatening", 0.4), Finding("hate/threatening", 0.7))
    verdict = Verdict("WARNING", 0.8, ("hate/threatening", "toxicity"), findings=found)
    async with serve(runners=[judge(verdict)]) as server:
        raw = await post(server, PATH, model="judge", input="x")
    (result,) = raw.json["results"]
    assert [name for name in CATEGORIES if result["categories"][name]] == [
        "harassment", "hate/threatening",
    ]  # fmt: skip
    assert result["category_scores"]["hate/threatening"] == 0.7
    assert result["category_scores"]["harassment"] == 0.8
    assert result["category_applied_input_types"]["hate/threatening"] == ["text"]


async def test_a_category_that_nobody_looked_for_was_applied_to_nothing(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(server, PATH, input="Good morning")
    applied = raw.json["results"][0]["category_applied_input_types"]
    assert applied["illicit/violent"] == applied["sexual/minors"] == []
    assert applied["illicit"] == applied["hate"] == ["text"]


async def test_parts_of_text_have_one_result(serve: Serve) -> None:
    parts = [{"type": "text", "text": "I will"}, {"type": "text", "text": " kill you"}]
    async with serve() as server, official(server) as client:
        answer = await client.moderations.create(input=parts)  # type: ignore[arg-type]
    assert [result.flagged for result in answer.results] == [True]


@pytest.mark.parametrize("model", ["auto", "mock_guardian"])
async def test_a_picture_that_nobody_can_judge_is_refused(serve: Serve, model: str) -> None:
    parts = [{"type": "text", "text": "Look"}, IMAGE]
    async with serve() as server, official(server) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.moderations.create(model=model, input=parts)  # type: ignore[arg-type]
    assert (refused.value.param, refused.value.code) == ("input[1]", "unsupported_capability")


async def test_a_runner_that_can_judges_pictures(serve: Serve) -> None:
    verdict = Verdict("WARNING", 0.7, ("sexual",))
    async with serve(runners=[judge(verdict)]) as server:
        raw = await post(server, PATH, model="judge", input=[IMAGE])
    (result,) = raw.json["results"]
    assert result["categories"]["sexual"]
    assert result["category_applied_input_types"]["sexual"] == ["image"]


async def test_our_own_fields_reach_the_guardian(serve: Serve) -> None:
    script = Script([Verdict("SAFE", 0.0), Finish()])
    ours = {"strictness": "high", "categories": ["VIOLENCE"], "session_id": "s"}
    async with serve(runners=[scripted("judge", script, "moderate")]) as server:
        await post(server, PATH, model="judge", input="x", breeze=ours)
    asked = script.calls[0].request
    assert isinstance(asked, ModerateRequest)
    assert (asked.strictness, asked.categories, asked.session_id) == ("high", ("VIOLENCE",), "s")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "input"),
    ({"input": []}, "input"),
    ({"input": ["a"] * 2049}, "input"),
    ({"input": [1]}, "input[0]"),
    ({"input": ["a", {"type": "text", "text": "b"}]}, "input[0]"),
    ({"input": [{"type": "image_url", "image_url": {"url": "x"}}]}, "input[0].image_url.url"),
    ({"input": [{"type": "sound"}]}, "input[0].type"),
    ({"input": "a", "breeze": {"strictness": "total"}}, "breeze.strictness"),
    ({"input": "a", "model": "rules", "breeze": {"categories": ["X"]}}, "breeze.categories"),
    ({"input": "a", "inputs": "b"}, "inputs"),
    (
        {"input": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]},
        "input[0].image_url.url",
    ),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
async def test_what_is_wrong_is_named(serve: Serve, body: dict[str, Any], param: str) -> None:
    async with serve() as server:
        raw = await post(server, PATH, **body)
    assert (raw.status, raw.error["param"]) == (400, param)


async def test_an_unknown_model_is_not_found(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.moderations.create(model="omni-moderation-latest", input="x")
    assert unknown.value.code == "model_not_found"
