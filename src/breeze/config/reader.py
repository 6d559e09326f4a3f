"""Reading a configuration: problems refuse the file, all at once; unknown names are noticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from breeze.config.conflicts import conflicts, repeated_names
from breeze.config.files import read_json
from breeze.config.findings import Notice, problems, refusal, without
from breeze.config.flat import FlatConfig, is_flat
from breeze.config.model import CapabilityEntry, EngineConfig, GlobalSettings, Section
from breeze.config.names import environment_prefix
from breeze.config.providers import has_providers, provider_problems, without_providers
from breeze.config.yaml_text import ENDINGS, read_yaml
from breeze.contracts.capability import Capability
from breeze.contracts.hardware import AMOUNTS, NAMES, is_known
from breeze.contracts.parameters import unknown_name

_NOT_YET = {"guardian": "guardian"}
_HARDWARE = {**NAMES, **AMOUNTS}
S = TypeVar("S", bound=Section)
Crossed = Callable[[Any], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class ConfigFile:
    """A configuration and what was noticed in it. `path` is None when it came from no file."""

    config: EngineConfig
    notices: tuple[Notice, ...] = ()
    path: Path | None = None


def read_config(path: Path) -> ConfigFile:
    """The configuration in `path`; a missing file means the defaults.

    Raises InputError: with line and column for broken JSON, else with every problem's path.
    """
    try:
        data = read_yaml(path) if path.suffix.lower() in ENDINGS else read_json(path)
    except FileNotFoundError:
        return ConfigFile(EngineConfig(), (), path)
    file = _parsed(data, path)
    return replace(file, notices=(*_passed_over(path), *file.notices))


def _passed_over(path: Path) -> Iterator[Notice]:
    """Files beside the usual one that somebody may expect to count."""
    if path.name == "config.json":
        for other in (path.with_suffix(ending) for ending in ENDINGS):
            if other.exists():
                yield Notice(str(other), "is not read, as config.json is there: keep one of them")


def parse_config(data: dict[str, Any]) -> ConfigFile:
    """The configuration that `data` says, as `read_config` does it for a file."""
    return _parsed(data, None)


def _parsed(data: object, path: Path | None) -> ConfigFile:
    where = str(path or "the configuration")
    if not isinstance(data, dict):
        raise refusal(where, [("", "it must be an object: {…}")])
    if has_providers(data):
        if wrong := list(provider_problems(data)):
            raise refusal(where, wrong)
        data = without_providers(data)
    if is_flat(data):
        flat, notices = _validated(FlatConfig, data, repeated_names, where)
        config = flat.converted()
        notices += _flat_remarks(flat)
    else:
        config, notices = _validated(EngineConfig, data, conflicts, where)
    return ConfigFile(config, (*notices, *_remarks(config)), path)


def _validated(
    kind: type[S], data: dict[str, Any], crossed: Crossed, where: str
) -> tuple[S, tuple[Notice, ...]]:
    """The typed configuration without its unknown names, and a notice of each of those."""
    unknown = [problem for problem in problems(kind, data) if problem.ignorable]
    notices = tuple(Notice(problem.path, problem.message) for problem in unknown)
    for problem in unknown:
        data = without(data, problem.location)
    # What the model says of the whole, `crossed` says too, and with a path.
    wrong = [(p.path, p.message) for p in problems(kind, data) if p.location]
    wrong += crossed(data)
    if wrong:
        raise refusal(where, wrong, notices)
    return kind.model_validate(data, by_alias=True, by_name=False), notices


def _flat_remarks(flat: FlatConfig) -> tuple[Notice, ...]:
    options = dict.fromkeys(map(str, Capability))
    return (
        Notice("runners", "the list of version 1.0 was converted; see `capabilities` of 2.0"),
        *(Notice(path, unknown_name(name, options)) for path, name in flat.unknown_capabilities()),
    )


def _remarks(config: EngineConfig) -> Iterator[Notice]:
    """What is allowed but hardly meant, or has no effect."""
    yield from _without_effect(config.global_settings)
    for name in config.global_settings.hardware:
        if not is_known(name):
            yield Notice(f"globalSettings.hardware.{name}", unknown_name(name, _HARDWARE))
    for capability, entry in config.capabilities.items():
        yield from _entry_remarks(f"capabilities.{capability}", entry)
    taken: dict[str, str] = {}
    for name in config.instances:
        if (other := taken.setdefault(environment_prefix(name), name)) != name:
            yield Notice(name, f"shares its environment variables with {other!r}; rename one")


def _without_effect(settings: GlobalSettings) -> Iterator[Notice]:
    """What is read and kept, but changes nothing yet: nobody shall count on it."""
    for name, path in _NOT_YET.items():
        if name in settings.model_fields_set:
            yield Notice(f"globalSettings.{path}", "is kept, but this version does not act on it")


def _entry_remarks(path: str, entry: CapabilityEntry) -> Iterator[Notice]:
    chosen = entry.default_runner
    if chosen and chosen not in entry.runners and get_close_matches(chosen, entry.runners):
        yield Notice(f"{path}.defaultRunner", unknown_name(chosen, entry.runners))
    for name, runner in entry.runners.items():
        for index, requirement in enumerate(runner.requirements or ()):
            if not is_known(requirement):
                place = f"{path}.runners.{name}.requirements[{index}]"
                yield Notice(place, unknown_name(requirement, _HARDWARE))
