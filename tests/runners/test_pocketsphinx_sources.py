"""Where `pocketsphinx` has its sound from: bytes, files, live sources, and their limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from breeze.contracts.errors import InputError, TooLargeError
from breeze.contracts.wav import close_wav, wav_header
from breeze.runners._audio import Resampler
from breeze.runners._audio_encode import encoder
from breeze.runners.pocketsphinx import PocketsphinxRunner
from tests.runners.hearing import CHILDREN, RATE, SAID, SECOND, errors, heard, listening

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner() -> AsyncIterator[PocketsphinxRunner]:
    async with listening() as shared:
        yield shared


async def test_telephone_sound_is_understood(runner: PocketsphinxRunner) -> None:
    narrow = Resampler(RATE, 8_000)
    sound = close_wav(wav_header(8_000) + narrow.feed(CHILDREN) + narrow.finish())

    assert errors(SAID, (await heard(runner, audio=sound, sample_rate=None)).text) <= 2


@pytest.mark.parametrize("form", ["wav", "mp3", "opus", "aac", "flac"])
async def test_any_encoding_is_understood(runner: PocketsphinxRunner, form: str) -> None:
    packed = encoder(form, RATE, None, 64)
    sound = packed.feed(CHILDREN) + packed.finish()

    assert errors(SAID, (await heard(runner, audio=sound, sample_rate=None)).text) <= 1


async def test_samples_are_taken_at_the_rate_given(
    runner: PocketsphinxRunner, tmp_path: Path
) -> None:
    wide = Resampler(RATE, 44_100)
    samples = wide.feed(CHILDREN) + wide.finish()
    (tmp_path / "sound.raw").write_bytes(samples)

    told = await heard(runner, samples, sample_rate=44_100)
    filed = await heard(runner, file=str(tmp_path / "sound.raw"), sample_rate=44_100)

    assert told.text == filed.text == SAID
    assert told.usage is not None
    assert told.usage.audio_seconds == pytest.approx(len(CHILDREN) / SECOND, abs=0.01)


async def test_a_missing_file_names_the_field(runner: PocketsphinxRunner, tmp_path: Path) -> None:
    for rate in (None, RATE):
        with pytest.raises(InputError, match="There is no file") as caught:
            await heard(runner, file=str(tmp_path / "none.wav"), sample_rate=rate)
        assert caught.value.field == "file"


async def test_broken_sound_is_refused_with_what_libav_said(runner: PocketsphinxRunner) -> None:
    with pytest.raises(InputError, match="libav: Invalid data") as caught:
        await heard(runner, audio=b"not a sound at all" * 50, sample_rate=None)

    assert caught.value.field == "audio"
    assert (await heard(runner, CHILDREN)).text == SAID


async def test_sound_beyond_the_limit_is_refused_wherever_it_comes_from() -> None:
    async def speaker() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(SECOND)

    silence = encoder("flac", RATE, None, 64)
    bomb = silence.feed(bytes(SECOND)) + b"".join(silence.feed(bytes(SECOND)) for _ in range(9))
    encoded = {"sample_rate": None}
    async with listening(max_seconds=5) as runner:
        for field, fields in (
            ("audio", {"audio": close_wav(wav_header(RATE) + bytes(6 * SECOND)), **encoded}),
            ("audio", {"audio": bomb + silence.finish(), **encoded}),
            ("audio", {"audio": bytes(6 * SECOND), "sample_rate": RATE}),
            ("live", {"live": speaker(), "sample_rate": RATE}),
        ):
            with pytest.raises(TooLargeError, match="longer than 5 seconds") as caught:
                await heard(runner, **fields)
            assert caught.value.field == field
        assert (await heard(runner, CHILDREN)).text == SAID


async def test_a_live_source_comes_in_any_pieces_and_at_any_rate(
    runner: PocketsphinxRunner,
) -> None:
    async def speaker(sound: bytes, size: int) -> AsyncIterator[bytes]:
        for at in range(0, len(sound), size):
            yield sound[at : at + size]
        yield b""

    wide = Resampler(RATE, 48_000)
    sound = wide.feed(CHILDREN) + wide.finish()
    for size in (961, len(sound)):
        answer = await heard(runner, live=speaker(sound, size), sample_rate=48_000)
        assert answer.text == SAID


async def test_a_live_source_that_fails_is_an_error_of_the_input(
    runner: PocketsphinxRunner,
) -> None:
    async def unplugged() -> AsyncIterator[bytes]:
        yield CHILDREN[:SECOND]
        raise ConnectionResetError("the microphone is gone")

    async def texting() -> AsyncIterator[Any]:
        yield "hello"

    for source, why in ((unplugged(), "the microphone is gone"), (texting(), "must give bytes")):
        with pytest.raises(InputError, match=why) as caught:
            await heard(runner, live=source, sample_rate=RATE)
        assert caught.value.field == "live"
