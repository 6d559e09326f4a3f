"""Bodies of OpenAI's dialect: the first thing wrong is named by its path, in the caller's words."""

from __future__ import annotations

from typing import Any

import pytest

from breeze.contracts.answers import Adjustment, Moderation
from breeze.contracts.dialects.openai_completion_json import completions_from_json
from breeze.contracts.dialects.openai_json import Body
from breeze.contracts.dialects.openai_moderation_json import CATEGORIES, THEIRS, result_json
from breeze.contracts.dialects.openai_reading import in_their_words, renamed
from breeze.contracts.errors import InputError
from breeze.contracts.strict import read_strict
from breeze.contracts.values import Finding

NAMES = {"texts": "input", "messages": "input", "messages[0].content": "input", "count": "n"}


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"messages": [], "modl": "x"}, "modl", "did you mean 'model'"),
        ({"messages": [], "q" * 500: 1}, "q" * 60 + "…", "leave it out"),
        ({}, "messages", "messages is needed."),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text", "is needed"),
        ({"messages": [], "top_p": "1"}, "top_p", "top_p: Expected"),
        ([], "", "The body: Expected"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body: Any, field: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_strict(body, Body)
    assert caught.value.field == field
    assert said in caught.value.message


def test_the_fields_of_a_form_may_be_text() -> None:
    assert read_strict({"messages": [], "top_p": "1"}, Body, text=True).top_p == 1.0


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("texts", "input"),
        ("texts[3]", "input[3]"),
        ("messages[0].content[2].url", "input[2].url"),
        ("messages[1]", "input[1]"),
        ("counted", "counted"),
        ("", ""),
    ],
)
def test_a_path_is_put_into_the_callers_words(ours: str, theirs: str) -> None:
    error = renamed(InputError(f"{ours} is odd.", field=ours), NAMES)
    assert (error.field, error.message) == (theirs, f"{theirs} is odd.")
    (adjustment,) = in_their_words((Adjustment(ours, 1, 2, "why"),), NAMES)
    assert adjustment.field == theirs


def test_a_message_that_does_not_begin_with_the_field_stays() -> None:
    error = renamed(InputError("Give some text.", field="texts"), NAMES)
    assert (error.field, error.message) == ("input", "Give some text.")


def test_every_name_we_map_to_is_one_of_theirs() -> None:
    assert set(THEIRS.values()) <= set(CATEGORIES)
    assert len(CATEGORIES) == 13


@pytest.mark.parametrize("ours", [*THEIRS, *(name.lower() for name in THEIRS), *CATEGORIES])
def test_a_category_is_flagged_under_one_of_their_names(ours: str) -> None:
    finding = Finding(ours, 0.5)
    found = result_json(
        Moderation(status="WARNING", risk=0.6, categories=(ours,), findings=(finding,))
    )
    flagged = [name for name, value in found["categories"].items() if value]
    assert flagged == [THEIRS.get(ours.upper(), ours)]
    assert found["category_scores"][flagged[0]] == 0.5
    assert found["flagged"]
    assert found["breeze"]["unmapped"] == []


def test_choices_of_several_prompts_are_numbered_one_after_the_other() -> None:
    asked = completions_from_json({"prompt": ["a", "b", "c"], "n": 2})
    assert [asked.index(p, c) for p in range(3) for c in range(2)] == [0, 1, 2, 3, 4, 5]
    assert len({request.id for request in asked.requests}) == 3
