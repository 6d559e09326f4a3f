"""The elevenlabs runner speaks: formats, voices, models, word times, what is sent and counted."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from typing import Any

import pytest

from breeze.contracts.errors import (
    InputError,
    NotFoundError,
    NotLoadedError,
    ProcessingError,
    TooLargeError,
)
from breeze.contracts.events import Adjusted, AudioChunk, Finish
from breeze.contracts.values import Usage
from breeze.runners._audio import decode
from breeze.runners.elevenlabs import ElevenLabsRunner
from breeze.testing.conformance import check_runner
from breeze.testing.standins._elevenlabs_sound import sound
from breeze.testing.standins.elevenlabs import ElevenLabsStandin, voice_id
from tests.runners.elevenlabs_asking import (
    HEARS,
    MODEL,
    TEXT,
    VOICE,
    events,
    made,
    running,
    saying,
    spoken,
)

SECONDS = len(TEXT) * 0.02


@pytest.fixture
async def vendor() -> AsyncIterator[ElevenLabsStandin]:
    async with ElevenLabsStandin.serving() as vendor:
        yield vendor


@pytest.fixture
async def runner(vendor: ElevenLabsStandin) -> AsyncIterator[ElevenLabsRunner]:
    async with running(vendor) as runner:
        yield runner


async def test_it_passes_the_kit(vendor: ElevenLabsStandin) -> None:
    settings = {"base_url": vendor.url, "api_key": vendor.key, "transcription_model": HEARS}
    report = await check_runner(ElevenLabsRunner, settings)
    assert report.ok, report.render()


async def test_sound_comes_in_pieces_and_adds_up(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    found = await events(runner, saying(format="pcm"))
    chunks = [event for event in found if isinstance(event, AudioChunk)]
    assert len(chunks) > 1
    assert b"".join(chunk.data for chunk in chunks) == sound(TEXT, "pcm_24000")
    assert found[-2:] == [
        Usage(characters=len(TEXT), audio_seconds=SECONDS),
        Finish(
            metadata={
                "audio_duration_ms": round(SECONDS * 1000),
                "voice_used": VOICE,
                "text_characters_processed": len(TEXT),
                "synthesis_progress": 100.0,
                "end_verified": True,
                "sample_rate": 24_000,
                "audio_format": "pcm",
                "audio_size_bytes": round(SECONDS * 48_000),
            }
        ),
    ]
    (call,) = vendor.calls
    path = f"/v1/text-to-speech/{VOICE}/stream/with-timestamps"
    assert call.target == f"{path}?output_format=pcm_24000"
    assert call.json == {"text": TEXT}
    assert call.headers["xi-api-key"] == vendor.key


@pytest.mark.parametrize("whole", [False, True])
async def test_a_wav_has_a_right_header(runner: ElevenLabsRunner, whole: bool) -> None:
    found = await spoken(runner, saying(whole=whole))
    with wave.open(io.BytesIO(found.audio)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(file.getnframes()) == sound(TEXT, "pcm_24000")
    assert found.duration == pytest.approx(SECONDS)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("form", "rate", "wire", "used"),
    [
        ("mp3", None, "mp3_44100_128", 44_100),
        ("mp3", 22_050, "mp3_22050_32", 22_050),
        ("mp3", 24_000, "mp3_24000_48", 24_000),
        ("opus", None, "opus_48000_128", 48_000),
        ("pcm", 44_100, "pcm_44100", 44_100),
        ("wav", 8_000, "pcm_8000", 8_000),
        ("wav", 12_000, "pcm_16000", 12_000),
        ("pcm", 96_000, "pcm_48000", 96_000),
        ("aac", None, "pcm_24000", 24_000),
        ("flac", 16_000, "pcm_16000", 16_000),
    ],
)
async def test_every_format_can_be_played(
    vendor: ElevenLabsStandin,
    runner: ElevenLabsRunner,
    form: str,
    rate: int | None,
    wire: str,
    used: int,
    whole: bool,
) -> None:
    """What the vendor does not stream is made here from its PCM."""
    found = await spoken(runner, saying(format=form, sample_rate=rate, whole=whole))
    assert vendor.calls[0].query["output_format"] == [wire]
    assert (found.format, found.sample_rate, found.adjustments) == (form, used, ())
    if form == "pcm":
        assert len(found.audio) == pytest.approx(SECONDS * used * 2, rel=0.01)
    else:
        played = b"".join(decode(found.audio, 8_000, 60))
        assert len(played) / 16_000 == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"format": "mp3", "sample_rate": 16_000}, [("sample_rate", 16_000, 44_100)]),
        ({"format": "opus", "sample_rate": 24_000}, [("sample_rate", 24_000, 48_000)]),
        ({"speed": 2.0}, [("speed", 2.0, 1.2)]),
        ({"speed": 0.5}, [("speed", 0.5, 0.7)]),
        ({"instructions": "Whisper."}, [("instructions", "Whisper.", "")]),
        ({"params": {"output_format": "ulaw_8000"}, "sample_rate": 16_000},
         [("format", "wav", "ulaw"), ("sample_rate", 16_000, 8_000)]),
        ({"params": {"output_format": "mp3_22050_32"}, "format": "mp3"}, []),
    ],
)  # fmt: skip
async def test_what_cannot_be_honoured_is_told(
    runner: ElevenLabsRunner, fields: dict[str, Any], told: list[tuple[str, Any, Any]]
) -> None:
    found = await events(runner, saying(**fields))
    notes = [event for event in found if isinstance(event, Adjusted)]
    assert [(note.field, note.asked, note.used) for note in notes] == told
    assert found[: len(notes)] == notes


async def test_telephones_get_their_own(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    found = await spoken(runner, saying(params={"output_format": "ulaw_8000"}))
    assert (found.format, found.sample_rate) == ("ulaw", 8_000)
    assert len(found.audio) == round(SECONDS * 8_000)
    found = await spoken(runner, saying(params={"output_format": "pcm_8000"}))
    assert (found.format, found.sample_rate, found.audio[:4]) == ("wav", 8_000, b"RIFF")


async def test_every_setting_travels(vendor: ElevenLabsStandin) -> None:
    values = {
        "stability": 0.1, "similarity_boost": 0.2, "style": 0.3, "speaker_boost": "off", "seed": 4,
        "normalization": "off", "previous_text": "Before.", "next_text": "After.",
        "pronunciation": "d1:v1, d2", "bitrate": "64", "keep_logs": False,
    }  # fmt: skip
    request = saying(model=MODEL, speed=1.1, language="de-AT", format="mp3")
    async with running(vendor, **values) as runner:
        await spoken(runner, request)
    (call,) = vendor.calls
    assert call.query == {"output_format": ["mp3_44100_64"], "enable_logging": ["false"]}
    assert call.json == {
        "text": TEXT,
        "model_id": MODEL,
        "language_code": "de",
        "voice_settings": {
            "stability": 0.1, "similarity_boost": 0.2, "style": 0.3, "use_speaker_boost": False,
            "speed": 1.1,
        },
        "seed": 4,
        "previous_text": "Before.",
        "next_text": "After.",
        "pronunciation_dictionary_locators": [
            {"pronunciation_dictionary_id": "d1", "version_id": "v1"},
            {"pronunciation_dictionary_id": "d2"},
        ],
        "apply_text_normalization": "off",
    }  # fmt: skip


@pytest.mark.parametrize("wire", ["mp3_44100_128", "pcm_16000", "ulaw_8000", "opus_48000_64"])
async def test_how_long_it_is_follows_from_the_bytes(runner: ElevenLabsRunner, wire: str) -> None:
    """Opus varies: there only the times of characters tell."""
    params: dict[str, Any] = {"output_format": wire, "verify_end": False}
    used = (await spoken(runner, saying(params=params))).usage
    assert used is not None
    assert used.audio_seconds == pytest.approx(0.0 if "opus" in wire else SECONDS, abs=0.03)
    used = (await spoken(runner, saying(params=params | {"verify_end": True}))).usage
    assert used is not None
    assert used.audio_seconds == pytest.approx(SECONDS, abs=0.1)


async def test_it_costs_what_the_vendor_says(runner: ElevenLabsRunner) -> None:
    """The cheaper model counts half of the characters."""
    assert (await spoken(runner, saying(model=MODEL))).usage == Usage(
        characters=len(TEXT) // 2, audio_seconds=SECONDS
    )


# Word times


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("form", ["wav", "mp3"])
async def test_words_are_told_with_their_times(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, form: str, whole: bool
) -> None:
    """The lines of the stream are cut where no word ends."""
    found = await spoken(runner, saying(format=form, whole=whole, params={"timestamps": True}))
    said: list[Any] = [(word.text, word.start, word.end, word.offset) for word in found.words]
    assert said == [
        ("Good", pytest.approx(0.0), pytest.approx(0.08), 0),
        ("morning,", pytest.approx(0.1), pytest.approx(0.26), 5),
        ("dear", pytest.approx(0.28), pytest.approx(0.36), 14),
        ("parrot.", pytest.approx(0.38), pytest.approx(0.52), 19),
    ]
    if form == "wav":
        assert found.audio[44:] == sound(TEXT, "pcm_24000")
    assert found.usage is not None
    assert found.usage.audio_seconds == pytest.approx(SECONDS, abs=0.1)
    route = "with-timestamps" if whole else "stream/with-timestamps"
    assert vendor.calls[0].path == f"/v1/text-to-speech/{VOICE}/{route}"


async def test_times_may_count_from_each_piece(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.fault("times-from-zero")
    found = await spoken(runner, saying(params={"timestamps": True}))
    assert [word.text for word in found.words] == TEXT.split()
    assert found.words[-1].end == pytest.approx(SECONDS)


async def test_sound_may_come_without_times(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.fault("times-missing", on="POST")
    found = await spoken(runner, saying(params={"timestamps": True}))
    assert found.audio[44:] == sound(TEXT, "pcm_24000")
    assert [word.text for word in found.words] == TEXT.split()


@pytest.mark.parametrize("fault", ["early-end", "early-close", "stream-cut", "malformed"])
async def test_with_times_every_end_that_comes_too_soon_is_noticed(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner, fault: str
) -> None:
    vendor.fault(fault)
    with pytest.raises(ProcessingError) as broken:
        await spoken(runner, saying(params={"timestamps": True}))
    assert broken.value.retryable


# Voices and models


async def test_voices_are_listed_over_all_pages(vendor: ElevenLabsStandin) -> None:
    vendor.page = 50
    voices = await made(base_url=vendor.url, api_key=vendor.key).voices()
    assert [voice.key for voice in voices] == [voice_id(number) for number in range(120)]
    assert (voices[1].label, voices[1].description) == ("Bea - calm and warm", "british, female")
    asked = [call.query.get("next_page_token") for call in vendor.calls]
    assert asked == [None, ["50"], ["100"]]
    assert vendor.connections == 1


async def test_pages_without_end_are_not_read_for_ever(vendor: ElevenLabsStandin) -> None:
    vendor.fault("endless-pages", times=None)
    voices = await made(base_url=vendor.url, api_key=vendor.key).voices()
    assert len(voices) == 100
    assert len(vendor.calls) == 100


@pytest.mark.parametrize(
    ("asked", "usual", "used"),
    [
        ("", "", 0),
        ("", "Cyr", 2),
        ("cyr", "", 2),
        ("Bea", "", 1),
        ("Bea - calm and warm", "", 1),
        (voice_id(119), "", 119),
    ],
)
async def test_a_voice_is_found_by_its_name(
    vendor: ElevenLabsStandin, asked: str, usual: str, used: int
) -> None:
    async with running(vendor, voice=usual) as runner:
        for _ in range(2):
            found = await spoken(runner, saying(voice=asked))
            assert found.metadata is not None
            assert found.metadata["voice_used"] == voice_id(used)
    pages = sum(call.path == "/v2/voices" for call in vendor.calls)
    assert pages == (0 if len(asked) == 20 else 2)  # two pages, and read once


async def test_a_voice_that_is_not_there(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    with pytest.raises(NotFoundError, match="Voice 3") as missing:
        await spoken(runner, saying(voice="voce 3"))
    assert missing.value.field == "voice"
    with pytest.raises(NotFoundError, match="--list-voices") as missing:
        await spoken(runner, saying(voice="A" * 20))
    assert missing.value.field == "voice"


async def test_models_are_listed_with_their_limits(vendor: ElevenLabsStandin) -> None:
    async with running(vendor, transcription_model=HEARS) as runner:
        flash, usual, hears = await runner.models()
    assert (flash.id, flash.metadata) == (
        MODEL, {"max_characters": 40_000, "character_cost": 0.5},
    )  # fmt: skip
    assert (usual.id, usual.languages) == ("eleven_multilingual_v2", ("en",))
    assert (hears.id, [str(able) for able in hears.capabilities]) == (HEARS, ["ASR"])


async def test_a_text_that_is_too_long_is_not_sent(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    for _ in range(2):
        with pytest.raises(TooLargeError) as refused:
            await spoken(runner, saying("word " * 8001, model=MODEL))
        assert refused.value.field == "text"
        assert refused.value.data == {"limit": 40_000, "asked": 40_005}
    assert [call.path for call in vendor.calls] == ["/v1/models"]


async def test_without_a_model_the_vendor_judges_the_length(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    with pytest.raises(TooLargeError, match="Speak it in parts") as refused:
        await spoken(runner, saying("word " * 2001))
    assert refused.value.field == "text"
    assert [call.method for call in vendor.calls] == ["POST"]


async def test_a_short_text_asks_for_no_limits(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    await spoken(runner, saying(model=MODEL))
    assert [call.method for call in vendor.calls] == ["POST"]


async def test_limits_that_cannot_be_had_stop_nothing(
    vendor: ElevenLabsStandin, runner: ElevenLabsRunner
) -> None:
    vendor.fault("error-500", on="GET /v1/models")
    found = await spoken(runner, saying("word " * 300, model=MODEL))
    assert found.duration > 1


# Settings


def test_only_the_vendors_own_host_needs_a_key() -> None:
    assert "set ELEVENLABS_API_KEY" in (made().check() or "")
    assert made(api_key="k-1").check() is None
    assert made(base_url="http://127.0.0.1:1").check() is None


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://box", True), ("http://127.0.0.1:1", False), ("https://box", False)],
)
def test_a_key_in_the_clear_is_warned_of(url: str, warned: bool) -> None:
    found = made().parameters_type.validate_parameters({"base_url": url, "api_key": "k-1"})
    assert [w.field for w in found.warnings] == (["base_url"] if warned else [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "box"),
        ("api_key", "k\r\nx: y"),
        ("stability", 1.5),
        ("seed", -1),
        ("output_format", "wav_44100"),
        ("bitrate", "100"),
        ("keyterms", "x" * 51),
        ("pronunciation", "a,b,c,d"),
        ("speakers", 33),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError) as refused:
        made(**{name: value})
    assert refused.value.field == f"parameters.{name}"


async def test_before_load_nothing_is_asked() -> None:
    with pytest.raises(NotLoadedError):
        await spoken(made(base_url="http://127.0.0.1:1"), saying())
