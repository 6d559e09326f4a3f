"""Models that hear, loaded by Transformers: those that write words, and those that spell."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from breeze.contracts.errors import InputError, NotLoadedError
from breeze.contracts.events import Adjusted
from breeze.contracts.requests import TranscribeRequest
from breeze.contracts.values import Word
from breeze.runners._heard_parts import Part
from breeze.runners._transformers_load import Native
from breeze.runners._transformers_parameters import TransformersParameters
from breeze.runners._vad import RATE

_UNSAID = ("", "auto", "en-us")
"""Languages in a request that ask for nothing: what the caller leaves open, and the usual one."""
_MOST_TOKENS = 200
"""Of a part, where the model does not say: the library would stop after 20."""
Told = Callable[[str], bool]
"""Takes the text so far; False: nobody listens."""


class Heard(NamedTuple):
    """What was heard in a part; times in seconds of the whole sound."""

    text: str
    language: str = ""
    confidence: float | None = None
    words: tuple[Word, ...] = ()


class Ear(Native, ABC):
    """A loaded model that hears."""

    _auto = ""

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        import transformers

        super().__init__(folder, p)
        self.features: Any = self.reader(transformers.AutoFeatureExtractor)
        self.tokenizer: Any = self.reader(transformers.AutoTokenizer)
        if (rate := int(getattr(self.features, "sampling_rate", RATE))) != RATE:
            raise NotLoadedError(
                f"{folder.name} hears at {rate} Hz, this runner gives {RATE} Hz: choose another.",
                retryable=False,
            )
        self.native: Any = self.weights(getattr(transformers, self._auto))
        self.stoppable(self.native)

    @abstractmethod
    def unmet(self, request: TranscribeRequest) -> Iterator[Adjusted]:
        """What of the request is not used as asked. Raises InputError."""

    @abstractmethod
    def hear(self, part: Part, request: TranscribeRequest, seed: int | None, told: Told) -> Heard:
        """The text of a part of the sound. Blocks; in a `turn`."""

    def _inputs(self, part: Part, **wishes: Any) -> Any:
        import numpy

        sound = numpy.frombuffer(part.pcm, dtype="<i2").astype(numpy.float32) / 32_768
        given = self.features(sound, sampling_rate=RATE, return_tensors="pt", **wishes)
        return given.to(self.device, dtype=self.native.dtype)


class Writer(Ear):
    """Writes what it hears, token by token (Whisper, Moonshine)."""

    _auto = "AutoModelForSpeechSeq2Seq"

    def __init__(self, folder: Path, p: TransformersParameters) -> None:
        super().__init__(folder, p)
        known = getattr(self.native.generation_config, "lang_to_id", None) or {}
        self._languages = {name.strip("<|>"): int(token) for name, token in known.items()}
        self._prompts = hasattr(self.tokenizer, "get_prompt_ids")
        own = self.native.generation_config
        self._limited = bool(own.max_length or own.max_new_tokens)

    def _language(self, asked: str) -> str | None:
        code = asked.lower().replace("_", "-").partition("-")[0]
        if code in ("", "auto") or not self._languages:
            return None
        if code in self._languages:
            return code
        some = ", ".join(sorted(self._languages)[:12])
        raise InputError(f"This model hears {some}, not {asked}.", field="language")

    def unmet(self, request: TranscribeRequest) -> Iterator[Adjusted]:
        used = self._language(request.language)
        if used is None and request.language.lower() not in _UNSAID:
            why = "the model has one language, or finds out by itself"
            yield Adjusted("language", request.language, "", why)
        if used is not None and request.language.lower() not in (used, "en-us"):
            why = "the model tells languages apart, not countries"
            yield Adjusted("language", request.language, used, why)
        if request.prompt and not self._prompts:
            yield Adjusted("prompt", request.prompt, "", "the model takes no prompt")

    def hear(self, part: Part, request: TranscribeRequest, seed: int | None, told: Told) -> Heard:
        import torch

        written = _Written(self.tokenizer, told)
        if seed is not None:
            torch.manual_seed(seed)
        given = self._inputs(part, return_attention_mask=True)
        with torch.inference_mode():
            made = self.native.generate(
                **given, stopping_criteria=[written.token], **self._wishes(request)
            )
        ids = [int(token) for token in made[0]]
        names = {token: name for name, token in self._languages.items()}
        language = self._language(request.language) or next(
            (names[token] for token in written.first if token in names), ""
        )
        return Heard(_plain(self.tokenizer, ids), language)

    def _wishes(self, request: TranscribeRequest) -> dict[str, Any]:
        wishes: dict[str, Any] = {"do_sample": bool(request.temperature)}
        if not self._limited:
            wishes["max_new_tokens"] = _MOST_TOKENS
        if request.temperature:
            wishes["temperature"] = request.temperature
        if language := self._language(request.language):
            wishes["language"] = language
        if self._languages:
            wishes["task"] = "transcribe"
        if request.prompt and self._prompts:
            prompt = self.tokenizer.get_prompt_ids(request.prompt, return_tensors="pt")
            wishes["prompt_ids"] = prompt.to(self.device)
        return wishes


class _Written:
    """The text of one part as it grows. `token` is asked after each token whether to stop."""

    def __init__(self, tokenizer: Any, told: Told) -> None:
        self._tokenizer, self._told = tokenizer, told
        self.first: list[int] = []

    def token(self, ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        found = [int(token) for token in ids[0]]
        self.first = self.first or found[:-1]
        stop = not self._told(_plain(self._tokenizer, found))
        return torch.full((ids.shape[0],), stop, dtype=torch.bool, device=ids.device)


def _plain(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


class Speller(Ear):
    """Spells what it hears, a letter or none for each moment (CTC: wav2vec 2.0 and its like)."""

    _auto = "AutoModelForCTC"

    def unmet(self, request: TranscribeRequest) -> Iterator[Adjusted]:
        if request.language.lower() not in _UNSAID:
            yield Adjusted("language", request.language, "", "the model has the one it learned")
        if request.prompt:
            yield Adjusted("prompt", request.prompt, "", "the model takes no prompt")
        if request.temperature is not None:
            why = "spelling has no chance in it"
            yield Adjusted("temperature", request.temperature, None, why)

    def hear(self, part: Part, request: TranscribeRequest, seed: int | None, told: Told) -> Heard:
        import torch

        with torch.inference_mode():
            sure, letters = self.native(**self._inputs(part)).logits[0].softmax(-1).max(-1)
        ids, blank = letters.tolist(), self.tokenizer.pad_token_id
        spoken = [float(s) for s, letter in zip(sure, ids, strict=True) if letter != blank]
        confidence = round(sum(spoken) / len(spoken), 3) if spoken else None
        words = self._words(ids, part)
        text = " ".join(w.text for w in words) if words else _plain(self.tokenizer, ids)
        return Heard(text, "", confidence, words)

    def _words(self, ids: list[int], part: Part) -> tuple[Word, ...]:
        """Words with their times, where the tokenizer tells them."""
        if "output_word_offsets" not in inspect.signature(self.tokenizer.decode).parameters:
            return ()
        moment = part.seconds / len(ids)
        told = self.tokenizer.decode(ids, skip_special_tokens=True, output_word_offsets=True)
        return tuple(
            Word(
                str(word["word"]),
                round(part.start + int(word["start_offset"]) * moment, 3),
                round(part.start + int(word["end_offset"]) * moment, 3),
            )
            for word in told.word_offsets
        )
