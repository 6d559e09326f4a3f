"""How `espeak` speaks: pace, parameters, formats, and what it takes for plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.errors import InputError
from breeze.contracts.requests import SpeakRequest
from breeze.runners._audio import decode
from tests.runners.speaking import (
    chunks,
    duration,
    espeak,
    height,
    liveliness,
    loudness,
    said,
)


async def test_speed_is_honoured_and_said_when_it_cannot_be() -> None:
    text = "A sentence of some length, for the pace to show."
    async with espeak() as runner:
        usual = await said(runner, text)
        fast = await said(runner, text, speed=4.0)
        slow = await said(runner, text, speed=0.25)

    assert fast.adjustments == ()
    assert fast.duration == pytest.approx(usual.duration / 4, rel=0.15)
    (note,) = slow.adjustments
    assert (note.field, note.asked, note.used) == ("speed", 0.25, 0.457)
    assert slow.duration > 1.8 * usual.duration


async def test_instructions_are_not_dropped_silently() -> None:
    async with espeak() as runner:
        speech = await said(runner, "Hello", instructions="Whisper")

    assert [a.field for a in speech.adjustments] == ["instructions"]


@pytest.mark.parametrize(
    ("name", "value", "heard", "low", "high"),
    [
        ("voice", "en-us+f3", height, 1.2, 2.5),
        ("rate", 350, duration, 0.3, 0.6),
        ("pitch", 99, height, 1.3, 3),
        ("range", 0, liveliness, 0, 0.6),
        ("word_gap", 300, duration, 1.3, 3),
        ("volume", 50, loudness, 0.4, 0.6),
        ("punctuation", "all", duration, 1.3, 5),
        ("capitals", "say", duration, 1.3, 5),
        ("capitals", "raise", duration, 1.02, 2),
    ],
)
async def test_every_parameter_is_heard_in_that_request_alone(
    name: str, value: Any, heard: Callable[[Speech], float], low: float, high: float
) -> None:
    text = "Hello, World! Are you Really there, all of you, or is it only Me?"
    async with espeak() as runner:
        before = heard(await said(runner, text))
        changed = heard(await said(runner, text, params={name: value}))
        after = heard(await said(runner, text))
    async with espeak(**{name: value}) as runner:
        configured = heard(await said(runner, text))

    assert low < changed / before < high
    assert low < configured / before < high
    assert not low < after / before < high


async def test_chunks_have_the_length_asked_for() -> None:
    request = SpeakRequest("Good morning", format="pcm", params={"chunk_ms": 200})
    async with espeak() as runner:
        sound = await chunks(runner, request)

    assert {len(chunk.data) for chunk in sound[:-1]} == {22_050 // 5 * 2}


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
async def test_every_format_holds_the_same_speech(form: str) -> None:
    async with espeak() as runner:
        plain = await said(runner, "The same words in every format.", format="pcm")
        speech = await said(runner, "The same words in every format.", format=form)

    assert speech.format == form
    assert [w.offset for w in speech.words] == [w.offset for w in plain.words]
    length = sum(map(len, decode(speech.audio, 16_000, 60))) / 32_000
    assert length == pytest.approx(plain.duration, abs=0.12)


async def test_the_sample_rate_is_as_asked() -> None:
    async with espeak() as runner:
        usual = await said(runner, "Hello there")
        speech = await said(runner, "Hello there", sample_rate=8_000)
        with pytest.raises(InputError, match="opus cannot have 44100 Hz") as caught:
            await said(runner, "Hello there", sample_rate=44_100, format="opus")

    assert speech.sample_rate == 8_000
    assert speech.duration == pytest.approx(usual.duration, abs=0.01)
    assert caught.value.field == "sample_rate"


async def test_a_bitrate_makes_the_sound_larger() -> None:
    async with espeak() as runner:
        small = await said(runner, "Hello there", format="mp3", params={"bitrate": 24})
        large = await said(runner, "Hello there", format="mp3", params={"bitrate": 96})

    assert len(large.audio) > 2 * len(small.audio)


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("\x01Vde loud \x00 and \x1b clear", " Vde loud   and   clear"),
        ("lone \ud800 surrogate", "lone   surrogate"),
        ("\ue000 private \u0530 marks", "  private   marks"),
    ],
)
async def test_characters_that_would_command_the_library_are_blanks(text: str, like: str) -> None:
    async with espeak() as runner:
        odd, plain = await said(runner, text), await said(runner, like)

    assert [w.offset for w in odd.words] == [w.offset for w in plain.words]
    assert odd.duration == pytest.approx(plain.duration, abs=0.02)
    assert height(odd) == pytest.approx(height(plain), rel=0.1)


async def test_markup_is_read_out_and_not_obeyed() -> None:
    async with espeak() as runner:
        speech = await said(runner, "<break time='100s'/> [[h@l'oU]] <voice name='de'>no</voice>")

    assert speech.duration < 30
    assert {"break", "time", "voice"} <= {word.text for word in speech.words}


@pytest.mark.parametrize("text", ["\x01", "...", "\u200b."])
async def test_a_text_with_nothing_to_say_is_a_whole_but_empty_sound(text: str) -> None:
    async with espeak() as runner:
        speech = await said(runner, text)

    assert speech.audio.startswith(b"RIFF")
    assert speech.duration < 0.1
    assert speech.words == ()
