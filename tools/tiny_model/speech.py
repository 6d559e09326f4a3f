"""How a question is put: written, as a speech recogniser hands it over, or sloppy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from tiny_model.facts import phrases, words

SHORT_FORMS = {
    "what is": "what's",
    "do not": "don't",
    "can not": "can't",
    "cannot": "can't",
    "i am": "i'm",
    "who is": "who's",
    "where is": "where's",
    "how is": "how's",
    "i would": "i'd",
}
PREFIXES = phrases("frames", "prefixes", "|")
QUESTION_ONLY = frozenset(PREFIXES[8:14])
SUFFIXES = phrases("frames", "suffixes", "|")
CAPITALS = {word.lower(): word for word in words("words", "cased")}
NAMES = "say|listen|see|guard|draw|embed|chat|serve|runners|explain|models|settings|demo|check"
COMMANDS = re.compile(rf"Breeze (?=({NAMES})\b)")


@dataclass(frozen=True)
class Style:
    """A way of writing that one dialogue keeps to."""

    name: str

    @property
    def spoken(self) -> bool:
        """Whether the text is lower case without punctuation, as recognisers write it."""
        return self.name == "spoken"

    def value(self, text: str) -> str:
        """A name or value as this style writes it; the answer repeats it in the same form."""
        return text if self.name == "written" else text.lower()

    def render(
        self, text: str, rng: Random, end: str = "?", frame: bool = True, typos: bool = True
    ) -> str:
        """`text` (lower case, no end mark) in this style, perhaps with polite words around it."""
        if frame:
            text = framed(text, rng)
        if self.name == "written":
            return written(text, end)
        if self.spoken:
            return re.sub(
                r"\s+", " ", re.sub(r"[^\w\s'/=-]|(?<=\s)-+(?=\w)", " ", text.lower())
            ).strip()
        text = sloppy(text.lower(), rng) if typos else text.lower()
        return text + rng.choice(("", "", end, " " + end))


def pick_style(rng: Random) -> Style:
    """Nearly half of all dialogues are spoken."""
    return Style(rng.choices(("written", "spoken", "sloppy"), (0.40, 0.45, 0.15))[0])


def framed(text: str, rng: Random) -> str:
    """`text` perhaps with contractions, a word before it and a word after it."""
    if rng.random() < 0.25:
        for long, short in SHORT_FORMS.items():
            text = re.sub(rf"\b{long}\b", short, text)
    if rng.random() < 0.22:
        prefix = rng.choice(PREFIXES)
        question = text.split()[0] in {
            "what",
            "how",
            "which",
            "where",
            "who",
            "why",
            "when",
            "what's",
        }
        if question or prefix not in QUESTION_ONLY:
            text = f"{prefix} {text}"
    if rng.random() < 0.12:
        text = f"{text} {rng.choice(SUFFIXES)}"
    return text


def written(text: str, end: str) -> str:
    """`text` with capitals and an end mark."""
    text = " ".join(CAPITALS.get(word, word) for word in text.split(" "))
    text = COMMANDS.sub("breeze ", text)
    return text[:1].upper() + text[1:] + end


def sloppy(text: str, rng: Random) -> str:
    """`text` with a dropped article or one slip of the fingers."""
    if rng.random() < 0.4:
        text = re.sub(r"\b(a|an|the) ", "", text, count=1)
    places = [m.start() + 1 for m in re.finditer(r"[a-z]{5,}", text)]
    if places and rng.random() < 0.4:
        at = rng.choice(places) + rng.randrange(3)
        swap, drop = text[at + 1 : at + 2] + text[at : at + 1], ""
        text = (
            text[:at]
            + (swap if rng.random() < 0.5 else drop + text[at + 1 : at + 2])
            + text[at + 2 :]
        )
    return text


def plain(text: str) -> str:
    """`text` reduced to lower-case words, to compare questions by."""
    return " ".join(re.findall(r"[\w'/=]+", text.lower()))
