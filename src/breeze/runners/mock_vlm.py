"""`mock_vlm`: talks about a picture from what its file header says, without looking at it."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, Literal, NamedTuple

from breeze.contracts.capability import Priority, RunnerKind
from breeze.contracts.errors import InputError
from breeze.contracts.events import ChatEvent
from breeze.contracts.fields import number
from breeze.contracts.messages import ImagePart
from breeze.contracts.requests import ChatRequest
from breeze.contracts.runner import runner
from breeze.runners._mock import MockParameters, MockRunner
from breeze.runners._mock_chat import adjustments, deliver


class MockVLMParameters(MockParameters):
    """What mock_vlm can be told."""

    confidence: float = number(
        0.8,
        "Middle of the confidence it reports; each answer is up to 0.05 away",
        low=0.6,
        high=0.95,
        step=0.05,
        precision=2,
        category="Content",
        per_request=True,
    )


class Header(NamedTuple):
    """What the first bytes of a picture say. 0 pixels: they do not say."""

    format: str
    width: int = 0
    height: int = 0


@runner(
    "mock_vlm",
    vendor="Breeze",
    kind=RunnerKind.MOCK,
    priority=Priority.LOW,
    default_model="mock-vlm-v1",
    concurrency=64,
)
class MockVLMRunner(MockRunner[MockVLMParameters]):
    """Answers questions about pictures by rule, from format and size alone, and says so."""

    vision: ClassVar[bool | Literal["only"]] = "only"

    async def chat(self, request: ChatRequest) -> AsyncGenerator[ChatEvent]:
        model = self.model_for(request)
        p = self.parameters_for(request)
        with self.work.stream() as work:
            images = _images(request)
            for note in adjustments(request, seen=(ImagePart,)):
                yield note
            dice = await self.begin(request, p)
            question = " ".join(request.messages[-1].text.split())
            last, header = images[-1]
            facts = {
                "model_name": model,
                "confidence": _confidence(p.confidence, dice),
                "analysis_mode": "qa" if question else "description",
                "image_format": header.format,
                "image_size_bytes": len(last.data),
            }
            texts = [_say(question, images, i, request.n) for i in range(request.n)]
            async with aclosing(deliver(work, request, p, texts, **facts)) as events:
                async for event in events:
                    yield event


def _confidence(middle: float, dice: random.Random) -> float:
    return round(min(1.0, middle + dice.uniform(-0.05, 0.05)), 3)


def _say(question: str, images: list[tuple[ImagePart, Header]], number: int, of: int) -> str:
    seen = " and ".join(_describe(part, header) for part, header in images)
    said = f"This is a mock answer; nobody looked at the picture. By its bytes, it is {seen}."
    if question:
        said += f" You asked: “{question}”. A mock cannot tell; ask a runner with a model."
    return f"{said} (Answer {number + 1} of {of}.)" if of > 1 else said


def _describe(part: ImagePart, header: Header) -> str:
    size = f"{header.width} by {header.height} pixels, " if header.width else ""
    return f"a {header.format} file, {size}{len(part.data)} bytes"


def _images(request: ChatRequest) -> list[tuple[ImagePart, Header]]:
    """Every picture of the request with its header. Raises InputError for what is none."""
    found = []
    for i, message in enumerate(request.messages):
        for j, image in enumerate(message.images):
            field = f"messages[{i}].images[{j}]"
            if not image.data:
                raise InputError("A mock fetches no URL: send the picture's bytes.", field=field)
            header = read_header(image.data)
            if header is None:
                raise InputError(
                    "These bytes are no picture: send PNG, JPEG, GIF, BMP or WebP.", field=field
                )
            found.append((image, header))
    return found


def read_header(data: bytes) -> Header | None:
    """Format and size from the first bytes of a picture; None when it is none, or cut off."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) > 32:
        return Header("PNG", int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) > 10:
        return Header("GIF", _little(data, 6, 2), _little(data, 8, 2))
    if data.startswith(b"BM") and len(data) > 26:
        return Header("BMP", _little(data, 18, 4), abs(_little(data, 22, 4)))
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Header("WebP")
    return None


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little", signed=size == 4)


def _jpeg(data: bytes) -> Header | None:
    """A JPEG's size stands in its frame header, which is found from marker to marker."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if 0xC0 <= data[at + 1] <= 0xCF and data[at + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return Header("JPEG", int.from_bytes(width, "big"), int.from_bytes(height, "big"))
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
