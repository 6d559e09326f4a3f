"""`system`: speech and reading by programs of this machine, found on the PATH."""

from __future__ import annotations

import asyncio
import shutil
import time
from array import array
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.answers import ChatAnswer, Speech
from breeze.contracts.capability import Capability
from breeze.contracts.errors import (
    InputError,
    NotFoundError,
    NotLoadedError,
    SynthesisError,
    TooLargeError,
)
from breeze.contracts.events import Adjusted, AudioChunk, Finish, TextDelta
from breeze.contracts.messages import ContentPart, ImagePart, Message, TextPart
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.runners.system import SystemParameters, SystemRunner
from breeze.testing.media import png
from tests.runners.pictures import encoded, page
from tests.runners.programs import TONE, program
from tests.runners.programs import path as path  # a fixture
from tests.runners.vendor import ready
from tests.runners.whole import whole

HANGS = """
import sys, time, struct
if "--voices" in sys.argv:
    print("Pty Language Age/Gender VoiceName File")
    print(" 5  en-us --/M English gmw/en-US")
    sys.exit()
head = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000,
    32000, 2, 16) + b"data" + struct.pack("<I", 0x7FFFF000)
sys.stdout.buffer.write(head + bytes(6400))
sys.stdout.flush()
time.sleep(600)
"""
FAILS = HANGS.replace("time.sleep(600)", 'sys.exit("no such sound card")')
speaks = pytest.mark.skipif(
    not (shutil.which("espeak-ng") or shutil.which("flite")),
    reason="no speech program here (apt install espeak-ng)",
)
reads = pytest.mark.skipif(
    not shutil.which("tesseract"), reason="no reading program here (apt install tesseract-ocr)"
)


def system(**parameters: Any) -> SystemRunner:
    return SystemRunner(SystemParameters.of(parameters))


def asked(path: Path) -> list[Any]:
    import json

    return [json.loads(line) for line in (path / "asked").read_text().splitlines()]


def seen(*pictures: bytes, text: str = "What does it say?", **fields: Any) -> ChatRequest:
    parts: tuple[ContentPart, ...] = (TextPart(text), *(ImagePart(data) for data in pictures))
    return ChatRequest((Message("user", parts),), **fields)


@speaks
async def test_the_first_sound_comes_before_the_last_sentence_is_spoken() -> None:
    story = "The quick brown fox jumps over the lazy dog. " * 200
    async with ready(system()) as runner:
        events = runner.stream(SpeakRequest(story))
        first = await anext(events)
        await events.aclose()

    assert isinstance(first, AudioChunk)
    assert first.data.startswith(b"RIFF")
    assert first.metadata is not None
    assert first.metadata["synthesis_progress"] < 1
    assert runner.work.active == 0


@speaks
@pytest.mark.parametrize("name", ["espeak-ng", "flite"])
async def test_each_program_speaks_faster_when_asked(name: str) -> None:
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed here")
    request = SpeakRequest("One two three four five six seven.", format="pcm")
    async with ready(system(speech_program=name)) as runner:
        usual = await whole(runner, request, Speech)
        fast = await whole(runner, SpeakRequest(request.text, speed=2.0), Speech)

    assert max(array("h", usual.audio)) > 1_000
    assert fast.duration < 0.7 * usual.duration


async def test_sentences_are_given_to_the_program_one_by_one(path: Path) -> None:
    program(path, "espeak-ng", TONE)
    async with ready(system()) as runner:
        request = SpeakRequest("Hello there! How are you?\nFine \x01\x1b thanks.", format="pcm")
        answer = await whole(runner, request, Speech)

    said = asked(path)
    assert [text for _, text in said] == ["Hello there!", "How are you?", "Fine thanks."]
    assert all(args == ["--stdin", "--stdout", "-v", "en-us", "-s", "175"] for args, _ in said)
    assert len(answer.audio) == 320 * sum(len(text) for _, text in said)
    assert answer.sample_rate == 16_000


async def test_a_program_that_writes_files_is_used_as_well(path: Path) -> None:
    program(path, "say", TONE)
    async with ready(system()) as runner:
        request = SpeakRequest("Guten Tag", language="de-DE", speed=2, format="pcm")
        answer = await whole(runner, request, Speech)

    ((arguments, text),) = asked(path)
    assert arguments[:4] == ["-v", "Anna (Enhanced)", "-r", "350"]
    assert text == "Guten Tag"
    assert len(answer.audio) == 320 * len(text)
    assert not Path(arguments[arguments.index("-o") + 1]).exists()


async def test_an_unknown_voice_and_an_unknown_language_are_refused(path: Path) -> None:
    program(path, "espeak-ng", TONE)
    async with ready(system()) as runner:
        with pytest.raises(NotFoundError, match="choose from"):
            await whole(runner, SpeakRequest("Hi", voice="nobody"), Speech)
        with pytest.raises(InputError, match="No voice"):
            await whole(runner, SpeakRequest("Hi", language="xx"), Speech)
        events = [e async for e in runner.stream(SpeakRequest("Hi", language="de-AT"))]

    assert isinstance(events[0], Adjusted)
    assert (events[0].field, events[0].used) == ("language", "de")


async def test_closing_kills_a_program_that_hangs(path: Path) -> None:
    program(path, "espeak-ng", HANGS)
    async with ready(system()) as runner:
        events = runner.stream(SpeakRequest("Hello", format="pcm"))
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        start = time.perf_counter()
        waiting.cancel()
        await asyncio.wait([waiting])
        await events.aclose()

    assert time.perf_counter() - start < 0.2
    assert runner.work.active == 0


async def test_what_a_failing_program_says_is_told(path: Path) -> None:
    program(path, "espeak-ng", FAILS)
    async with ready(system()) as runner:
        with pytest.raises(SynthesisError, match="no such sound card"):
            await whole(runner, SpeakRequest("Hello"), Speech)


async def test_it_does_what_is_on_the_path_and_says_how_to_get_it(path: Path) -> None:
    nothing = system()
    assert "apt install espeak-ng tesseract-ocr" in (nothing.check() or "")
    with pytest.raises(NotLoadedError, match="PATH"):
        await nothing.load("")

    program(path, "tesseract", "")
    assert SystemRunner.capabilities_of(nothing.parameters) == (Capability.VLM,)
    assert nothing.check() is None
    program(path, "say", TONE)
    assert set(SystemRunner.capabilities_of(nothing.parameters)) == {
        Capability.VLM,
        Capability.TTS,
    }


@reads
async def test_it_says_what_is_written_and_that_it_only_reads() -> None:
    async with ready(system()) as runner:
        request = seen(encoded(page(3)), text="What is the mood?", max_tokens=20)
        events = [e async for e in runner.stream(request)]

    text = "".join(e.text for e in events if isinstance(e, TextDelta))
    assert text.startswith("I can only read what is written in a picture. This one says:\n")
    assert "Line number 0 of this page\nLine number 1 of this page" in text
    assert [e.field for e in events if isinstance(e, Adjusted)] == ["max_tokens"]
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert finish.metadata is not None
    first = finish.metadata["detected_objects"][0]
    assert first["text"] == "Line number 0 of this page"
    assert first["region"]["x"] == pytest.approx(62, abs=6)
    assert [word["text"] for word in first["words"]] == first["text"].split()
    assert finish.metadata["confidence"] > 0.8


@reads
async def test_a_picture_without_text_is_told_apart() -> None:
    async with ready(system()) as runner:
        answer = await whole(runner, seen(png(64, 48), encoded(page(1))), ChatAnswer)

    assert "I found no text in picture 1." in answer.text
    assert "Picture 2 says:\nLine number 0" in answer.text


@reads
async def test_broken_and_large_pictures_and_missing_languages_are_refused() -> None:
    complete = encoded(page(1))
    async with ready(system(max_pixels=100_000)) as runner:
        with pytest.raises(TooLargeError, match="1080000 pixels"):
            await whole(runner, seen(complete), ChatAnswer)
    async with ready(system()) as runner:
        for broken in (b"nothing", complete[:2000]):
            with pytest.raises(InputError, match=r"images\[0\]"):
                await whole(runner, seen(broken), ChatAnswer)
        request = seen(complete, params={"reading_languages": "xyz"})
        with pytest.raises(NotFoundError, match="tesseract-ocr-xyz"):
            await whole(runner, request, ChatAnswer)
