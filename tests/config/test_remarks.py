"""What is said about names that nobody knows and secrets that are out of place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from breeze.config import Layers, SettingsStore
from tests.config.whistle import Whistle, layers


def command_line(store: SettingsStore) -> Layers:
    return layers(store, overrides={"pich": 1})


def environment(store: SettingsStore) -> Layers:
    return layers(store, {"BREEZE_TIN_PICH": "1"})


def saved_settings(store: SettingsStore) -> Layers:
    store.set("tin", "pich", 1, secret=False)
    return layers(store)


def saved_secrets(store: SettingsStore) -> Layers:
    store.set("tin", "pich", "canary", secret=True)
    return layers(store)


@pytest.mark.parametrize(
    ("prepare", "level", "place"),
    [
        (command_line, "invalid", "command line: "),
        (environment, "warning", "environment BREEZE_TIN_PICH: "),
        (saved_settings, "warning", "saved settings {home.settings}: "),
        (saved_secrets, "warning", "saved settings {home.secrets}: "),
    ],
)
def test_unknown_names_are_found_in_every_layer(
    store: SettingsStore, prepare: Callable[[SettingsStore], Layers], level: str, place: str
) -> None:
    every = prepare(store)
    (found,) = every.findings("tin", Whistle, {})
    assert (found.field, found.level) == ("pich", level)
    expected = place.format(home=store.home) + "'pich' is not known; did you mean 'pitch'?"
    assert found.message == expected
    assert every.values("tin", Whistle, {}) == {}


def test_unknown_names_in_the_config_file(store: SettingsStore) -> None:
    (found,) = layers(store).findings("tin", Whistle, {"pich": 1})
    assert found.message.startswith("config file the configuration: 'pich' is not known")


def test_variables_of_an_instance_with_a_longer_name_are_its_own(store: SettingsStore) -> None:
    environ = {"BREEZE_TIN_TWO_PITCH": "1", "BREEZE_TINSEL": "1", "OTHER": "1"}
    assert layers(store, environ, others=("tin-two",)).findings("tin", Whistle, {}) == ()
    assert layers(store, environ).findings("tin", Whistle, {}, ["tin-two"]) == ()
    (found,) = layers(store, environ).findings("tin", Whistle, {})
    assert found.field == "two_pitch"


def test_a_secret_in_the_config_file_counts_but_should_move(store: SettingsStore) -> None:
    every = layers(store)
    assert every.values("tin", Whistle, {"api_key": "canary"})["api_key"] == SecretStr("canary")
    (found,) = every.findings("tin", Whistle, {"api_key": "canary"})
    assert found.level == "warning"
    assert "move it to `breeze settings set tin api_key`" in found.message
    assert "canary" not in found.message


def test_a_secret_in_the_settings_file_should_move_too(store: SettingsStore) -> None:
    store.set("tin", "api_key", "canary", secret=False)
    (found,) = layers(store).findings("tin", Whistle, {})
    assert f"a secret in {store.home.settings}" in found.message


def test_secrets_never_show(store: SettingsStore) -> None:
    store.set("tin", "api_key", "canary", secret=True)
    every = layers(store, {"WHISTLE_API_KEY": "canary"}, {"api_key": "canary"})
    entry = {"api_key": "canary"}
    shown = [every, every.explain("tin", Whistle, entry), every.values("tin", Whistle, entry)]
    shown += [every.findings("tin", Whistle, entry), every.parameters("tin", Whistle, entry)]
    assert "canary" not in f"{shown!r} {[str(thing) for thing in shown]}"
