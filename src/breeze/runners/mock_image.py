"""`mock_image`: real PNG files of a gradient whose colours come from the prompt."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.events import Adjusted, DrawEvent, ImageReady, Progress
from breeze.contracts.requests import DrawRequest
from breeze.contracts.runner import Work, runner
from breeze.contracts.threads import Outlet, from_thread
from breeze.contracts.values import Usage
from breeze.runners._mock import (
    MockParameters,
    MockRunner,
    finish,
    pause,
    unused,
)

Colour = tuple[int, int, int]


class MockImageParameters(MockParameters):
    """What mock_image can be told."""


@runner(
    "mock_image",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-image-v1",
    concurrency=8,
)
class MockImageRunner(MockRunner[MockImageParameters]):
    """Draws a gradient for any prompt; the same prompt and seed give the same bytes."""

    async def draw(self, request: DrawRequest) -> AsyncGenerator[DrawEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            why = "a mock draws a gradient in one step"
            for note in unused(request, why, "steps", "guidance", "negative_prompt"):
                yield note
            if request.format != "png":
                yield Adjusted("format", request.format, "png", "a mock writes PNG only")
            dice = await self.begin(request, p)
            base = dice.randrange(2**31) if request.seed is None else request.seed
            total = len(request.prompts) * request.count
            for index in range(total):
                yield Progress("drawing", index, total)
                if index:
                    await pause(p.stream_chunk_delay_ms)
                yield await _picture(work, request, index, base + index)
            yield Usage(images=total)
            yield finish(model_name=model, seed=base)


async def _picture(work: Work, request: DrawRequest, index: int, seed: int) -> ImageReady:
    width, height = request.pixels
    prompt = index // request.count
    dice = random.Random(f"{seed} {request.prompts[prompt]}")
    colours = [(dice.randrange(256), dice.randrange(256), dice.randrange(256)) for _ in range(2)]

    def produce(outlet: Outlet[bytes]) -> None:
        _encode(outlet, work, width, height, *colours)

    async with aclosing(from_thread(produce)) as parts:
        data = b"".join([part async for part in parts])
    return ImageReady(data, index, "image/png", width, height, seed=seed, prompt=prompt)


def _encode(outlet: Outlet[bytes], work: Work, width: int, height: int, *ends: Colour) -> None:
    """Send a PNG in parts: a gradient from left to right between two colours, darker downwards."""
    left, right = ends
    packer = zlib.compressobj(1)
    row = bytes(
        a + (b - a) * x // max(1, width - 1)
        for x in range(width)
        for a, b in zip(left, right, strict=True)
    )
    outlet.send(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBB3x", width, height, 8, 2)))
    for y in range(height):
        shade = 255 - 128 * y // height
        line = row.translate(bytes(value * shade // 255 for value in range(256)))
        packed = packer.compress(b"\0" + line)
        work.steps += 1
        if outlet.closed or (packed and not outlet.send(_chunk(b"IDAT", packed))):
            return
    outlet.send(_chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
