"""Which value of a parameter counts. The order of the layers is decided here and nowhere else.

Command line, then environment, then saved settings, then config file, then the default. (What a
request may override comes on top, in `Parameters.for_request`.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from breeze.config.destination import chosen
from breeze.config.layers import Files, Given, Source, Value
from breeze.config.names import environment_name
from breeze.config.reader import ConfigFile
from breeze.config.remarks import remarks
from breeze.config.settings import Settings, SettingsStore
from breeze.contracts.errors import InputError
from breeze.contracts.parameters import Parameters, ValidationResult

__all__ = ["Layers", "Source", "Value", "resolve"]

P = TypeVar("P", bound=Parameters)


def resolve(
    ptype: type[Parameters],
    instance: str,
    *,
    entry: Mapping[str, Any],
    settings: Settings,
    secrets: Mapping[str, Mapping[str, str]],
    environ: Mapping[str, str],
    overrides: Mapping[str, Any],
) -> dict[str, Value]:
    """The value of every field of `ptype`, with where it comes from.

    `entry`: the instance's `parameters` in the config file; `overrides`: the command line's.
    Values are as given, not yet validated, except that text for a list is split at commas. Null
    and an empty variable count as not given. A vendor's usual variable for a secret counts only
    while the instance asks the vendor's own host (`breeze.config.destination`).
    """
    given = Given(
        instance=instance,
        entry=entry,
        settings=settings.runner_parameters.get(instance, {}),
        secrets=secrets.get(instance, {}),
        environ=environ,
        overrides=overrides,
    )
    return chosen(ptype.facts, given)


@dataclass(frozen=True)
class Layers:
    """All layers of all instances. `overrides` are by instance; files are read at each call."""

    config: ConfigFile
    store: SettingsStore
    environ: Mapping[str, str] = field(repr=False)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def explain(
        self, instance: str, ptype: type[Parameters], entry_parameters: Mapping[str, Any]
    ) -> dict[str, Value]:
        """The value of every field, with where it comes from. Raises InputError: broken files."""
        return chosen(ptype.facts, self._given(instance, entry_parameters))

    def values(
        self, instance: str, ptype: type[Parameters], entry_parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What somebody gave, ready for `ptype.of`; defaults and unknown names are left out."""
        return _given_only(self.explain(instance, ptype, entry_parameters))

    def findings(
        self,
        instance: str,
        ptype: type[Parameters],
        entry_parameters: Mapping[str, Any],
        others: Iterable[str] = (),
    ) -> tuple[ValidationResult, ...]:
        """Unknown names in any layer, with the nearest known one; secrets out of their place.

        `others`: instances that the configuration does not name; their variables are theirs.
        """
        known = (*self.config.config.instances, *others)
        return tuple(remarks(ptype, self._given(instance, entry_parameters), known))

    def parameters(self, instance: str, ptype: type[P], entry_parameters: Mapping[str, Any]) -> P:
        """The instance's parameters. Raises InputError with every problem and its layer."""
        given = self._given(instance, entry_parameters)
        explained = chosen(ptype.facts, given)
        checked = ptype.validate_parameters(_given_only(explained))
        wrong = {f.field: f"{f.message} ({_place(explained.get(f.field))})" for f in checked.errors}
        for found in remarks(ptype, given, tuple(self.config.config.instances)):
            if found.level == "invalid":
                wrong[found.field] = found.message
        if wrong or not isinstance(checked.parameters, ptype):
            raise _refusal(instance, wrong)
        return checked.parameters

    def _given(self, instance: str, entry: Mapping[str, Any]) -> Given:
        home = self.store.home
        return Given(
            instance=instance,
            entry=entry,
            settings=self.store.load().runner_parameters.get(instance, {}),
            secrets=self.store.secrets().get(instance, {}),
            environ=self.environ,
            overrides=self.overrides.get(instance, {}),
            files=Files(
                str(self.config.path or "the configuration"), str(home.settings), str(home.secrets)
            ),
        )


def _given_only(explained: Mapping[str, Value]) -> dict[str, Any]:
    return {n: v.value for n, v in explained.items() if v.source is not Source.DEFAULT}


def _place(value: Value | None) -> str:
    given = value is not None and value.source is not Source.DEFAULT
    return f"from the {value}" if given else "nobody set it"


def _refusal(instance: str, wrong: Mapping[str, str]) -> InputError:
    first = next(iter(wrong), "")
    told = "; ".join(f"{name}: {message}" for name, message in wrong.items())
    remedy = f"{environment_name(instance, first)} or run: breeze settings set {instance} {first}"
    return InputError(
        f"{instance}: {told}. Set {remedy}.",
        field=f"parameters.{first}",
        data={"fields": dict(wrong)},
    )
