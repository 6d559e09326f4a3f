"""The header of streamed WAV: unknown lengths while it runs, true ones at the end."""

import io
import struct
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breeze.contracts.wav import WAV_HEADER, close_wav, wav_header


@given(st.integers(4_000, 384_000), st.integers(1, 8), st.binary(max_size=64))
def test_a_closed_wav_can_be_read_by_others(rate: int, channels: int, data: bytes) -> None:
    samples = data * 2 * channels
    audio = close_wav(wav_header(rate, channels) + samples)
    with wave.open(io.BytesIO(audio)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (
            rate, channels, 2,
        )  # fmt: skip
        assert file.readframes(file.getnframes()) == samples


def test_an_open_header_says_that_the_length_is_unknown() -> None:
    header = wav_header(16_000)
    assert len(header) == WAV_HEADER
    assert header[4:8] == header[40:44] == struct.pack("<I", 0xFFFFFFFF)


@given(st.binary(max_size=64))
def test_closing_twice_changes_nothing(samples: bytes) -> None:
    once = close_wav(wav_header(16_000) + samples)
    assert close_wav(once) == once


def with_a_chunk_before_the_data() -> bytes:
    """A WAV of another maker, whose sound begins later than at byte 44."""
    body = b"LIST" + struct.pack("<I", 4) + b"INFO" + b"data" + struct.pack("<I", 2) + b"\1\2"
    form = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    return b"RIFF" + struct.pack("<I", len(form) + len(body)) + form + body


@pytest.mark.parametrize("audio", [b"", b"RIFF", b"ID3" * 30, with_a_chunk_before_the_data()])
def test_what_is_no_streamed_wav_stays_as_it_is(audio: bytes) -> None:
    assert close_wav(audio) == audio
