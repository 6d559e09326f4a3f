"""Runners whose streams break one rule each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from msgspec.structs import replace

from breeze.contracts.answers import ChatAnswer, Choice
from breeze.contracts.errors import AuthenticationError
from breeze.contracts.events import (
    Adjusted,
    AudioChunk,
    ChatEvent,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Transcript,
    Verdict,
)
from breeze.contracts.messages import NamedTool
from breeze.contracts.requests import ChatRequest
from breeze.contracts.values import Usage
from breeze.runners.mock_asr import MockASRRunner
from breeze.runners.mock_guardian import MockGuardianRunner
from breeze.runners.mock_image import MockImageRunner
from breeze.runners.mock_llm import MockLLMRunner
from breeze.runners.mock_tts import MockTTSRunner
from tests.testing.faults import Change, Fault, changed, failing


class FinalText(TextDelta, frozen=True, tag="text"):
    """A piece of text that claims to be the end."""

    @property
    def partial(self) -> bool:
        return False


def on(kind: type, *instead: Any) -> Change:
    """Replace events of `kind`: by values, or by what functions make of the event."""

    def change(event: Any) -> Iterable[Any]:
        if not isinstance(event, kind):
            return (event,)
        return tuple(new(event) if callable(new) else new for new in instead)

    return change


def same(event: Any) -> Any:
    return event


class OnePiece(MockLLMRunner):
    """Says everything at once, though its info says that it streams."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        said = ""
        async with aclosing(super().chat(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    said += event.text
                    continue
                if isinstance(event, Usage):
                    yield TextDelta(said)
                yield event


class Forgetful(MockLLMRunner):
    """Drops what it does not know without a word."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        known = ("model", "params", "max_tokens", "stop", "n", "seed", "tools", "tool_choice")
        kept = {name: getattr(request, name) for name in known}
        async with aclosing(super().chat(ChatRequest(request.messages, **kept))) as events:
            async for event in events:
                yield event


class NoTools(MockLLMRunner):
    """Answers in words where a call was required."""

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        tools = {tool.name for tool in request.tools}
        if isinstance(request.tool_choice, NamedTool) or request.tool_choice == "required" or tools:
            request = replace(request, tool_choice="auto")
        async with aclosing(super().chat(request)) as events:
            async for event in events:
                yield event


def _risen(event: AudioChunk) -> AudioChunk:
    return replace(event, index=event.index + 1)


def _faster(event: AudioChunk) -> AudioChunk:
    return replace(event, sample_rate=16_000 + event.index)


def _open(event: Transcript) -> Transcript:
    return replace(event, is_final=False, segment=0)


def _claim(event: Finish) -> Finish:
    return replace(event, result=ChatAnswer(choices=(Choice("something else"),)))


def _odd(event: Finish) -> Finish:
    return Finish(metadata={"mock": True, "seed": object()})


def _nameless(event: ToolCallDelta) -> ToolCallDelta:
    return replace(event, name="")


def _risky(event: Verdict) -> Verdict:
    return replace(event, risk=2.0)


FAULTS = [
    Fault("stream.finish", changed(MockLLMRunner, "Endless", on(Finish))),
    Fault("stream.nothing-after", changed(MockLLMRunner, "Chatty", on(Finish, same, Finish()))),
    Fault(
        "stream.event-types",
        changed(MockLLMRunner, "Beeping", on(Usage, AudioChunk(b"", 0, 8_000), same)),
    ),
    Fault("stream.partial", changed(MockLLMRunner, "Hasty", on(Usage, FinalText("!"), same))),
    Fault("stream.indexes", changed(MockTTSRunner, "FromOne", on(AudioChunk, _risen))),
    Fault("stream.tool-calls", changed(MockLLMRunner, "Nameless", on(ToolCallDelta, _nameless))),
    Fault("stream.segments", changed(MockASRRunner, "Open", on(Transcript, _open))),
    Fault("stream.audio-form", changed(MockTTSRunner, "Drifting", on(AudioChunk, _faster))),
    Fault("stream.usage-once", changed(MockLLMRunner, "Greedy", on(Usage, same, same))),
    Fault(
        "stream.metadata",
        changed(
            MockLLMRunner,
            "Inventive",
            on(Usage, ReasoningDelta("", metadata={"mood": "good"}), same),
        ),
    ),
    Fault("stream.values", changed(MockGuardianRunner, "Overrisky", on(Verdict, _risky))),
    Fault("stream.travels", changed(MockImageRunner, "Homebound", on(Finish, _odd))),
    Fault("stream.whole", changed(MockLLMRunner, "Liar", on(Finish, _claim))),
    Fault(
        "stream.answers",
        failing(MockLLMRunner, "Refusing", lambda _: AuthenticationError("No key: set one.")),
    ),
    Fault("stream.usage", changed(MockLLMRunner, "Silent", on(Usage))),
    Fault("stream.mock", changed(MockLLMRunner, "Pretending", on(Finish, Finish()))),
    Fault("stream.tools", NoTools),
    Fault("stream.streams", OnePiece),
    Fault(
        "stream.adjusted",
        changed(MockLLMRunner, "Misnaming", on(Adjusted, Adjusted("warmth", 1, 2, "cold"))),
    ),
    Fault("stream.dropped", Forgetful),
]
