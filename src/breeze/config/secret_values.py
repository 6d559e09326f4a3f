"""Secrets on disk and in memory: readable by the user only, and never by their `repr`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, RootModel, SecretStr, StrictStr

from breeze.config.files import make_private
from breeze.config.findings import read_model
from breeze.config.model import InstanceName
from breeze.contracts.errors import InputError

_log = logging.getLogger(__name__)


class Masked(dict[str, Any]):
    """A dictionary whose text shows its keys only."""

    def __repr__(self) -> str:
        return repr({k: v if isinstance(v, Masked) else "**********" for k, v in self.items()})


class _File(RootModel[dict[InstanceName, dict[str, StrictStr]]]):
    model_config = ConfigDict(hide_input_in_errors=True)
    root: dict[InstanceName, dict[str, StrictStr]] = Field(default_factory=dict, repr=False)


def read_secrets(path: Path) -> dict[str, dict[str, str]]:
    """Secrets by instance and parameter, in clear. A file open to others is closed first.

    Raises InputError for a broken file, UnavailableError when it cannot be closed.
    """
    if make_private(path):
        _log.warning("%s was open to other users; it is private now", path)
    found = read_model(path, _File).root
    return Masked({instance: Masked(values) for instance, values in found.items()})


def secret_text(name: str, value: Any) -> str:
    """`value` as the text to store. Raises InputError when there is none."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{name} needs a text that is not blank; unset removes it.", field=name)
    return text
