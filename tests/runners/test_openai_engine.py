"""The openai runner in the engine: failover, and keys that stay where they belong."""

from __future__ import annotations

import gc
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import AuthenticationError, InputError, ProcessingError
from breeze.contracts.events import TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.engine.engine import Engine
from breeze.testing.clock import settle
from tests.runners import openai_server
from tests.runners.asking import sse, streaming, whole
from tests.runners.openai_server import MODEL, delta
from tests.runners.standin import Exchange, StandIn


@pytest.fixture
async def first() -> AsyncIterator[StandIn]:
    async with StandIn.serving(openai_server.answer) as server:
        yield server


@pytest.fixture
async def second() -> AsyncIterator[StandIn]:
    async with StandIn.serving(openai_server.answer) as server:
        yield server


@asynccontextmanager
async def engine(
    home: Path, urls: Mapping[str, str], environ: dict[str, str], **settings: Any
) -> AsyncIterator[Engine]:
    """An engine with an instance for each address, tried in this order."""
    runners = {
        name: {
            "class": "openai",
            "priority": place,
            "modelId": MODEL,
            "parameters": {"base_url": url, "api_key": f"key-of-{name}"},
        }
        for place, (name, url) in enumerate(urls.items())
    }
    file = {"capabilities": {"LLM": {"runners": runners}}, "globalSettings": settings}
    config = parse_config(file).config
    async with Engine.open(home=home, config=config, environ=environ, ledger=False) as made:
        yield made


async def test_the_next_server_answers_when_the_first_refuses(
    tmp_path: Path, first: StandIn, second: StandIn
) -> None:
    first.play(whole(b'{"error":{"message":"no","code":"insufficient_quota"}}', "429 X"))
    async with engine(tmp_path, {"one": first.url, "two": second.url}, {}) as made:
        answer = await made.run(ChatRequest.of("Hi", max_tokens=2))
    assert (answer.text, answer.runner, answer.model) == ("word0 word1 ", "two", MODEL)
    assert [(a.runner, a.code) for a in answer.attempts] == [("one", "E402")]


async def test_an_error_in_the_first_event_of_a_stream_fails_over_unseen(
    tmp_path: Path, first: StandIn, second: StandIn
) -> None:
    first.play(streaming(sse({"error": {"message": "no", "type": "invalid_api_key"}})))
    async with engine(tmp_path, {"one": first.url, "two": second.url}, {}) as made:
        async with made.stream(ChatRequest.of("Hi", max_tokens=1)) as events:
            texts = [event.text async for event in events if isinstance(event, TextDelta)]
    assert texts == ["word0 "]


async def test_a_stream_that_is_cut_goes_on_elsewhere(
    tmp_path: Path, first: StandIn, second: StandIn
) -> None:
    first.play(streaming(sse(delta("word0 "))))
    urls = {"one": first.url, "two": second.url}
    async with engine(tmp_path, urls, {}, failover={"afterOutput": "restart"}) as made:
        async with made.stream(ChatRequest.of("Hi", max_tokens=2)) as events:
            answer = await collect(events)
    assert isinstance(answer, ChatAnswer)
    assert (answer.text, answer.runner) == ("word0 word1 ", "two")


async def test_every_server_gets_its_own_key_and_no_other(
    tmp_path: Path, first: StandIn, second: StandIn
) -> None:
    environ = {"OPENAI_API_KEY": "key-of-the-vendor"}
    async with engine(tmp_path, {"one": first.url, "two": second.url}, environ) as made:
        for name in ("one", "two"):
            await made.run(ChatRequest.of("Hi", runner=name))
    for name, server in (("one", first), ("two", second)):
        assert [r.headers["authorization"] for r in server.requests] == [f"Bearer key-of-{name}"]


async def test_a_vendors_key_is_not_sent_to_another_server(tmp_path: Path, first: StandIn) -> None:
    environ = {"OPENAI_API_KEY": "key-of-the-vendor", "BREEZE_OPENAI_BASE_URL": first.url}
    config = parse_config({}).config
    async with Engine.open(home=tmp_path, config=config, environ=environ, ledger=False) as made:
        await made.run(ChatRequest.of("Hi", runner="openai"))
    assert [r.headers.get("authorization") for r in first.requests] == [None, None]


async def test_a_request_cannot_move_the_address(tmp_path: Path, first: StandIn) -> None:
    async with engine(tmp_path, {"one": first.url}, {}) as made:
        for name, value in {"base_url": "http://127.0.0.1:1/v1", "headers": "x: y"}.items():
            with pytest.raises(InputError, match="can only be set by the operator"):
                await made.run(ChatRequest.of("Hi", params={name: value}))
    assert first.requests == []


async def test_a_refused_key_is_told_with_the_remedy(tmp_path: Path, first: StandIn) -> None:
    first.play(whole(b'{"error":{"message":"Incorrect API key: key-of-one"}}', "401 X"))
    async with engine(tmp_path, {"one": first.url}, {}) as made:
        with pytest.raises(AuthenticationError) as caught:
            await made.run(ChatRequest.of("Hi"))
    assert "Set api_key to a valid key for this server" in caught.value.message
    assert "key-of-one" not in f"{caught.value} {caught.value.info()}"


@pytest.mark.parametrize("asked", ["a stream", "the whole"])
async def test_a_request_that_failed_is_freed_with_its_error(
    tmp_path: Path, first: StandIn, asked: str
) -> None:
    """A large request must not wait for the collector of circles."""

    async def cut(exchange: Exchange) -> None:
        await exchange.stream()
        await exchange.chunk(sse(delta("Hel")))
        exchange.close()

    async def failed() -> weakref.ref[Any]:
        events = made.stream(ChatRequest.of("Hi", whole=asked == "the whole"))
        route = weakref.ref(events.route)
        with suppress(ProcessingError):  # what pytest catches, pytest keeps
            async with events:
                async for _ in events:
                    pass
        assert events.route.code == ProcessingError.code
        return route

    async with engine(tmp_path, {"a": first.url}, {}, failover={"attempts": 1}) as made:
        first.play(cut)
        gc.disable()
        try:
            route = await failed()
            await settle()  # what is left of the connection goes
            assert route() is None
        finally:
            gc.enable()
