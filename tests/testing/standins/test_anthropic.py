"""What the stand-in of Anthropic refuses; its clients show the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from breeze.testing.standins.anthropic import AnthropicStandin
from tests.testing.standins.wire import answered, asking, request

NEW = {"anthropic_version": "2026-10-21"}
OLD = {"anthropic_version": "2023-06-01"}
USER = {"role": "user", "content": "Hi"}
IDLE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "x", "input": {}}]}
PAPER = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "parrot-1", "max_tokens": 9, "messages": list(messages or [USER]), **fields}


async def said(value: dict[str, Any], **headers: str) -> tuple[int, Any]:
    async with AnthropicStandin.serving() as vendor:
        status, _, found = await answered(vendor, asking(value, "/v1/messages", **headers))
    return status, msgspec.json.decode(found)


@pytest.mark.parametrize(
    "headers",
    [NEW, OLD, {**NEW, "authorization": "", "x_api_key": "test-key"}],
)
async def test_both_versions_and_both_headers(headers: dict[str, str]) -> None:
    status, found = await said(body(), **headers)
    assert (status, found["content"]) == (200, [{"type": "text", "text": "You said: Hi"}])


@pytest.mark.parametrize(
    ("value", "headers", "status", "word"),
    [
        (body(), {}, 400, "anthropic-version"),
        (body(), {"anthropic_version": "2020-01-01"}, 400, "anthropic-version"),
        (body(), {**NEW, "authorization": "Bearer no"}, 401, "key"),
        (body(temperature=1), NEW, 400, "temperature"),
        (body(temperature=1, model="strict-1"), OLD, 400, "temperature"),
        (body(tempature=1), NEW, 400, "tempature"),
        ({"model": "parrot-1", "messages": [USER]}, NEW, 400, "max_tokens"),
        (body(model="nobody"), NEW, 404, "nobody"),
        (body({"role": "user", "content": ""}), NEW, 400, "empty"),
        (body({"role": "system", "content": "x"}, USER), OLD, 400, "role"),
        (body(USER, {"role": "assistant", "content": "So: "}), NEW, 400, "whitespace"),
        (body(USER, IDLE, USER), NEW, 400, "tool_result"),
        (body(USER, {"role": "assistant", "content": [PAPER]}), NEW, 400, "documents"),
        (body(thinking={"type": "enabled", "budget_tokens": 9}), NEW, 400, "budget_tokens"),
    ],
)
async def test_what_is_wrong_is_named(
    value: dict[str, Any], headers: dict[str, str], status: int, word: str
) -> None:
    code, found = await said(value, **headers)
    assert (code, found["type"]) == (status, "error")
    assert word in found["error"]["message"]
    assert found["request_id"]


async def test_older_versions_take_sampling_fields() -> None:
    assert (await said(body(temperature=1, top_p=0.5, top_k=3), **OLD))[0] == 200


async def test_pages_of_models_in_both_directions() -> None:
    async with AnthropicStandin.serving(profile="many") as vendor:
        ids: list[str] = []
        for query in ("limit=5", "limit=5&after_id=parrot-5", "before_id=parrot-3"):
            _, _, found = await answered(vendor, request("GET", f"/v1/models?{query}", b"", **NEW))
            page = msgspec.json.decode(found)
            ids.append(f"{page['first_id']} {page['last_id']} {page['has_more']}")
    assert ids == ["parrot-1 parrot-5 True", "parrot-6 parrot-10 True", "parrot-1 parrot-2 False"]
