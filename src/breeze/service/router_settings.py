"""What a client's `Configuration` means here: checked, and what has no effect said aloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from breeze.contracts.answers import Adjustment
from breeze.contracts.errors import VersionError
from breeze.contracts.request import GuardianOptions, between
from breeze.contracts.router import (
    API_VERSION,
    SUPPORTED,
    Configuration,
    LogLevel,
    RunnerType,
    RuntimeBackend,
    SettingKey,
)
from breeze.engine.engine import Engine
from breeze.service.router_notes import Notes
from breeze.service.router_params import RunnerSetting, read_model_path, read_runner_setting
from breeze.service.router_preferred import FIELD, nobody_on
from breeze.service.router_runners import CAPABILITIES, of_type, why_not
from breeze.service.router_values import MOST_ENTRIES, name, switch

_SWITCHES = (SettingKey.ENABLE_LOGGING, SettingKey.ENABLE_STREAMING, SettingKey.ENABLE_GUARDRAILS)
_OPERATORS: Mapping[str, str] = {
    SettingKey.CACHE_MODELS: "models stay loaded for all clients: see keepAliveSeconds",
    SettingKey.MAX_CACHE_SIZE_MB: "memory is shared by all clients: see memoryBudgetMb",
}
_DEFAULTS = Configuration()


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """A checked configuration. `settings`: parameters for runners by name; `asked`: by a client."""

    configuration: Configuration = _DEFAULTS
    streaming: bool = True
    guardian: GuardianOptions | None = None
    log_level: LogLevel = LogLevel.OFF
    settings: tuple[RunnerSetting, ...] = ()
    asked: bool = False
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def deadline(self) -> float:
        """Seconds for a request without its own; 0 when the client wants no limit."""
        return self.configuration.timeout_ms / 1000

    def is_default(self, field: str) -> bool:
        """Whether a field of the configuration is as the seed leaves it, so nobody asked."""
        return bool(getattr(self.configuration, field) == getattr(_DEFAULTS, field))


def check_version(version: int) -> None:
    """Raises VersionError for a major that is not served."""
    if version not in SUPPORTED:
        served = " and ".join(map(str, SUPPORTED))
        raise VersionError(
            f"apiVersion {version} is not served here: this is {API_VERSION}, and {served} work.",
            field="apiVersion",
        )


def read_configuration(configuration: Configuration, engine: Engine) -> Preferences:
    """What the configuration asks for. Raises VersionError, and InputError with all its faults."""
    check_version(configuration.api_version)
    notes = Notes()
    _check_fields(configuration, notes)
    switches = _switches(configuration, notes)
    settings = _settings(configuration, engine, notes)
    notes.check()
    _note_runners(configuration, engine, notes)
    logging = switches.get(SettingKey.ENABLE_LOGGING, True)
    guarded = switches.get(SettingKey.ENABLE_GUARDRAILS)
    return Preferences(
        configuration=configuration,
        streaming=switches.get(SettingKey.ENABLE_STREAMING, True),
        guardian=None if guarded is None else GuardianOptions(enabled=guarded),
        log_level=LogLevel(configuration.log_level if logging else 0),
        settings=tuple(settings),
        asked=True,
        adjustments=tuple(notes.adjustments),
    )


def _check_fields(asked: Configuration, notes: Notes) -> None:
    ranges: tuple[tuple[str, float, float, float], ...] = (
        ("logLevel", asked.log_level, min(LogLevel), max(LogLevel)),
        ("timeoutMs", asked.timeout_ms, 0, 86_400_000),
        ("maxTokens", asked.max_tokens, 1, 10_000_000),
        ("temperature", asked.temperature, 0, 2),
    )
    for place, value, low, high in ranges:
        for field, what in between(place, value, low, high):
            notes.problem(field, what)
    notes.read("languagePreference", asked.language_preference, name)
    notes.read("defaultModelName", asked.default_model_name or "auto", name)


def _switches(asked: Configuration, notes: Notes) -> dict[str, Any]:
    return {
        key: notes.read(f"additionalSettings.{key}", asked.additional_settings[key], switch)
        for key in _SWITCHES
        if key in asked.additional_settings
    }


def _settings(asked: Configuration, engine: Engine, notes: Notes) -> list[RunnerSetting]:
    found: list[RunnerSetting] = []
    if len(asked.additional_settings) > MOST_ENTRIES:
        notes.problem("additionalSettings", f"has more than {MOST_ENTRIES} entries")
        return found
    for key, value in asked.additional_settings.items():
        if key.startswith(SettingKey.RUNNER_CONFIG_PREFIX):
            found += read_runner_setting(key, value, engine, notes)
        elif key.startswith(SettingKey.MODEL_PATH_PREFIX):
            read_model_path(key, value, notes)
        elif key in _OPERATORS:
            notes.adjust(f"additionalSettings.{key}", value[:200], None, _OPERATORS[key])
        elif key not in _SWITCHES:
            notes.unknown(f"additionalSettings.{key[:64]}", value[:200], key[:64], SettingKey)
    return found


def _note_runners(asked: Configuration, engine: Engine, notes: Notes) -> None:
    """Say which of the wanted runners this engine does not have."""
    for task, kind in asked.runner_configurations.items():
        if kind is not RunnerType.DEFAULT and of_type(engine, kind, CAPABILITIES[task]) is None:
            why = why_not(engine, kind, CAPABILITIES[task])
            notes.adjust(f"runnerConfigurations.{task}", kind, RunnerType.DEFAULT, why)
    backend = asked.preferred_runtime
    if backend is not RuntimeBackend.AUTO:
        unmet = nobody_on(engine, backend, tuple(CAPABILITIES.values()))
        if unmet is not None:
            notes.adjust(FIELD, backend, RuntimeBackend.AUTO, unmet)
