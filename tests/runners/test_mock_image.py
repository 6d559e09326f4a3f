"""`mock_image`: PNG files that any reader opens, the same for the same prompt."""

from __future__ import annotations

import struct
import zlib
from contextlib import aclosing
from typing import Any

from breeze.contracts.answers import Pictures
from breeze.contracts.events import ImageReady, Progress
from breeze.contracts.requests import DrawRequest
from breeze.contracts.results import collect
from breeze.runners.mock_image import MockImageParameters, MockImageRunner
from breeze.testing.stream import checked


async def loaded(**parameters: Any) -> MockImageRunner:
    runner = MockImageRunner(MockImageParameters.of(parameters))
    await runner.load("")
    return runner


async def draw(request: DrawRequest, **parameters: Any) -> Pictures:
    runner = await loaded(**parameters)
    answer = await collect(checked(runner.stream(request), "draw"), Pictures)
    assert isinstance(answer, Pictures)
    return answer


def pixels(png: bytes) -> list[bytes]:
    """The rows of an 8-bit RGB PNG, every checksum verified."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, width = 8, b"", 0
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + data
        )
        if kind == b"IHDR":
            width = struct.unpack(">I", data[:4])[0]
        elif kind == b"IDAT":
            packed += data
        at += 12 + size
    raw, stride = zlib.decompress(packed), 1 + 3 * width
    return [raw[i + 1 : i + stride] for i in range(0, len(raw), stride)]


async def test_it_is_a_picture_of_the_size_asked_for() -> None:
    (picture,) = (await draw(DrawRequest.of("a boat", size="40x30"))).images
    rows = pixels(picture.data)
    assert (len(rows), len(rows[0])) == (30, 40 * 3)
    assert (picture.width, picture.height, picture.mime) == (40, 30, "image/png")


async def test_colours_run_from_left_to_right_and_darken_downwards() -> None:
    (picture,) = (await draw(DrawRequest.of("a boat", size="64x64"))).images
    rows = pixels(picture.data)
    assert rows[0][:3] != rows[0][-3:]
    assert sum(rows[0]) > sum(rows[-1])


async def test_prompt_and_seed_decide_the_picture() -> None:
    async def one(prompt: str, **fields: Any) -> bytes:
        return (await draw(DrawRequest.of(prompt, size="16x16", **fields))).images[0].data

    assert await one("a boat", seed=1) == await one("a boat", seed=1)
    assert await one("a boat", seed=1) != await one("a boat", seed=2)
    assert await one("a boat", seed=1) != await one("a house", seed=1)
    assert await one("a boat") == await one("a boat")


async def test_the_parameter_seed_counts_when_the_request_has_none() -> None:
    request = DrawRequest.of("a boat", size="16x16")
    first, second = await draw(request, seed=1), await draw(request, seed=2)
    assert first.images[0].data != second.images[0].data


async def test_every_prompt_is_drawn_as_often_as_asked() -> None:
    request = DrawRequest(("a boat", "a house"), size="16x16", count=2, seed=5)
    pictures = await draw(request)
    assert [picture.prompt for picture in pictures.images] == [0, 0, 1, 1]
    assert [picture.seed for picture in pictures.images] == [5, 6, 7, 8]
    assert pictures.usage is not None
    assert pictures.usage.images == 4


async def test_pictures_come_when_they_are_ready() -> None:
    runner = await loaded()
    request = DrawRequest.of("a boat", size="16x16", count=2)
    kinds = [type(e) async for e in runner.stream(request) if isinstance(e, Progress | ImageReady)]
    assert kinds == [Progress, ImageReady, Progress, ImageReady]


async def test_what_it_cannot_do_it_says() -> None:
    request = DrawRequest.of(
        "a boat", size="16x16", format="jpeg", steps=20, guidance=7.0, negative_prompt="rain"
    )
    pictures = await draw(request)
    named = [adjustment.field for adjustment in pictures.adjustments]
    assert named == ["steps", "guidance", "negative_prompt", "format"]


async def test_a_big_picture_is_left_at_once() -> None:
    runner = await loaded()
    async with aclosing(runner.stream(DrawRequest.of("a boat", size="4096x4096"))) as events:
        assert isinstance(await anext(events), Progress)
    assert runner.work.active == 0
    assert runner.work.steps < 4096
