"""Reads the hand-written text under `data/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Item:
    """One thing the model knows: its answer and the questions that lead to it."""

    answer: str
    terms: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()


def split(line: str, mark: str = "|") -> tuple[str, ...]:
    """The trimmed, non-empty parts of `line`."""
    return tuple(part.strip() for part in line.split(mark) if part.strip())


def paragraphs(name: str) -> list[dict[str, str]]:
    """Paragraphs of `data/NAME.txt`: lines that begin with a letter and a colon, by letter."""
    found = []
    for paragraph in (DATA / f"{name}.txt").read_text().split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line[1:2] == ":"]
        found.append({line[0]: line[2:].strip() for line in lines})
    return found


def items(name: str) -> list[Item]:
    """Items of `data/NAME.txt`: T terms, A the answer, Q trained questions, H one that is not."""
    return [
        Item(by["A"], *(split(by.get(key, "")) for key in "TQH")) for by in paragraphs(name) if by
    ]


@cache
def sections(name: str) -> dict[str, str]:
    """The text below each `[heading]` of `data/NAME.txt`."""
    found: dict[str, str] = {}
    for part in (DATA / f"{name}.txt").read_text().split("\n[")[0:]:
        head, _, body = part.lstrip("[").partition("]\n")
        found[head] = body.replace("\n", " \n ")
    return found


def words(name: str, section: str) -> tuple[str, ...]:
    """Single words of a section."""
    return tuple(sections(name)[section].split())


def phrases(name: str, section: str, mark: str = ";") -> tuple[str, ...]:
    """Phrases of a section, divided by `mark` or by the end of a line."""
    text = sections(name)[section].replace("\n", mark)
    return split(text, mark)


@dataclass(frozen=True)
class Trait:
    """Something a person can say about themselves."""

    section: str
    tell: tuple[str, ...]
    heard: str
    ask: tuple[str, ...]
    known: str
    unknown: str

    @property
    def cased(self) -> bool:
        """Whether its values are names."""
        return self.section in ("names", "cities")


def traits() -> list[Trait]:
    """The traits of `data/traits.txt`; the first is the name."""
    return [
        Trait(by["W"], split(by["T"]), by["K"], split(by["Q"]), by["A"], by["U"])
        for by in paragraphs("traits")
    ]


def relations() -> list[tuple[str, tuple[str, ...]]]:
    """The statements of `data/relations.txt` with their questions."""
    rows = (DATA / "relations.txt").read_text().splitlines()
    return [
        (left.strip(), split(right)) for left, _, right in (row.partition(" = ") for row in rows)
    ]


def pairs(text: str) -> dict[str, str]:
    """`a=b; c=d` as a dictionary."""
    parts = (part.partition("=") for part in split(text.replace("\n", ";"), ";"))
    return {left.strip(): right.strip() for left, _, right in parts}


def definitions() -> list[Item]:
    """Everyday things of `data/definitions.txt`, each asked for with and without its article."""
    found = []
    for row in (DATA / "definitions.txt").read_text().splitlines():
        term, answer = row.split(" = ")
        bare = re.sub("^(a|an|the) ", "", term)
        found.append(Item(answer.strip(), tuple(dict.fromkeys((term, bare)))))
    return found


def synonyms() -> dict[str, tuple[str, ...]]:
    """Words of questions and what may stand in their place."""
    rows = (DATA / "synonyms.txt").read_text().splitlines()
    return {left: split(right) for left, right in (row.split(" = ") for row in rows)}


ENGINE_FILES = ("engine_terms", "engine_terms2", "engine_use", "engine_use2")
ABOUT = items("engine_about")
ENGINE = [item for name in ENGINE_FILES for item in items(name)]
CAPITALS = pairs((DATA / "capitals.txt").read_text())
OPPOSITES = pairs(sections("pairs")["opposites"])
COLOURS = pairs(sections("pairs")["colours"])
PLURALS = pairs(sections("pairs")["plurals"])
DEFINITIONS = definitions()


def fresh() -> list[tuple[str, str]]:
    """Questions of `data/fresh.txt`, written when the training text was final, with answers."""
    answers = [item.answer for item in (*ABOUT, *ENGINE)]
    rows = (row.split(" = ") for row in (DATA / "fresh.txt").read_text().splitlines())
    return [(asked, next(a for a in answers if a.startswith(start))) for asked, start in rows]
