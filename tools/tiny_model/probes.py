"""The sets of the evaluation: facts first, then what is copied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tiny_model import arithmetic, knowledge, refusals
from tiny_model import probes_copying as copied
from tiny_model.facts import ABOUT, CAPITALS, COLOURS, DEFINITIONS, ENGINE, OPPOSITES, fresh, words
from tiny_model.probe import SEED, SPOKEN, WRITTEN, Probe, ask


def capitals() -> Iterator[Probe]:
    yield from (
        ask(f"what is the capital of {c}", f"The capital of {c} is {v}.")
        for c, v in CAPITALS.items()
    )


def capitals_unseen() -> Iterator[Probe]:
    for i, (c, v) in enumerate(CAPITALS.items()):
        frames = knowledge.HELD_OUT_CAPITAL_FRAMES
        style = SPOKEN if i % 2 else WRITTEN
        yield ask(frames[i % len(frames)].format(c=c), f"The capital of {c} is {v}.", style=style)


def definitions() -> Iterator[Probe]:
    yield from (ask(f"what is {item.terms[0]}", item.answer) for item in DEFINITIONS)


def terms_unseen() -> Iterator[Probe]:
    frames = knowledge.HELD_OUT_FRAMES
    for i, item in enumerate([*DEFINITIONS, *(item for item in ENGINE if item.terms)]):
        yield ask(
            frames[i % len(frames)].format(t=item.terms[0]),
            item.answer,
            style=SPOKEN if i % 2 else WRITTEN,
        )


def engine_trained() -> Iterator[Probe]:
    for item in (*ENGINE, *ABOUT):
        yield from (
            ask(question, item.answer)
            for question in (item.terms[:1] and (f"what is {item.terms[0]}",)) or item.questions[:1]
        )


def engine_spoken() -> Iterator[Probe]:
    for item in (*ENGINE, *ABOUT):
        yield from (ask(question, item.answer, style=SPOKEN) for question in item.questions[:2])


def engine_unseen() -> Iterator[Probe]:
    for item in (*ENGINE, *ABOUT):
        yield from (ask(question, item.answer, style=SPOKEN) for question in item.held_out)


def engine_fresh() -> Iterator[Probe]:
    yield from (ask(question, answer, style=SPOKEN) for question, answer in fresh())


def sums() -> Iterator[Probe]:
    for a in range(10):
        yield from (ask(f"what is {a} plus {b}", f"{a} plus {b} is {a + b}.") for b in range(10))


def sums_spoken() -> Iterator[Probe]:
    for a in range(11):
        for b in range(11):
            x, y, z = (arithmetic.spell(n) for n in (a, b, a + b))
            yield ask(f"what is {x} plus {y}", f"{x.capitalize()} plus {y} is {z}.", style=SPOKEN)


def sums_large() -> Iterator[Probe]:
    for a in range(11, 21):
        yield from (
            ask(f"what is {a} plus {b}", f"{a} plus {b} is {a + b}.") for b in range(1, 21, 2)
        )


def differences() -> Iterator[Probe]:
    for a in range(11):
        yield from (
            ask(f"what is {a} minus {b}", f"{a} minus {b} is {a - b}.") for b in range(a + 1)
        )


def opposites() -> Iterator[Probe]:
    yield from (
        ask(f"what is the opposite of {a}", f"The opposite of {a} is {b}.")
        for a, b in OPPOSITES.items()
    )


def colours() -> Iterator[Probe]:
    yield from (
        ask(f"what colour is {a}", f"{a[0].upper()}{a[1:]} is {b}.") for a, b in COLOURS.items()
    )


def refusal_set() -> Iterator[Probe]:
    rng = Random(SEED)
    asked: set[str] = set()
    while len(asked) < 60:
        question = refusals.question(rng, refusals.EVALUATE)
        if question not in asked:
            asked.add(question)
            yield ask(question, refusals.REFUSAL, style=SPOKEN if len(asked) % 2 else WRITTEN)


SETS: dict[str, Callable[[], Iterator[Probe]]] = {
    "capitals": capitals,
    "capitals, unseen phrasing": capitals_unseen,
    "definitions, word for word": definitions,
    "terms and definitions, unseen phrasing": terms_unseen,
    "engine and identity, trained phrasing": engine_trained,
    "engine and identity, as a recogniser writes it": engine_spoken,
    "engine and identity, unseen phrasing": engine_unseen,
    "engine and identity, fresh questions": engine_fresh,
    "sums 0-9 in digits": sums,
    "sums 0-10 in words": sums_spoken,
    "sums 11-20 in digits": sums_large,
    "differences 0-10": differences,
    "opposites": opposites,
    "colours": colours,
    "refusal of unseen off-topic questions": refusal_set,
    "answer from a context, words known": lambda: copied.contexts(False),
    "answer from a context, words unseen": lambda: copied.contexts(True),
    "context without the answer": copied.taken(copied.contexts_missing, 30),
    "repeat two unseen words": copied.echoes,
    "name, trained": lambda: copied.names(words("words", "names"), WRITTEN, 0),
    "name, unseen": lambda: copied.names(copied.made_up_names(), WRITTEN, 0),
    "name, unseen, spoken": lambda: copied.names(copied.made_up_names(), SPOKEN, 0),
    "name, unseen, one turn between": lambda: copied.names(copied.made_up_names(), WRITTEN, 1),
    "a question after ten turns": copied.long_chats,
    "favourites, home, pet: unseen words, spoken": copied.traits,
}
