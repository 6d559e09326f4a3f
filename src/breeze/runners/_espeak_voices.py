"""Which voice speaks: by name, by language, with or without a variation laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from breeze.contracts.errors import InputError, NotFoundError
from breeze.contracts.events import Adjusted
from breeze.contracts.fields import Choice
from breeze.runners._espeak_library import Library, VoiceFacts

_GENDERS = {1: "male", 2: "female"}


class Voice(NamedTuple):
    """A voice to speak with. `key` is what callers see, `native` what the library is told."""

    key: str
    native: str
    name: str
    languages: tuple[str, ...]

    def speaks(self, language: str) -> bool:
        """Whether `language` (BCP 47, any case) is one of the voice's."""
        return _same(language) in self.languages


class Voices:
    """All voices of the library, by every name they have."""

    def __init__(self, library: Library) -> None:
        self._variants = {key: facts for facts in library.voices(True) for key in _variant(facts)}
        self._listed: dict[str, Voice] = {}
        self._by_language: dict[str, tuple[int, Voice]] = {}
        self._by_name: dict[str, Voice] = {}
        for facts in library.voices():
            self._add(facts)

    def _add(self, facts: VoiceFacts) -> None:
        tail = _same(facts.identifier.rpartition("/")[2])
        first = facts.languages[0][1] if facts.languages else tail
        key = tail if first in self._listed else first
        languages = tuple(language for _, language in facts.languages)
        voice = Voice(key, facts.identifier, facts.name, languages)
        self._listed[key] = voice
        for name in (facts.name, facts.identifier, tail, key):
            self._by_name.setdefault(_same(name), voice)
        for rank, language in facts.languages:
            if language not in self._by_language or rank < self._by_language[language][0]:
                self._by_language[language] = (rank, voice)

    def __iter__(self) -> Iterator[Voice]:
        return iter(self._listed.values())

    def choices(self) -> tuple[Choice, ...]:
        """Every voice, then every variation."""
        voices = (Choice(v.key, v.name, f"speaks {', '.join(v.languages)}") for v in self)
        seen = {facts.identifier: facts for facts in self._variants.values()}
        variants = (
            Choice(
                "+" + facts.identifier.rpartition("/")[2],
                facts.name,
                f"a {_GENDERS.get(facts.gender, 'neutral')} variation of any voice, as in en-us+f3",
            )
            for facts in seen.values()
        )
        return (*voices, *variants)

    def named(self, name: str, usual: str = "en-us") -> Voice:
        """The voice of that name, language or identifier, such as `en-us`, `German`, `de+f3`.

        A bare `+f3` varies the `usual` one. Raises NotFoundError that names near ones.
        """
        base, plus, variant = name.partition("+")
        voice = self._find(base or usual.partition("+")[0])
        facts = self._variants.get(_same(variant)) if plus else None
        if voice is None or (plus and facts is None):
            wanted, known = (base, self._keys()) if voice is None else (variant, self._variants)
            raise NotFoundError(f"There is no voice {name!r}{_near(wanted, known)}.", field="voice")
        if facts is None:
            return voice
        short = facts.identifier.rpartition("/")[2]
        return voice._replace(key=f"{voice.key}+{short}", native=f"{voice.native}+{short}")

    def _find(self, name: str) -> Voice | None:
        key = _same(name)
        return self._by_language[key][1] if key in self._by_language else self._by_name.get(key)

    def _keys(self) -> list[str]:
        return [*self._by_language, *self._by_name]

    def speaking(self, language: str, usual: Voice) -> Voice:
        """The voice for a language: the usual one if it speaks it, else the best.

        A tag that nobody speaks is shortened from its end (`de-AT` to `de`). Raises InputError.
        """
        tag = _same(language)
        while tag:
            if usual.speaks(tag):
                return usual
            if tag in self._by_language:
                return self._by_language[tag][1]
            tag = tag.rpartition("-")[0]
        near = _near(language, self._by_language)
        raise InputError(f"No voice speaks {language!r}{near}.", field="language")


def chosen(
    voices: Voices, name: str, language: str, usual: str
) -> tuple[Voice, tuple[Adjusted, ...]]:
    """The voice for a request's `voice` and `language`, and what of them is not as asked."""
    if name or not language:
        voice = voices.named(name or usual, usual)
        why = f"the voice {voice.key} was asked for, and speaks {voice.languages[0]}"
    else:
        voice = voices.speaking(language, voices.named(usual))
        why = "no voice speaks exactly this language"
    if not language or voice.speaks(language):
        return voice, ()
    return voice, (Adjusted("language", language, voice.languages[0], why),)


def _variant(facts: VoiceFacts) -> tuple[str, str]:
    return _same(facts.name), _same(facts.identifier.rpartition("/")[2])


def _same(name: str) -> str:
    """One spelling for all: lower case, hyphens, no spaces around."""
    return name.strip().casefold().replace("_", "-")


def _near(wanted: str, known: Iterable[str]) -> str:
    near = get_close_matches(_same(wanted), list(dict.fromkeys(known)), n=3, cutoff=0.5)
    return f": the nearest are {', '.join(near)}" if near else ": leave it out for the usual one"
