"""config.json refused: every problem at once, with its path, and no secret repeated."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from breeze.config import EngineConfig, parse_config
from breeze.contracts.errors import InputError
from tests.config import strategies as draw


def llm(**runners: Any) -> dict[str, Any]:
    return {"capabilities": {"LLM": {"runners": runners}}}


def refused(data: Any) -> dict[str, str]:
    """Path and message of every problem."""
    with pytest.raises(InputError) as error:
        parse_config(data)
    assert all(f"{path}: " in error.value.message for path in error.value.data["fields"] if path)
    found: dict[str, str] = error.value.data["fields"]
    return found


def test_every_problem_is_told_at_once_with_its_path() -> None:
    data = {
        "version": "3.0",
        "defaultStrategy": "FASTEST",
        "globalSettings": {"maxInitRetries": "3", "failover": {"afterOutput": "panic"}},
        "capabilities": {
            "LLM": {
                "defaultRunner": 7,
                "runners": {
                    "primary": {"class": "openai", "priority": "first", "parameters": {"a": 1}},
                    "a/b": {"class": ""},
                    "auto": {"clas": "openai"},
                    "list": {"class": "x", "requirements": ["MTK_NPU", 5], "parameters": []},
                },
            },
            "VLM": {"runners": {"primary": {"class": "openai", "parameters": {"a": 2}}}},
        },
    }
    found = refused(data)
    runners = "capabilities.LLM.runners"
    assert found.keys() == {
        "version",
        "defaultStrategy",
        "globalSettings.maxInitRetries",
        "globalSettings.failover.afterOutput",
        "capabilities.LLM.defaultRunner",
        f"{runners}.primary.priority",
        f"{runners}.a/b",
        f"{runners}.a/b.class",
        f"{runners}.auto",
        f"{runners}.auto.class",
        f"{runners}.list.requirements[1]",
        f"{runners}.list.parameters",
        "capabilities.VLM.runners.primary",
    }
    assert found[f"{runners}.primary.priority"] == "should be a valid integer"
    assert (
        found["globalSettings.failover.afterOutput"] == "should be 'stop', 'restart' or 'continue'"
    )
    assert found["capabilities.VLM.runners.primary"].endswith("than under LLM")
    with pytest.raises(InputError, match=r"'clas' is not known; did you mean 'class'\?"):
        parse_config(data)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("globalSettings", {"fallbackToMock": "yes"}),
        ("globalSettings", {"fallbackToMock": 1}),
        ("globalSettings", {"maxInitRetries": -1}),
        ("globalSettings", {"maxInitRetries": 1.5}),
        ("globalSettings", {"defaultTimeoutMs": 0}),
        ("globalSettings", {"defaultTimeoutMs": True}),
        ("globalSettings", {"keepAliveSeconds": -0.1}),
        ("globalSettings", {"memoryBudgetMb": 0}),
        ("globalSettings", {"guardian": "strict"}),
        ("capabilities", {"LLM": []}),
    ],
)
def test_wrong_types_and_ranges_are_refused(section: str, values: dict[str, Any]) -> None:
    assert list(refused({section: values})) == [f"{section}.{next(iter(values))}"]


def test_a_configuration_is_an_object() -> None:
    assert refused(["version"]) == {"": "it must be an object: {…}"}


def test_one_instance_may_serve_two_capabilities_if_it_is_one() -> None:
    entry: dict[str, Any] = {"class": "openai", "parameters": {"base_url": "u"}}
    data = {"capabilities": {c: {"runners": {"a": entry}} for c in ("LLM", "VLM")}}
    assert list(parse_config(data).config.instances) == ["a"]
    data["capabilities"]["VLM"]["runners"]["a"] = entry | {"priority": 3}
    assert list(parse_config(data).config.instances) == ["a"]
    data["capabilities"]["VLM"]["runners"]["a"] = entry | {"class": "other"}
    assert list(refused(data)) == ["capabilities.VLM.runners.a"]


def test_the_same_rule_holds_for_configurations_made_in_python() -> None:
    def runners(name: str) -> dict[str, Any]:
        return {"runners": {"a": {"class_": name}}}

    with pytest.raises(ValueError, match="capabilities.VLM.runners.a: has another class"):
        EngineConfig.model_validate({"capabilities": {"LLM": runners("x"), "VLM": runners("y")}})


def test_problems_of_version_1_have_its_own_paths() -> None:
    found = refused(
        {
            "version": "1.0",
            "runners": [
                {"name": "a", "class": "x", "capabilities": ["LLM"], "priority": "5"},
                {"name": "a", "class": "y", "capabilities": []},
                {"class": "z", "capabilities": ["LLM"]},
            ],
        }
    )
    assert found.keys() == {
        "runners[0].priority",
        "runners[1].capabilities",
        "runners[1].name",
        "runners[2].name",
    }


def test_a_secret_in_a_wrong_place_is_not_repeated() -> None:
    found = refused(llm(a={"class": "x", "parameters": "canary", "priority": "canary"}))
    assert "canary" not in str(found)


def test_pydantic_does_not_repeat_it_either() -> None:
    wrong = {"LLM": {"runners": {"a": {"class": "x", "parameters": "canary"}}}}
    with pytest.raises(ValidationError) as error:
        EngineConfig.model_validate({"capabilities": wrong})
    assert "canary" not in str(error.value)


@draw.unhurried
@given(draw.objects | draw.json_values)
def test_any_json_is_accepted_or_refused_with_paths(data: Any) -> None:
    try:
        file = parse_config(data)
    except InputError as error:
        told = list(error.data["fields"].values())
    else:
        told = [notice.message for notice in file.notices] + ["fine"]
    assert all(told)
    assert told
