"""What the stand-in of Google takes and refuses; its clients show the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from breeze.testing.standins.google import GoogleStandin
from tests.testing.standins.wire import answered, asking

KEY = {"x_goog_api_key": "test-key", "authorization": ""}
USER = {"role": "user", "parts": [{"text": "Hi"}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "x", "args": {}}}]}


async def said(
    value: Any, method: str = "generateContent", model: str = "parrot-1", **headers: str
) -> tuple[int, Any]:
    async with GoogleStandin.serving() as vendor:
        path = f"/v1beta/models/{model}:{method}"
        status, _, found = await answered(vendor, asking(value, path, **(KEY | headers)))
    return status, msgspec.json.decode(found)


async def test_names_in_either_spelling() -> None:
    value = {
        "contents": [{"parts": [{"inline_data": {"mimeType": "image/png", "data": "YWJj"}}]}],
        "generation_config": {"maxOutputTokens": 5, "stop_sequences": ["zzz"]},
    }
    status, found = await said(value)
    assert status == 200
    text = "".join(part["text"] for part in found["candidates"][0]["content"]["parts"])
    assert text == "I see a picture of "


@pytest.mark.parametrize(
    ("fault", "delay"),
    [
        ("retry-after-huge", "99999s"),
        ("retry-after-negative", "-5s"),
        ("retry-after-rubbish", "soons"),
    ],
)
async def test_how_long_to_wait_stands_in_the_body(fault: str, delay: str) -> None:
    async with GoogleStandin.serving() as vendor:
        vendor.fault(fault)
        path = "/v1beta/models/parrot-1:generateContent"
        status, headers, body = await answered(vendor, asking({"contents": [USER]}, path, **KEY))
    details = msgspec.json.decode(body)["error"]["details"]
    assert status == 429
    assert [d["retryDelay"] for d in details if "retryDelay" in d] == [delay]
    assert "retry-after" not in headers


async def test_without_alt_sse_the_stream_is_one_array() -> None:
    _, found = await said({"contents": [USER]}, "streamGenerateContent")
    assert len(found) == 3
    assert found[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(
    ("value", "model", "status", "word"),
    [
        ({"contents": []}, "parrot-1", 400, "contents is not specified"),
        ({"contents": [USER], "content": 1}, "parrot-1", 400, "content"),
        ({"contents": [USER], "generationConfig": {"n": 1}}, "parrot-1", 400, "'n'"),
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "parrot-1", 400, "role"),
        ({"contents": [{"parts": [{"text": "a", "inlineData": {}}]}]}, "parrot-1", 400, "oneof"),
        ({"contents": [USER, CALL, USER]}, "strict-1", 400, "thought_signature"),
        ({"contents": [USER]}, "nobody", 404, "nobody"),
    ],
)
async def test_what_is_wrong_is_named(value: Any, model: str, status: int, word: str) -> None:
    code, found = await said(value, model=model)
    assert (code, found["error"]["code"]) == (status, status)
    assert word in found["error"]["message"]


async def test_a_wrong_key_is_a_wrong_request_with_a_reason() -> None:
    status, found = await said({"contents": [USER]}, x_goog_api_key="no")
    assert (status, found["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert found["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_vectors_one_by_one_or_together() -> None:
    one = {"content": {"parts": [{"text": "a sea"}]}}
    _, single = await said(one, "embedContent", "embedder-1")
    _, many = await said(
        {"requests": [one | {"model": "models/embedder-1"}]}, "batchEmbedContents", "embedder-1"
    )
    assert many["embeddings"] == [single["embedding"]]
    too_many = {"requests": [one | {"model": "models/embedder-1"}] * 101}
    assert (await said(too_many, "batchEmbedContents", "embedder-1"))[0] == 400
