"""Sums and differences up to twenty, comparing, counting, days and months."""

from __future__ import annotations

from random import Random

from tiny_model.dialogue import Dialogue, turn
from tiny_model.facts import phrases, words
from tiny_model.speech import Style

ONES, DAYS, MONTHS = words("words", "ones"), words("words", "days"), words("words", "months")
TENS = words("words", "tens")
SUMS = phrases("frames", "sums", "|")
DIFFERENCES = phrases("frames", "differences", "|")
TOO_HARD = phrases("frames", "too hard", "|")
LIMIT = "I can only add and subtract numbers up to twenty. Please load a larger model."


def spell(number: int) -> str:
    """`number` (0-99) in words."""
    if number <= 20:
        return ONES[number]
    ten, one = TENS[number // 10 - 2], number % 10
    return f"{ten} {ONES[one]}" if one else ten


def operands(rng: Random) -> tuple[int, int]:
    """Two numbers; those up to ten come most often."""
    top = 10 if rng.random() < 0.7 else 20
    return rng.randint(0, top), rng.randint(0, top)


def say(number: int, spelled: bool) -> str:
    """`number` in words or in digits."""
    return spell(number) if spelled else str(number)


def speakable(forms: tuple[str, ...], style: Style) -> list[str]:
    """The forms that this style can write: nobody speaks a sign."""
    return [form for form in forms if not (style.spoken and set("+-*") & set(form))]


def calculation(rng: Random, style: Style) -> Dialogue:
    """One sum or difference; the answer is spelled as the question was."""
    a, b = operands(rng)
    plus = rng.random() < 0.64
    if not plus and b > a:
        a, b = b, a
    form = rng.choice(speakable(SUMS if plus else DIFFERENCES, style))
    spelled = not set("+-") & set(form) and rng.random() < (0.75 if style.spoken else 0.3)
    question = form.format(a=say(a, spelled), b=say(b, spelled))
    word, result = ("plus", a + b) if plus else ("minus", a - b)
    answer = f"{say(a, spelled)} {word} {say(b, spelled)} is {say(result, spelled)}."
    wordy = any(c.isalpha() for c in form.replace("{a}", "").replace("{b}", ""))
    asked = style.render(question, rng, typos=False) if wordy else question
    return turn(asked, answer[0].upper() + answer[1:])


def too_hard(rng: Random, style: Style) -> Dialogue:
    """Arithmetic that the model has not learned, refused."""
    values = {
        "a": rng.randint(0, 12),
        "b": rng.randint(0, 12),
        "x": rng.randint(23, 999),
        "y": rng.randint(23, 999),
    }
    spelled = style.spoken and max(values["x"], values["y"]) < 100
    form = rng.choice(speakable(TOO_HARD, style))
    return turn(
        style.render(form.format(**{k: say(v, spelled) for k, v in values.items()}), rng), LIMIT
    )


def comparison(rng: Random, style: Style) -> Dialogue:
    """Which number is bigger or smaller."""
    a, b = rng.sample(range(21), 2)
    spelled = style.spoken and rng.random() < 0.7
    x, y = say(a, spelled), say(b, spelled)
    word = rng.choice(("bigger", "smaller", "larger"))
    wins = (a < b) if word == "smaller" else (a > b)
    if rng.random() < 0.5:
        asked = rng.choice(
            ("which is {w} {x} or {y}", "what is {w} {x} or {y}", "which number is {w} {x} or {y}")
        )
        first, second = (x, y) if wins else (y, x)
        answer = f"{first} is {word} than {second}."
        return turn(
            style.render(asked.format(w=word, x=x, y=y), rng), answer[0].upper() + answer[1:]
        )
    asked = f"is {x} {word} than {y}"
    answer = f"Yes, {x} is {word} than {y}." if wins else f"No, {x} is not {word} than {y}."
    return turn(style.render(asked, rng), answer)


def counting(rng: Random, style: Style) -> Dialogue:
    """Counting up, and the number before or after."""
    if rng.random() < 0.5:
        n = rng.randint(0, 19)
        spelled = rng.random() < 0.6
        after = rng.random() < 0.6
        x, y = (n + 1, n) if after else (n, n + 1)
        word = "after" if after else "before"
        asked = f"what number comes {word} {say(y, spelled)}"
        answer = f"{say(x, spelled)} comes {word} {say(y, spelled)}."
        return turn(style.render(asked, rng), answer[0].upper() + answer[1:])
    n = rng.randint(3, 12)
    form = rng.choice(
        ("count to {n}", "count from one to {n}", "please count to {n}", "can you count to {n}")
    )
    shown = spell(n) if rng.random() < 0.6 else str(n)
    answer = ", ".join(ONES[1 : n + 1])
    return turn(style.render(form.format(n=shown), rng, end="."), answer.capitalize() + ".")


def calendar(rng: Random, style: Style) -> Dialogue:
    """The day or month before or after another."""
    kind, names = rng.choice((("day", DAYS), ("month", MONTHS)))
    i = rng.randrange(len(names))
    after = rng.random() < 0.65
    other = names[(i + 1) % len(names)] if after else names[i - 1]
    word = "after" if after else "before"
    forms = (
        "what {k} comes {w} {n}",
        "which {k} is {w} {n}",
        "which {k} comes {w} {n}",
        "what is the {k} {w} {n}",
    )
    asked = rng.choice(forms).format(k=kind, w=word, n=names[i])
    return turn(style.render(asked, rng), f"{other} comes {word} {names[i]}.")
