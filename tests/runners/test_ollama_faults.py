"""Bad days of an Ollama server: what the caller sees, and that nothing is left open."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from breeze.contracts.errors import (
    AuthenticationError,
    InputError,
    MemoryLimitError,
    NotFoundError,
    NotLoadedError,
    OverloadedError,
    ProcessingError,
    RateLimitError,
    RunnerError,
    UnavailableError,
)
from breeze.contracts.events import Finish, TextDelta, ToolCallDelta
from breeze.contracts.messages import Tool
from breeze.contracts.values import Usage
from breeze.runners._http_error_words import kind_of
from breeze.runners._ollama_errors import CHAT
from breeze.runners.ollama import OllamaRunner
from breeze.testing.standins.ollama import OllamaStandin
from tests.runners.ollama_asking import answer, asking, embedding, events, made, running, vectors
from tests.runners.standin import Exchange, StandIn

SAID = "You said: Hi you"


@pytest.fixture
async def vendor() -> AsyncIterator[OllamaStandin]:
    async with OllamaStandin.serving() as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: OllamaStandin) -> AsyncIterator[OllamaRunner]:
    async with running(vendor, api_key="canary-key") as runner:
        yield runner


HARMLESS = [f.name for f in OllamaStandin.all_faults() if f.harmless]
CHANGES = {"bad-utf8", "split-utf8", "huge-event"}
"""These put something into the text."""


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("fault", HARMLESS)
async def test_every_shape_gives_the_same_answer(
    vendor: OllamaStandin, runner: OllamaRunner, fault: str, whole: bool
) -> None:
    vendor.fault(fault)
    found = await answer(runner, asking(whole=whole))
    if fault in CHANGES:
        assert found.text.replace("\ufffd", "").replace("é漢🌬", "").replace("x", "") == SAID
    else:
        assert found.text == SAID
    assert found.usage == (None if fault.startswith("usage-") and "every" not in fault
                           else Usage(3, 4))  # fmt: skip


@pytest.mark.parametrize("fault", ["odd-nulls", "odd-bare-calls", "odd-text-arguments"])
async def test_odd_tool_calls_are_understood(
    vendor: OllamaStandin, runner: OllamaRunner, fault: str
) -> None:
    vendor.fault(fault)
    found = await events(runner, asking("Use weather", tools=(Tool("weather"),)))
    (call,) = (event for event in found if isinstance(event, ToolCallDelta))
    assert (call.index, call.name) == (0, "weather")
    assert call.arguments == ('{"a": 1}' if "text" in fault else "{}")
    assert call.id
    assert isinstance(found[-1], Finish)
    assert found[-1].reason == "tool_calls"


BEFORE: dict[str, tuple[type[RunnerError], bool, float | None]] = {
    "rate-limit": (RateLimitError, True, 2.0),
    "rate-limit;spelling=ms": (RateLimitError, True, 2.0),
    "rate-limit;spelling=none": (RateLimitError, True, None),
    "retry-after-negative": (RateLimitError, True, None),
    "retry-after-rubbish": (RateLimitError, True, None),
    "key-refused": (AuthenticationError, False, None),
    "forbidden": (AuthenticationError, False, None),
    "model-missing": (NotFoundError, False, None),
    "error-500": (ProcessingError, True, None),
    "error-502-page": (UnavailableError, True, None),
    "error-503": (OverloadedError, True, 1.0),
    "error-504": (UnavailableError, True, None),
    "context": (InputError, False, None),
    "invalid": (InputError, False, None),
    "loading": (NotLoadedError, True, None),
    "refused": (UnavailableError, True, None),
    "reset": (UnavailableError, True, None),
    "closed": (UnavailableError, True, None),
    "html-page": (ProcessingError, True, None),
    "error-200": (OverloadedError, True, 1.0),
    "redirect": (UnavailableError, False, None),
    "redirect-private": (UnavailableError, False, None),
    "gzip": (ProcessingError, False, None),
    "reflected": (InputError, False, None),
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("fault", BEFORE)
async def test_a_refusal_is_told_as_what_it_is(
    vendor: OllamaStandin, runner: OllamaRunner, fault: str, whole: bool
) -> None:
    kind, retryable, after = BEFORE[fault]
    vendor.fault(fault)
    with pytest.raises(kind) as refused:
        await answer(runner, asking(whole=whole))
    assert (refused.value.retryable, refused.value.retry_after) == (retryable, after)
    assert "canary" not in repr(refused.value.info())
    assert len(vendor.calls) == 1
    assert runner.work.active == 0


@pytest.mark.parametrize(
    "fault", ["error-503", "error-200", "html-page", "stream-cut", "malformed"]
)
async def test_vectors_fail_as_told(
    vendor: OllamaStandin, runner: OllamaRunner, fault: str
) -> None:
    vendor.fault(fault)
    with pytest.raises((OverloadedError, ProcessingError)) as failed:
        await vectors(runner, embedding("a", "b"))
    assert failed.value.retryable


DURING = {
    "stream-cut": (ProcessingError, "cut"),
    "stream-reset": (ProcessingError, "cut"),
    "early-close": (ProcessingError, "cut"),
    "early-end": (ProcessingError, "cut"),
    "stream-error": (OverloadedError, ""),
    "stream-error;kind=internal": (ProcessingError, "streaming"),
    "malformed": (ProcessingError, "malformed"),
    "gigantic-event": (ProcessingError, "malformed"),
}


@pytest.mark.parametrize("fault", DURING)
async def test_what_came_before_a_fault_is_delivered(
    vendor: OllamaStandin, runner: OllamaRunner, fault: str
) -> None:
    kind, detail = DURING[fault]
    vendor.fault(fault)
    came: list[object] = []
    with pytest.raises(kind) as broken:
        await _last(runner.chat(asking()), came)
    assert came == [TextDelta("You "), TextDelta("said: ")]
    assert broken.value.detail == detail
    assert runner.work.active == 0


async def _last(found: AsyncIterator[object], came: list[object] | None = None) -> None:
    """Read to the end."""
    async for event in found:
        if came is not None:
            came.append(event)


async def test_nothing_is_asked_again_by_itself(
    vendor: OllamaStandin, runner: OllamaRunner
) -> None:
    """When to try again, and where, is not the runner's to say."""
    vendor.fault("error-503")
    with pytest.raises(OverloadedError):
        await answer(runner)
    assert len(vendor.calls) == 1
    assert (await answer(runner)).text == SAID


WORDS: dict[str, tuple[int, type[RunnerError]]] = {
    "model requires more system memory (8.4 GiB) than is available (3.1 GiB)": (
        500, MemoryLimitError,
    ),
    "cudaMalloc failed: out of memory": (500, MemoryLimitError),
    "llama runner process has terminated: signal: killed": (500, NotLoadedError),
    "timed out waiting for llama runner to start - progress 0.00": (500, NotLoadedError),
    "failed to process inputs: image: unknown format": (500, InputError),
    "llm server loading model": (503, NotLoadedError),
    "404 page not found": (404, NotFoundError),
    "the prompt exceeds the model's context length": (400, InputError),
    "something else": (500, UnavailableError),
}  # fmt: skip


@pytest.mark.parametrize("said", WORDS)
def test_sentences_are_understood(said: str) -> None:
    status, kind = WORDS[said]
    found = kind_of({"message": said, "error": said}, status, CHAT)
    assert found.error is kind


async def test_another_server_is_noticed() -> None:
    """One that speaks another protocol, with no word of an answer in it."""

    async def other(exchange: Exchange) -> None:
        await exchange.whole(b'{"id": "chatcmpl-1", "choices": []}')

    async with StandIn.serving(other) as server:
        runner = made(base_url=server.url)
        await runner.load("")
        with pytest.raises(ProcessingError, match="Is base_url right") as odd:
            await answer(runner)
        await runner.unload()
    assert odd.value.detail == "malformed"
