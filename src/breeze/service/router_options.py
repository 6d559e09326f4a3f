"""The options of a request: which there are, for which kinds of work, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from breeze.contracts.request import AUTO
from breeze.contracts.requests import AUDIO_FORMATS
from breeze.contracts.router import REQUEST_TYPE_ALIASES, AIRequest, OptionKey, RequestType
from breeze.service.router_notes import Notes
from breeze.service.router_values import (
    MOST_ENTRIES,
    Reader,
    name,
    number,
    one_of,
    switch,
    whole,
    within,
    words,
)

IMAGE_GENERATION = "image_generation"
"""A request type that the seed does not have: its answer is pictures."""
KINDS = (*RequestType, IMAGE_GENERATION)
CHAT = frozenset({RequestType.TEXT_CHAT, RequestType.IMAGE_ANALYSIS, RequestType.MULTIMODAL})
HEAR = frozenset({RequestType.AUDIO_TRANSCRIPTION})
SPEAK = frozenset({RequestType.SPEECH_SYNTHESIS})
JUDGE = frozenset({RequestType.CONTENT_MODERATION})
DRAW = frozenset({IMAGE_GENERATION})
ALL = frozenset(KINDS)


class Option(NamedTuple):
    """How an option's text is read, which field of the request it becomes, and in which kinds.

    `field` is empty for the options that say something about the whole request.
    """

    read: Reader
    kinds: frozenset[str] = ALL
    field: str = ""
    meaning: str = ""


def _kind(text: str) -> str:
    word = text.strip().lower()
    word = REQUEST_TYPE_ALIASES.get(word, word)
    return str(one_of(*KINDS)(word))


OPTIONS: Mapping[str, Option] = {
    OptionKey.REQUEST_TYPE: Option(_kind, meaning="kind of work; else by the attachments"),
    OptionKey.MODEL_NAME: Option(name, meaning="`auto`, an instance, `instance/model`, a model"),
    OptionKey.RUNNER: Option(name, meaning="an instance, a runner, or a runner type of the seed"),
    OptionKey.MAX_TOKENS: Option(whole, CHAT, "max_tokens", "longest answer, in tokens"),
    OptionKey.TEMPERATURE: Option(number, CHAT | HEAR, "temperature", "0 to 2 (hearing: to 1)"),
    OptionKey.LANGUAGE: Option(name, ALL - JUDGE - DRAW, "language", "BCP 47, such as zh-TW"),
    "timeout_ms": Option(within(whole, 0, 86_400_000), meaning="0: no limit"),
    "streaming": Option(switch, meaning="false: only the whole answer"),
    "strict": Option(switch, ALL, "strict", "true: the named runner or none"),
    "system_prompt": Option(words, CHAT, "system_prompt", "instructions before the text"),
    "top_p": Option(number, CHAT, "top_p", "0 to 1"),
    "seed": Option(whole, CHAT | DRAW, "seed", "repeats an answer where the runner can"),
    "prompt": Option(words, HEAR, "prompt", "words to expect"),
    "voice": Option(name, SPEAK, "voice", "else the runner's own"),
    "speed": Option(number, SPEAK, "speed", "0.25 to 4"),
    "format": Option(one_of(*AUDIO_FORMATS), SPEAK, "format", "encoding of the sound"),
    "sample_rate": Option(whole, SPEAK, "sample_rate", "Hz"),
    "strictness": Option(one_of("low", "medium", "high"), JUDGE, "strictness", "of the judgement"),
    "size": Option(name, DRAW, "size", "WIDTHxHEIGHT in pixels"),
    "steps": Option(whole, DRAW, "steps", "1 to 1000"),
    "count": Option(whole, DRAW, "count", "1 to 64 pictures"),
}
"""By name; names are read whatever their case."""


class Options(NamedTuple):
    """What a request asked for. `fields` go into our request under these names."""

    kind: str
    model: str
    runner: str
    deadline: float | None
    streaming: bool | None
    fields: dict[str, Any]


def read_options(request: AIRequest, notes: Notes) -> dict[str, Any]:
    """Every known option that was given, read; the others become notes."""
    found: dict[str, Any] = {}
    if len(request.options) > MOST_ENTRIES:
        notes.problem("options", f"has more than {MOST_ENTRIES} entries")
        return found
    for key, text in request.options.items():
        known = key.lower()
        if (option := OPTIONS.get(known)) is None:
            notes.unknown(f"options.{key[:64]}", text[:200], key[:64], OPTIONS)
        elif (value := notes.read(f"options.{known}", text, option.read)) is not None:
            found[known] = value
    return found


def options_for(kind: str, found: dict[str, Any], notes: Notes) -> Options:
    """The options as they apply to `kind` of work; those that do not become notes."""
    fields: dict[str, Any] = {}
    for key, value in found.items():
        option = OPTIONS[key]
        if kind not in option.kinds:
            notes.adjust(f"options.{key}", value, None, f"{kind} has no use for it")
        elif option.field:
            fields[option.field] = value
    timeout = found.get("timeout_ms")
    return Options(
        kind,
        found.get(OptionKey.MODEL_NAME, AUTO),
        found.get(OptionKey.RUNNER, ""),
        None if timeout is None else timeout / 1000,
        found.get("streaming"),
        fields,
    )
