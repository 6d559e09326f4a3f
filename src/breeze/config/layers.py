"""Everything that was given for one instance, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import SecretStr

from breeze.config.names import environment_name
from breeze.contracts.fields import Facts


class Source(StrEnum):
    """The layers, lowest first."""

    DEFAULT = "default"
    CONFIG = "config file"
    SAVED = "saved settings"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Value:
    """A value with its layer and its place there; a secret is a `SecretStr`.

    `origin` is the name of a variable, the path of a file, an option; "" for a default.
    """

    value: Any = field(repr=False)
    source: Source
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.origin}".rstrip()


@dataclass(frozen=True)
class Files:
    """What the files are called in `Value.origin`."""

    config: str = "config.json"
    settings: str = "settings.json"
    secrets: str = "secrets.json"


@dataclass(frozen=True, kw_only=True)
class Given:
    """The layers of one instance. `entry`: its `parameters` in the config file."""

    instance: str
    entry: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    overrides: Mapping[str, Any] = field(repr=False)
    files: Files = Files()

    def values(self, facts: Facts) -> Iterator[Value]:
        """Every value that was given for a parameter, the one that counts first."""
        name = facts.name
        if (asked := self.overrides.get(name)) is not None:
            yield Value(_typed(asked, facts), Source.COMMAND_LINE, f"--param {name}")
        for variable in filter(None, (environment_name(self.instance, name), facts.env)):
            # A variable set to nothing is how scripts pass on what they do not have.
            if text := self.environ.get(variable):
                yield Value(_typed(text, facts), Source.ENVIRONMENT, variable)
        for source, place, values in self.written():
            if (found := values.get(name)) is not None:
                yield Value(_hidden(found, facts), source, place)

    def written(self) -> Iterator[tuple[Source, str, Mapping[str, Any]]]:
        """What the files say, the one that counts first."""
        yield Source.SAVED, self.files.secrets, self.secrets
        yield Source.SAVED, self.files.settings, self.settings
        yield Source.CONFIG, self.files.config, self.entry


def _typed(value: Any, facts: Facts) -> Any:
    """A value that may be text although it means a list."""
    if facts.multiple and isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return _hidden(value, facts)


def _hidden(value: Any, facts: Facts) -> Any:
    return SecretStr(value) if facts.secret and isinstance(value, str) else value
