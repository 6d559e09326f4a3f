"""`my_runner`: reads picture headers, until your vision model moves in."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Iterator

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError
from breeze.contracts.events import Adjusted, ChatEvent, Finish, TextDelta
from breeze.contracts.fields import switch
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, ChatRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.values import Usage

MODEL = "picture-headers"
_PLAIN = ChatRequest(())
_UNUSED = (
    "max_tokens", "stop", "n", "seed", "temperature", "top_p", "top_k", "presence_penalty",
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "reasoning_effort",
    "response_format", "tools", "tool_choice", "parallel_tool_calls",
)  # fmt: skip
_COLOURS = {0: "grey", 2: "colour", 3: "palette", 4: "grey with transparency", 6: "transparent"}


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    show_bytes: bool = switch(True, "Say how many bytes the picture has", per_request=True)


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Says of each PNG picture how large it is and how it is coloured."""

    vision = "only"

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._loaded = False

    async def load(self, model: str) -> None:
        _check_model(model)
        self._loaded = True

    async def unload(self) -> None:
        self._loaded = False

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        if not self._loaded:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        p = self.parameters_for(request)
        for event in unused(request):
            yield event
        pictures = [image.data for message in request.messages for image in message.images]
        with self.work.stream() as work:
            for data in pictures:
                text = described(data)
                work.steps += 1
                yield TextDelta(f"{text}, {len(data)} bytes.\n" if p.show_bytes else f"{text}.\n")
        yield Usage(images=len(pictures))
        yield Finish()


def described(data: bytes) -> str:
    """The facts in the header of a PNG. Raises InputError when it is none, or is cut."""
    complete = data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and b"IEND" in data
    if not complete:
        raise InputError("This is not a whole PNG picture: send one.", field="messages")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    return f"A {_COLOURS.get(colour, 'strange')} picture of {width}x{height} at {depth} bits"


def unused(request: ChatRequest) -> Iterator[Adjusted]:
    """Everything that was asked for and is not done here: nothing is dropped in silence."""
    for name in _UNUSED:
        asked = getattr(request, name)
        if asked != getattr(_PLAIN, name):
            shown = asked if isinstance(asked, int | float | str) else str(asked)
            yield Adjusted(name, shown, None, "it has no effect here")


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
