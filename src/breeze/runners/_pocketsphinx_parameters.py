"""What the runner `pocketsphinx` can be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import field_validator

from breeze.contracts.fields import integer, number, path, text
from breeze.contracts.parameters import Parameters, ValidationResult
from breeze.runners._local_fields import silence
from breeze.runners._pocketsphinx_grammar import phrases_in


class PocketsphinxParameters(Parameters):
    """Where utterances end, what may be heard, and with which models."""

    aggressiveness: int = integer(
        2,
        "How readily sound is taken for noise: 0 hears the most, 3 the least",
        low=0,
        high=3,
        step=1,
        category="Segments",
        per_request=True,
    )
    silence_ms: int = silence("Silence that ends a segment", "Segments")
    padding_ms: int = integer(
        300,
        "Sound before the first voice, and silence after the last, that belong to a segment",
        low=0,
        high=1000,
        step=50,
        unit="ms",
        title="Padding",
        category="Segments",
        per_request=True,
    )
    longest_segment: float = number(
        30.0,
        "A segment ends after this time even without a silence",
        low=2,
        high=120,
        step=1,
        precision=0,
        unit="s",
        category="Segments",
        per_request=True,
    )
    phrases: str = text(
        "",
        "Phrases to choose from, one a line or with | between; nothing else is heard then",
        max_length=20_000,
        category="Vocabulary",
        per_request=True,
    )
    grammar: str = text(
        "",
        "JSGF grammar of what may be said; nothing else is heard then",
        max_length=200_000,
        category="Vocabulary",
        requires_reload=True,
    )
    grammar_file: Path | None = path(
        None,
        "File with such a grammar",
        extensions=(".gram", ".jsgf"),
        category="Vocabulary",
        requires_reload=True,
    )
    language: str = text(
        "en-US",
        "Language of the models below (BCP 47)",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        category="Models",
        requires_reload=True,
    )
    acoustic_model: Path | None = path(
        None,
        "Folder of an acoustic model; empty: US English, which the package carries",
        directory=True,
        category="Models",
        requires_reload=True,
    )
    dictionary: Path | None = path(
        None,
        "Pronouncing dictionary; empty: CMUdict, which the package carries",
        extensions=(".dict", ".dic"),
        category="Models",
        requires_reload=True,
    )
    language_model: Path | None = path(
        None,
        "Statistical language model; empty: US English, which the package carries",
        extensions=(".bin", ".lm", ".dmp", ".arpa"),
        category="Models",
        requires_reload=True,
    )
    concurrency: int = integer(
        2,
        "Streams at once; each needs a decoder of 90 MB, made when it is first needed",
        low=1,
        high=8,
        step=1,
        category="Limits",
        requires_reload=True,
    )
    max_seconds: int = integer(
        3600,
        "Longest sound of a request; decoding stops there",
        low=1,
        high=86_400,
        step=60,
        unit="s",
        title="Longest sound",
        category="Limits",
    )

    @field_validator("phrases")
    @classmethod
    def _several(cls, value: str) -> str:
        if value.strip() and len(phrases_in(value)) < 2:
            raise ValueError("give two phrases or more, one a line or with | between")
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        if self.grammar and self.grammar_file is not None:
            yield ValidationResult("grammar_file", "invalid", "give either this or grammar")
        english = self.language.lower().partition("-")[0] == "en"
        if not english and None in (self.acoustic_model, self.dictionary, self.language_model):
            what = "needs its own acoustic_model, dictionary and language_model"
            yield ValidationResult("language", "invalid", f"{self.language} {what}")
