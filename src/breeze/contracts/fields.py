"""Field helpers for `Parameters`: each says what a form, a validator and the documents need.

class Whistle(Parameters):
    api_key: SecretStr = secret("Key from the vendor's console", env="WHISTLE_API_KEY")
    pitch: float = number(1.0, "Pitch of the voice", low=0.5, high=2, step=0.1, unit="s")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo

Kind = Literal["text", "secret", "number", "integer", "switch", "choice", "path"]


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One option: its key on the wire, the label a person sees, and what it means."""

    key: str
    label: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything known about one parameter beyond its type.

    `env`: the vendor's usual environment variable. `per_request`: a caller may override it.
    `requires_reload`: a change drains and reloads the runner. `informational`: shown, not read.
    `load`: the runner's method that lists the choices at run time; then they are not checked here.
    """

    kind: Kind
    name: str = ""
    title: str = ""
    description: str = ""
    category: str = "General"
    required: bool = False
    default: Any = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    precision: int | None = None
    unit: str = ""
    choices: tuple[Choice, ...] = ()
    multiple: bool = False
    load: str = ""
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    extensions: tuple[str, ...] = ()
    must_exist: bool = True
    directory: bool = False
    env: str = ""
    per_request: bool = False
    requires_reload: bool = False
    informational: bool = False

    @property
    def secret(self) -> bool:
        return self.kind == "secret"

    def check(self, value: Any) -> None:
        """Raises ValueError when `value` breaks a fact that pydantic does not know."""
        if value is None or value == "":
            return
        if self.kind == "choice" and not self.load:
            self._check_choice(value)
        elif self.kind == "path":
            self._check_path(Path(value))
        elif self.kind == "secret":
            self._check_secret(value)

    def _check_choice(self, value: Any) -> None:
        keys = [choice.key for choice in self.choices]
        unknown = [v for v in (value if self.multiple else (value,)) if v not in keys]
        if unknown:
            raise ValueError(f"{', '.join(map(repr, unknown))}: choose from {', '.join(keys)}")

    def _check_path(self, path: Path) -> None:
        if self.must_exist and not path.exists():
            raise ValueError(f"{path} does not exist")
        if path.exists() and path.is_dir() != self.directory:
            raise ValueError(f"{path} must be a {'folder' if self.directory else 'file'}")
        if self.extensions and not self.directory and path.suffix.lower() not in self.extensions:
            raise ValueError(f"{path} must end in {' or '.join(self.extensions)}")

    def _check_secret(self, value: SecretStr) -> None:
        given = len(value.get_secret_value())
        if given and self.min_length and given < self.min_length:
            raise ValueError(f"{self.title} has {given} characters, needs {self.min_length}")


def facts_of(name: str, info: FieldInfo) -> Facts:
    """The facts of a declared field. Raises TypeError when no helper made it."""
    facts = next((fact for fact in info.metadata if isinstance(fact, Facts)), None)
    if facts is None:
        raise TypeError(f"{name}: declare it with a helper of breeze.contracts.fields")
    title = info.title or name.replace("_", " ").capitalize()
    return replace(
        facts, name=name, title=title, description=info.description or "", default=info.default
    )


def _make(kind: Kind, default: Any, description: str, title: str, **facts: Any) -> Any:
    bounds = {"ge": facts.get("low"), "le": facts.get("high")}
    if kind == "text":
        bounds |= {
            "min_length": facts.get("min_length"),
            "max_length": facts.get("max_length"),
            "pattern": facts.get("pattern") or None,
        }
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    declared: FieldInfo = Field(default, title=title or None, description=description, **given)
    declared.metadata.append(Facts(kind=kind, **facts))
    return declared


def text(default: str, description: str, *, title: str = "", **facts: Any) -> Any:
    """A line of text: `min_length`, `max_length`, `pattern`, and any of `Facts`."""
    return _make("text", default, description, title, **facts)


def secret(description: str, *, title: str = "", **facts: Any) -> Any:
    """A `SecretStr`: write-only everywhere, stored apart from settings."""
    return _make("secret", SecretStr(""), description, title, category="Authentication", **facts)


def number(default: float | None, description: str, *, title: str = "", **facts: Any) -> Any:
    """A float: `low`, `high`, `step`, `precision` (decimals shown), `unit`, any of `Facts`."""
    return _make("number", default, description, title, **facts)


def integer(default: int | None, description: str, *, title: str = "", **facts: Any) -> Any:
    """A whole number: `low`, `high`, `step`, `unit`, and any of `Facts`."""
    return _make("integer", default, description, title, **facts)


def switch(default: bool, description: str, *, title: str = "", **facts: Any) -> Any:
    """On or off. Text counts case-blind: true, false, yes, no, on, off, 1, 0."""
    return _make("switch", default, description, title, **facts)


def choice(
    default: str | tuple[str, ...],
    choices: Sequence[str | Choice],
    description: str,
    *,
    title: str = "",
    **facts: Any,
) -> Any:
    """One of `choices` (or several, with `multiple`); with `load`, those the runner lists."""
    options = tuple(c if isinstance(c, Choice) else Choice(c, c) for c in choices)
    return _make("choice", default, description, title, choices=options, **facts)


def path(default: Path | None, description: str, *, title: str = "", **facts: Any) -> Any:
    """A file or, with `directory`, a folder: `extensions` such as `(".gguf",)`, `must_exist`."""
    return _make("path", default, description, title, **facts)
