"""What people configure: config.json, saved settings, secrets, and which value counts."""

from breeze.config.files import locked, read_json, write_atomically
from breeze.config.findings import Notice
from breeze.config.home import Home
from breeze.config.layers import Source, Value
from breeze.config.model import (
    CapabilityEntry,
    CircuitSettings,
    EngineConfig,
    FailoverSettings,
    GlobalSettings,
    RunnerEntry,
)
from breeze.config.names import environment_name
from breeze.config.reader import ConfigFile, parse_config, read_config
from breeze.config.resolve import Layers, resolve
from breeze.config.settings import Settings, SettingsStore
from breeze.config.table import config_keys_table

__all__ = [
    "CapabilityEntry",
    "CircuitSettings",
    "ConfigFile",
    "EngineConfig",
    "FailoverSettings",
    "GlobalSettings",
    "Home",
    "Layers",
    "Notice",
    "RunnerEntry",
    "Settings",
    "SettingsStore",
    "Source",
    "Value",
    "config_keys_table",
    "environment_name",
    "locked",
    "parse_config",
    "read_config",
    "read_json",
    "resolve",
    "write_atomically",
]
