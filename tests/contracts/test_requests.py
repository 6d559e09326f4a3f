"""What each request asks for, and everything that can be wrong with it, at once."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.capability import METHODS, Capability, Priority, RunnerKind
from breeze.contracts.messages import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NamedTool,
    TextPart,
    Tool,
    ToolCall,
)
from breeze.contracts.request import new_id
from breeze.contracts.requests import (
    AUDIO_FORMATS,
    AnyRequest,
    ChatRequest,
    DrawRequest,
    EmbedRequest,
    ModerateRequest,
    Request,
    SpeakRequest,
    TranscribeRequest,
)
from tests.contracts.strategies import members

PICTURE = ImagePart(b"\x89PNG", "image/png")


def fields_at_fault(request: Request[Any]) -> list[str]:
    return [field for field, _ in request.problems()]


def chat(**fields: Any) -> ChatRequest:
    return ChatRequest.of("Hello", **fields)


def said(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(messages, **fields)


async def microphone() -> AsyncIterator[bytes]:
    yield b""


GOOD: list[Request[Any]] = [
    chat(),
    chat(temperature=0, top_p=1, top_k=40, max_tokens=1, n=16, seed=-1, stop=("\n",)),
    chat(logprobs=True, top_logprobs=20, presence_penalty=-2, frequency_penalty=2),
    chat(tools=(Tool("clock"),), tool_choice=NamedTool("clock")),
    chat(id="x", deadline=86_400),
    said(Message("user", (TextPart("What is it?"), PICTURE))),
    said(Message("user", (ImagePart(url="https://example.com/a.png"),))),
    said(
        Message("assistant", tool_calls=(ToolCall("1", "clock"),)),
        Message("tool", "12:00", tool_call_id="1"),
    ),
    TranscribeRequest(audio=b"RIFF"),
    TranscribeRequest(file="speech.wav", temperature=0.5),
    TranscribeRequest(live=microphone(), sample_rate=16_000),
    *(SpeakRequest("Good morning", format=form) for form in AUDIO_FORMATS),
    SpeakRequest("Good morning", speed=0.25, sample_rate=48_000),
    ModerateRequest("Hello"),
    ModerateRequest(),  # nothing to judge is safe, not wrong
    ModerateRequest(messages=(Message("user", "Hello"),), strictness="high"),
    DrawRequest.of("a lighthouse", size="16X8192", count=64, steps=1, guidance=0),
    EmbedRequest.of("one", "two", dimensions=64),
]

BAD: list[tuple[Request[Any], list[str]]] = [
    (chat(id=""), ["id"]),
    (chat(id="x" * 129), ["id"]),
    (chat(deadline=0), ["deadline"]),
    (chat(deadline=math.nan), ["deadline"]),
    (chat(deadline=86_401), ["deadline"]),
    (chat(temperature=2.1), ["temperature"]),
    (chat(temperature=math.nan), ["temperature"]),
    (chat(top_p=-0.1), ["top_p"]),
    (chat(top_k=-1), ["top_k"]),
    (chat(max_tokens=0), ["max_tokens"]),
    (chat(n=0), ["n"]),
    (chat(n=17), ["n"]),
    (chat(presence_penalty=-2.1), ["presence_penalty"]),
    (chat(frequency_penalty=2.1), ["frequency_penalty"]),
    (chat(logprobs=True, top_logprobs=21), ["top_logprobs"]),
    (chat(top_logprobs=1), ["top_logprobs"]),
    (chat(stop=("",)), ["stop"]),
    (chat(stop=("x",) * 17), ["stop"]),
    (chat(tool_choice=NamedTool("clock")), ["tool_choice"]),
    (said(), ["messages"]),
    (said(Message("tool", "12:00")), ["messages[0].tool_call_id"]),
    (said(Message("user", tool_calls=(ToolCall("1", "clock"),))), ["messages[0].tool_calls"]),
    (said(Message("user", (ImagePart(),))), ["messages[0].images[0]"]),
    (said(Message("user", (PICTURE, ImagePart(b"x", url="y")))), ["messages[0].images[1]"]),
    (TranscribeRequest(), ["audio"]),
    (TranscribeRequest(audio=b"RIFF", file="speech.wav"), ["audio"]),
    (TranscribeRequest(live=microphone()), ["sample_rate"]),
    (TranscribeRequest(audio=b"x", sample_rate=3_999), ["sample_rate"]),
    (TranscribeRequest(audio=b"x", temperature=1.1), ["temperature"]),
    (SpeakRequest("  "), ["text"]),
    (SpeakRequest("Hi", speed=0.2), ["speed"]),
    (SpeakRequest("Hi", speed=4.1), ["speed"]),
    (SpeakRequest("Hi", sample_rate=1), ["sample_rate"]),
    (SpeakRequest("Hi", format="midi"), ["format"]),
    (ModerateRequest("Hello", messages=(Message("user", "Hello"),)), ["messages"]),
    (DrawRequest(()), ["prompts"]),
    (DrawRequest(("a tree", " ")), ["prompts"]),
    (DrawRequest.of("a tree", size="big"), ["size"]),
    (DrawRequest.of("a tree", size="1x2x3"), ["size"]),
    (DrawRequest.of("a tree", size="15x8193"), ["size", "size"]),
    (DrawRequest.of("a tree", count=65), ["count"]),
    (DrawRequest(("a tree", "a sea"), keys=("one",)), ["keys"]),
    (DrawRequest.of("a tree", keys=("",)), ["keys"]),
    (DrawRequest.of("a tree", steps=1001), ["steps"]),
    (DrawRequest.of("a tree", guidance=101), ["guidance"]),
    (EmbedRequest(()), ["texts"]),
    (EmbedRequest.of("one", dimensions=0), ["dimensions"]),
]


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(max_size=2) | st.just("x" * 129),
        "session_id": st.sampled_from(["", "s", "s" * 513]),
        "runner": st.sampled_from(["", "r", "r" * 513]),
        "model": st.sampled_from(["auto", "m" * 513]),
        "deadline": st.none() | st.floats(-1, 90_000),
        "stop": st.sampled_from([(), ("\n",), ("",), ("x",) * 17]),
        "tool_choice": st.sampled_from(["auto", "none", NamedTool("clock")]),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(-1, 22),
        "n": st.integers(-1, 18),
        **{
            name: st.none() | st.floats(-3, 3) | st.just(math.nan) | st.integers(-3, 10**8)
            for name in (
                "temperature", "top_p", "top_k", "max_tokens", "presence_penalty",
                "frequency_penalty",
            )
        },
    },
)  # fmt: skip
TURNS = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool"]),
    st.sampled_from(["", "Hello", (PICTURE,), (ImagePart(),)]),
    st.sampled_from([(), (ToolCall("1", "clock"),)]),
    st.sampled_from(["", "1"]),
)


@given(st.lists(TURNS, max_size=2), FIELDS)
def test_a_glance_never_calls_a_wrong_request_sound(
    turns: list[Message], fields: dict[str, Any]
) -> None:
    request = ChatRequest(tuple(turns), **fields)
    assert not (request.sound() and fields_at_fault(request))


def test_a_plain_request_is_sound_at_a_glance() -> None:
    assert chat(temperature=0.7, max_tokens=200, model="m", session_id="s", runner="r").sound()


@pytest.mark.parametrize("request_", GOOD)
def test_nothing_is_wrong_with_a_good_request(request_: Request[Any]) -> None:
    assert fields_at_fault(request_) == []


@pytest.mark.parametrize(("request_", "fields"), BAD)
def test_a_wrong_request_says_which_fields(request_: Request[Any], fields: list[str]) -> None:
    assert not request_.sound()
    assert fields_at_fault(request_) == fields
    assert all(what for _, what in request_.problems())


def test_all_problems_come_at_once() -> None:
    request = said(Message("tool", "12:00"), id="", deadline=-1, temperature=9, n=0, stop=("",))
    assert fields_at_fault(request) == [
        "id", "deadline", "messages[0].tool_call_id", "temperature", "n", "stop",
    ]  # fmt: skip


@given(st.sampled_from(["temperature", "top_p", "presence_penalty"]), st.floats())
def test_a_number_is_in_its_range_or_a_problem(name: str, value: float) -> None:
    low, high = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2)}[name]
    assert (fields_at_fault(chat(**{name: value})) == []) == (low <= value <= high)


def test_a_conversation_has_a_bounded_number_of_messages() -> None:
    """A template can make minutes of work of a hundred thousand, which no deadline can stop."""
    turn = Message("user", "hi")
    assert fields_at_fault(ChatRequest((turn,) * 4096)) == []
    assert fields_at_fault(ChatRequest((turn,) * 4097)) == ["messages"]


def test_each_capability_has_its_request_and_method() -> None:
    kinds = {kind.capability: kind for kind in members(AnyRequest)}  # type: ignore[attr-defined]
    assert set(kinds) == set(Capability) - {Capability.VLM}
    for capability, kind in kinds.items():
        assert kind.__struct_config__.tag == capability.method == METHODS[capability]
    assert Capability.VLM.method == Capability.LLM.method


def test_a_chat_that_holds_an_image_needs_vision() -> None:
    assert chat().needs is Capability.LLM
    assert said(Message("user", (TextPart("an image?"),))).needs is Capability.LLM
    assert said(Message("user", "first"), Message("user", (PICTURE,))).needs is Capability.VLM
    assert SpeakRequest("Hi").needs is Capability.TTS


def test_a_message_is_text_or_parts() -> None:
    mixed = Message("user", (TextPart("Look: "), PICTURE, TextPart("here")))
    assert mixed.text == "Look: here"
    assert mixed.images == (PICTURE,)
    assert len(mixed.parts) == 3
    plain = Message("user", "Hello")
    assert (plain.text, plain.parts, plain.images) == ("Hello", (TextPart("Hello"),), ())
    assert Message("assistant").parts == ()
    assert Message("user", (AudioPart(b"x"), FilePart(b"y"))).text == ""


def test_a_system_text_comes_first() -> None:
    request = ChatRequest.of("Hello", system="Be brief.", max_tokens=5)
    assert [m.role for m in request.messages] == ["system", "user"]
    assert request.max_tokens == 5


def test_the_text_to_judge() -> None:
    assert ModerateRequest("one").whole_text == "one"
    turns = (Message("user", "one"), Message("assistant", "two"))
    assert ModerateRequest(messages=turns).whole_text == "one\ntwo"


def test_requests_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        chat().model = "other"  # type: ignore[misc]
    request = chat()
    assert msgspec.structs.replace(request, model="other").id == request.id


def test_an_id_is_a_random_uuid() -> None:
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {uuid.UUID(id).version for id in made} == {4}
    assert {uuid.UUID(id).variant for id in made} == {uuid.RFC_4122}
    assert all(str(uuid.UUID(id)) == id for id in made)


def test_names_on_the_wire_are_the_seeds() -> None:
    assert [*Capability] == ["LLM", "VLM", "ASR", "TTS", "GUARDIAN", "IMAGE", "EMBEDDING"]
    assert [*RunnerKind] == ["MOCK", "LOCAL", "HARDWARE", "CLOUD"]
    assert Priority.HIGH < Priority.NORMAL < Priority.LOW
