"""Sound in and out of any encoding, as streams: decoding, resampling, encoding. All by libav.

Inside, sound is always PCM: signed 16-bit little-endian mono.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from breeze.contracts.errors import InputError, RunnerError, TooLargeError, UnavailableError

SAFE = {
    "format_whitelist": "wav,w64,mp3,flac,ogg,mov,matroska,aac,aiff,au,caf,amr,asf,mpegts",
    "protocol_whitelist": "none",
}
"""Containers that hold their own sound. Playlists, which make libav open other files, are out."""
LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
TOLERATED = 8
"""Broken packets in a row that decoding passes over, as players do with junk at either end."""


def libav() -> Any:
    """PyAV. Raises UnavailableError when it is not installed."""
    try:
        import av
    except ImportError as error:
        raise UnavailableError(
            "Encoded sound needs PyAV: run pip install 'breeze-engine[local]', or use wav or pcm."
        ) from error
    return av


class Limit:
    """Lets `seconds` of PCM at `rate` pass and then raises TooLargeError naming `field`."""

    def __init__(self, seconds: float, rate: int, field: str) -> None:
        self._seconds, self._field = seconds, field
        self._left = int(seconds * rate) * 2

    def take(self, pcm: bytes) -> bytes:
        """`pcm` itself, counted."""
        self._left -= len(pcm)
        if self._left < 0:
            raise self.error()
        return pcm

    def error(self) -> TooLargeError:
        """What is raised beyond the limit."""
        return TooLargeError(
            f"The sound is longer than {self._seconds:g} seconds: send it in shorter parts, "
            "or let the operator raise max_seconds.",
            field=self._field,
            data={"limit": self._seconds},
        )


class Resampler:
    """PCM from one rate to another, as a stream. Pieces may be of any size, even odd."""

    def __init__(self, source: int, target: int) -> None:
        self.source, self.target = source, target
        self._half = b""
        if source != target:
            self._av = libav()
            self._work = self._av.AudioResampler(format="s16", layout="mono", rate=target)

    def feed(self, pcm: bytes) -> bytes:
        """What `pcm` becomes; some of it comes with the next call."""
        pcm = self._half + pcm
        whole = len(pcm) & ~1
        pcm, self._half = pcm[:whole], pcm[whole:]
        if self.source == self.target or not pcm:
            return pcm
        return _bytes(self._work.resample(frame_of(self._av, pcm, self.source)))

    def finish(self) -> bytes:
        """The rest."""
        return b"" if self.source == self.target else _bytes(self._work.resample(None))


def frame_of(av: Any, pcm: bytes, rate: int) -> Any:
    """A libav frame that holds `pcm` (not empty, whole samples)."""
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
    frame.sample_rate = rate
    frame.planes[0].update(pcm)
    return frame


def _bytes(frames: Iterable[Any]) -> bytes:
    """The samples of mono 16-bit frames, without the padding of their planes."""
    return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)


def raw(pcm: Iterable[bytes], source: int, target: int, limit: Limit) -> Iterator[bytes]:
    """PCM at rate `source`, in pieces of any size, as PCM at `target`, let through by `limit`."""
    resampler = Resampler(source, target)
    for piece in pcm:
        yield limit.take(resampler.feed(piece))
    yield limit.take(resampler.finish())


def blocks(pcm: bytes, seconds: float, rate: int) -> Iterator[bytes]:
    """PCM cut into blocks of `seconds`, the last one shorter."""
    step = max(1, int(rate * seconds)) * 2
    for start in range(0, len(pcm), step):
        yield pcm[start : start + step]


def decode(source: bytes | Path, rate: int, seconds: float) -> Iterator[bytes]:
    """PCM at `rate` of whatever encoded sound `source` holds, as it is decoded.

    Raises InputError (field `audio`, or `file` for a path) when it holds none, and TooLargeError
    as soon as it proves longer than `seconds`; nothing is decoded beyond that.
    """
    field = "file" if isinstance(source, Path) else "audio"
    av, limit = libav(), Limit(seconds, rate, field)
    with opened(source) as data:
        try:
            with av.open(data, options=SAFE, metadata_errors="ignore") as container:
                if (container.duration or 0) > seconds * 1_000_000:
                    raise limit.error()
                yield from _decoded(av, container, rate, limit)
        except RunnerError:
            raise
        except (OSError, ValueError, EOFError) as error:  # libav's own errors are all of these
            raise InputError(
                f"This is not sound that can be decoded (libav: {_reason(error)}). "
                "Send WAV, MP3, FLAC, Ogg, MP4 or WebM, or PCM with its sample_rate.",
                field=field,
            ) from error


def opened(source: bytes | Path) -> BinaryIO:
    """A file object: libav itself is never given a name, so it cannot read it as a URL."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        if not source.is_file():
            raise InputError(f"There is no file {source}: check the path.", field="file")
        return source.open("rb")
    except (OSError, ValueError) as error:  # ValueError: the name holds a NUL
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{str(source)!r} cannot be read: {why}.", field="file") from error


def _decoded(av: Any, container: Any, rate: int, limit: Limit) -> Iterator[bytes]:
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise ValueError("it holds no sound")
    if stream.codec_context is None:  # libav knows no decoder for what it says it is
        raise ValueError("its sound is of an unknown kind")
    if not LOWEST_RATE <= (stream.rate or 0) <= HIGHEST_RATE:
        raise ValueError(f"its sample rate is {stream.rate} Hz")
    stream.codec_context.thread_count = 1
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    for frame in _frames(av, container, stream):
        yield limit.take(_bytes(resampler.resample(frame)))
    yield limit.take(_bytes(resampler.resample(None)))


def _frames(av: Any, container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames. Raises when no packet can be decoded, or too many in a row cannot."""
    broken, whole = 0, False
    last: Exception | None = None
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            broken, last = broken + 1, error
            if broken > TOLERATED:
                raise
            continue
        if frames:
            broken, whole = 0, True
        yield from frames
    if last is not None and not whole:
        raise last


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
