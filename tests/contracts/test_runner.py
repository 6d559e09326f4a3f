"""A runner is a class with one async generator method per capability; `@runner` checks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from breeze.contracts.capability import Capability, Priority, Requirement, RunnerKind
from breeze.contracts.errors import CapabilityError, InputError
from breeze.contracts.events import (
    ChatEvent,
    EmbedEvent,
    Finish,
    SpeakEvent,
    TextDelta,
)
from breeze.contracts.fields import number
from breeze.contracts.messages import ImagePart, Message
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import ChatRequest, EmbedRequest, Request, SpeakRequest
from breeze.contracts.runner import ModelInfo, Runner, RunnerInfo, Work, runner

mark = runner("whistle", vendor="Whistle", kind=RunnerKind.CLOUD)
Facts = dict[str, Any]


class Tone(Parameters):
    """Parameters of the runner below."""

    pitch: float = number(1.0, "Pitch", low=0, high=2, per_request=True)


class Chatty(Runner[Tone]):
    """Says the pitch.

    Only the first line is the description.
    """

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        yield TextDelta(str(self.parameters_for(request).pitch))
        yield Finish()


def chatty(**facts: Any) -> type[Chatty]:
    """A fresh subclass, marked."""
    made = type("Marked", (Chatty,), {"__doc__": "Says the pitch.", **facts.pop("body", {})})
    facts = {"vendor": "Whistle", "kind": RunnerKind.CLOUD, **facts}
    marked: type[Chatty] = runner(facts.pop("name", "whistle"), **facts)(made)
    return marked


def test_the_decorator_notes_the_facts() -> None:
    cls = chatty(priority=Priority.HIGH, extra="whistle", requirements=(Requirement.MTK_NPU,))
    assert cls.info == RunnerInfo(
        name="whistle",
        version="1.0.0",
        vendor="Whistle",
        kind=RunnerKind.CLOUD,
        capabilities=(Capability.LLM,),
        description="Says the pitch.",
        priority=0,
        extra="whistle",
        requirements=(Requirement.MTK_NPU,),
    )
    assert not cls.info.mock


def test_it_returns_the_same_class_and_registers_nothing() -> None:
    class Plain(Chatty):
        """Says the pitch."""

    assert mark(Plain) is Plain
    assert mark(Chatty).info.description == "Says the pitch."


@pytest.mark.parametrize(
    "name", ["", "Whistle", "whi stle", "1whistle", "whi-stle", "w" * 65, "whistle\n"]
)
def test_a_name_is_lower_case_letters_digits_and_underscores(name: str) -> None:
    with pytest.raises(TypeError, match="lower case"):
        chatty(name=name)


@pytest.mark.parametrize(
    ("name", "kind"), [("whistle", RunnerKind.MOCK), ("mock_whistle", RunnerKind.CLOUD)]
)
def test_mocks_and_no_others_say_so_in_their_name(name: str, kind: RunnerKind) -> None:
    with pytest.raises(TypeError, match="'mock' in their name"):
        chatty(name=name, kind=kind)
    assert chatty(name="mock_whistle", kind=RunnerKind.MOCK).info.mock


def test_a_runner_needs_a_docstring() -> None:
    with pytest.raises(TypeError, match="needs a docstring"):
        chatty(body={"__doc__": None})


def test_a_runner_needs_a_method() -> None:
    class Idle(Runner[Parameters]):
        """Does nothing."""

    with pytest.raises(TypeError, match="none of the methods chat, transcribe, speak"):
        mark(Idle)


async def _answers_at_once(self: Any, request: Any) -> str:
    return "not a stream"


def _plain(self: Any, request: Any) -> list[str]:
    return []


@pytest.mark.parametrize("method", [_answers_at_once, _plain])
def test_a_method_is_an_async_generator(method: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"Marked\.speak must be an async generator"):
        chatty(body={"speak": method})


def test_unknown_facts_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        chatty(colour="red")


@pytest.mark.parametrize(
    ("vision", "capabilities"),
    [
        (False, (Capability.LLM,)),
        (True, (Capability.LLM, Capability.VLM)),
        ("only", (Capability.VLM,)),
    ],
)
def test_vision_is_a_flag_on_chat(vision: Any, capabilities: tuple[Capability, ...]) -> None:
    assert chatty(body={"vision": vision}).info.capabilities == capabilities


def test_capabilities_are_the_methods_that_exist() -> None:
    async def speak(self: Any, request: SpeakRequest) -> AsyncGenerator[SpeakEvent]:
        yield Finish()

    async def embed(self: Any, request: EmbedRequest) -> AsyncGenerator[EmbedEvent]:
        yield Finish()

    found = chatty(body={"speak": speak, "embed": embed, "vision": True}).info.capabilities
    assert found == (Capability.LLM, Capability.VLM, Capability.TTS, Capability.EMBEDDING)


def test_the_parameters_type_comes_from_the_brackets() -> None:
    assert Chatty.parameters_type is Tone
    assert chatty().parameters_type is Tone
    assert Runner.parameters_type is Parameters


async def test_stream_goes_to_the_method_of_the_capability() -> None:
    whistle = chatty()(Tone())
    events = [event async for event in whistle.stream(ChatRequest.of("Hi", params={"pitch": 2}))]
    assert events == [TextDelta("2.0"), Finish()]
    assert whistle.parameters_for(ChatRequest.of("Hi")) is whistle.parameters


PICTURE = ChatRequest((Message("user", (ImagePart(b"x"),)),))


@pytest.mark.parametrize("request_", [SpeakRequest("Hi"), PICTURE])
def test_work_it_cannot_do_is_refused(request_: Request[Any]) -> None:
    with pytest.raises(CapabilityError, match="whistle cannot do") as caught:
        chatty()(Tone()).stream(request_)
    assert caught.value.runner == "whistle"


async def test_text_is_refused_by_a_runner_for_pictures_only() -> None:
    sees = chatty(body={"vision": "only"})(Tone())
    with pytest.raises(CapabilityError, match="cannot do LLM; it does VLM"):
        sees.stream(ChatRequest.of("Hi"))
    assert [event async for event in sees.stream(PICTURE)][-1] == Finish()


async def test_a_wrong_override_is_an_input_error() -> None:
    stream = chatty()(Tone()).stream(ChatRequest.of("Hi", params={"pitch": 3}))
    with pytest.raises(InputError, match=r"params\.pitch"):
        await anext(stream)


def test_check_says_what_to_install() -> None:
    assert chatty(needs=("json",))(Tone()).check() is None
    absent = chatty(needs=("json", "no_such_module", "no_such.part"))
    assert absent(Tone()).check() == (
        "not installed: no_such_module, no_such.part "
        "(run: pip install 'no_such_module no_such.part')"
    )
    with_extra = chatty(needs=("no_such_module",), extra="local")
    assert "pip install 'breeze-engine[local]'" in str(with_extra(Tone()).check())


async def test_models_are_the_default_one_unless_it_knows_more() -> None:
    assert await chatty()(Tone()).models() == ()
    models = await chatty(default_model="small")(Tone()).models()
    assert models == (ModelInfo("small", (Capability.LLM,)),)


async def test_load_and_unload_may_be_called_again() -> None:
    whistle = chatty()(Tone())
    for _ in range(2):
        await whistle.load("")
        await whistle.unload()
    assert whistle.work.active == 0


def test_work_counts_streams_even_when_they_fail() -> None:
    work = Work()
    with work.stream(), work.stream():
        assert work.active == 2
    with pytest.raises(ZeroDivisionError), work.stream():
        raise ZeroDivisionError
    assert work.active == 0
