"""What an answer consists of: which sentences, and which step each of them needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from breeze.runners import _vision_sentences as say
from breeze.runners._vision_facts import Facts
from breeze.runners._vision_question import Question, names
from breeze.runners._vision_words import Topic

OCR, COLOURS, FACES, CODES = "ocr", "colours", "faces", "codes"
"""The steps of an analysis."""


class Part(NamedTuple):
    """A sentence, or none if it comes out empty, and the step that it needs, if any."""

    step: str
    say: Callable[[Facts, Question], str]


def parts(question: Question) -> list[Part]:
    """What the answer to `question` consists of, in order."""
    if not question.topics:
        return [Part("", say.unable)]
    found = (part for topic in question.topics for part in _PARTS[topic](question))
    return list(dict.fromkeys(found))


def _where(question: Question) -> list[Part]:
    steps = {Topic.FACES: FACES, Topic.CODES: CODES, Topic.COLOUR: COLOURS}
    kind = names(question.target)
    return [Part(steps[kind] if kind else OCR, say.where)]


def _colour(question: Question) -> list[Part]:
    told = [Part(COLOURS, say.colours)]
    return [*told, Part(OCR, say.text_colours)] if question.about_text else told


def _describe(question: Question) -> list[Part]:
    return [
        Part("", say.size),
        Part(COLOURS, say.colours),
        Part(CODES, lambda facts, q: say.codes(facts, q) if facts.codes else ""),
        Part(FACES, lambda facts, q: say.faces(facts, q) if facts.faces else ""),
        Part(OCR, say.text),
        Part("", lambda facts, q: "I can't tell what else it shows."),
    ]


_PARTS: dict[Topic, Callable[[Question], list[Part]]] = {
    Topic.ANY_TEXT: lambda question: [Part(OCR, say.any_text)],
    Topic.TEXT: lambda question: [Part(OCR, say.text)],
    Topic.COLOUR: _colour,
    Topic.WHERE: _where,
    Topic.FACES: lambda question: [Part(FACES, say.faces)],
    Topic.CODES: lambda question: [Part(CODES, say.codes)],
    Topic.SIZE: lambda question: [Part("", say.size)],
    Topic.DESCRIBE: _describe,
}
