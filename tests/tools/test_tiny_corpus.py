"""The text that the embedded model learns from: the same for a seed, free of what is kept for
evaluation, and without two answers to one question."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
COUNT = 6000


def module(name: str) -> ModuleType:
    """A module of the model's tools, which are not installed."""
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module(f"tiny_model.{name}")
    finally:
        sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def dialogues() -> list[Any]:
    return list(module("corpus").corpus(COUNT))


def test_the_same_seed_gives_the_same_text_and_another_seed_does_not() -> None:
    corpus = module("corpus").corpus
    assert list(corpus(50, 1)) == list(corpus(50, 1))
    assert list(corpus(50, 1)) != list(corpus(50, 2))


def test_every_dialogue_ends_with_an_answer_and_no_message_is_empty(dialogues: list[Any]) -> None:
    for turns in dialogues:
        assert turns[-1][0] == "assistant"
        assert all(text.strip() for _, text in turns)
        assert {role for role, _ in turns} <= {"system", "user", "assistant", "tool"}


def test_no_question_kept_for_evaluation_is_trained(dialogues: list[Any]) -> None:
    plain, held_out = module("speech").plain, module("corpus").held_out()
    trained = {plain(text) for turns in dialogues for role, text in turns if role == "user"}
    assert held_out
    assert trained.isdisjoint(held_out)


def test_no_off_topic_question_of_the_evaluation_is_trained(dialogues: list[Any]) -> None:
    plain = module("speech").plain
    asked = {plain(probe.messages[-1][1]) for probe in module("probes").refusal_set()}
    trained = {plain(text) for turns in dialogues for role, text in turns if role == "user"}
    assert len(asked) == 60
    assert trained.isdisjoint(asked)


def test_unseen_names_and_words_stay_out_of_the_training_text(dialogues: list[Any]) -> None:
    facts = module("facts")
    seen = set(re.findall(r"\w+", " ".join(text for t in dialogues for _, text in t).lower()))
    for section in ("unseen_names", "unseen_words"):
        assert seen.isdisjoint(word.lower() for word in facts.words("words", section))


def test_made_up_words_for_training_and_for_evaluation_never_meet() -> None:
    from random import Random

    coin = module("dialogue").coin
    rng = Random(5)
    train = {coin(rng) for _ in range(5000)}
    assert train.isdisjoint(coin(rng, held_out=True) for _ in range(5000))


def test_one_question_about_a_fact_has_one_answer() -> None:
    facts, plain = module("facts"), module("speech").plain
    answers: dict[str, str] = {}
    for item in (*facts.ABOUT, *facts.ENGINE, *facts.DEFINITIONS):
        for question in (*item.terms, *item.questions, *item.held_out):
            assert answers.setdefault(plain(question), item.answer) == item.answer, question


def test_what_is_refused_is_not_also_explained() -> None:
    facts = module("facts")
    known = {term.lower() for item in (*facts.DEFINITIONS, *facts.ENGINE) for term in item.terms}
    nouns = set(facts.words("offtopic", "nouns"))
    assert not {term.split()[-1] for term in known} & nouns
    assert not {country.lower() for country in facts.CAPITALS} & {
        place.lower() for place in facts.phrases("offtopic", "places")
    }


@pytest.mark.parametrize("a", range(11))
def test_all_sums_up_to_ten_plus_ten_are_right_and_trained(a: int, dialogues: list[Any]) -> None:
    found = {
        (int(x), int(y), int(z))
        for turns in dialogues
        for _, text in turns
        for x, y, z in re.findall(r"^(\d+) plus (\d+) is (\d+)\.$", text)
    }
    assert all(x + y == z for x, y, z in found)
    assert sum((a, b, a + b) in found for b in range(11)) >= 6
