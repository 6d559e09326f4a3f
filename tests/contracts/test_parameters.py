"""A runner describes its parameters once; schema, checks and messages follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from breeze.contracts.errors import InputError
from breeze.contracts.fields import (
    Choice,
    choice,
    integer,
    number,
    path,
    secret,
    switch,
    text,
)
from breeze.contracts.parameters import Parameters, ValidationResult, unknown_name

KEY = "wh-0123456789"
VOICES = (Choice("low", "Low", "A deep voice"), "high")


class Whistle(Parameters):
    """Every kind of field, with every kind of bound."""

    api_key: SecretStr = secret("Key from the console", env="WHISTLE_API_KEY", min_length=8)
    base_url: str = text("https://whistle.test", "Where", pattern=r"https?://.+", max_length=40)
    voice: str = choice("low", VOICES, "Which voice", per_request=True)
    effects: tuple[str, ...] = choice((), ("echo", "hall"), "Effects", multiple=True)
    model: str = choice("", (), "Model", load="models")
    pitch: float = number(
        1.0, "Pitch of the voice", low=0.5, high=2, step=0.1, precision=1, unit="x",
        per_request=True,
    )  # fmt: skip
    floor: float | None = number(None, "Lowest tone", unit="Hz", low=0, per_request=True)
    breaths: int = integer(2, "Breaths a minute", low=0, high=60, requires_reload=True)
    loud: bool = switch(False, "Louder", per_request=True)

    def cross_check(self) -> Iterator[ValidationResult]:
        if self.loud and self.pitch > 1.8:
            yield ValidationResult("pitch", "warning", "high and loud hurts")
        if self.loud and self.breaths == 0:
            yield ValidationResult("breaths", "invalid", "cannot be 0 when loud")


class Needy(Parameters):
    """Parameters that somebody must give."""

    api_key: SecretStr = secret("Key", required=True)
    region: str = text("", "Region", title="Region code", required=True)


class Files(Parameters):
    """Paths of each kind."""

    weights: Path | None = path(None, "Weights", extensions=(".gguf", ".bin"))
    folder: Path | None = path(None, "Cache", directory=True)
    output: Path | None = path(None, "Written there", must_exist=False)


def levels(kind: type[Parameters], **values: Any) -> dict[str, str]:
    """The level of each finding, by field."""
    return {found.field: found.level for found in kind.validate_parameters(values).findings}


def said(kind: type[Parameters], **values: Any) -> dict[str, str]:
    """What is said about each invalid field."""
    return {found.field: found.message for found in kind.validate_parameters(values).errors}


def test_the_defaults_are_valid() -> None:
    checked = Whistle.validate_parameters({})
    assert checked.ok
    assert checked.parameters == Whistle()
    assert {found.level for found in checked.findings} == {"valid"}
    assert [found.field for found in checked.findings] == list(Whistle.model_fields)


def test_facts_hold_what_a_form_needs() -> None:
    pitch = Whistle.facts["pitch"]
    assert (pitch.name, pitch.kind, pitch.title, pitch.default) == ("pitch", "number", "Pitch", 1.0)
    assert (pitch.low, pitch.high, pitch.step, pitch.precision) == (0.5, 2, 0.1, 1)
    assert (pitch.unit, pitch.per_request, pitch.secret) == ("x", True, False)
    assert pitch.description == "Pitch of the voice"
    assert Whistle.facts["voice"].choices == (
        Choice("low", "Low", "A deep voice"),
        Choice("high", "high"),
    )
    key = Whistle.facts["api_key"]
    assert (key.secret, key.env, key.category) == (True, "WHISTLE_API_KEY", "Authentication")
    assert key.title == "Api key"
    assert Needy.facts["region"].title == "Region code"
    assert Whistle.facts["breaths"].requires_reload


def test_a_field_without_a_helper_is_refused() -> None:
    with pytest.raises(TypeError, match="plain: declare it with a helper"):
        type("Bare", (Parameters,), {"__annotations__": {"plain": int}, "plain": 1})


WRONG: list[tuple[str, Any, str]] = [
    ("api_key", "short", "has 5 characters, needs 8"),
    ("api_key", 7, "string"),
    ("base_url", "ftp://whistle.test", "pattern"),
    ("base_url", "https://" + "w" * 40, "40 characters"),
    ("voice", "tenor", "'tenor': choose from low, high"),
    ("effects", ("echo", "rain"), "'rain': choose from echo, hall"),
    ("pitch", 0.4, "greater than or equal to 0.5"),
    ("pitch", 2.1, "less than or equal to 2"),
    ("pitch", float("nan"), "finite"),
    ("pitch", float("inf"), "finite"),
    ("pitch", "1,5", "not a complete number"),
    ("pitch", "1.", "not a complete number"),
    ("pitch", "", "not a complete number"),
    ("pitch", None, "number"),
    ("breaths", "2x", "not a complete number"),
    ("breaths", "1_0", "not a complete number"),
    ("breaths", 2.5, "integer"),
    ("breaths", 61, "less than or equal to 60"),
    ("loud", "perhaps", "boolean"),
    ("picth", 1, "'picth' is not known; did you mean 'pitch'?"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_a_wrong_value_is_invalid_and_says_why(name: str, value: Any, message: str) -> None:
    checked = Whistle.validate_parameters({name: value})
    assert not checked.ok
    assert checked.parameters is None
    assert [found.field for found in checked.errors] == [name]
    assert message in checked.errors[0].message
    assert "Value error" not in checked.errors[0].message


RIGHT: list[tuple[str, Any, Any]] = [
    ("pitch", "0.5", 0.5),
    ("pitch", " 2 ", 2.0),
    ("pitch", "1e0", 1.0),
    ("pitch", 1, 1.0),
    ("floor", "0", 0.0),
    ("floor", None, None),
    ("breaths", "0", 0),
    ("breaths", 60, 60),
    ("loud", "YES", True),
    ("loud", "Off", False),
    ("loud", 1, True),
    ("voice", "high", "high"),
    ("voice", "", ""),
    ("effects", ["hall", "echo"], ("hall", "echo")),
    ("model", "anything that the runner lists", "anything that the runner lists"),
    ("base_url", "http://127.0.0.1:9", "http://127.0.0.1:9"),
]


@pytest.mark.parametrize(("name", "value", "meant"), RIGHT)
def test_a_value_is_read_as_it_was_meant(name: str, value: Any, meant: Any) -> None:
    read = getattr(Whistle.of({name: value}), name)
    assert read == meant
    assert type(read) is type(meant)


@given(st.floats(allow_nan=False))
def test_a_number_is_accepted_exactly_in_its_range(value: float) -> None:
    assert Whistle.validate_parameters({"pitch": value}).ok == (0.5 <= value <= 2)


@given(st.integers(0, 60))
def test_a_whole_number_means_the_same_as_text(value: int) -> None:
    assert Whistle.of({"breaths": str(value)}) == Whistle.of({"breaths": value})


@given(st.dictionaries(st.sampled_from([*Whistle.model_fields, "other"]), st.none() | st.text()))
def test_validation_never_raises(values: dict[str, Any]) -> None:
    checked = Whistle.validate_parameters(values)
    assert checked.ok == (checked.parameters is not None)


def test_all_findings_come_at_once() -> None:
    found = levels(Whistle, pitch=9, voice="tenor", loud="maybe", tone=1)
    assert [field for field, level in found.items() if level == "invalid"] == [
        "voice", "pitch", "loud", "tone",
    ]  # fmt: skip
    assert found["breaths"] == "valid"


def test_a_warning_is_accepted_with_a_text() -> None:
    checked = Whistle.validate_parameters({"loud": True, "pitch": 2})
    assert checked.ok
    assert checked.parameters is not None
    assert [(found.field, found.message) for found in checked.warnings] == [
        ("pitch", "high and loud hurts")
    ]
    assert Whistle.of({"loud": True, "pitch": 2}).loud


def test_a_rule_over_several_fields_may_refuse() -> None:
    assert levels(Whistle, loud=True, breaths=0)["breaths"] == "invalid"
    with pytest.raises(InputError, match="cannot be 0 when loud"):
        Whistle.of({"loud": True, "breaths": 0})


@pytest.mark.parametrize("blank", [{}, {"api_key": "", "region": " "}, {"api_key": SecretStr(" ")}])
def test_what_is_required_must_be_given(blank: dict[str, Any]) -> None:
    assert said(Needy, **blank) == {
        "api_key": "Api key is required",
        "region": "Region code is required",
    }
    assert Needy.validate_parameters({"api_key": "k", "region": "eu"}).ok


def test_paths_must_be_what_they_should(tmp_path: Path) -> None:
    weights, picture = tmp_path / "tiny.GGUF", tmp_path / "tiny.png"
    weights.touch()
    picture.touch()
    assert Files.of({"weights": str(weights)}).weights == weights
    assert Files.of({"folder": tmp_path}).folder == tmp_path
    assert Files.of({"output": tmp_path / "new.wav"}).output == tmp_path / "new.wav"
    assert "must end in .gguf or .bin" in said(Files, weights=picture)["weights"]
    assert "does not exist" in said(Files, weights=tmp_path / "other.gguf")["weights"]
    assert "must be a file" in said(Files, weights=tmp_path)["weights"]
    assert "must be a folder" in said(Files, folder=picture)["folder"]
    assert "must be a file" in said(Files, output=tmp_path)["output"]


def test_of_lists_every_problem() -> None:
    with pytest.raises(InputError) as caught:
        Whistle.of({"pitch": 9, "voise": "low"})
    error = caught.value
    assert error.field == "parameters.pitch"
    assert set(error.data["fields"]) == {"pitch", "voise"}
    assert "parameters.pitch: " in error.message
    assert "parameters.voise: 'voise' is not known; did you mean 'voice'?" in error.message


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    known = {"temperature": 1, "top_p": 2}
    assert unknown_name("temprature", known).endswith("did you mean 'temperature'?")
    assert unknown_name("zzz", known).endswith("known: temperature, top_p")
    assert unknown_name("zzz", {}).endswith("known: none")


def test_a_caller_overrides_only_what_is_per_request() -> None:
    base = Whistle.of({"api_key": KEY, "pitch": 1.2, "breaths": 5})
    changed = base.for_request({"pitch": "0.5", "loud": "on"})
    assert (changed.pitch, changed.loud, changed.breaths) == (0.5, True, 5)
    assert changed.api_key.get_secret_value() == KEY
    assert (base.pitch, base.loud) == (1.2, False)
    assert base.for_request({}) is base


@pytest.mark.parametrize("name", ["api_key", "base_url", "breaths", "model", "effects"])
def test_what_is_the_operators_stays_so(name: str) -> None:
    with pytest.raises(InputError, match="can only be set by the operator") as caught:
        Whistle().for_request({name: "x", "pitch": 1})
    assert caught.value.field == f"params.{name}"


def test_a_callers_mistake_names_its_field() -> None:
    with pytest.raises(InputError) as caught:
        Whistle().for_request({"pitch": 9, "voise": "low"})
    assert set(caught.value.data["fields"]) == {"pitch", "voise"}
    assert caught.value.field == "params.pitch"


def test_a_callers_values_obey_the_rules_over_several_fields() -> None:
    with pytest.raises(InputError, match=r"params\.breaths: cannot be 0 when loud"):
        Whistle.of({"breaths": 0}).for_request({"loud": True})


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Whistle().pitch = 2  # type: ignore[misc]


def test_the_reload_key_changes_with_what_requires_a_reload() -> None:
    assert Whistle().reload_key() == Whistle.of({"pitch": 2}).reload_key()
    assert Whistle().reload_key() != Whistle.of({"breaths": 3}).reload_key()


def test_parameters_without_fields_are_fine() -> None:
    checked = Parameters.validate_parameters({})
    assert checked.ok
    assert checked.findings == ()
    assert said(Parameters, a=1) == {"a": "'a' is not known; known: none"}


def everything_printed(parameters: Parameters) -> str:
    return "".join(
        [
            repr(parameters),
            str(parameters),
            parameters.model_dump_json(),
            str(parameters.model_dump()),
            str(parameters.reload_key()),
        ]
    )


def test_a_secret_is_never_printed() -> None:
    parameters = Whistle.of({"api_key": KEY})
    assert parameters.api_key.get_secret_value() == KEY
    assert KEY not in everything_printed(parameters)
    assert KEY not in everything_printed(parameters.for_request({"pitch": 2}))


@pytest.mark.parametrize(
    "values",
    [
        {"api_key": KEY, "pitch": 9},
        {"api_key": KEY[:7]},
        {"api_key": [KEY]},
        {"api_key": {"value": KEY}},
        {"api_key": KEY, "unknown": KEY},
        {"api_key": KEY, "base_url": KEY},
    ],
)
def test_a_secret_is_not_in_any_error(values: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        Whistle.of(values)
    assert KEY[:7] not in str(caught.value) + repr(caught.value.info())
    checked = Whistle.validate_parameters(values)
    assert KEY[:7] not in repr(checked.findings)
