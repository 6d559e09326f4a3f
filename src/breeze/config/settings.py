"""What people save while Breeze runs: settings in one file, secrets apart in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from breeze.config.files import locked, write_atomically
from breeze.config.findings import read_model
from breeze.config.home import Home
from breeze.config.json_text import json_bytes
from breeze.config.model import InstanceName, Section
from breeze.config.names import check_instance
from breeze.config.secret_values import read_secrets, secret_text
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError


class Settings(Section):
    """What was saved. Keys that only a later version knows are kept."""

    model_config = ConfigDict(extra="allow")

    version: Literal[1] = 1
    selected_runners: dict[Capability, InstanceName] = Field(default_factory=dict)
    runner_parameters: dict[InstanceName, dict[str, Any]] = Field(default_factory=dict)
    guardian_config: dict[str, Any] = Field(default_factory=dict)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("version", self.version), ("selected_runners", self.selected_runners)]


@dataclass(frozen=True)
class SettingsStore:
    """The saved settings and secrets of a home. Safe between processes and threads.

    Every change is one locked read, change and atomic write: nobody's update is lost, and a crash
    leaves the old file or the new one. All methods raise InputError when a file cannot be read,
    and then overwrite nothing; UnavailableError when the disk refuses or another holds the lock.
    """

    home: Home

    def load(self) -> Settings:
        """What is saved now; the defaults when nothing is."""
        return read_model(self.home.settings, Settings)

    def secrets(self) -> dict[str, dict[str, str]]:
        """Secrets by instance and parameter, in clear, though their `repr` is masked."""
        return read_secrets(self.home.secrets)

    def select(self, capability: Capability, instance: str | None) -> None:
        """Remember `instance` as the choice for `capability`; None forgets the choice."""
        with self._alone():
            settings = self.load()
            chosen = dict(settings.selected_runners)
            chosen.pop(capability, None)
            if instance is not None:
                chosen[capability] = _checked_instance(instance)
            self._save(settings, selected_runners=chosen)

    def set(self, instance: str, name: str, value: Any, *, secret: bool) -> None:
        """Save one parameter: a secret, as text, in the secrets file only; else in the settings.

        `value` is what JSON can say, or a Path; None forgets. What the other file had goes.
        """
        _checked_instance(instance)
        if not name.isidentifier():
            raise InputError(f"{name!r} is not a parameter's name.", field=name)
        kept = secret_text(name, value) if secret else value
        json_bytes({instance: {name: {"": kept}}}, name)  # refuses what could not be read back
        self._put(instance, name, None if secret else kept, kept if secret else None)

    def unset(self, instance: str, name: str) -> bool:
        """Forget one parameter, secret or not. False when nothing was saved under the name."""
        return self._put(instance, name, None, None)

    def set_guardian(self, values: Mapping[str, Any]) -> None:
        """Replace the saved guardian configuration."""
        with self._alone():
            self._save(self.load(), guardian_config=dict(values))

    def _put(self, instance: str, name: str, plain: Any, secret: str | None) -> bool:
        """Save under `name`, or forget where the value is None. True when a file changed."""
        with self._alone():
            settings, secrets = self.load(), self.secrets()
            hidden = _with(secrets, instance, name, secret)
            shown = _with(settings.runner_parameters, instance, name, plain)
            wrote_secrets = _replace(self.home.secrets, secrets, hidden, 0o600)
            return self._save(settings, runner_parameters=shown) or wrote_secrets

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.create()
        with locked(self.home.settings), locked(self.home.secrets):
            yield

    def _save(self, old: Settings, **changed: Any) -> bool:
        new = old.model_copy(update=changed)
        before, after = (settings.model_dump(by_alias=True) for settings in (old, new))
        return _replace(self.home.settings, before, after, 0o644)


def _replace(path: Path, old: Any, new: Any, mode: int) -> bool:
    """Write `new` unless it is what the file already says. True when it was written."""
    if (data := json_bytes(new)) == json_bytes(old):  # as text, because 1 == True
        return False
    write_atomically(path, data, mode=mode)
    return True


def _with(
    saved: Mapping[str, Mapping[str, Any]], instance: str, name: str, value: Any
) -> dict[str, dict[str, Any]]:
    """A copy of `saved` with one value changed, or removed when it is None."""
    values = {**saved.get(instance, {})}
    values.pop(name, None)
    if value is not None:
        values[name] = value
    return {k: dict(v) for k, v in {**saved, instance: values}.items() if v}


def _checked_instance(name: str) -> str:
    try:
        return check_instance(name)
    except ValueError as error:
        raise InputError(f"{error}.", field="instance") from None
