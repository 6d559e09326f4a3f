"""Models that speak, loaded by Transformers: text to waves, or by spectra and a vocoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from breeze.contracts.errors import InputError, NotFoundError, NotLoadedError, SynthesisError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import SpeakRequest
from breeze.runners._transformers_files import config_of
from breeze.runners._transformers_load import Native, lacking
from breeze.runners._transformers_parameters import TransformersParameters
from breeze.runners._vision_stop import Stopped

_VOCODER, _SPEAKERS = "vocoder", "speakers"
"""Folders within that of a model that makes spectra."""
_MOST_SPEAKER = 1_000_000


class Mouth(Native, ABC):
    """A loaded model that speaks. `rate` in Hz; `paced`: it can speak faster and slower."""

    paced = False

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        from transformers import AutoTokenizer

        super().__init__(folder, p)
        self.tokenizer: Any = self.reader(AutoTokenizer)
        self.rate = self._open(folder)

    @abstractmethod
    def _open(self, folder: Path) -> int:
        """Load the networks; Hz of the sound."""

    @property
    @abstractmethod
    def speakers(self) -> tuple[str, ...]:
        """Names of its speakers; empty where it has one."""

    @abstractmethod
    def _waves(self, given: Any, speaker: str, speed: float) -> Any:
        """Samples of a sentence, -1 to 1."""

    def speaker(self, name: str) -> str:
        """The speaker of that name, the first for none. Raises NotFoundError."""
        if name and name not in self.speakers:
            has = ", ".join(self.speakers[:10]) or "only one"
            raise NotFoundError(f"The model has no voice {name!r}; it has {has}.", field="voice")
        return name or next(iter(self.speakers), "")

    def unmet(self, request: SpeakRequest) -> Iterator[Adjusted]:
        """What of the request is not used as asked."""
        if request.language:
            yield Adjusted("language", request.language, "", "the voice has the one it learned")
        if request.instructions:
            yield Adjusted("instructions", request.instructions, "", "the voice follows none")
        if request.speed != 1 and not self.paced:
            yield Adjusted("speed", request.speed, 1.0, "the voice has only its own speed")

    def say(self, text: str, speaker: str, speed: float, seed: int | None) -> bytes:
        """PCM of a sentence; in a `turn`. Raises InputError, SynthesisError."""
        import torch

        given = self.tokenizer(text, return_tensors="pt")
        if given["input_ids"].shape[-1] < 2:  # a blank or an end is always there
            raise InputError(
                f"The voice knows none of the letters of {text[:40]!r}: write it in its alphabet.",
                field="text",
            )
        if seed is not None:
            torch.manual_seed(seed)
        try:
            with torch.inference_mode():
                waves = self._waves(given.to(self.device), speaker, speed)
        except Stopped:
            raise
        except (RuntimeError, ValueError, IndexError) as error:  # text that a model cannot take
            raise SynthesisError(f"The voice gave up: {error}. Say it otherwise.") from error
        whole = (waves.float().cpu().flatten().clamp(-1, 1) * 32_767).round()
        return bytes(whole.clamp(-32_768, 32_767).to(torch.int16).numpy().astype("<i2").tobytes())


class Waves(Mouth):
    """Text to waves by one network (VITS)."""

    paced = True

    def _open(self, folder: Path) -> int:
        from transformers import AutoModelForTextToWaveform

        for needed, module in (("phonemize", "phonemizer"), ("is_uroman", "uroman")):
            if getattr(self.tokenizer, needed, False) and (
                missing := lacking(folder, module, f"reads text by {module}")
            ):
                raise missing
        self.native: Any = self.weights(AutoModelForTextToWaveform)
        self.stoppable(self.native)
        self._own_pace = float(getattr(self.native.config, "speaking_rate", 1.0))
        return int(self.native.config.sampling_rate)

    @property
    def speakers(self) -> tuple[str, ...]:
        count = int(getattr(self.native.config, "num_speakers", 1))
        return tuple(map(str, range(count))) if count > 1 else ()

    def _waves(self, given: Any, speaker: str, speed: float) -> Any:
        wishes: dict[str, Any] = {"speaking_rate": self._own_pace * speed}
        if speaker:
            wishes["speaker_id"] = int(speaker)
        return self.native(**given, **wishes).waveform[0]


class Spectra(Mouth):
    """Text to spectra, and these to waves by a vocoder that lies beside (SpeechT5)."""

    def _open(self, folder: Path) -> int:
        from transformers import AutoModelForTextToSpectrogram, SpeechT5HifiGan

        names = config_of(folder / _VOCODER).architectures or []
        if "SpeechT5HifiGan" not in names:
            raise NotLoadedError(
                f"{folder.name} makes spectra only: put a SpeechT5HifiGan (config.json and "
                f"model.safetensors) into its folder {_VOCODER}.",
                retryable=False,
            )
        self._vectors = {
            file.stem: _vector(file) for file in sorted((folder / _SPEAKERS).glob("*.npy"))
        }
        if not self._vectors:
            raise NotLoadedError(
                f"{folder.name} has no speaker: put vectors of speakers into its folder "
                f"{_SPEAKERS}, each as NAME.npy.",
                retryable=False,
            )
        self.native: Any = self.weights(AutoModelForTextToSpectrogram)
        self._vocoder: Any = self.weights(SpeechT5HifiGan, folder / _VOCODER)
        self.stoppable(self.native, self._vocoder)
        return int(self._vocoder.config.sampling_rate)

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(self._vectors)

    def _waves(self, given: Any, speaker: str, speed: float) -> Any:
        import torch

        vector = torch.from_numpy(self._vectors[speaker]).to(self.device, self.native.dtype)
        ids = given["input_ids"]
        return self.native.generate_speech(ids, vector.reshape(1, -1), vocoder=self._vocoder)


def _vector(file: Path) -> Any:
    """A speaker's numbers. No file of objects is read: such can carry code."""
    import numpy

    if file.stat().st_size > _MOST_SPEAKER:
        raise NotLoadedError(f"{file.name} is too large for a speaker.", retryable=False)
    return numpy.load(file, allow_pickle=False).astype(numpy.float32)
