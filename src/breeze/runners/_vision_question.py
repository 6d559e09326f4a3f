"""What a question asks for, by its words."""

from __future__ import annotations

import re
from typing import NamedTuple

from breeze.runners._vision_colours import COLOURS
from breeze.runners._vision_words import (
    ABOUT_TEXT,
    AND,
    BEYOND,
    CODE,
    ELSEWHERE,
    HEAD,
    PATTERNS,
    PERSON,
    QUOTED,
    TAIL,
    TARGET,
    WHO,
    Topic,
)

_LONGEST = 2000
"""Characters of a question that are looked at."""
_NAMED = re.compile(rf"\b(gray|{'|'.join(COLOURS)})\b", re.IGNORECASE)


class Question(NamedTuple):
    """What is asked. `target`: the thing whose place is wanted; `colours`: those named.

    `about_text`: it speaks of letters or a sign. `who`: it asks for somebody's name. `beyond`: it
    wants text understood, not only read.
    """

    topics: tuple[Topic, ...]
    target: str = ""
    colours: tuple[str, ...] = ()
    about_text: bool = False
    who: bool = False
    beyond: bool = False


def understand(text: str) -> Question:
    """What `text` asks. No words at all ask for a description; unknown ones for nothing."""
    text = text[:_LONGEST].strip()
    if not text:
        return Question((Topic.DESCRIBE,))
    target = _target(text)
    rest = text.replace(target, " ") if target else text
    topics = {topic for topic, pattern in PATTERNS.items() if pattern.search(rest)}
    colours = tuple(dict.fromkeys(colour(name) for name in _NAMED.findall(text)))
    if colours and not topics:
        topics = {Topic.COLOUR}
    chosen = _settled(topics, target)
    return Question(
        tuple(topic for topic in Topic if topic in chosen),
        target,
        colours,
        about_text=ABOUT_TEXT.search(text) is not None,
        who=WHO.search(text) is not None,
        beyond=BEYOND.search(text) is not None,
    )


def _settled(topics: set[Topic], target: str) -> set[Topic]:
    """Without topics that another one answers."""
    out = set() if target else {Topic.WHERE}
    if Topic.ANY_TEXT in topics or Topic.CODES in topics:
        out |= {Topic.TEXT}
    if Topic.DESCRIBE in topics:
        out |= {Topic.TEXT, Topic.ANY_TEXT, Topic.SIZE}
    return topics - out


def _target(text: str) -> str:
    """The thing whose place is wanted; empty when no place in the picture is asked for."""
    if not PATTERNS[Topic.WHERE].search(text) or ELSEWHERE.search(text):
        return ""
    if quoted := QUOTED.search(text):
        return quoted[1].strip()
    found = TARGET.search(text)
    target = next(filter(None, found.groups()), "") if found else ""
    return HEAD.sub("", TAIL.sub("", AND.sub("", target.strip())))


def names(target: str) -> Topic | None:
    """The kind of thing that a target is by its words: faces, codes, a colour; else None."""
    if colour(target) in COLOURS:
        return Topic.COLOUR
    if CODE.search(target) or PATTERNS[Topic.CODES].search(target):
        return Topic.CODES
    return Topic.FACES if PERSON.search(target) else None


def colour(name: str) -> str:
    """A colour's name as it is known here."""
    return name.lower().replace("gray", "grey")
