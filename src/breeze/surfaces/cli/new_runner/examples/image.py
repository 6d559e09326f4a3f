"""`my_runner`: coloured rings, until your image model moves in."""

from __future__ import annotations

import math
import random
import struct
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import NotFoundError, NotLoadedError, TooLargeError
from breeze.contracts.events import Adjusted, DrawEvent, Finish, ImageReady
from breeze.contracts.fields import integer
from breeze.contracts.parameters import Parameters
from breeze.contracts.requests import AUTO, DrawRequest
from breeze.contracts.runner import Runner, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage

MODEL = "rings"
_MOST_PIXELS = 4_000_000
_UNUSED = ("steps", "guidance", "negative_prompt")


class MyParameters(Parameters):
    """What an operator, or a request, can tell this runner."""

    rings: int = integer(9, "Rings from the middle to the edge", low=1, high=64, per_request=True)


@runner(
    "my_runner",
    vendor="My Company",
    kind=RunnerKind.LOCAL,
    priority=Priority.LOW,
    default_model=MODEL,
)
class MyRunner(Runner[MyParameters]):
    """Draws rings whose colours follow from the prompt and the seed."""

    def __init__(self, parameters: MyParameters) -> None:
        super().__init__(parameters)
        self._loaded = False

    async def load(self, model: str) -> None:
        _check_model(model)
        self._loaded = True

    async def unload(self) -> None:
        self._loaded = False

    async def draw(self, request: DrawRequest) -> AsyncGenerator[DrawEvent]:
        if not self._loaded:
            raise NotLoadedError("Nothing is loaded: call load() first.")
        _check_model(request.model)
        rings = self.parameters_for(request).rings
        if math.prod(request.pixels) > _MOST_PIXELS:
            raise TooLargeError(f"At most {_MOST_PIXELS} pixels: ask for less.", field="size")
        for adjusted in unused(request):
            yield adjusted

        def produce(outlet: Outlet[DrawEvent]) -> None:
            """Runs in a thread of its own, as whatever blocks must."""
            with self.work.stream() as work:
                for event in pictures(request, rings, outlet):
                    work.steps += 1
                    if not outlet.send(event):
                        return

        async with aclosing(from_thread(produce)) as events:
            async for event in events:
                yield event
        yield Usage(images=len(request.prompts) * request.count)
        yield Finish()


def pictures(request: DrawRequest, rings: int, outlet: Outlet[DrawEvent]) -> Iterator[ImageReady]:
    """The pictures of all prompts, in order."""
    width, height = request.pixels
    for index in range(len(request.prompts) * request.count):
        prompt = index // request.count
        seed = zlib.crc32(request.prompts[prompt].encode(errors="replace"))
        seed = (seed if request.seed is None else request.seed) + index
        colours = random.Random(seed).randbytes(3 * (rings + 1))
        if (data := png(width, height, rings, colours, outlet)) is None:
            return
        yield ImageReady(data, index, "image/png", width, height, seed, prompt=prompt)


def png(
    width: int, height: int, rings: int, colours: bytes, outlet: Outlet[DrawEvent]
) -> bytes | None:
    """The rings as an encoded picture; None when nobody waits for it any more."""
    rows = bytearray()
    step = math.hypot(width, height) / 2 / rings
    for y in range(height):
        if outlet.closed:
            return None
        rows.append(0)
        for x in range(width):
            ring = min(int(math.hypot(x - width / 2, y - height / 2) / step), rings)
            rows += colours[3 * ring : 3 * ring + 3]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def unused(request: DrawRequest) -> Iterator[Adjusted]:
    """Everything that was asked for and is not done here: nothing is dropped in silence."""
    for name in _UNUSED:
        if (asked := getattr(request, name)) not in (None, ""):
            yield Adjusted(name, asked, None, "it has no effect here")
    if request.format != "png":
        yield Adjusted("format", request.format, "png", "only PNG is written here")


def _check_model(model: str) -> None:
    if model not in ("", AUTO, MODEL):
        raise NotFoundError(f"There is no model {model!r}: ask for {MODEL}.", field="model")
