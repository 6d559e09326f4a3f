"""A Whisper model in the form of CTranslate2: its files, and segments heard with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from breeze.contracts.errors import InputError, NotLoadedError, RecognitionError
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Word
from breeze.runners._heard_parts import Part
from breeze.runners._native_builds import mentions
from breeze.runners._whisper_parameters import WhisperParameters

_RETRIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Heard(NamedTuple):
    """A segment: its text, its times in the whole sound, how sure (0 to 1), its language."""

    text: str
    start: float
    end: float
    confidence: float
    language: str
    words: tuple[Word, ...]


def opens(path: Path) -> Path | None:
    """The folder, when it holds such a model."""
    folder = path if path.is_dir() else path.parent
    names = ("model.bin", "config.json", "vocabulary.json", "vocabulary.txt")
    has = [(folder / name).is_file() for name in names]
    return folder if has[0] and has[1] and any(has[2:]) else None


def built_for_gpu() -> bool:
    """Whether the installed build of the runtime can compute by CUDA, by its file."""
    places = (("ctranslate2", "."), ("ctranslate2", "../ctranslate2.libs"))
    return any(mentions(module, rb"libcublas|cublas64_", within) for module, within in places)


class Ear:
    """The loaded model. Any number of threads may listen; the model takes one at a time."""

    def __init__(self, folder: Path, p: WhisperParameters) -> None:
        from faster_whisper import WhisperModel

        if not (folder / "tokenizer.json").is_file():  # else one would be fetched
            raise NotLoadedError(
                f"{folder.name} lacks its tokenizer.json: pull the model again.", retryable=False
            )
        self._native: Any = WhisperModel(
            str(folder),
            device=p.device,
            compute_type=p.compute_type,
            cpu_threads=p.threads,
            local_files_only=True,
        )
        self.backend = "CPU" if self._native.model.device == "cpu" else "GPU"

    def language(self, asked: str) -> str | None:
        """Its code for a language (BCP 47); None where it is to be found out. Raises InputError."""
        known = [str(code) for code in self._native.supported_languages]
        code = asked.lower().replace("_", "-").partition("-")[0]
        if code in ("", "auto"):
            return None if len(known) > 1 else known[0]
        if code in known:
            return code
        some = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        raise InputError(f"This model hears {some}, not {asked}.", field="language")

    def hear(
        self, part: Part, request: TranscribeRequest, language: str | None, p: WhisperParameters
    ) -> Iterator[Heard]:
        """The segments of `part`, each as soon as it is heard. Raises RecognitionError."""
        import numpy

        sound = numpy.frombuffer(part.pcm, dtype="<i2").astype(numpy.float32) / 32_768
        if not sound.size:
            return
        try:
            segments, about = self._native.transcribe(sound, **_wishes(request, language, p))
            for segment in segments:
                yield _heard(segment, part.start, str(about.language), request.timestamps)
        except (RuntimeError, ValueError) as error:
            raise RecognitionError(f"Whisper gave up: {error}. Send the sound again.") from error


def _wishes(
    request: TranscribeRequest, language: str | None, p: WhisperParameters
) -> dict[str, Any]:
    chance: Any = request.temperature
    if chance is None:
        chance = list(_RETRIES) if p.retries else 0.0
    return {
        "language": language,
        "task": p.task,
        "beam_size": p.beam_size,
        "temperature": chance,
        "vad_filter": p.vad,
        "no_speech_threshold": p.no_speech_threshold,
        "condition_on_previous_text": p.context,
        "initial_prompt": request.prompt or None,
        "hotwords": p.hotwords or None,
        "max_new_tokens": p.most_tokens,
        "without_timestamps": request.timestamps == "none",
        "word_timestamps": request.timestamps == "word",
    }


def _heard(segment: Any, start: float, language: str, timestamps: str) -> Heard:
    timed = timestamps != "none"
    words = (
        Word(
            str(word.word).strip(),
            round(start + word.start, 3),
            round(start + max(word.start, word.end), 3),
            round(min(1.0, float(word.probability)), 3),
        )
        for word in segment.words or ()
    )
    return Heard(
        str(segment.text).strip(),
        round(start + segment.start, 3) if timed else 0.0,
        round(start + segment.end, 3) if timed else 0.0,
        round(min(1.0, math.exp(segment.avg_logprob)), 3),
        language,
        tuple(word for word in words if word.text),
    )
