"""The openai runner against a real server: llama.cpp's own, with the model that ships."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.config import parse_config
from breeze.contracts.capability import Capability
from breeze.contracts.errors import AuthenticationError, CapabilityError, InputError
from breeze.contracts.events import Restarted, TextDelta
from breeze.contracts.messages import Message, ResponseFormat, Tool
from breeze.contracts.requests import ChatRequest, EmbedRequest
from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine
from breeze.engine.registry import Registry
from breeze.testing.conformance import check_runner
from breeze.testing.rules_stream import RULES as STREAM_RULES
from tests.runners.asking import sse, streaming
from tests.runners.llamacpp_files import THINKING, TOOLS, write_embedder, write_talker
from tests.runners.llamacpp_http import CONTEXT, KEY, MODEL, llama_server
from tests.runners.openai_server import delta
from tests.runners.openai_vendor import whole
from tests.runners.standin import StandIn

pytestmark = pytest.mark.skipif(not MODEL.exists(), reason="the model that ships is not here")
STREAMS = [rule.id for rule in STREAM_RULES]
NORWAY = "What is the capital of Norway?"
OSLO = "The capital of Norway is Oslo."


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with llama_server() as url:
        yield url


@pytest.fixture(params=["llamacpp_server", "openai"])
def name(request: pytest.FixtureRequest) -> str:
    """The row, and the runner that knows nothing of this server."""
    found: str = request.param
    return found


@asynccontextmanager
async def asking(name: str, url: str, **values: Any) -> AsyncIterator[Runner[Any]]:
    kind = Registry().load(name)
    given = {"base_url": url, "api_key": KEY, **values}
    runner = kind(kind.parameters_type.of(given))
    assert runner.check() is None
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


async def test_a_chat_streamed_and_whole(name: str, url: str) -> None:
    async with asking(name, url) as runner:
        request = ChatRequest.of(NORWAY, temperature=0, seed=1, max_tokens=20)
        streamed = await whole(runner, request)
        full = await whole(runner, msgspec.structs.replace(request, whole=True, id="b"))
    assert streamed.text == full.text == OSLO
    assert streamed.usage.completion_tokens > 3
    assert streamed.usage.prompt_tokens > 3
    assert streamed.finish_reason == full.finish_reason == "stop"


async def test_text_comes_in_pieces(name: str, url: str) -> None:
    async with asking(name, url) as runner:
        request = ChatRequest.of(NORWAY, temperature=0)
        texts = [e.text async for e in runner.stream(request) if isinstance(e, TextDelta)]
    assert len(texts) > 3
    assert "".join(texts) == OSLO


async def test_options_reach_it(name: str, url: str) -> None:
    place = {"type": "object", "properties": {"city": {"enum": ["Oslo"]}}, "required": ["city"]}
    async with asking(name, url) as runner:
        short = await whole(runner, ChatRequest.of(NORWAY, temperature=0, max_tokens=2))
        stopped = await whole(runner, ChatRequest.of(NORWAY, temperature=0, stop=("Norway",)))
        likely = await whole(
            runner,
            ChatRequest.of(NORWAY, temperature=0, max_tokens=3, logprobs=True, top_logprobs=2),
        )
        schema = ResponseFormat("json_schema", place, "place")
        obeyed = await whole(runner, ChatRequest.of(NORWAY, response_format=schema))
        with pytest.raises(InputError, match="'n'"):  # it has one slot
            await whole(runner, ChatRequest.of(NORWAY, n=2))
    assert (short.finish_reason, short.usage.completion_tokens) == ("length", 2)
    assert stopped.text == "The capital of "
    assert [len(token.top) for token in likely.choices[0].logprobs] == [2, 2, 2]
    assert msgspec.json.decode(obeyed.text) == {"city": "Oslo"}


async def test_its_list_of_models(name: str, url: str) -> None:
    async with asking(name, url) as runner:
        (model,) = await runner.models()
    assert model.id == str(MODEL)
    assert model.context == CONTEXT, "what the server was given, not what the model could take"
    assert model.capabilities == (Capability.LLM,)
    assert model.size > 1_000_000


@pytest.mark.parametrize("full", [True, False])
async def test_too_long_a_context_is_told_as_such(name: str, url: str, full: bool) -> None:
    async with asking(name, url) as runner:
        with pytest.raises(InputError) as caught:
            await whole(runner, ChatRequest.of("Hi " * 900, whole=full))
    assert caught.value.detail == "context_length_exceeded"
    assert caught.value.field == "messages"
    assert not caught.value.retryable


async def test_a_wrong_key(name: str, url: str) -> None:
    async with asking(name, url, api_key="another-key") as runner:
        with pytest.raises(AuthenticationError) as caught:
            await whole(runner, ChatRequest.of("Hi", model="m"))
    assert "another-key" not in caught.value.message


async def test_vectors_that_it_was_not_started_for(name: str, url: str) -> None:
    async with asking(name, url) as runner:
        with pytest.raises(CapabilityError, match="--embeddings"):
            await whole(runner, EmbedRequest.of("Hi"))


async def test_vectors(name: str, tmp_path: Path) -> None:
    write_embedder(tmp_path / "embeds.gguf")
    async with llama_server(tmp_path / "embeds.gguf", embeds=True) as url:
        async with asking(name, url) as runner:
            packed = await whole(runner, EmbedRequest.of("one", "two"))
        async with asking(name, url, vector_format="float") as runner:
            numbers = await whole(runner, EmbedRequest.of("one", "two"))
    assert len(packed.vectors) == 2
    assert len({len(vector) for vector in packed.vectors}) == 1
    assert packed.usage.prompt_tokens > 0
    for ours, theirs in zip(packed.vectors, numbers.vectors, strict=True):
        assert len(ours) == len(theirs)


CALL = ('<tool_call>\n{"name": "weather", "arguments": ', '{"city": "Oslo"}', "}\n</tool_call>")


@pytest.mark.parametrize("full", [True, False])
async def test_tools(name: str, tmp_path: Path, full: bool) -> None:
    write_talker(tmp_path / "caller.gguf", CALL, template=TOOLS, context=2048)
    place = {"type": "object", "properties": {"city": {"type": "string"}}}
    request = ChatRequest.of(
        "Weather?", tools=(Tool("weather", "Tells it.", place),), temperature=0, whole=full
    )
    async with llama_server(tmp_path / "caller.gguf") as url, asking(name, url) as runner:
        answer = await whole(runner, request)
    (call,) = answer.tool_calls
    assert (call.name, msgspec.json.decode(call.arguments)) == ("weather", {"city": "Oslo"})
    assert call.id
    assert answer.finish_reason == "tool_calls"


async def test_reasoning(name: str, tmp_path: Path) -> None:
    thoughts = ("<think>\n", "hm", "\n</think>\n\n", "Yes", " indeed")
    write_talker(tmp_path / "thinker.gguf", thoughts, template=THINKING, context=2048)
    async with llama_server(tmp_path / "thinker.gguf") as url:
        async with asking(name, url) as runner:
            answer = await whole(runner, ChatRequest.of("Is it?", temperature=0))
    assert (answer.choices[0].reasoning.strip(), answer.text) == ("hm", "Yes indeed")


async def test_an_answer_is_continued(url: str) -> None:
    """Only an answer that goes on from there names another capital than was asked for."""
    begun = Message("assistant", "The capital of Sweden is")
    request = ChatRequest((Message("user", NORWAY), begun), temperature=0, max_tokens=8)
    async with asking("llamacpp_server", url) as runner:
        streamed = await whole(runner, request)
        full = await whole(runner, msgspec.structs.replace(request, whole=True, id="b"))
    assert streamed.text == full.text == " Stockholm."


async def test_leaving_stops_its_work(name: str, url: str) -> None:
    """It has one slot: another request is answered only when that is free."""
    async with asking(name, url) as runner:
        events = runner.stream(ChatRequest.of("Hello", temperature=2, max_tokens=400))
        await anext(events)
        await events.aclose()
        async with asyncio.timeout(5):
            assert await whole(runner, ChatRequest.of(NORWAY, temperature=0, max_tokens=2))


async def test_it_passes_the_kit(url: str) -> None:
    kind = Registry().load("llamacpp_server")
    streams = [rule for rule in STREAMS if rule != "stream.tools"]  # the model knows no tools
    rules = ("info", *streams, "inputs.unicode", "inputs.empty", "errors")
    values = {"base_url": url, "api_key": KEY}
    report = await check_runner(kind, values, model=str(MODEL), only=rules)
    assert report.ok, report.render()


async def test_it_goes_on_where_another_server_was_cut(url: str, tmp_path: Path) -> None:
    """Only an answer that goes on from there names another capital than was asked for."""
    row = {"class": "llamacpp_server", "priority": 20,
           "parameters": {"base_url": url, "api_key": KEY}}  # fmt: skip
    async with StandIn.serving() as first:
        first.play(streaming(sse(delta("The capital of "), delta("Sweden is"))))
        cut = {"class": "openai", "priority": 10, "modelId": "m",
               "parameters": {"base_url": first.url}}  # fmt: skip
        file = {
            "capabilities": {"LLM": {"runners": {"one": cut, "two": row}}},
            "globalSettings": {"failover": {"afterOutput": "continue", "attempts": 1}},
        }
        config = parse_config(file).config
        async with Engine.open(home=tmp_path, config=config, environ={}, ledger=False) as engine:
            async with engine.stream(ChatRequest.of(NORWAY, temperature=0)) as stream:
                events = [event async for event in stream]
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(texts) == "The capital of Sweden is Stockholm."
    assert not any(isinstance(event, Restarted) for event in events)
