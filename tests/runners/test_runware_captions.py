"""Captions: a chat about a picture, with all that a caption does not take said aloud."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from breeze.contracts.answers import ChatAnswer
from breeze.contracts.errors import InputError, RateLimitError
from breeze.contracts.messages import AudioPart, FilePart, ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest
from breeze.contracts.results import collect
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners.runware import RunwareRunner
from breeze.testing.conformance import check_runner
from breeze.testing.media import png
from breeze.testing.samples import Samples
from breeze.testing.standins.runware import PRICE, RunwareStandin
from breeze.testing.stream import checked
from tests.runners.runware_bench import KEY, Hasty, running, sent
from tests.runners.runware_samples import SAMPLES


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


def about(data: bytes, text: str = "What is it?", **fields: object) -> ChatRequest:
    parts = (TextPart(text), ImagePart(data))
    return ChatRequest((Message("user", parts),), **fields)  # type: ignore[arg-type]


async def said(runner: RunwareRunner, request: ChatRequest) -> ChatAnswer:
    found = await collect(checked(runner.chat(request), "chat"))
    assert isinstance(found, ChatAnswer)
    return found


async def test_a_picture_is_described(vendor: RunwareStandin) -> None:
    data = png(64, 48)
    async with running(vendor) as runner:
        answer = await said(runner, about(data))
    assert answer.text == f"A picture of {len(data)} bytes. You asked: What is it?"
    assert answer.usage is not None
    assert answer.usage.cost == PRICE
    (task,) = sent(vendor, "caption")
    image = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    assert (task["model"], task["inputs"]) == ("runware:152@1", {"image": image})
    assert answer.adjustments == ()


async def test_what_a_caption_does_not_take_is_said(vendor: RunwareStandin) -> None:
    request = about(png(9, 9), temperature=0.2, max_tokens=9, n=2, model="runware:150@2")
    async with running(vendor) as runner:
        answer = await said(runner, request)
    told = {adjusted.field for adjusted in answer.adjustments}
    assert told == {"temperature", "max_tokens", "n", "model"}


async def test_files_and_sounds_are_not_seen_and_that_is_said(vendor: RunwareStandin) -> None:
    parts = (ImagePart(png(9, 9)), FilePart(b"%PDF-1.7"), AudioPart(b"RIFF"))
    async with running(vendor) as runner:
        answer = await said(runner, ChatRequest((Message("user", parts),)))
    assert [(note.field, note.asked) for note in answer.adjustments] == [
        ("messages[0].content[1]", "file"),
        ("messages[0].content[2]", "audio"),
    ]


async def test_another_model_of_captions(vendor: RunwareStandin) -> None:
    params = {"caption_model": "runware:150@2"}
    async with running(vendor) as runner:
        await said(runner, about(png(9, 9), params=params))
    assert sent(vendor, "caption")[0]["model"] == "runware:150@2"


@pytest.mark.parametrize("data", [b"not a picture", b"RIFF\x24\0\0\0WAVEfmt "])
async def test_what_is_no_picture_is_refused(vendor: RunwareStandin, data: bytes) -> None:
    async with running(vendor) as runner:
        with pytest.raises(InputError, match="neither PNG, JPEG nor WebP") as caught:
            await said(runner, about(data))
        assert caught.value.field == "messages[0].images[0]"
    assert vendor.calls == []


async def test_a_refusal_comes_through(vendor: RunwareStandin) -> None:
    vendor.fault("rate-limit")
    async with running(vendor) as runner:
        with pytest.raises(RateLimitError) as caught:
            await said(runner, about(png(9, 9)))
    assert caught.value.retry_after == 2


class HastyRunner(RunwareRunner):
    """Waits for nothing between two polls."""

    def __init__(self, parameters: RunwareParameters) -> None:
        super().__init__(parameters)
        self.clock = Hasty()


@pytest.mark.parametrize("delivery", ["sync", "async"])
async def test_it_passes_the_kit(vendor: RunwareStandin, delivery: str) -> None:
    settings = {
        "base_url": vendor.url, "api_key": KEY, "rate_limit_delay": 0, "delivery": delivery,
    }  # fmt: skip
    report = await check_runner(HastyRunner, settings, samples=Samples(**SAMPLES))
    assert report.ok, report.render()
