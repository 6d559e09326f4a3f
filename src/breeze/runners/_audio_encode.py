"""PCM (signed 16-bit little-endian mono) into a stream of one of the contract's audio formats."""

from __future__ import annotations

from typing import Any, Protocol

from breeze.contracts.errors import InputError
from breeze.contracts.wav import wav_header
from breeze.runners._audio import Resampler, frame_of, libav

CODECS = {
    "mp3": ("mp3", "libmp3lame", {}),
    "opus": ("ogg", "libopus", {"page_duration": "20000"}),  # pages of 20 ms, not of one second
    "aac": ("adts", "aac", {"aac_coder": "fast"}),
    "flac": ("flac", "flac", {}),
}
"""Format -> container, codec and options, all of which can be written without seeking back."""


class Encoder(Protocol):
    """Takes PCM, gives encoded bytes at `sample_rate`; the bytes of all calls concatenate."""

    sample_rate: int

    def feed(self, pcm: bytes) -> bytes: ...

    def finish(self) -> bytes: ...

    def close(self) -> None: ...


def encoder(form: str, source: int, sample_rate: int | None, kilobits: int) -> Encoder:
    """An encoder to `form` of PCM at `source` Hz.

    Without `sample_rate` it is the source's, or the next that the format knows. `kilobits` a
    second are for mp3, opus and aac. Raises InputError for a rate that the format does not know.
    """
    if form in CODECS:
        return _Encoded(form, source, sample_rate, kilobits)
    return _Plain(source, sample_rate or source, header=form == "wav")


class _Plain:
    """wav and pcm."""

    def __init__(self, source: int, sample_rate: int, header: bool) -> None:
        self.sample_rate = sample_rate
        self._resampler = Resampler(source, sample_rate)
        self._head = wav_header(sample_rate) if header else b""

    def feed(self, pcm: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + self._resampler.feed(pcm)

    def finish(self) -> bytes:
        head, self._head = self._head, b""
        return head + self._resampler.finish()

    def close(self) -> None:
        """Nothing is held open."""


class _Sink:
    """Where libav writes; it has no `seek`, so containers are written straight through."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken, self._bytes = bytes(self._bytes), bytearray()
        return taken


class _Encoded:
    """mp3, opus, aac and flac."""

    def __init__(self, form: str, source: int, sample_rate: int | None, kilobits: int) -> None:
        self._av, self._source, self._sink = libav(), source, _Sink()
        container, codec, options = CODECS[form]
        rates = self._av.codec.Codec(codec, "w").audio_rates
        self.sample_rate = _rate(form, source, sample_rate, rates)
        self._file: Any = self._av.open(
            self._sink, "w", format=container, options={"flush_packets": "1", **options}
        )
        self._stream = self._file.add_stream(codec, rate=self.sample_rate, layout="mono")
        self._stream.bit_rate = kilobits * 1000
        self._stream.codec_context.thread_count = 1
        sample = self._stream.codec_context.format.name
        self._resampler = self._av.AudioResampler(
            format=sample, layout="mono", rate=self.sample_rate
        )

    def feed(self, pcm: bytes) -> bytes:
        if pcm:
            self._encode(self._resampler.resample(frame_of(self._av, pcm, self._source)))
        return self._sink.take()

    def finish(self) -> bytes:
        self._encode([*self._resampler.resample(None), None])
        self.close()
        return self._sink.take()

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            for packet in self._stream.encode(frame):
                self._file.mux(packet)

    def close(self) -> None:
        self._file.close()


def _rate(form: str, source: int, asked: int | None, known: list[int] | None) -> int:
    """The rate to encode at: as asked, or the lowest known one that loses nothing."""
    if known is None or asked in known:
        return asked or source
    if asked is not None:
        raise InputError(
            f"{form} cannot have {asked} Hz: choose from {', '.join(map(str, sorted(known)))}, "
            "or ask for wav.",
            field="sample_rate",
        )
    return min((rate for rate in known if rate >= source), default=max(known))
