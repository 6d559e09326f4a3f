"""Remembering what the user said a few turns ago."""

from __future__ import annotations

from random import Random

from tiny_model.blanks import Words
from tiny_model.dialogue import Dialogue, coin, turn
from tiny_model.facts import Trait, phrases, traits, words
from tiny_model.knowledge import any_fact
from tiny_model.refusals import REFUSAL, refusal
from tiny_model.speech import Style

NAME, *TRAITS = traits()
SAID = phrases("frames", "said", "|")
AGAIN = phrases("frames", "again", "|")


def value_of(trait: Trait, rng: Random) -> str:
    """A value for `trait`: a known word or a made-up one."""
    value = Words(rng).made_up(0.6 if trait.cased else 0.3, trait.section)
    return value[0].upper() + value[1:] if trait.cased else value


def told(trait: Trait, value: str, rng: Random, style: Style) -> Dialogue:
    """The user tells `value` and the model takes note."""
    value = style.value(value)
    said = style.render(
        rng.choice(trait.tell).format(v=value), rng, end=rng.choice(".!."), frame=False, typos=False
    )
    return turn(said, trait.heard.format(v=value))


def asked(trait: Trait, value: str, rng: Random, style: Style) -> Dialogue:
    """The user asks for `value`."""
    return turn(style.render(rng.choice(trait.ask), rng), trait.known.format(v=style.value(value)))


def between(rng: Random, style: Style) -> Dialogue:
    """Nothing, one or two other turns, seldom many."""
    turns: Dialogue = []
    for _ in range(rng.choices((0, 1, 2, rng.randint(5, 14)), (0.6, 0.28, 0.1, 0.02))[0]):
        turns += any_fact(rng, style) if rng.random() < 0.75 else refusal(rng, style)
    return turns


def recall(rng: Random, style: Style) -> Dialogue:
    """One or two things told, other turns, and the questions for them."""
    traits = [NAME] if rng.random() < 0.6 else [rng.choice(TRAITS)]
    if rng.random() < 0.3:
        traits = rng.sample((NAME, *TRAITS), 2)
    values = [value_of(trait, rng) for trait in traits]
    turns: Dialogue = []
    for trait, value in zip(traits, values, strict=True):
        turns += told(trait, value, rng, style)
    turns += between(rng, style)
    wanted = rng.randrange(len(traits))
    turns += asked(traits[wanted], values[wanted], rng, style)
    if rng.random() < 0.15:
        other = rng.choice([trait for trait in (NAME, *TRAITS) if trait not in traits])
        turns += turn(style.render(rng.choice(other.ask), rng), other.unknown)
    return turns


def nothing_told(rng: Random, style: Style) -> Dialogue:
    """A question about something that was never told."""
    trait = NAME if rng.random() < 0.4 else rng.choice(TRAITS)
    return between(rng, style) + turn(style.render(rng.choice(trait.ask), rng), trait.unknown)


def said(rng: Random, style: Style) -> Dialogue:
    """The last message or the last answer, repeated."""
    if rng.random() < 0.35:
        heard_words = words("words", "adjectives")
        heard = [coin(rng) if rng.random() < 0.2 else rng.choice(heard_words) for _ in range(3)]
        text = " ".join(heard[: rng.randint(1, 3)])
        first = turn(style.render(text, rng, end=".", typos=False), REFUSAL)
    else:
        first = any_fact(rng, style) if rng.random() < 0.8 else refusal(rng, style)
    if rng.random() < 0.5:
        return first + turn(style.render(rng.choice(AGAIN), rng), first[-1][1])
    return first + turn(style.render(rng.choice(SAID), rng), f'You said "{first[0][1]}".')
