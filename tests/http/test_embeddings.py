"""POST /v1/embeddings, with the official client and without."""

from __future__ import annotations

import base64
import struct
from typing import Any

import openai
import pytest

from breeze.contracts.events import Embedding, Finish, Usage
from breeze.contracts.requests import EmbedRequest
from breeze.testing.scripted import Script, scripted
from tests.http.conftest import Serve
from tests.http.openai_wire import official, post

PATH = "/v1/embeddings"
MODEL = "mock_embedding"


async def test_the_default_call_gives_the_vectors_of_the_engine(serve: Serve) -> None:
    texts = ["one text", "another", "one text"]
    async with serve() as server, official(server) as client:
        answer = await client.embeddings.create(model=MODEL, input=texts)
        own = await server.engine.run(EmbedRequest.of(*texts, model=MODEL))
    vectors = [list(struct.unpack(f"<{len(v) // 4}f", v)) for v in own.vectors]
    assert [list(item.embedding) for item in answer.data] == vectors
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert (answer.object, answer.model) == ("list", "mock-embedding-v1")
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 5


async def test_numbers_and_base64_say_the_same(serve: Serve) -> None:
    async with serve() as server:
        plain = await post(server, PATH, model=MODEL, input="Hi", dimensions=16)
        packed = await post(
            server, PATH, model=MODEL, input="Hi", dimensions=16, encoding_format="base64"
        )
    numbers = plain.json["data"][0]["embedding"]
    data = base64.b64decode(packed.json["data"][0]["embedding"], validate=True)
    assert list(struct.unpack("<16f", data)) == numbers
    assert packed.headers["x-breeze-mock"] == "true"
    assert packed.headers["x-breeze-runner"] == MODEL


async def test_vectors_leave_bit_by_bit_as_they_are(serve: Serve) -> None:
    odd = struct.pack("<4f", float("-0.0"), 1e-45, 3.4e38, 0.1)
    script = Script([Embedding(0, odd), Usage(3), Finish()])
    async with serve(runners=[scripted("odd", script, "embed")]) as server:
        raw = await post(server, PATH, model="odd", input="x", encoding_format="base64")
    assert base64.b64decode(raw.json["data"][0]["embedding"]) == odd


async def test_as_many_texts_as_the_limit_keep_their_order(serve: Serve) -> None:
    texts = [f"text {i % 7}" for i in range(2048)]
    async with serve() as server, official(server) as client:
        answer = await client.embeddings.create(model=MODEL, input=texts, dimensions=8)
        assert [item.index for item in answer.data] == list(range(2048))
        assert answer.data[3].embedding == answer.data[2044 - 2044 % 7 + 3 - 7].embedding
        with pytest.raises(openai.BadRequestError) as refused:
            await client.embeddings.create(model=MODEL, input=[*texts, "one more"])
    assert refused.value.param == "input"


async def test_many_numbers_are_the_same_as_many_bytes(serve: Serve) -> None:
    texts = [f"text {i}" for i in range(300)]
    async with serve() as server:
        plain = await post(server, PATH, model=MODEL, input=texts, dimensions=512)
        packed = await post(
            server, PATH, model=MODEL, input=texts, dimensions=512, encoding_format="base64"
        )
    assert [item["index"] for item in plain.json["data"]] == list(range(300))
    for numbers, data in zip(plain.json["data"], packed.json["data"], strict=True):
        assert (
            list(struct.unpack("<512f", base64.b64decode(data["embedding"])))
            == (numbers["embedding"])
        )


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"input": ""}, "input", "empty"),
    ({"input": []}, "input", "list of texts"),
    ({"input": ["a", ""]}, "input[1]", "empty"),
    ({"input": ["a", 3]}, "input[1]", "must be a text"),
    ({"input": [1, 2, 3]}, "input", "token ids"),
    ({"input": [[1, 2], [3]]}, "input", "token ids"),
    ({"input": {"text": "a"}}, "input", "must be a text"),
    ({}, "input", "is needed"),
    ({"input": "a", "dimensions": "8"}, "dimensions", "int"),
    ({"input": "a", "dimensions": 0}, "dimensions", "between 1"),
    ({"input": "a", "encoding_format": "hex"}, "encoding_format", "hex"),
    ({"input": "a", "encodingformat": "float"}, "encodingformat", "did you mean 'encoding_format'"),
]


@pytest.mark.parametrize(("body", "param", "said"), WRONG)
async def test_what_is_wrong_is_named(
    serve: Serve, body: dict[str, Any], param: str, said: str
) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model=MODEL, **body)
    assert (raw.status, raw.error["param"]) == (400, param)
    assert said in raw.error["message"]
    assert raw.error["type"] == "invalid_request_error"


async def test_a_runner_that_refuses_a_text_is_quoted_in_the_callers_words(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model="hashing", input=["good", "  "])
    assert (raw.status, raw.error["param"]) == (400, "input[1]")
    assert raw.error["message"] == "input[1] is empty."


async def test_who_is_the_user_is_said_to_have_no_effect(serve: Serve) -> None:
    async with serve() as server:
        raw = await post(server, PATH, model=MODEL, input="Hi", user="me")
    assert [one["field"] for one in raw.json["breeze"]["adjustments"]] == ["user"]
    assert raw.headers["x-breeze-adjustments"] == "user"


async def test_a_real_runner_answers_when_nobody_is_named(serve: Serve) -> None:
    async with serve() as server, official(server) as client:
        raw = await client.embeddings.with_raw_response.create(model="auto", input="Hi")
        assert raw.headers["x-breeze-runner"] == "hashing"
        assert "x-breeze-mock" not in raw.headers
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.embeddings.create(model="text-embedding-3-small", input="Hi")
    assert unknown.value.code == "model_not_found"
