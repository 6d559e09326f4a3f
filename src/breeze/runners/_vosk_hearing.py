"""Vosk models: their files, and one stream of sound being heard by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from breeze.contracts.errors import NotLoadedError, RecognitionError
from breeze.contracts.events import Transcript
from breeze.contracts.values import Word

RATE = 16_000
_ACOUSTIC = ("am/final.mdl", "final.mdl")
_LANGUAGE = re.compile(r"vosk-model-(?:small-|big-)?([a-z]{2,3}(?:-[a-z]{2})?)(?:-|$)")


class _Word(msgspec.Struct):
    word: str
    start: float
    end: float
    conf: float = 1.0


class _Said(msgspec.Struct):
    """A result: final (`text`, with `result`) or partial."""

    text: str = ""
    partial: str = ""
    result: list[_Word] = []


_read = msgspec.json.Decoder(_Said).decode


def opens(path: Path) -> Path | None:
    """The folder, when it holds such a model."""
    folder = path if path.is_dir() else path.parent
    return folder if any((folder / name).is_file() for name in _ACOUSTIC) else None


def language_of(folder: Path, told: str) -> str:
    """The language of a model: as told, else by its folder's usual name, else ""."""
    found = _LANGUAGE.match(folder.name)
    return told or (found[1] if found else "")


class Ear:
    """A loaded model, for any number of streams."""

    def __init__(self, folder: Path, language: str) -> None:
        import vosk

        vosk.SetLogLevel(-1)
        if opens(folder) is None:
            raise NotLoadedError(f"{folder.name} is no Vosk model: pull it again.")
        self.native: Any = vosk.Model(str(folder))
        self.language = language_of(folder, language)

    def recogniser(self, phrases: list[str]) -> Any:
        """A new stream of recognition. Raises RecognitionError."""
        import vosk

        given = [msgspec.json.encode([*phrases, "[unk]"]).decode()] if phrases else []
        try:
            made = vosk.KaldiRecognizer(self.native, RATE, *given)
        except Exception as error:  # the library raises nothing more exact
            raise RecognitionError(f"Vosk cannot listen ({error}): try other phrases.") from error
        made.SetWords(True)
        return made


class Hearing:
    """Sound in, transcripts out. `timestamps`: none, segment or word."""

    def __init__(self, ear: Ear, phrases: list[str], timestamps: str) -> None:
        self._native, self._language = ear.recogniser(phrases), ear.language
        self._timestamps = timestamps
        self._segment = self._samples = self.words = 0
        self._shown = ""

    @property
    def seconds(self) -> float:
        """Sound heard so far."""
        return self._samples / RATE

    def hear(self, pcm: bytes) -> list[Transcript]:
        """What the next sound brings. Blocks; raises RecognitionError."""
        self._samples += len(pcm) // 2
        try:
            ended = self._native.AcceptWaveform(pcm)
        except Exception as error:  # the library raises nothing more exact
            raise RecognitionError(f"Vosk gave up ({error}): send the sound again.") from error
        if ended:
            return list(self._final(_read(self._native.Result())))
        return list(self._partial(_read(self._native.PartialResult()).partial))

    def finish(self) -> list[Transcript]:
        """The end of the sound."""
        return list(self._final(_read(self._native.FinalResult())))

    def _partial(self, text: str) -> Iterator[Transcript]:
        if text != self._shown:
            self._shown = text
            yield self._transcript(text, (), None)

    def _final(self, said: _Said) -> Iterator[Transcript]:
        shown, self._shown = self._shown, ""
        if not said.text and not shown:
            return
        words = tuple(
            Word(w.word, round(w.start, 3), round(w.end, 3), round(w.conf, 3)) for w in said.result
        )
        sure = [word.confidence or 0.0 for word in words]
        yield self._transcript(said.text, words, sum(sure) / len(sure) if sure else 0.0)
        self._segment, self.words = self._segment + 1, self.words + len(words)

    def _transcript(self, text: str, words: tuple[Word, ...], sure: float | None) -> Transcript:
        timed, final = self._timestamps != "none", sure is not None
        return Transcript(
            text,
            final,
            self._segment,
            start=words[0].start if words and timed else 0.0,
            end=words[-1].end if words and timed else 0.0,
            confidence=None if sure is None else round(sure, 3),
            language=self._language,
            words=words if self._timestamps == "word" else (),
            metadata={
                "is_final": final,
                "segment_index": self._segment,
                "audio_duration_processed_ms": round(self.seconds * 1000),
                "words_recognized": self.words + (len(words) or len(text.split())),
            },
        )
