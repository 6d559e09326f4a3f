"""What the kit tries on parameters, kind by kind, and which declarations it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from breeze.contracts.fields import choice, integer, number, path, secret, switch, text
from breeze.contracts.parameters import Parameters
from breeze.runners.mock_llm import MockLLMParameters, MockLLMRunner
from breeze.testing.alternatives import another, beyond, filler, misfits, variants
from breeze.testing.conformance import check_runner
from tests.testing.faults import broken


class Every(Parameters):
    """A parameter of every kind."""

    speed: float = number(1.0, "Speed", low=0.5, high=2.0, step=0.5)
    count: int = integer(9, "Count", low=0, high=9)
    free: int | None = integer(None, "Any number")
    loud: bool = switch(False, "Loud")
    tone: str = choice("low", ["low", "high"], "Tone")
    tones: tuple[str, ...] = choice(("low",), ["low", "high"], "Tones", multiple=True)
    voice: str = choice("", [], "Voice", load="voices")
    title: str = text("none", "Title", max_length=5)
    code: str = text("", "Code", pattern="[a-z]+")
    key: SecretStr = secret("Key", min_length=8)
    folder: Path | None = path(None, "Folder", directory=True)


FACTS = Every.facts


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("speed", {}, 1.5),
        ("count", {}, 8),
        ("count", {"count": 0}, 1),
        ("loud", {"loud": True}, False),
        ("tone", {}, "high"),
        ("tones", {}, ("high",)),
        ("title", {}, "xxxx"),
        ("code", {}, "xxxx"),
        ("key", {}, SecretStr("xxxxxxxx")),
    ],
)
def test_another_value_is_valid_and_not_the_present_one(
    name: str, given: dict[str, Any], value: Any
) -> None:
    assert another(Every, name, given) == value


@pytest.mark.parametrize("name", ["voice", "folder", "free"])
def test_where_no_other_value_is_known_it_says_so(name: str) -> None:
    with pytest.raises(LookupError):
        another(Every, name, {})


def test_everything_beyond_a_limit_or_of_another_type_is_invalid() -> None:
    tried = [(n, v) for n, facts in FACTS.items() for v in (*beyond(facts), *misfits(facts))]
    assert {name for name, _ in tried} == set(FACTS)
    for name, value in tried:
        found = Every.validate_parameters({name: value}).errors
        assert [finding.field for finding in found] == [name], value


def test_limits_are_stepped_over_on_both_sides() -> None:
    assert [*beyond(FACTS["count"])] == [-1, 10]
    assert [*beyond(FACTS["title"])] == ["xxxxxx"]
    assert [*beyond(FACTS["voice"])] == []


def test_switches_and_choices_are_turned_one_at_a_time() -> None:
    assert [*variants(Every, {"loud": True})] == [
        {"loud": False},
        {"tone": "low"},
        {"tone": "high"},
    ]


def test_what_a_request_must_not_give_is_given_in_a_likely_form() -> None:
    assert filler(FACTS["title"], {"title": "mine"}) == "mine"
    assert len(filler(FACTS["key"], {})) >= 8
    assert filler(FACTS["folder"], {"folder": Path("here")}) == "here"


class Unsecret(MockLLMParameters):
    """A key that anybody may read."""

    key: str = secret("Key of a service")


class OpenSecret(MockLLMParameters):
    """A key that a request may replace."""

    key: SecretStr = secret("Key of a service", per_request=True)


class Undecided(MockLLMParameters):
    """A parameter for each request that needs the whole runner anew."""

    size: int = integer(1, "Size", per_request=True, requires_reload=True)


class NoChoice(MockLLMParameters):
    """A choice of nothing."""

    tone: str = choice("", [], "Tone")


class NobodysChoice(MockLLMParameters):
    """A choice that the runner cannot list."""

    tone: str = choice("", [], "Tone", load="tones")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Unsecret, "no SecretStr"),
        (OpenSecret, "a request may override"),
        (Undecided, "needs a reload"),
        (NoChoice, "choice of nothing"),
        (NobodysChoice, "does not have"),
    ],
)
async def test_a_declaration_that_makes_no_sense_is_explained(
    kind: type[MockLLMParameters], says: str
) -> None:
    runner = broken(MockLLMRunner, "Muddled", parameters_type=kind)
    report = await check_runner(runner, only=("parameters.declared",))
    assert says in report.failed[0].message
