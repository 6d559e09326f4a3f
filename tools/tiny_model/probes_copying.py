"""Questions whose answers are copied: from a context, from the chat, from the message itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tiny_model import copying, knowledge, memory
from tiny_model.dialogue import coin
from tiny_model.facts import words
from tiny_model.probe import SEED, SPOKEN, WRITTEN, Probe, last
from tiny_model.speech import Style


def contexts(unseen: bool, count: int = 60) -> Iterator[Probe]:
    rng = Random(SEED + unseen)
    yield from (
        last(copying.context(rng, WRITTEN, unseen=unseen, missing=0.0)) for _ in range(count)
    )


def contexts_missing() -> Iterator[Probe]:
    rng = Random(SEED + 5)
    while True:
        turns = copying.context(rng, WRITTEN, unseen=True, missing=1.0)
        if turns[-1][1] == copying.NOT_SAID:
            yield last(turns)


def echoes() -> Iterator[Probe]:
    rng = Random(SEED + 2)
    for _ in range(40):
        said = " ".join(
            coin(rng, held_out=True)
            if rng.random() < 0.5
            else rng.choice(words("words", "unseen_words"))
            for _ in range(2)
        )
        yield Probe([("user", f"Repeat after me: {said}")], (said,))


def names(values: tuple[str, ...], style: Style, fillers: int) -> Iterator[Probe]:
    rng = Random(SEED + 3)
    for name in values:
        turns = memory.told(memory.NAME, name, rng, style)
        for _ in range(fillers):
            turns += knowledge.any_fact(rng, style)
        yield last(turns + memory.asked(memory.NAME, name, rng, style))


def made_up_names() -> tuple[str, ...]:
    rng = Random(SEED + 4)
    return (
        *words("words", "unseen_names"),
        *(coin(rng, held_out=True).capitalize() for _ in range(30)),
    )


def traits() -> Iterator[Probe]:
    rng = Random(SEED + 6)
    for trait in memory.TRAITS:
        for value in rng.sample(words("words", "unseen_words"), 8):
            value = value.capitalize() if trait.cased else value
            yield last(
                memory.told(trait, value, rng, SPOKEN) + memory.asked(trait, value, rng, SPOKEN)
            )


def long_chats() -> Iterator[Probe]:
    rng = Random(SEED + 7)
    for i in range(40):
        style = SPOKEN if i % 2 else WRITTEN
        turns = [message for _ in range(10) for message in knowledge.any_fact(rng, style)]
        yield last(turns + knowledge.any_fact(rng, style))


def taken(probes: Callable[[], Iterator[Probe]], count: int) -> Callable[[], Iterator[Probe]]:
    """The first `count` probes."""
    return lambda: (probe for probe, _ in zip(probes(), range(count), strict=False))
