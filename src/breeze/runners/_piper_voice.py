"""A Piper voice: its files, its configuration, and sentences spoken with it."""

from __future__ import annotations

from collections.abc import Generator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError, SynthesisError
from breeze.contracts.unreadable import UNREADABLE
from breeze.runners._piper_parameters import PiperParameters
from breeze.runners._stoppable_session import StoppableSession
from breeze.runners._vision_stop import Stop

_SUPPORTED = ("espeak", "text")
"""Ways from text to sounds that need nothing beside the voice: others fetch models of their own."""
_MOST_CONFIG = 4_000_000


class _Audio(msgspec.Struct):
    sample_rate: int
    quality: str = ""


class _Language(msgspec.Struct):
    code: str = ""


class _Espeak(msgspec.Struct):
    voice: str = ""


class Config(msgspec.Struct):
    """What a voice's .onnx.json tells of it."""

    audio: _Audio
    num_speakers: int = 1
    speaker_id_map: dict[str, int] = {}
    phoneme_type: str = "espeak"
    language: _Language = msgspec.field(default_factory=_Language)
    espeak: _Espeak = msgspec.field(default_factory=_Espeak)

    @property
    def spoken(self) -> str:
        """The language as BCP 47."""
        return (self.language.code or self.espeak.voice).replace("_", "-")


def opens(path: Path) -> Path | None:
    """The .onnx file of a voice: `path` itself, or the only one in it."""
    if path.is_dir():
        inside = [file for file in sorted(path.glob("*.onnx")) if _config_file(file).is_file()]
        return inside[0] if len(inside) == 1 else None
    return path if path.suffix == ".onnx" and _config_file(path).is_file() else None


def _config_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def config_of(path: Path) -> Config:
    """The configuration of a voice. Raises NotLoadedError when it is none."""
    file = _config_file(path)
    try:
        if file.stat().st_size > _MOST_CONFIG:
            raise NotLoadedError(f"{file.name} is too large for a voice's settings.")
        return msgspec.json.decode(file.read_bytes(), type=Config)
    except (OSError, *UNREADABLE) as error:
        raise NotLoadedError(
            f"{file.name} cannot be read ({error}): pull the voice again.", retryable=False
        ) from error


class Manner(NamedTuple):
    """How to speak. None leaves it to the voice; lengths already for the speed asked."""

    speaker: int | None
    length: float
    parameters: PiperParameters


class Voice:
    """A loaded voice. Any number of threads may speak with it."""

    def __init__(self, path: Path, threads: int) -> None:
        from piper import PiperConfig, PiperVoice

        self.config = config_of(path)
        if self.config.phoneme_type not in _SUPPORTED:
            raise NotLoadedError(
                f"{path.name} reads text as {self.config.phoneme_type!r}, which needs models that "
                f"Piper fetches by itself: choose a voice of {' or '.join(_SUPPORTED)}.",
                retryable=False,
            )
        told: dict[str, Any] = msgspec.json.decode(_config_file(path).read_bytes())
        own = PiperConfig.from_dict(told)
        self.length = float(own.length_scale)
        self._session = StoppableSession(path, threads)
        self._native: Any = PiperVoice(session=self._session, config=own)

    def speaker(self, name: str) -> int | None:
        """The number of a speaker, None for the voice's own. Raises NotFoundError."""
        known = self.config.speaker_id_map
        if not name:
            return None
        if name in known:
            return known[name]
        if name.isdecimal() and int(name) < self.config.num_speakers:
            return int(name)
        near = ", ".join(get_close_matches(name, known, n=3)) or ", ".join(list(known)[:10])
        has = f"choose from {near}" if near else f"it has {self.config.num_speakers}, from 0"
        raise NotFoundError(f"The voice has no speaker {name!r}: {has}.", field="voice")

    def say(self, text: str, manner: Manner, stop: Stop) -> Generator[tuple[int, bytes]]:
        """Hz and PCM of a sentence. Raises SynthesisError; nothing more comes once stopped."""
        rate, p = self.config.audio.sample_rate, manner.parameters
        plain = text.replace("[[", "[ [")  # two brackets would begin phonemes
        chunks = self._native.synthesize(plain, self._settings(manner))
        while True:
            try:
                with self._session.stoppable(stop):
                    chunk = next(chunks, None)
            except Exception as error:  # ONNX Runtime has one class of error for each kind
                if stop.gone():
                    return
                raise SynthesisError(
                    f"Piper could not say this ({error}): try it again."
                ) from error
            if chunk is None:
                break
            yield rate, chunk.audio_int16_bytes
        if silence := rate * p.sentence_silence_ms // 1000:
            yield rate, bytes(2 * silence)

    def _settings(self, manner: Manner) -> Any:
        from piper import SynthesisConfig

        p = manner.parameters
        return SynthesisConfig(
            speaker_id=manner.speaker,
            length_scale=manner.length,
            noise_scale=p.noise_scale,
            noise_w_scale=p.noise_w_scale,
            normalize_audio=p.normalize,
            volume=p.volume,
        )


def checked_language(spoken: str, asked: str) -> str:
    """The language that is used when it is not as asked; "" when it is. Raises InputError."""
    want, have = asked.lower().replace("_", "-"), spoken.lower()
    if not want or not have or have == want or have.startswith(f"{want}-"):
        return ""
    if want.partition("-")[0] != have.partition("-")[0]:
        raise InputError(
            f"This voice speaks {spoken}, not {asked}: choose another model.", field="language"
        )
    return spoken
