"""Questions that the model must say it cannot answer: wide in verbs, nouns and forms."""

from __future__ import annotations

from random import Random

from tiny_model.dialogue import Dialogue, coin, turn
from tiny_model.facts import DEFINITIONS, phrases, words
from tiny_model.speech import Style

REFUSAL = "I do not know that. I am only a small demo model; please load a larger one."
ADJECTIVES = phrases("frames", "adjectives", "|")
FRAMES = phrases("frames", "unknown things", "|")
KNOWN = tuple(item.terms[0] for item in DEFINITIONS)
TRAIN, EVALUATE = "train", "evaluate"


def article(noun: str) -> str:
    """`noun` with its article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def parted(values: tuple[str, ...], part: str) -> tuple[str, ...]:
    """Four of five values for training, the fifth for evaluation."""
    return tuple(v for i, v in enumerate(values) if (i % 5 == 4) == (part == EVALUATE))


def noun(rng: Random, part: str) -> str:
    """Something the model was not told about, as a noun phrase."""
    word = rng.choice(parted(words("offtopic", "nouns"), part))
    return rng.choice(
        (article(word), f"my {word}", f"the {word}", word, word + "s", f"this {word}")
    )


def fill(template: str, rng: Random, part: str) -> str:
    """`template` with words of this part."""
    text = template
    for key, section, mark in (
        ("{t}", "topics", ";"),
        ("{p}", "people", ";"),
        ("{c}", "places", ";"),
    ):
        if key in text:
            text = text.replace(key, rng.choice(parted(phrases("offtopic", section, mark), part)))
    while key := next((key for key in ("{n}", "{m}") if key in text), ""):
        known = rng.random() < 0.15 and template not in ("what is {n}", "{n} {m}")
        text = text.replace(key, rng.choice(KNOWN) if known else noun(rng, part), 1)
    text = text.replace("{b}", rng.choice(parted(words("offtopic", "nouns"), part)))
    text = text.replace("{v}", rng.choice(words("offtopic", "verbs"))).replace(
        "{a}", rng.choice(ADJECTIVES)
    )
    return text.replace("{w}", coin(rng, part == EVALUATE)).replace(
        "{z}", coin(rng, part == EVALUATE)
    )


def blanks(section: str) -> list[str]:
    """Templates that differ with their words."""
    return [template for template in phrases("offtopic", section, "|") if "{" in template]


def question(rng: Random, part: str = TRAIN) -> str:
    """An off-topic question, lower case, without an end mark."""
    if rng.random() < 0.3:
        thing = article(rng.choice(parted(words("offtopic", "nouns"), part)))
        return rng.choice(FRAMES).format(n=rng.choice((thing, thing, coin(rng, part == EVALUATE))))
    if part == EVALUATE:
        section = rng.choice(("templates", "unseen_templates"))
        return fill(rng.choice(blanks(section)), rng, part)
    return fill(rng.choice(phrases("offtopic", "templates", "|")), rng, part)


def refusal(rng: Random, style: Style) -> Dialogue:
    """One off-topic question and the honest answer."""
    return turn(style.render(question(rng), rng), REFUSAL)
