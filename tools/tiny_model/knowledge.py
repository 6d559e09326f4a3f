"""Facts: the engine, itself, definitions, capitals, opposites, colours, plurals."""

from __future__ import annotations

from random import Random

from tiny_model.asking import item_question
from tiny_model.dialogue import Dialogue, turn
from tiny_model.facts import (
    ABOUT,
    CAPITALS,
    COLOURS,
    DEFINITIONS,
    ENGINE,
    OPPOSITES,
    PLURALS,
    phrases,
)
from tiny_model.speech import Style

HELD_OUT_FRAMES = phrases("frames", "held out frames", "|")
ENGINE_FRAMES = phrases("frames", "engine frames", "|")
CAPITAL_FRAMES = phrases("frames", "capital frames", "|")
HELD_OUT_CAPITAL_FRAMES = phrases("frames", "held out capital frames", "|")
OPPOSITE_FRAMES = phrases("frames", "opposite frames", "|")
COLOUR_FRAMES = phrases("frames", "colour frames", "|")
PLURAL_FRAMES = phrases("frames", "plural frames", "|")
MORE = phrases("frames", "more", "|")
NO_MORE = "That is all I know about it. I am only a small demo model; please load a larger one."


def engine(rng: Random, style: Style) -> Dialogue:
    """Something about the engine."""
    item = rng.choice(ENGINE)
    return turn(
        style.render(item_question(item, rng, ENGINE_FRAMES if rng.random() < 0.5 else ()), rng),
        item.answer,
    )


def about(rng: Random, style: Style) -> Dialogue:
    """Small talk and questions about the model itself."""
    item = rng.choice(ABOUT)
    return turn(style.render(item_question(item, rng), rng, end=rng.choice("?.!")), item.answer)


def definition(rng: Random, style: Style) -> Dialogue:
    """An everyday thing explained."""
    item = rng.choice(DEFINITIONS)
    return turn(style.render(item_question(item, rng), rng), item.answer)


def capital(rng: Random, style: Style) -> Dialogue:
    """The capital of a country, or now and then the country of a capital."""
    country, city = rng.choice(list(CAPITALS.items()))
    if rng.random() < 0.12 and country != "Great Britain":
        asked = rng.choice(
            ("{c} is the capital of which country", "which country has the capital {c}")
        )
        return turn(style.render(asked.format(c=city), rng), f"{city} is the capital of {country}.")
    return turn(
        style.render(rng.choice(CAPITAL_FRAMES).format(c=country), rng),
        f"The capital of {country} is {city}.",
    )


def word_pair(rng: Random, style: Style) -> Dialogue:
    """An opposite, a colour or a plural."""
    kind = rng.random()
    if kind < 0.5:
        left, right = rng.choice(list(OPPOSITES.items()))
        if rng.random() < 0.4 and right not in OPPOSITES:
            left, right = right, left
        asked, answer = rng.choice(OPPOSITE_FRAMES), f"The opposite of {left} is {right}."
    elif kind < 0.75:
        left, right = rng.choice(list(COLOURS.items()))
        asked, answer = rng.choice(COLOUR_FRAMES), f"{left[0].upper()}{left[1:]} is {right}."
    else:
        left, right = rng.choice(list(PLURALS.items()))
        asked, answer = rng.choice(PLURAL_FRAMES), f"The plural of {left} is {right}."
    return turn(style.render(asked.format(x=left), rng), answer)


def any_fact(rng: Random, style: Style) -> Dialogue:
    """One fact of any kind."""
    skill = rng.choices((engine, definition, capital, word_pair, about), (4, 2, 2, 1, 1))[0]
    return skill(rng, style)


def two_at_once(rng: Random, style: Style) -> Dialogue:
    """Two questions in one message, answered one after the other."""
    kinds = rng.choices((engine, definition, capital, word_pair), k=2)
    (_, q1), (_, a1), (_, q2), (_, a2) = kinds[0](rng, style) + kinds[1](rng, style)
    joint = " and " if style.spoken or rng.random() < 0.3 else " "
    return (
        turn(q1.rstrip("?.") + (joint if "and" in joint else "? ") + q2, f"{a1} {a2}")
        if a1 != a2
        else turn(q1, a1)
    )


def greeted(rng: Random, style: Style) -> Dialogue:
    """A greeting and a question in one message."""
    hello = rng.choice(
        (
            "hello",
            "hi",
            "good morning",
            "hey there",
            "hi breeze",
            "good evening",
            "hello there",
            "thanks",
        )
    )
    (_, asked), answer = any_fact(rng, style)
    mark = "" if style.spoken else rng.choice((".", "!", ","))
    return [("user", f"{style.render(hello, rng, end='', frame=False)}{mark} {asked}"), answer]


def follow_up(rng: Random, style: Style) -> Dialogue:
    """A fact and the wish for more."""
    return any_fact(rng, style) + turn(style.render(rng.choice(MORE), rng, end="?"), NO_MORE)
