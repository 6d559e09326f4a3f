"""`mock_vlm`: format and size of a picture, and nothing invented beyond them."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import CapabilityError, InputError
from breeze.contracts.messages import ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners.mock_vlm import Header, MockVLMParameters, MockVLMRunner, read_header
from breeze.testing.media import png
from breeze.testing.samples import seeing
from breeze.testing.stream import checked

JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"JF"
    b"\xff\xc0" + struct.pack(">HBHH", 11, 8, 480, 640) + b"\x01\x01\x11\x00\xff\xd9"
)


async def ask(request: ChatRequest, **parameters: Any) -> ChatAnswer:
    runner = MockVLMRunner(MockVLMParameters.of(parameters))
    await runner.load("")
    answer = await collect(checked(runner.stream(request), "chat"), ChatAnswer)
    assert isinstance(answer, ChatAnswer)
    return answer


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (png(33, 7), Header("PNG", 33, 7)),
        (b"GIF89a" + struct.pack("<HH", 5, 6) + b"\0;", Header("GIF", 5, 6)),
        (b"BM" + bytes(16) + struct.pack("<ii", 9, -8) + b"\0", Header("BMP", 9, 8)),
        (JPEG, Header("JPEG", 640, 480)),
        (b"RIFF\0\0\0\0WEBPVP8 ", Header("WebP")),
        (b"\xff\xd8\xff\xe0", None),
        (png(33, 7)[:20], None),
        (b"GIF89a", None),
        (b"", None),
    ],
)
def test_the_header_tells_format_and_size(data: bytes, header: Header | None) -> None:
    assert read_header(data) == header


async def test_a_question_gets_an_answer_that_admits_not_to_look() -> None:
    answer = await ask(seeing("What colour is the sea?", png(64, 48)))
    assert "PNG file, 64 by 48 pixels" in answer.text
    assert "What colour is the sea?" in answer.text
    assert "mock" in answer.text
    assert answer.metadata is not None
    assert answer.metadata["analysis_mode"] == "qa"
    assert answer.metadata["image_format"] == "PNG"
    assert answer.metadata["image_size_bytes"] == len(png(64, 48))


async def test_a_picture_alone_is_described() -> None:
    answer = await ask(ChatRequest((Message("user", (ImagePart(png(2, 2)),)),)))
    assert answer.metadata is not None
    assert answer.metadata["analysis_mode"] == "description"
    assert "You asked" not in answer.text


async def test_every_picture_is_named() -> None:
    parts = (TextPart("Compare"), ImagePart(png(2, 2)), ImagePart(JPEG))
    answer = await ask(ChatRequest((Message("user", parts),)))
    assert "2 by 2 pixels" in answer.text
    assert "640 by 480 pixels" in answer.text


@pytest.mark.parametrize("middle", [0.6, 0.95])
async def test_confidence_is_near_its_parameter(middle: float) -> None:
    answer = await ask(seeing("?", png(1, 1)), confidence=middle)
    assert answer.metadata is not None
    assert abs(answer.metadata["confidence"] - middle) <= 0.051


async def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        await ask(seeing("What is this?", b"no picture"))
    assert caught.value.field == "messages[0].images[0]"


async def test_it_fetches_nothing() -> None:
    part = ImagePart(url="http://example.com/x.png")
    with pytest.raises(InputError, match="send the picture"):
        await ask(ChatRequest((Message("user", (part,)),)))


async def test_text_alone_is_not_its_work() -> None:
    with pytest.raises(CapabilityError):
        await ask(ChatRequest.of("Hello"))


async def test_length_and_count_are_kept() -> None:
    answer = await ask(seeing("?", png(1, 1), n=2, max_tokens=4))
    assert [choice.text for choice in answer.choices] == ["This is a mock"] * 2
    assert answer.finish_reason == "length"
