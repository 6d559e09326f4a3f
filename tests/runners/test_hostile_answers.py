"""Whatever a server answers, the caller gets an answer or an error of ours, without the key."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from typing import Any

import pytest

from breeze.contracts.errors import (
    NotFoundError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.request import Request
from breeze.contracts.requests import (
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    SpeakRequest,
    TranscribeRequest,
)
from breeze.contracts.runner import Runner
from breeze.runners._http_json import finite
from breeze.runners._http_lines import LineSplitter
from breeze.runners._http_multipart import Part, multipart
from breeze.runners._http_sse import EventSplitter
from breeze.runners.anthropic import AnthropicRunner
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.runners.google import GoogleRunner
from breeze.runners.huggingface import HuggingFaceRunner
from breeze.runners.ollama import OllamaRunner
from breeze.runners.openai import OpenAIRunner
from breeze.runners.peer import PeerRunner
from breeze.runners.runware import RunwareRunner
from tests.runners.runware_bench import Hasty
from tests.runners.standin import Exchange, StandIn

KEY = "sk-canary-7Qm3Xz9LpT"
_DEEP, _LONG = b"[" * 60_000, b"9" * 4_000
_SOUND = base64.b64decode("UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA=")
_SAID = KEY.encode()
BODIES = (
    _DEEP,
    b'{"x":' + _DEEP,
    b'{"error":' + _DEEP,
    b'{"x":' + _DEEP + b"]" * 60_000 + b"}",
    b'{"error":{"message":"\xff\xfe"},"data":[{"id":"\xff"}],"models":[{"name":"\xff"}]}',
    b'{"error":{"code":%b,"message":"x","status":%b}}' % (_LONG, _LONG),
    b'{"error":{"code":"%b","message":"x"}}' % (_LONG * 2),
    b'{"detail":[{"loc":5,"msg":{}}]}',
    b'{"detail":[{"loc":["body"]},3]}',
    b'{"error":[1,{"a":2}]}',
    b'{"models":[{"name":"m","inputTokenLimit":"%b",'
    b'"supportedGenerationMethods":["embedContent"]}]}' % (_LONG * 2),
    b'{"type":"%b","error":{"message":"no %b","code":"%b","param":"%b","status":"%b"}}'
    % ((_SAID,) * 5),
    b'{"type":"%b"}' % _SAID,
    b"[[%b],[%b]]" % (b"9" * 400, b"9" * 400),
    b'{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP","avgLogprobs":1}],'
    b'"usageMetadata":{"promptTokenCount":"%b"}}' % (_LONG * 2),
    b'{"usageMetadata":{"promptTokenCount":%b}}' % (b"9" * 400),
    b'{"text":"x","duration":"1e999","usage":{"type":"duration","seconds":1e308}}',
    b'{"%b":{"%b":1},"choices":{"%b":2},"data":"%b","models":"%b"}' % ((_SAID,) * 5),
)
RUNNERS: dict[str, tuple[type[Runner[Any]], str]] = {
    "openai": (OpenAIRunner, ""), "google": (GoogleRunner, ""), "anthropic": (AnthropicRunner, ""),
    "elevenlabs": (ElevenLabsRunner, ""), "huggingface": (HuggingFaceRunner, ""),
    "ollama": (OllamaRunner, ""), "peer": (PeerRunner, "/v1"), "runware": (RunwareRunner, ""),
}  # fmt: skip
"""Each with what is too much at the end of the stand-in's address."""


def asked(kind: type[Runner[Any]]) -> Iterator[Request[Any]]:
    """One request for each kind of work, chat also as a whole."""
    model = "runware:100@1" if kind is RunwareRunner else "m"
    every: tuple[Request[Any], ...] = (
        ChatRequest.of("hi", model=model),
        ChatRequest.of("hi", model=model, whole=True),
        EmbedRequest(texts=("a", "b"), model=model),
        SpeakRequest(text="hello", model=model, voice="a" * 20),
        TranscribeRequest(audio=_SOUND, model=model),
        DrawRequest(prompts=("a boat",), model=model),
        ModerateRequest(text="hello", model=model),
    )
    return (request for request in every if request.capability in kind.info.capabilities)


def made(name: str, **values: Any) -> Runner[Any]:
    """The runner, not yet loaded. It waits for nothing before it tries again."""
    kind = RUNNERS[name][0]
    runner = kind(kind.parameters_type.of(values))
    runner.clock = Hasty()
    return runner


async def failure(runner: Runner[Any], request: Request[Any]) -> RunnerError | None:
    """Our error, None for an answer. Anything else fails the test."""
    try:
        async with asyncio.timeout(20), aclosing(runner.stream(request)) as events:
            async for _ in events:
                pass
    except RunnerError as error:
        return error
    return None


@pytest.mark.parametrize("status", ["200 OK", "400 No", "500 Oh"])
@pytest.mark.parametrize("name", RUNNERS)
async def test_it_is_an_error_of_ours_and_tells_no_key(name: str, status: str) -> None:
    kind, surplus = RUNNERS[name]
    body, form = b"", "application/json"

    async def answer(exchange: Exchange) -> None:
        await exchange.whole(body, status, content_type=form)

    async with StandIn.serving(answer) as server:
        url = server.url.removesuffix(surplus)
        given = {"base_url": url, "api_key": KEY, "retries": 0}
        known = {n: v for n, v in given.items() if n in kind.parameters_type.model_fields}
        runner = kind(kind.parameters_type.of(known))
        runner.clock = Hasty()
        await runner.load("")
        for request in asked(kind):
            for said in BODIES:
                body = said
                error = await failure(runner, request)
                assert error is None or KEY not in f"{error!r} {error} {error.data}", said[:80]
            form, body = "application/x-ndjson", BODIES[-2] + b"\n"
            error = await failure(runner, request)
            assert error is None or KEY not in f"{error!r} {error}"
            form = "application/json"
        for said in BODIES:
            body = said
            with suppress(RunnerError):
                await runner.models()
        await runner.unload()


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "429 Later", "500 Oh"])
@pytest.mark.parametrize("name", RUNNERS)
async def test_headers_may_say_the_key_too(name: str, status: str) -> None:
    kind, surplus = RUNNERS[name]
    shown = {"location": f"http://elsewhere.example/?k={KEY}", "ratelimit": KEY}

    async def answer(exchange: Exchange) -> None:
        coding = KEY if exchange.number % 2 else "identity"
        await exchange.whole(b"{}", status, content_encoding=coding, retry_after=KEY, **shown)
        exchange.close()

    async with StandIn.serving(answer) as server:
        runner = made(name, base_url=server.url.removesuffix(surplus), api_key=KEY)
        await runner.load("")
        for request in [*asked(kind)] * 2:
            error = await failure(runner, request)
            assert error is None or KEY not in f"{error!r} {error} {error.data}"
        await runner.unload()


async def test_a_server_that_fails_in_bad_text_has_failed() -> None:
    """Not the text counts but the status: another runner may be asked."""

    async def answer(exchange: Exchange) -> None:
        await exchange.whole(b'{"error":"d\xe9sol\xe9"}', "503 Busy")

    async with StandIn.serving(answer) as server:
        runner = made("openai", base_url=server.url)
        await runner.load("")
        error = await failure(runner, ChatRequest.of("hi", model="m"))
        assert isinstance(error, UnavailableError)
        assert error.retryable
        await runner.unload()


@pytest.mark.parametrize(
    ("said", "number"),
    [(1, 1.0), ("2.5", 2.5), (-1, -1.0), (10**400, None), ("9" * 9000, None), ("nan", None),
     ("-inf", None), ("1e999", None), ("", None), (None, None), (True, None), ([], None)],
)  # fmt: skip
def test_a_number_is_one_that_can_be_counted_with(said: object, number: float | None) -> None:
    assert finite(said) == number


def test_an_event_of_a_million_lines_is_read_in_its_length() -> None:
    begun = time.process_time()
    (event,) = EventSplitter().feed(b"data: x\n" * 1_000_000 + b"\n")
    assert len(event) == 1_999_999
    assert time.process_time() - begun < 10  # it was minutes while each line copied all before it


def test_a_line_in_a_million_pieces_is_read_in_its_length() -> None:
    lines, begun = LineSplitter(largest=1_500_000), time.process_time()
    for _ in range(700_000):
        lines.feed(b"xy")
    assert time.process_time() - begun < 10
    with pytest.raises(ProcessingError, match="longer than 1500000 bytes"):
        lines.feed(b"xy" * 100_000)


@pytest.mark.parametrize("name", ["openai", "huggingface"])
async def test_text_in_the_place_of_sound_is_not_collected_without_end(name: str) -> None:
    sent = 0

    async def answer(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.stream(content_type="application/json")
        while sent < 256:
            await exchange.chunk(b"{" * 65_536)
            sent += 1

    async with StandIn.serving(answer) as server:
        runner = made(name, base_url=server.url, api_key=KEY)
        await runner.load("")
        error = await failure(runner, SpeakRequest(text="hello", model="m"))
        assert isinstance(error, ProcessingError)
        assert error.detail == "malformed"
        await runner.unload()
    assert sent < 256  # it did not wait for the end


@pytest.mark.parametrize("model", ["..", "a/../../api/whoami", "a//b", "/a", "./a"])
async def test_a_models_name_leads_to_no_other_path(model: str) -> None:
    async with StandIn.serving() as server:  # nobody must ask it
        runner = made("huggingface", base_url=server.url, api_key=KEY)
        await runner.load("")
        error = await failure(runner, EmbedRequest(texts=("a",), model=model))
        assert isinstance(error, NotFoundError)
        assert error.field == "model"
        await runner.unload()


def test_the_type_of_a_file_begins_no_line_of_a_form() -> None:
    body, _ = multipart([Part("file", b"x", "a.txt", "text/plain\r\nx-evil: 1")])
    assert b"x-evil" not in body


@pytest.mark.parametrize(("wait", "taken"), [("1e300", 86_400.0), ("-5", None), ("2.5", 2.5)])
async def test_a_peers_error_is_bounded_and_tells_no_key(wait: str, taken: float | None) -> None:
    said = KEY.replace("-", "\\u002d") + "y" * 100_000

    async def answer(exchange: Exchange) -> None:
        body = f'{{"code":"E429","message":"{said}","status":429,"retryable":true,'
        body += f'"retry_after":{wait},"data":{{"k":"{said}"}}}}'
        await exchange.whole(body.encode(), "429 Later")

    async with StandIn.serving(answer) as server:
        runner = made("peer", base_url=server.url.removesuffix("/v1"), api_key=KEY)
        await runner.load("")
        error = await failure(runner, ChatRequest.of("hi"))
        await runner.unload()
    assert isinstance(error, RateLimitError)
    assert error.retry_after == taken
    assert KEY not in f"{error!r} {error} {error.data}"
    assert len(error.message) < 1000
