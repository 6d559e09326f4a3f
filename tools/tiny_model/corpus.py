"""Makes the training text: dialogues drawn from the skills, the same for the same seed.

usage: python -m tiny_model.corpus DIALOGUES OUT.jsonl [SEED]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from tiny_model import arithmetic, copying, knowledge, memory, refusals
from tiny_model.dialogue import Dialogue, Skill
from tiny_model.facts import ABOUT, CAPITALS, DEFINITIONS, ENGINE, fresh, phrases
from tiny_model.speech import Style, pick_style, plain

SEED = 20261121
SKILLS: tuple[tuple[Skill, float], ...] = (
    (knowledge.engine, 19),
    (knowledge.about, 10),
    (knowledge.definition, 5.5),
    (knowledge.capital, 4.5),
    (knowledge.word_pair, 3.5),
    (knowledge.two_at_once, 1.5),
    (knowledge.greeted, 1.5),
    (knowledge.follow_up, 1.2),
    (arithmetic.calculation, 21),
    (arithmetic.too_hard, 1.5),
    (arithmetic.comparison, 1.5),
    (arithmetic.counting, 1.5),
    (arithmetic.calendar, 1.5),
    (refusals.refusal, 14),
    (copying.context, 20),
    (copying.told, 1),
    (copying.echo, 4),
    (copying.as_json, 1),
    (copying.tool_result, 0.7),
    (memory.recall, 6),
    (memory.nothing_told, 1),
    (memory.said, 1.5),
)
DRILLS: tuple[tuple[Skill, float], ...] = (
    (copying.drill, 5),
    (copying.context, 2),
    (memory.recall, 2),
)
"""Practice in copying. A network learns facts at any time, but to copy only through circuits that
need many examples at once; so the first steps of training drill it."""
DRILL_SHARE = 0.7
ALONE = frozenset((memory.recall, memory.nothing_told, memory.said))
"""Skills whose answer depends on what was said: they come once in a dialogue, and first."""
SYSTEM = phrases("frames", "system", "|")


@cache
def held_out() -> frozenset[str]:
    """Every question kept for evaluation, as plain lower-case words."""
    found = {plain(question) for item in (*ABOUT, *ENGINE) for question in item.held_out}
    found |= {plain(question) for question, _ in fresh()}
    terms = [term for item in (*ENGINE, *DEFINITIONS) for term in item.terms]
    found |= {plain(frame.format(t=term)) for frame in knowledge.HELD_OUT_FRAMES for term in terms}
    return frozenset(
        found | {plain(f.format(c=c)) for f in knowledge.HELD_OUT_CAPITAL_FRAMES for c in CAPITALS}
    )


def allowed(turns: Dialogue) -> bool:
    """Whether no question of `turns` is kept for evaluation."""
    return not any(role == "user" and plain(text) in held_out() for role, text in turns)


def draw(rng: Random, style: Style, drilled: bool) -> tuple[Skill, Dialogue]:
    """Turns of one skill, drawn by weight."""
    skills = DRILLS if drilled and rng.random() < DRILL_SHARE else SKILLS
    while True:
        skill = rng.choices([s for s, _ in skills], [w for _, w in skills])[0]
        turns = skill(rng, style)
        if allowed(turns):
            return skill, turns


def dialogue(rng: Random, drilled: bool = False) -> Dialogue:
    """One dialogue of one to three topics, seldom of many, sometimes with a system message.

    `drilled` makes most of it practice in copying.
    """
    style = pick_style(rng)
    skill, turns = draw(rng, style, drilled)
    more = rng.choices((0, 1, 2, rng.randint(4, 14)), (0.61, 0.22, 0.1, 0.07))[0]
    for _ in range(more if skill not in ALONE else 0):
        skill, topic = draw(rng, style, drilled)
        if skill not in ALONE and topic[0][0] != "system":
            turns = turns + topic
    if turns[0][0] == "user" and rng.random() < 0.15:
        turns = [("system", rng.choice(SYSTEM)), *turns]
    return turns


def corpus(count: int, seed: int = SEED) -> Iterator[Dialogue]:
    """`count` dialogues."""
    rng = Random(seed)
    return (dialogue(rng) for _ in range(count))


def main(count: int, out: Path, seed: int = SEED) -> None:
    """Writes one dialogue a line."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w") as file:
        file.writelines(json.dumps(turns) + "\n" for turns in corpus(count, seed))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
