"""Self-describing runners: one pydantic model a runner, from which all else is derived.

Schema, form, command-line options, environment names, documentation and validation come from the
fields declared with the helpers below, so they cannot disagree (seeds/000, "Enhanced Runtime
Settings").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, Self

import msgspec
from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from breeze.contracts.errors import InputError
from breeze.contracts.fields import Facts, facts_of

Level = Literal["valid", "warning", "invalid"]
_COMPLETE_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


class ValidationResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What validation says of one parameter. A warning is accepted, with a text to show."""

    field: str
    level: Level = "valid"
    message: str = ""


@dataclass(frozen=True)
class Validation:
    """All findings at once; `parameters` is there when none is invalid."""

    findings: tuple[ValidationResult, ...]
    parameters: Parameters | None

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def errors(self) -> tuple[ValidationResult, ...]:
        return tuple(f for f in self.findings if f.level == "invalid")

    @property
    def warnings(self) -> tuple[ValidationResult, ...]:
        return tuple(f for f in self.findings if f.level == "warning")


class Parameters(BaseModel):
    """Base of every runner's parameters. Fields are declared with `breeze.contracts.fields`.

    Instances are immutable. Secrets are `SecretStr`: they print as stars and are never dumped.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )
    facts: ClassVar[dict[str, Facts]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.facts = {name: facts_of(name, field) for name, field in cls.model_fields.items()}

    @field_validator("*", mode="before")
    @classmethod
    def _whole_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Text from a form or the environment counts as a number only when it is complete."""
        facts = cls.facts.get(info.field_name or "")
        if (
            facts is not None
            and facts.kind in ("number", "integer")
            and isinstance(value, str)
            and not _COMPLETE_NUMBER.fullmatch(value.strip())
        ):
            raise ValueError(f"{value!r} is not a complete number")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _obeys_facts(cls, value: Any, info: ValidationInfo) -> Any:
        if (facts := cls.facts.get(info.field_name or "")) is not None:
            facts.check(value)
        return value

    def cross_check(self) -> Iterator[ValidationResult]:
        """Rules over several fields. Override; yield warnings and invalid findings."""
        yield from ()

    @classmethod
    def validate_parameters(cls, values: Mapping[str, Any]) -> Validation:
        """Every finding about `values`, cross-field rules included; nothing is raised."""
        problems: dict[str, ValidationResult] = {}
        made: Parameters | None = None
        try:
            # Defaults are not validated, so nothing is to be done where nothing is given.
            made = cls(**values) if values else cls.model_construct()
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                name = str(found["loc"][0]) if found["loc"] else ""
                problems.setdefault(name, ValidationResult(name, "invalid", cls._say(found)))
        for name in cls._blank_required(values):
            text = f"{cls.facts[name].title} is required"
            problems[name] = ValidationResult(name, "invalid", text)
        crossed = tuple(made.cross_check()) if made is not None else ()
        flagged = problems.keys() | {finding.field for finding in crossed}
        fine = (ValidationResult(name) for name in cls.facts if name not in flagged)
        findings = (*problems.values(), *crossed, *fine)
        bad = any(f.level == "invalid" for f in findings)
        return Validation(findings, None if bad else made)

    @classmethod
    def _blank_required(cls, values: Mapping[str, Any]) -> list[str]:
        """Required fields that were left out, or given as nothing but spaces."""
        blank = []
        for name, facts in cls.facts.items():
            value = values.get(name, cls.model_fields[name].default)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if facts.required and (value is None or not str(value).strip()):
                blank.append(name)
        return blank

    @classmethod
    def _say(cls, found: Any) -> str:
        if found["type"] == "extra_forbidden":
            return unknown_name(str(found["loc"][0]), cls.facts)
        return str(found["msg"]).removeprefix("Value error, ")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Parameters from `values`. Raises InputError that lists every problem."""
        checked = cls.validate_parameters(values)
        if checked.parameters is None:
            raise _refusal(checked.errors, "parameters")
        return checked.parameters  # type: ignore[return-value]  # made by cls

    def for_request(self, params: Mapping[str, Any]) -> Self:
        """A copy with a caller's `params`. Raises InputError for fields that are the operator's.

        Only fields declared `per_request` may be overridden, so that no request can move a base
        URL away from its key.
        """
        if not params:
            return self
        closed = [
            ValidationResult(name, "invalid", "can only be set by the operator")
            for name in params
            if name in self.facts and not self.facts[name].per_request
        ]
        if closed:
            raise _refusal(tuple(closed), "params")
        checked = self.validate_parameters({**self._given(), **params})
        if checked.parameters is None:
            raise _refusal(checked.errors, "params")
        return self.model_copy(update={name: getattr(checked.parameters, name) for name in params})

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}

    def reload_key(self) -> tuple[Any, ...]:
        """The values whose change needs a reload, comparable with `==`."""
        return tuple(getattr(self, n) for n, facts in self.facts.items() if facts.requires_reload)


def unknown_name(name: str, known: Mapping[str, Any]) -> str:
    """What to say about a name that nobody knows, with the nearest one that is known."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return f"{name!r} is not known; {hint}"


def _refusal(errors: tuple[ValidationResult, ...], root: str) -> InputError:
    text = "; ".join(f"{root}.{finding.field}: {finding.message}" for finding in errors)
    return InputError(
        f"{text}.",
        field=f"{root}.{errors[0].field}",
        data={"fields": {finding.field: finding.message for finding in errors}},
    )
