"""The system vision runner: which pictures and fields it takes, and how its work is stopped."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

pytest.importorskip("rapidocr")
pytest.importorskip("cv2")

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.events import Adjusted, TextDelta
from breeze.contracts.messages import (
    AudioPart,
    ImagePart,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
)
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners.system_vision import SystemVisionParameters, SystemVisionRunner
from tests.runners.pictures import ask, encoded, page, plain
from tests.runners.test_fetch import fine, web


@pytest.fixture(scope="module")
def vision() -> Iterator[SystemVisionRunner]:
    runner = SystemVisionRunner(SystemVisionParameters())
    asyncio.run(runner.load(""))
    yield runner
    asyncio.run(runner.unload())


@asynccontextmanager
async def limited(**limits: int | str) -> AsyncIterator[SystemVisionRunner]:
    """A runner with other limits."""
    runner = SystemVisionRunner(SystemVisionParameters.of(limits))
    await runner.load("")
    yield runner
    await runner.unload()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))


def turned_jpeg(orientation: int) -> bytes:
    """40 x 20, red on the left, blue on the right, to be shown turned."""
    picture = plain(40, 20, "red")
    picture.paste("blue", (20, 0, 40, 20))
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture, "JPEG", exif=exif, quality=95)


@pytest.mark.parametrize(
    "picture",
    [
        encoded(plain(1, 1)),
        encoded(plain(64, 64, 3, "P")),
        encoded(plain(64, 64, (0, 255, 255, 0), "CMYK"), "JPEG"),
        encoded(plain(64, 64, (200, 30, 30, 128), "RGBA")),
        encoded(plain(64, 64, 1, "1")),
        encoded(plain(64, 64, 40_000, "I;16")),
        encoded(plain(64, 64, (10, 200), "LA")),
        encoded(plain(64, 64), "GIF"),
        encoded(plain(64, 64), "BMP"),
        encoded(plain(64, 64), "WEBP"),
        encoded(plain(64, 64), "TIFF"),
        encoded(plain(3000, 2)),
        encoded(plain(2, 3000)),
    ],
    ids=range(13),
)
async def test_every_kind_of_picture_is_looked_at(
    vision: SystemVisionRunner, picture: bytes
) -> None:
    answer = await ask(vision, "Describe it", picture)
    assert "The main colour" in answer.text


@pytest.mark.parametrize(
    ("orientation", "place"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")]
)
async def test_pictures_are_seen_as_their_exif_data_turns_them(
    vision: SystemVisionRunner, orientation: int, place: str
) -> None:
    answer = await ask(vision, "Where is the red? What size?", turned_jpeg(orientation))
    size = "20 x 40" if orientation in (6, 8) else "40 x 20"
    assert f"“red” is at the {place} (x " in answer.text
    assert f"It is {size} pixels" in answer.text


async def test_only_the_first_frame_counts_and_that_is_said(vision: SystemVisionRunner) -> None:
    frames = [plain(colour="blue")]
    animation = encoded(plain(colour="red"), "GIF", save_all=True, append_images=frames)
    answer = await ask(vision, "What colour?", animation)
    assert answer.text == "The main colour is red (100 %)."
    assert [a.field for a in answer.adjustments] == ["messages[0].images[0]"]


BROKEN = {
    "empty": b"",
    "text": b"This is not a picture.",
    "cut": encoded(page(1))[:2000],
    "garbage": encoded(plain(64, 64), "JPEG")[:40] + bytes(range(256)) * 4,
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "too few pixels": png_header(100, 100),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
async def test_a_broken_picture_is_refused_by_its_field(
    vision: SystemVisionRunner, data: bytes
) -> None:
    with pytest.raises(InputError) as caught:
        await ask(vision, "What colour is it?", plain(), data)
    assert caught.value.field == "messages[0].images[1]"


@pytest.mark.parametrize(("width", "height"), [(6000, 6000), (20_000, 20_000), (2**31 - 1, 1)])
async def test_a_huge_picture_is_refused_before_it_is_decoded(
    vision: SystemVisionRunner, width: int, height: int
) -> None:
    with pytest.raises(TooLargeError) as caught:
        await ask(vision, "How big is it?", png_header(width, height))
    assert caught.value.field == "messages[0].images[0]"
    assert caught.value.data["limit"] == 25_000_000


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"max_bytes": 1000}, "messages[0].images[0]"),
        ({"max_pixels": 1000}, "messages[0].images[0]"),
        ({"max_images": 1}, "messages[0].images[1]"),
    ],
)
async def test_the_operator_sets_the_limits(limits: dict[str, int], field: str) -> None:
    async with limited(**limits) as runner:
        with pytest.raises(TooLargeError) as caught:
            await ask(runner, "What colour is it?", page(1), page(1))
    assert caught.value.field == field


async def test_fewer_lines_are_read_when_the_operator_says_so() -> None:
    async with limited(max_lines=2) as runner:
        answer = await ask(runner, "Read it", page(5))
        assert answer.text == (
            "It says “Line number 0 of this page” (black on white, top left) "
            "and “Line number 1 of this page” (black on white, top left) (and 3 more lines)."
        )


def about(url: str) -> ChatRequest:
    return ChatRequest((Message("user", (TextPart("What colour?"), ImagePart(url=url))),))


@pytest.mark.parametrize(
    ("fetch_images", "said"), [("off", "fetch_images is off"), ("public", "public server")]
)
async def test_a_picture_inside_the_network_is_not_fetched(fetch_images: str, said: str) -> None:
    async with limited(fetch_images=fetch_images) as vision:
        with pytest.raises(InputError, match=said) as caught:
            async for _ in vision.stream(about("http://127.0.0.1/a.png")):
                pass
        assert caught.value.field == "messages[0].images[0]"


async def test_an_operator_may_have_pictures_fetched_from_inside() -> None:
    async with web(fine(encoded(plain()))) as served, limited(fetch_images="any") as vision:
        answer = await collect(vision.stream(about(served.url())), ChatAnswer)
        assert isinstance(answer, ChatAnswer)
        assert "red" in answer.text
    async with web(fine(bytes(2001))) as served:
        async with limited(fetch_images="any", max_bytes=2000) as vision:
            with pytest.raises(TooLargeError):
                async for _ in vision.stream(about(served.url())):
                    pass


async def test_what_is_left_out_is_said(vision: SystemVisionRunner) -> None:
    parts = (TextPart("What colour?"), ImagePart(encoded(plain())), AudioPart(b"x"))
    request = ChatRequest(
        (Message("system", "Be brief."), Message("user", parts)),
        temperature=0.5,
        max_tokens=10,
        n=2,
        logprobs=True,
        tools=(Tool("weather"),),
        response_format=ResponseFormat("json_object"),
    )
    events = [event async for event in vision.stream(request)]
    fields = {event.field for event in events if isinstance(event, Adjusted)}
    assert fields == {
        "temperature", "max_tokens", "n", "logprobs", "tools", "response_format",
        "messages", "messages[1].content[2]",
    }  # fmt: skip
    kinds = [type(event) for event in events]
    assert kinds.index(TextDelta) > max(i for i, kind in enumerate(kinds) if kind is Adjusted)


async def test_a_stop_text_ends_the_answer(vision: SystemVisionRunner) -> None:
    answer = await ask(vision, "What colour? What size?", plain(), stop=(" It is", "zzz"))
    assert answer.text == "The main colour is red (100 %)."
    assert answer.adjustments == ()


@pytest.mark.parametrize(("detail", "count"), [("high", "3 lines"), ("low", "")])
async def test_little_detail_looks_at_a_smaller_copy(
    vision: SystemVisionRunner, detail: Literal["high", "low"], count: str
) -> None:
    part = ImagePart(encoded(page(3, size=7)), detail=detail)
    request = ChatRequest((Message("user", (TextPart("Is there any text?"), part)),))
    answer = await collect(vision.stream(request))
    assert isinstance(answer, ChatAnswer)
    assert ("3 lines" in answer.text) is bool(count)
