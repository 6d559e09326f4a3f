"""Which sound is asked of the vendor, and what we make of it."""

from __future__ import annotations

from typing import NamedTuple

from breeze.contracts.events import Adjusted
from breeze.contracts.requests import SpeakRequest

_PCM = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_BITRATES = (32, 64, 96, 128, 192)
_MP3 = {22_050: (32,), 24_000: (48,), 44_100: _BITRATES}
"""Rates of mp3 in Hz, and the bitrates in kbit/s of each."""
_OPUS = 48_000
_SAMPLES = {"pcm": 16, "ulaw": 8, "alaw": 8}
"""Bits of a sample, where each has as many."""
_USUAL = 24_000
"""Hz of PCM that every plan has; more than twice as much needs a larger one."""
OUTPUT_FORMATS = (
    *(f"mp3_{rate}_{bits}" for rate, all_bits in _MP3.items() for bits in all_bits),
    *(f"pcm_{rate}" for rate in _PCM),
    "ulaw_8000",
    "alaw_8000",
    *(f"opus_{_OPUS}_{bits}" for bits in _BITRATES),
)
"""All that can be streamed."""
_MADE = ("wav", "pcm", "aac", "flac")
"""What we make from PCM: the vendor streams no wav, and has neither aac nor flac."""


class Sound(NamedTuple):
    """`wire` as the vendor calls it, at `source` Hz; `made` from it by us as `format`.

    `rate`: Hz to make it at, None for the format's own choice. Without `made` it goes through.
    """

    wire: str
    source: int
    format: str
    made: bool
    rate: int | None = None

    @property
    def bits(self) -> int:
        """Bits in a second of what the vendor sends; 0 where that varies."""
        codec, rate, *rest = self.wire.split("_")
        if codec == "mp3":
            return int(rest[0]) * 1000
        return _SAMPLES.get(codec, 0) * int(rate)

    @property
    def is_exact(self) -> bool:
        """Whether it is samples one after the other, so that its size tells its length."""
        return self.wire.partition("_")[0] in _SAMPLES


def sound_for(
    request: SpeakRequest, output_format: str, bitrate: int
) -> tuple[Sound, list[Adjusted]]:
    """The sound for a request, and what of it is not as asked."""
    if output_format != "auto":
        return _told(request, output_format)
    if request.format == "mp3":
        return _mp3(request, bitrate)
    if request.format == "opus":
        sound = Sound(f"opus_{_OPUS}_{bitrate}", _OPUS, "opus", False)
        return sound, _rate_note(request, _OPUS, "opus is of this rate here")
    return _made(request), []


def _made(request: SpeakRequest) -> Sound:
    """From PCM of the rate asked for, or the next above that the vendor has."""
    asked = request.sample_rate
    fit = (rate for rate in _PCM if rate >= (asked or _USUAL))
    source = next(fit, _PCM[-1])
    return Sound(f"pcm_{source}", source, request.format, True, asked)


def _mp3(request: SpeakRequest, bitrate: int) -> tuple[Sound, list[Adjusted]]:
    asked = request.sample_rate
    rate = asked if asked in _MP3 else 44_100
    bits = bitrate if bitrate in _MP3[rate] else _MP3[rate][0]
    known = ", ".join(map(str, _MP3))
    notes = _rate_note(request, rate, f"mp3 has {known} Hz here")
    return Sound(f"mp3_{rate}_{bits}", rate, "mp3", False), notes


def _told(request: SpeakRequest, wire: str) -> tuple[Sound, list[Adjusted]]:
    """What the parameter says, which counts before the request."""
    codec, rate, *_ = wire.split("_")
    source, why = int(rate), f"the parameter output_format says {wire}"
    if codec == "pcm" and request.format in _MADE:
        return Sound(wire, source, request.format, True, request.sample_rate), []
    notes = _rate_note(request, source, why)
    if codec != request.format:
        notes = [Adjusted("format", request.format, codec, why), *notes]
    return Sound(wire, source, codec, False), notes


def _rate_note(request: SpeakRequest, rate: int, why: str) -> list[Adjusted]:
    asked = request.sample_rate
    return [] if asked in (None, rate) else [Adjusted("sample_rate", asked, rate, why)]
