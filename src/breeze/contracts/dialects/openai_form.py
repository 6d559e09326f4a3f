"""The fields of OpenAI's forms (transcriptions, translations), as types. They are strict.

Clients write lists as `name[]` again and again, or as `name`; objects as `name[key]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from breeze.contracts.dialects.openai_json import BreezeJson
from breeze.contracts.dialects.openai_message_json import Strict
from breeze.contracts.errors import InputError
from breeze.contracts.request import AUTO
from breeze.contracts.strict import read_strict

Form = Iterable[tuple[str, str]]
Format = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
LISTS = (
    "include", "keywords", "known_speaker_names", "known_speaker_references", "languages",
    "timestamp_granularities",
)  # fmt: skip
"""Fields that hold a list."""
_KEYS = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 4


class TranslationForm(Strict):
    """What a translation is told besides its file."""

    model: str = AUTO
    prompt: str = ""
    response_format: Format = "json"
    temperature: float | None = None
    breeze: BreezeJson | None = None


class TranscriptionForm(TranslationForm):
    """What a transcription is told besides its file."""

    language: str = ""
    languages: list[str] = msgspec.field(default_factory=list)
    keywords: list[str] = msgspec.field(default_factory=list)
    stream: bool = False
    timestamp_granularities: list[Literal["word", "segment"]] = msgspec.field(default_factory=list)
    include: list[Literal["logprobs"]] = msgspec.field(default_factory=list)
    chunking_strategy: Literal["auto"] | dict[str, str] | None = None
    known_speaker_names: list[str] = msgspec.field(default_factory=list)
    known_speaker_references: list[str] = msgspec.field(default_factory=list)


def translation_form(fields: Form) -> TranslationForm:
    """The fields of a translation. Raises InputError that names the field."""
    return read_strict(_nested(fields), TranslationForm, text=True)


def transcription_form(fields: Form) -> TranscriptionForm:
    """The fields of a transcription. Raises InputError that names the field."""
    form = read_strict(_nested(fields), TranscriptionForm, text=True)
    speakers = form.known_speaker_names or form.known_speaker_references
    if form.response_format == "diarized_json" or speakers:
        field = "known_speaker_names" if speakers else "response_format"
        raise InputError(
            f"{field}: no runner here tells speakers apart. Ask for verbose_json.", field=field
        )
    if form.timestamp_granularities and form.response_format != "verbose_json":
        field = "timestamp_granularities"
        raise InputError(f"{field}: needs response_format verbose_json.", field=field)
    return form


def _nested(fields: Form) -> dict[str, Any]:
    """The fields as one object. Raises InputError for a field that is there twice."""
    found: dict[str, Any] = {}
    for path, value in fields:
        name, keys = _keys(path)
        if name in LISTS and keys in ([], [""]):
            found.setdefault(name, []).append(value)
        elif value or keys:  # an empty field is one that was not filled in
            _put(found, [name, *keys], value, path)
    ours = found.get("breeze")
    if isinstance(ours, str):
        found["breeze"] = _json(ours)
    return found


def _keys(path: str) -> tuple[str, list[str]]:
    """`name[a][b]` as name and keys; what has another form is a name as it is."""
    name, bracket, rest = path.partition("[")
    keys = _KEYS.findall(bracket + rest)
    if "".join(f"[{key}]" for key in keys) != bracket + rest or len(keys) > _DEEPEST:
        return path, []
    return name, keys


def _put(found: dict[str, Any], keys: list[str], value: str, path: str) -> None:
    place: Any = found
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise InputError(f"{path}: is given as a text as well.", field=keys[0])
    if keys[-1] in place:
        raise InputError(f"{path} is given twice: give it once.", field=keys[0])
    place[keys[-1]] = value


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"breeze: is not valid JSON: {error}.", field="breeze") from error
