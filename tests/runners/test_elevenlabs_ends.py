"""Sound of ElevenLabs that ends before its text does is noticed, and no other is refused."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from breeze.contracts.answers import Speech
from breeze.contracts.errors import ProcessingError
from breeze.contracts.events import AudioChunk
from breeze.testing.standins._elevenlabs_sound import sound
from breeze.testing.standins.elevenlabs import ElevenLabsStandin
from tests.runners.elevenlabs_asking import TEXT, VOICE, events, running, saying, spoken
from tests.runners.standin import Exchange, StandIn

EACH = 480 * 2
"""Bytes of a letter's sound, 20 ms of pcm_24000."""
Line = tuple[int, str | None]
"""Bytes of sound, and the characters that it came with."""


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsStandin]:
    async with ElevenLabsStandin.serving() as vendor:
        yield vendor


def line(size: int, said: str | None, begin: float = 0.0, **more: Any) -> bytes:
    """A line with that much sound, and characters of 20 ms each if there are any."""
    times = [begin + i * 0.02 for i in range(len(said or ""))]
    alignment = None if said is None else {
        "characters": list(said),
        "character_start_times_seconds": times,
        "character_end_times_seconds": [at + 0.02 for at in times],
    }  # fmt: skip
    packed = base64.b64encode(bytes(size)).decode()
    return msgspec.json.encode({"audio_base64": packed, "alignment": alignment} | more) + b"\n"


async def said(
    text: str, lines: Sequence[bytes], kind: str = "application/json", **params: Any
) -> Speech:
    """What comes of these lines, as the answer to `text`."""

    async def answer(exchange: Exchange) -> None:
        await exchange.stream(content_type=kind)
        await exchange.chunk(*lines)
        await exchange.end()

    async with StandIn.serving(answer) as server:
        vendor = ElevenLabsStandin(key="k")
        vendor.url = server.url
        async with running(vendor) as runner:
            return await spoken(runner, saying(text, format="pcm", params=params))


@pytest.mark.parametrize("form", ["pcm", "wav", "mp3", "opus", "flac"])
@pytest.mark.parametrize("whole", [False, True])
async def test_an_end_that_comes_too_soon_is_noticed_without_being_asked(
    vendor: ElevenLabsStandin, form: str, whole: bool
) -> None:
    """In good order: the last chunk of a chunked answer, and a length that is right."""
    async with running(vendor) as runner:
        for fault in ("early-end", "length-short"):
            vendor.fault(fault)
            with pytest.raises(ProcessingError) as broken:
                await spoken(runner, saying(format=form, whole=whole))
            assert broken.value.retryable
            if fault == "early-end" and not whole:
                assert broken.value.detail == "cut"
        found = await spoken(runner, saying(format=form, whole=whole))
    assert (found.metadata or {})["end_verified"] is True


async def test_words_are_not_told_unasked(vendor: ElevenLabsStandin) -> None:
    async with running(vendor) as runner:
        found = await events(runner, saying(format="mp3"))
    chunks = [event for event in found if isinstance(event, AudioChunk)]
    assert len(chunks) > 1
    assert all(chunk.words == () for chunk in chunks)


@pytest.mark.parametrize("whole", [False, True])
async def test_plain_sound_can_be_had_and_its_end_is_not_verified(
    vendor: ElevenLabsStandin, whole: bool
) -> None:
    plain = {"verify_end": False}
    async with running(vendor) as runner:
        found = await spoken(runner, saying(format="pcm", whole=whole, params=plain))
        with_words = plain | {"timestamps": True}
        timed = await spoken(runner, saying(format="pcm", whole=whole, params=with_words))
    assert found.audio == timed.audio == sound(TEXT, "pcm_24000")
    assert (found.metadata or {})["end_verified"] is False
    assert (timed.metadata or {})["end_verified"] is True
    route = f"/v1/text-to-speech/{VOICE}" + ("" if whole else "/stream")
    assert [call.path for call in vendor.calls] == [route, f"{route}/with-timestamps"]


async def test_half_a_sample_is_a_cut() -> None:
    with pytest.raises(ProcessingError, match="amid a sample") as broken:
        await said("Hi", [line(2 * EACH + 1, "Hi")])
    assert broken.value.detail == "cut"
    with pytest.raises(ProcessingError, match="amid a sample") as broken:
        await said("Hi", [bytes(2 * EACH + 1)], "audio/pcm", verify_end=False)
    assert broken.value.detail == "cut"


GOOD: dict[str, tuple[str, list[Line]]] = {
    "no mark at the end": ("One two!", [(7, "One two")]),
    "other spaces": ("One\n\n two ", [(7, "One two")]),
    "other letters of the same": ("\uff2fne Two", [(7, "one two")]),
    "a tag that is spoken by none": ('One <break time="1.0s"/> two [laughs]', [(7, "One two")]),
    "a tag among the characters": ("One [whispers] two", [(9, "One [whis"), (9, "pers] two")]),
    "numbers written out": ("I have 5 dogs", [(15, "I have five"), (5, " do")]),
    "no characters at all": ("One two", [(7, None)]),
    "characters at first only": ("One two", [(4, "One "), (3, None)]),
    "nothing but sound at the end": ("One two", [(7, "One two"), (9, None)]),
    "characters after sound": ("One two", [(7, None), (0, "One two")]),
    "a line of nothing": ("One two", [(7, "One two"), (0, None)]),
    "no letters": ("?!", [(2, "?")]),
    "an empty list": ("One two", [(7, "")]),
}


@pytest.mark.parametrize("name", GOOD)
async def test_good_sound_is_not_refused(name: str) -> None:
    text, lines = GOOD[name]
    found = await said(text, [line(size * EACH, characters) for size, characters in lines])
    assert len(found.audio) == sum(size for size, _ in lines) * EACH


CUT: dict[str, tuple[str, list[Line]]] = {
    "amid the last word": ("One two.", [(6, "One tw")]),
    "before the last digit": ("Gate 12", [(6, "Gate 1")]),
    "within a tag": ("One [laughs] two", [(6, "One [la")]),
    "after a tag": ("One <break/> two", [(9, "One <break/>")]),
    "with a bracket that is no tag": ("a[0 one two", [(7, "a[0 one")]),
    "sound too short for what is left": ("One " + "two " * 50, [(4, "One "), (1, None)]),
    "sound without times too short for all": ("two " * 50, [(1, None)]),
    "nothing of it": ("One two", [(3, " ")]),
}


@pytest.mark.parametrize("name", CUT)
async def test_short_sound_is_cut(name: str) -> None:
    text, lines = CUT[name]
    with pytest.raises(ProcessingError, match="before all of the text was spoken") as broken:
        await said(text, [line(size * EACH, characters) for size, characters in lines])
    assert broken.value.detail == "cut"


async def test_times_may_be_told_before_their_sound() -> None:
    text = "word " * 20
    before = line(EACH, text)
    assert (await said(text, [before, line(99 * EACH, None)])).audio
    with pytest.raises(ProcessingError, match="before all of the text was spoken"):
        await said(text, [before, line(9 * EACH, None)])


async def test_times_that_jump_back_a_little_refuse_nothing() -> None:
    """Pieces overlap by a moment: that makes no time pass twice."""
    lines = [line(50 * EACH, "a" * 50, begin=at * 0.98) for at in range(4)]
    assert (await said("a" * 200, lines)).audio


async def test_normalised_characters_stand_in_for_those_of_the_text() -> None:
    alignment = msgspec.json.decode(line(0, "One two"))["alignment"]
    only = line(7 * EACH, None, normalized_alignment=alignment)
    assert ((await said("One two", [only])).metadata or {})["end_verified"] is True
    assert ((await said("One 2", [only])).metadata or {})["end_verified"] is False


@pytest.mark.parametrize(
    "odd",
    [
        7,
        [],
        {"characters": None},
        {"characters": ["O"], "character_start_times_seconds": [None]},
        {"characters": ["O"]},
    ],
)
async def test_times_that_cannot_be_read_are_none(odd: Any) -> None:
    """The sound is paid for: what comes beside it does not spoil it."""
    found = await said("One two", [line(7 * EACH, None, alignment=odd)])
    assert len(found.audio) == 7 * EACH


async def test_characters_without_end_are_not_kept() -> None:
    many = line(EACH, "x").replace(b'"x"', b'"%b"' % (b"x" * 1000))
    found = await said("One two", [many] * 50)
    assert (found.metadata or {})["end_verified"] is False
