"""Whatever bytes a server sends in the place of JSON, a caller gets an answer or an error of ours.

Text that is no UTF-8 has marks in the place of what cannot be read; brackets within brackets
without end are no JSON.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import pytest

from breeze.contracts.errors import InputError, ProcessingError, RunnerError
from breeze.contracts.messages import Message, ToolCall
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
from breeze.runners.anthropic import AnthropicRunner
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.runners.google import GoogleRunner
from breeze.runners.huggingface import HuggingFaceRunner
from breeze.runners.ollama import OllamaRunner
from breeze.runners.openai import OpenAIRunner
from breeze.runners.peer import PeerRunner
from breeze.runners.selfhosted_asr import SelfhostedASRRunner
from breeze.testing.media import wav
from tests.runners.asking import streaming
from tests.runners.asking import whole as in_one
from tests.runners.standin import StandIn
from tests.runners.vendor import running, whole

R = TypeVar("R", bound=Runner[Any])
DEEP = b'{"odd": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
LATIN = '{"error": {"message": "Schl\u00fcssel fehlt", "code": "Schl\u00fcssel"}}'.encode("latin-1")
LISTING: list[type[Runner[Any]]] = [
    AnthropicRunner, ElevenLabsRunner, GoogleRunner, OllamaRunner, OpenAIRunner, PeerRunner,
    SelfhostedASRRunner,
]  # fmt: skip
CHAT = ChatRequest.of("Hi", model="m", whole=True)
EMBED = EmbedRequest(("one",), model="m")
SPEAK = SpeakRequest("Hi", model="m", voice="v" * 20)
HEAR = TranscribeRequest(audio=wav(0.1), model="m")
WORK: list[tuple[type[Runner[Any]], Request[Any]]] = [
    (AnthropicRunner, CHAT),
    (GoogleRunner, CHAT), (GoogleRunner, EMBED),
    (OllamaRunner, CHAT), (OllamaRunner, EMBED),
    (OpenAIRunner, CHAT), (OpenAIRunner, EMBED), (OpenAIRunner, SPEAK), (OpenAIRunner, HEAR),
    (OpenAIRunner, DrawRequest.of("A sea", model="m")),
    (OpenAIRunner, ModerateRequest("Hi", model="m")),
    (ElevenLabsRunner, HEAR),
    (HuggingFaceRunner, EMBED), (HuggingFaceRunner, HEAR),
    (PeerRunner, CHAT),
]  # fmt: skip
NAMES = [f"{kind.info.name}-{request.capability.method}" for kind, request in WORK]


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    async with StandIn.serving() as server:
        yield server


def asked_by(kind: type[R], server: StandIn) -> AbstractAsyncContextManager[R]:
    """A loaded runner that asks `server`. Some add what stands in front of their paths."""
    return running(kind, server.url.removesuffix("/v1"))


@pytest.mark.parametrize("kind", LISTING, ids=lambda kind: str(kind.info.name))
async def test_a_list_of_models_nested_without_end(
    server: StandIn, kind: type[Runner[Any]]
) -> None:
    server.usual = in_one(DEEP, content_type="application/json")
    async with asked_by(kind, server) as runner:
        with pytest.raises(ProcessingError) as caught:
            await runner.models()
    assert caught.value.detail == "malformed"


async def test_a_name_that_is_no_utf8_does_not_hide_the_other_models(server: StandIn) -> None:
    body = b'{"data": [{"id": "Schl\xfcssel"}, {"id": "fine"}]}'
    server.play(in_one(body, content_type="application/json"))
    async with asked_by(OpenAIRunner, server) as runner:
        assert [model.id for model in await runner.models()] == ["Schl\ufffdssel", "fine"]


@pytest.mark.parametrize("body", [DEEP, b'{"odd": "\xff"'], ids=["deep", "latin"])
@pytest.mark.parametrize(("kind", "request_"), WORK, ids=NAMES)
async def test_an_answer(
    server: StandIn, kind: type[Runner[Any]], request_: Request[Any], body: bytes
) -> None:
    server.usual = in_one(body, content_type="application/json")
    async with asked_by(kind, server) as runner:
        with pytest.raises(RunnerError) as caught:
            await whole(runner, request_)
    assert caught.value.detail in ("malformed", "cut")


@pytest.mark.parametrize("kind", [OpenAIRunner, HuggingFaceRunner])
async def test_a_letter_that_is_no_utf8_costs_that_letter_only(
    server: StandIn, kind: type[Runner[Any]]
) -> None:
    server.usual = in_one(b'{"text": "Gr\xfcezi"}', content_type="application/json")
    async with asked_by(kind, server) as runner:
        assert (await whole(runner, HEAR)).text == "Gr\ufffdezi"


@pytest.mark.parametrize("body", [DEEP, LATIN], ids=["deep", "latin"])
@pytest.mark.parametrize(("kind", "request_"), WORK, ids=NAMES)
async def test_a_refusal(
    server: StandIn, kind: type[Runner[Any]], request_: Request[Any], body: bytes
) -> None:
    server.usual = in_one(body, "400 Bad Request", content_type="application/json")
    async with asked_by(kind, server) as runner:
        with pytest.raises(RunnerError) as caught:
            await whole(runner, request_)
    if body is LATIN and kind is not PeerRunner:
        assert "Schl\ufffdssel fehlt" in caught.value.message


@pytest.mark.parametrize("kind", [AnthropicRunner, GoogleRunner, OllamaRunner, OpenAIRunner])
async def test_a_stream(server: StandIn, kind: type[Runner[Any]]) -> None:
    line = DEEP if kind is OllamaRunner else b"data: " + DEEP + b"\n"
    server.usual = streaming(*[line + b"\n"] * 20)
    async with asked_by(kind, server) as runner:
        with pytest.raises(ProcessingError):
            await whole(runner, ChatRequest.of("Hi", model="m"))


@pytest.mark.parametrize("kind", [AnthropicRunner, GoogleRunner])
async def test_arguments_of_a_call_that_a_caller_nested_without_end(
    server: StandIn, kind: type[Runner[Any]]
) -> None:
    talk = (
        Message("user", "Hi"),
        Message("assistant", tool_calls=(ToolCall("c1", "weather", DEEP.decode()),)),
        Message("tool", "Sun", tool_call_id="c1", name="weather"),
    )
    async with asked_by(kind, server) as runner:
        with pytest.raises(InputError):
            await whole(runner, ChatRequest(talk, model="m", whole=True))
