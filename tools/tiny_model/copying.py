"""Answering from a given text, repeating, filling JSON, reading a tool's result: all by copying."""

from __future__ import annotations

import json
from random import Random

from tiny_model.blanks import Words
from tiny_model.dialogue import Dialogue, turn
from tiny_model.facts import phrases
from tiny_model.speech import Style

NOT_SAID = "The context does not say that."
ECHOES = phrases("frames", "echoes", "|")
FORMS = tuple(form.replace("\\n", "\n") for form in phrases("frames", "forms", "|"))


def context(rng: Random, style: Style, unseen: bool = False, missing: float = 0.2) -> Dialogue:
    """A text and a question about it; the answer is the sentence that holds it."""
    facts = Words(rng, unseen).facts(rng.choice((1, 2, 2, 3, 3, 4, 5, 6)))
    (answer, asked), rest = facts[0], facts[1:]
    if rest and rng.random() < missing:
        answer, shown = NOT_SAID, rest
    else:
        shown = facts
    rng.shuffle(shown)
    joint = rng.choice((" ", " ", " ", "\n", "\n- "))
    text = ("- " if joint == "\n- " else "") + joint.join(statement for statement, _ in shown)
    question = asked[0].upper() + asked[1:] + "?"
    if style.spoken and rng.random() < 0.5:
        question, text = asked, text if rng.random() < 0.5 else text.lower()
        answer = answer if not text.islower() or answer == NOT_SAID else answer.lower()
        question = question.lower() if text.islower() else question
    if rng.random() < 0.1:
        opening = rng.choice(("Answer from this context: ", "Context: ", "Use this context.\n"))
        return [("system", opening + text), *turn(question, answer)]
    return turn(rng.choice(FORMS).format(c=text, q=question), answer)


def told(rng: Random, style: Style) -> Dialogue:
    """A statement to remember and, in the next turn, the question about it."""
    (statement, asked), *_ = Words(rng).facts(1)
    begin = rng.choice(("Remember this: ", "Please note: ", "Remember: ", "Note this: "))
    text = begin + statement
    if style.name != "written":
        text, statement, asked = (
            text.lower().rstrip(".").replace(":", ""),
            statement.lower(),
            asked.lower(),
        )
    question = asked if style.spoken else asked[0].upper() + asked[1:] + "?"
    return turn(text, "All right, I will remember that.") + turn(question, statement)


def echo(rng: Random, style: Style, sizes: tuple[int, ...] = (1, 1, 2, 2, 3, 4, 6)) -> Dialogue:
    """Words to repeat."""
    w = Words(rng)
    size = rng.choice(sizes)
    said = " ".join(
        w.made_up(0.4, rng.choice(("objects", "adjectives", "animals", "foods")))
        for _ in range(size)
    )
    form = rng.choice(ECHOES)
    text = form.format(w=said)
    return turn(text.replace(":", "") if style.spoken else text[0].upper() + text[1:], said)


def drill(rng: Random, style: Style) -> Dialogue:
    """Many words to repeat, nearly all tokens a copy: what the first steps of training need."""
    return echo(rng, style, (4, 6, 8, 10, 12))


def as_json(rng: Random, style: Style) -> Dialogue:
    """Names and values to write as a JSON object."""
    keys = rng.sample(
        ("name", "age", "city", "colour", "code", "size", "day", "animal", "food", "price"),
        rng.randint(1, 3),
    )
    w, row = Words(rng), {}
    for key in keys:
        number = key in ("age", "size", "price")
        row[key] = (
            rng.randint(1, 99)
            if number
            else style.value(w.blank({"name": "n", "city": "c", "day": "d"}.get(key, "p")))
        )
    listed = ", ".join(f"{key} {value}" for key, value in row.items())
    form = rng.choice(("Make JSON: {l}", "Write this as JSON: {l}", "As JSON: {l}"))
    return turn(form.format(l=listed), json.dumps(row))


def tool_result(rng: Random, style: Style) -> Dialogue:
    """A question, a tool's result and the answer that hands it on."""
    w = Words(rng)
    city = style.value(w.blank("c"))
    state = rng.choice(("sunny", "rainy", "cloudy", "open", "closed", "ready"))
    result = f"{state}, {rng.randint(1, 99)}"
    if rng.random() < 0.6:
        result = (
            w.blank("v")
            if rng.random() < 0.5
            else json.dumps({w.made_up(0.3, "objects"): rng.randint(1, 999)})
        )
    asked = rng.choice(
        (
            "what is the weather in {c}",
            "what time is it in {c}",
            "look up {c}",
            "find {c}",
            "search for {c}",
        )
    )
    return [
        ("user", style.render(asked.format(c=city), rng, typos=False)), ("tool", result),
        ("assistant", f"The tool says: {result}"),
    ]  # fmt: skip
