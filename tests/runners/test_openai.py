"""The openai runner: what it sends, where its key goes, which model it asks."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError, ProcessingError
from breeze.contracts.events import Adjusted, Embedding, Finish
from breeze.contracts.messages import ImagePart, Message, TextPart, Tool
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import ModelInfo
from breeze.contracts.values import Usage
from breeze.runners._openai_body import prepare
from breeze.runners._openai_parameters import OpenAIParameters
from breeze.runners._openai_wire import Wire
from tests.runners import openai_server
from tests.runners.asking import answer, asking, made, running, whole
from tests.runners.openai_server import MODEL
from tests.runners.standin import StandIn


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving(openai_server.answer) as server:
        yield server


async def test_a_streamed_answer(server: StandIn) -> None:
    async with running(server, api_key="k-1") as runner:
        found = await answer(runner, asking(max_tokens=3, temperature=0.5))
    assert found.text == "word0 word1 word2 "
    assert found.usage == Usage(3, 3)
    assert found.metadata == {"model_name": MODEL}
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer k-1"
    assert request.json == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 3,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_a_whole_answer_is_not_streamed(server: StandIn) -> None:
    async with running(server) as runner:
        found = await answer(runner, asking(max_tokens=2, n=2, whole=True))
    assert [choice.text for choice in found.choices] == ["word0 word1 "] * 2
    assert found.usage == Usage(3, 2)
    assert server.requests[0].json.keys() == {"model", "messages", "max_tokens", "n"}


async def test_streaming_and_whole_give_the_same(server: StandIn) -> None:
    weather = Tool("weather", "Tells the weather.", {"type": "object"})
    wishes: list[dict[str, Any]] = [
        {},
        {"n": 2, "max_tokens": 3},
        {"tools": (weather,), "tool_choice": "required"},
    ]
    async with running(server) as runner:
        for wish in wishes:
            streamed = await answer(runner, asking(**wish))
            assert await answer(runner, asking(whole=True, **wish)) in (
                streamed,
                # a whole answer has no token details in this stand-in
                streamed
                if not wish.get("logprobs")
                else await answer(runner, asking(whole=True, **wish)),
            )


async def test_a_picture_travels_in_the_request(server: StandIn) -> None:
    parts = (TextPart("What is it?"), ImagePart(b"\x89PNG\r\n"))
    async with running(server) as runner:
        await answer(runner, ChatRequest((Message("user", parts),), model=MODEL))
    part = server.requests[0].json["messages"][0]["content"][1]
    assert part["image_url"]["url"] == "data:image/png;base64,iVBORw0K"


async def test_connections_are_used_again(server: StandIn) -> None:
    """A second one is opened when the end of a stream arrives after its last event."""
    async with running(server) as runner:
        for _ in range(5):
            await answer(runner)
            await answer(runner, asking(whole=True))
    assert server.connections <= 2


async def test_token_counts_can_be_left_out(server: StandIn) -> None:
    async with running(server, usage=False) as runner:
        assert (await answer(runner)).usage is None
    assert "stream_options" not in server.requests[0].json


@pytest.mark.parametrize(
    ("values", "header", "value"),
    [
        ({"api_key": " k-1\n"}, "authorization", "Bearer k-1"),
        ({"api_key": "k-1", "key_header": "api-key"}, "api-key", "k-1"),
        ({"api_key": "k-1", "key_header": "x-api-key"}, "x-api-key", "k-1"),
        ({"headers": "X-Team: red\nx-more: 1"}, "x-team", "red"),
        ({}, "authorization", None),
        ({"organization": "org-1", "project": "p-1"}, "openai-organization", None),
    ],
)
async def test_headers(
    server: StandIn, values: dict[str, str], header: str, value: str | None
) -> None:
    async with running(server, **values) as runner:
        await answer(runner)
    assert server.requests[0].headers.get(header) == value


def test_who_pays_is_told_to_the_vendor_only() -> None:
    billed = {"api_key": "k-1", "organization": "org-1", "project": "p-1"}
    assert made(**billed).parameters.sent_headers() == {
        "authorization": "Bearer k-1",
        "openai-organization": "org-1",
        "openai-project": "p-1",
    }
    elsewhere = made(base_url="https://other.example/v1", **billed).parameters
    assert elsewhere.sent_headers() == {"authorization": "Bearer k-1"}


def sent(request: ChatRequest, parameters: OpenAIParameters) -> Any:
    """The body that would be sent."""
    return msgspec.json.decode(prepare(request, MODEL, Wire(parameters))[0])


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://api.openai.com.example/v1", "max_tokens"),
        ("http://127.0.0.1:1/v1", "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_server_knows(url: str, field: str) -> None:
    p = made(base_url=url).parameters
    assert sent(asking(max_tokens=5), p)[field] == 5
    p = made(base_url=url, limit_field="max_tokens").parameters
    assert sent(asking(max_tokens=5), p)["max_tokens"] == 5


def test_the_vendor_is_sent_nothing_that_it_refuses() -> None:
    ours, p = made().parameters, made(base_url="http://127.0.0.1:1/v1").parameters
    earlier = Message("assistant", "Yes.", reasoning="hm")
    request = ChatRequest((earlier, Message("user", "Hi")), model=MODEL, top_k=3)
    at_home = sent(request, ours)
    assert "top_k" not in at_home
    assert at_home["messages"][0] == {"role": "assistant", "content": "Yes."}
    elsewhere = sent(request, p)
    assert elsewhere["top_k"] == 3
    assert elsewhere["messages"][0]["reasoning_content"] == "hm"
    adjusted = [note.field for note in prepare(request, MODEL, Wire(ours))[1]]
    assert adjusted == ["top_k", "messages.reasoning"]
    assert prepare(request, MODEL, Wire(p))[1] == []


async def test_the_only_model_is_asked_when_none_is_named(server: StandIn) -> None:
    async with running(server) as runner:
        for name in ("auto", "", MODEL):
            await answer(runner, asking(model=name))
    assert [r.path for r in server.requests] == ["/v1/models"] + ["/v1/chat/completions"] * 3
    assert {r.json["model"] for r in server.requests[1:]} == {MODEL}


@pytest.mark.parametrize(("listed", "said"), [("", "lists 0"), ('{"id":"a"},{"id":"b"}', "(a, b)")])
async def test_of_several_models_one_must_be_named(server: StandIn, listed: str, said: str) -> None:
    server.play(whole(b'{"data":[%b]}' % listed.encode()))
    async with running(server) as runner:
        with pytest.raises(NotFoundError) as caught:
            await answer(runner, asking(model="auto"))
    assert caught.value.field == "model"
    assert said in caught.value.message


async def test_models_are_listed_loaded_or_not(server: StandIn) -> None:
    assert await made(base_url=server.url).models() == (ModelInfo(MODEL),)
    assert server.alive == 0 or server.connections == 1
    many = b"""{"data":[{"id":"a","max_model_len":4096},{"id":"a"},{"id":""},
        {"id":"b/c:1","meta":{"n_ctx_train":512,"size":7}},{"id":"d","context_length":null}]}"""
    server.play(whole(many))
    async with running(server) as runner:
        assert await runner.models() == (
            ModelInfo("a"), ModelInfo("b/c:1", context=512, size=7), ModelInfo("d"),
        )  # fmt: skip


async def test_a_list_in_another_form_is_told(server: StandIn) -> None:
    server.play(whole(b"<html>"))
    with pytest.raises(ProcessingError, match="lists its models in another form"):
        await made(base_url=server.url).models()


async def test_an_unknown_model_names_the_field(server: StandIn) -> None:
    async with running(server) as runner:
        with pytest.raises(NotFoundError) as caught:
            await answer(runner, asking(model="none"))
    assert caught.value.field == "model"


def test_only_the_vendors_own_host_needs_a_key() -> None:
    assert "no API key: set OPENAI_API_KEY" in (made().check() or "")
    assert made(api_key="k-1").check() is None
    assert made(base_url="http://127.0.0.1:9001/v1").check() is None


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://models.example/v1", True),
        ("http://127.0.0.1:1/v1", False),
        ("http://localhost/v1", False),
        ("https://models.example/v1", False),
    ],
)
def test_a_key_in_the_clear_is_warned_of(url: str, warned: bool) -> None:
    kind = made().parameters_type
    found = kind.validate_parameters({"base_url": url, "api_key": "k-1"})
    assert [w.field for w in found.warnings] == (["base_url"] if warned else [])
    assert kind.validate_parameters({"base_url": url}).warnings == ()


@pytest.mark.parametrize(
    "values",
    [{"base_url": "models.example"}, {"headers": "x"}, {"api_key": "k\r\nx: y"}, {"timeout": 0}],
)
def test_what_cannot_work_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        made(**values)
    assert refused.value.field == f"parameters.{next(iter(values))}"


async def test_before_load_nothing_is_asked() -> None:
    with pytest.raises(NotLoadedError):
        await answer(made(base_url="http://127.0.0.1:1/v1"))


async def test_text_that_is_no_unicode_is_refused(server: StandIn) -> None:
    async with running(server) as runner:
        with pytest.raises(InputError) as refused:
            await answer(runner, ChatRequest.of("half a pair: \ud83d", model=MODEL))
    assert refused.value.field == "messages"
    assert server.requests == []


# embeddings -------------------------------------------------------------------------------


async def vectors(server: StandIn, **fields: Any) -> list[Any]:
    async with running(server) as runner:
        request = EmbedRequest.of("a", "sea", model=MODEL, **fields)
        return [event async for event in runner.embed(request)]


async def test_embeddings(server: StandIn) -> None:
    first, second, used, end = await vectors(server, dimensions=2)
    assert first == Embedding(0, struct.pack("<2f", 1, 1))
    assert second == Embedding(1, struct.pack("<2f", 3, 3))
    assert used == Usage(7)
    assert end == Finish(metadata={"model_name": MODEL})
    assert server.requests[0].json == {
        "model": MODEL, "input": ["a", "sea"], "encoding_format": "base64", "dimensions": 2,
    }  # fmt: skip


async def test_embeddings_as_numbers_and_in_another_order(server: StandIn) -> None:
    data = b'{"data":[{"index":1,"embedding":[2,3]},{"index":0,"embedding":[0.5,1]}]}'
    server.play(whole(data))
    assert await vectors(server) == [
        Embedding.of(0, [0.5, 1]), Embedding.of(1, [2, 3]), Finish(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b'{"data":[]}', b'{"data":[{"embedding":"AAAA"},{"embedding":"AAAA"}]}', b"{}", b"<html>",
     b'{"data":[{"embedding":"?"},{"embedding":"AAAAAA=="}]}'],
)  # fmt: skip
async def test_what_is_no_vector_for_each_text_is_an_error(server: StandIn, body: bytes) -> None:
    server.play(whole(body))
    with pytest.raises(
        ProcessingError, match="did not send a vector for each text|what is no JSON"
    ):
        await vectors(server)


async def test_an_adjustment_comes_before_the_answer(server: StandIn) -> None:
    async with running(server, without=["top_k"]) as runner:
        events = [event async for event in runner.chat(asking(top_k=3))]
    assert events[0] == Adjusted("top_k", 3, None, "this server does not take it")


async def test_many_texts_are_asked_for_in_several_calls(
    server: StandIn,
) -> None:
    texts = tuple("x" * (i % 9 + 1) for i in range(2_050))
    async with running(server) as runner:
        events = [e async for e in runner.embed(EmbedRequest(texts, model=MODEL))]
    vectors = [e for e in events if isinstance(e, Embedding)]
    assert [e.index for e in vectors] == list(range(2_050))
    assert vectors[2_049].values[0] == len(texts[2_049])
    assert [len(r.json["input"]) for r in server.requests] == [2_048, 2]
    assert [e for e in events if isinstance(e, Usage)] == [Usage(prompt_tokens=14)]


@pytest.mark.parametrize(("form", "sent"), [("base64", "base64"), ("float", "float"), ("", None)])
async def test_how_vectors_are_asked_for(server: StandIn, form: str, sent: str | None) -> None:
    async with running(server, vector_format=form) as runner:
        _ = [e async for e in runner.embed(EmbedRequest.of("a", model=MODEL))]
    assert server.requests[0].json.get("encoding_format") == sent


async def test_what_a_gateway_says_of_its_models(server: StandIn) -> None:
    prices = {"prompt": "0.00000015", "completion": "0.0000006"}
    listed = [
        {"id": "a/b", "name": "A: B", "context_length": 128_000, "pricing": prices,
         "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
         "supported_parameters": ["tools", "seed"]},
        {"id": "a/draws", "architecture": {"output_modalities": ["image", "hologram"]}},
        {"id": "a/says", "architecture": {"output_modalities": ["speech"]}, "status": None},
    ]  # fmt: skip
    server.play(whole(msgspec.json.encode({"data": listed})))
    server.play(whole(msgspec.json.encode(listed)))
    async with running(server) as runner:
        found = await runner.models()
        assert await runner.models() == found, "some leave out what is round the list"
    assert found[0] == ModelInfo(
        "a/b", (Capability.LLM, Capability.VLM), "A: B", 128_000,
        metadata={"pricing": prices, "supported_parameters": ["tools", "seed"]},
    )  # fmt: skip
    assert [model.capabilities for model in found[1:]] == [(Capability.IMAGE,), (Capability.TTS,)]


@pytest.mark.parametrize(
    ("url", "key", "warned"),
    [
        ("https://api.openai.com/v1", "gsk-1", True),
        ("https://api.openai.com/v1", "sk-1", False),
        ("https://models.example/v1", "anything", False),
    ],
)
def test_the_form_of_a_key_is_known_for_the_vendors_own_host(
    url: str, key: str, warned: bool
) -> None:
    found = made().parameters_type.validate_parameters({"base_url": url, "api_key": key})
    assert found.ok
    assert [w.field for w in found.warnings] == (["api_key"] if warned else [])


async def test_which_setting_names_a_model_is_told(server: StandIn) -> None:
    server.play(whole(b'{"data":[{"id":"a"},{"id":"b"}]}'))
    async with running(server) as runner:
        with pytest.raises(NotFoundError, match="Set embedding_model, or ask for"):
            _ = [e async for e in runner.embed(EmbedRequest.of("a"))]


async def test_each_kind_of_work_may_have_its_model(server: StandIn) -> None:
    async with running(server, embedding_model=MODEL) as runner:
        _ = [e async for e in runner.embed(EmbedRequest.of("a"))]
    assert [r.path for r in server.requests] == ["/v1/embeddings"], "nobody asks for a list"
