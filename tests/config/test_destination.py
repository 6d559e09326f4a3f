"""A key travels to the host it is meant for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from breeze.config import SettingsStore
from breeze.config.resolve import Layers
from breeze.contracts.fields import secret, text
from breeze.contracts.parameters import Parameters
from tests.config.whistle import Whistle, layers

ELSEWHERE = "http://127.0.0.1:9001/v1"
VENDOR = {"WHISTLE_API_KEY": "vendor"}


def key(every: Layers, entry: dict[str, Any]) -> str:
    return str(every.explain("tin", Whistle, entry)["api_key"].value.get_secret_value())


def said(every: Layers, entry: dict[str, Any]) -> list[str]:
    found = every.findings("tin", Whistle, entry)
    assert all(finding.level == "warning" for finding in found)
    return [f"{f.field}: {f.message}" for f in found if "move it to" not in f.message]


def test_a_vendors_key_goes_to_the_vendor(store: SettingsStore) -> None:
    every = layers(store, VENDOR)
    for entry in ({}, {"base_url": "https://whistle.example/v1/"}):
        assert key(every, entry) == "vendor"
        assert said(every, entry) == []


def test_a_vendors_key_follows_the_vendors_own_variable(store: SettingsStore) -> None:
    every = layers(store, {**VENDOR, "WHISTLE_URL": ELSEWHERE})
    assert key(every, {}) == "vendor"
    assert key(every, {"base_url": "http://127.0.0.1:9/v1"}) == "vendor"


@pytest.mark.parametrize("layer", ["command line", "environment", "saved settings", "config file"])
def test_a_vendors_key_goes_nowhere_else(store: SettingsStore, layer: str) -> None:
    environ, overrides, entry = dict(VENDOR), {}, {}
    if layer == "command line":
        overrides = {"base_url": ELSEWHERE}
    elif layer == "environment":
        environ["BREEZE_TIN_BASE_URL"] = ELSEWHERE
    elif layer == "saved settings":
        store.set("tin", "base_url", ELSEWHERE, secret=False)
    else:
        entry = {"base_url": ELSEWHERE}
    every = layers(store, environ, overrides)
    assert key(every, entry) == ""
    (told,) = said(every, entry)
    assert told.startswith(
        "api_key: WHISTLE_API_KEY is not used: it is for https://whistle.example/v1, and base_url "
        f"is {ELSEWHERE} ({layer}"
    )
    assert "BREEZE_TIN_API_KEY" in told
    assert "breeze settings set tin api_key" in told


def test_an_instance_elsewhere_uses_the_key_of_its_own(store: SettingsStore) -> None:
    entry = {"base_url": ELSEWHERE, "api_key": "own"}
    assert key(layers(store, VENDOR), entry) == "own"
    assert key(layers(store, {**VENDOR, "BREEZE_TIN_API_KEY": "mine"}), entry) == "mine"
    store.set("tin", "api_key", "saved", secret=True)
    assert key(layers(store, VENDOR), entry) == "saved"


def test_a_key_whose_address_is_changed_above_it_is_told(store: SettingsStore) -> None:
    store.set("tin", "base_url", ELSEWHERE, secret=False)
    every = layers(store)
    assert key(every, {"api_key": "k"}) == "k"
    (told,) = said(every, {"api_key": "k"})
    assert told.startswith(
        f"api_key: the one from the config file the configuration goes to {ELSEWHERE} (saved "
        f"settings {store.home.settings}), not to https://whistle.example/v1"
    )


def test_a_key_beside_or_above_its_address_is_fine(store: SettingsStore) -> None:
    assert said(layers(store), {"api_key": "k", "base_url": ELSEWHERE}) == []
    store.set("tin", "api_key", "k", secret=True)
    assert said(layers(store), {"base_url": ELSEWHERE}) == []
    store.set("tin", "base_url", ELSEWHERE, secret=False)
    assert said(layers(store), {}) == []


def test_a_runner_without_an_address_uses_the_vendors_key(store: SettingsStore) -> None:
    class Keyed(Parameters):
        api_key: Any = Whistle.model_fields["api_key"]

    found = layers(store, VENDOR).explain("tin", Keyed, {})["api_key"]
    assert found.value.get_secret_value() == "vendor"
    assert layers(store, VENDOR).findings("tin", Keyed, {}) == ()


def test_an_endpoint_is_an_address_too(store: SettingsStore) -> None:
    class Horn(Parameters):
        api_key: SecretStr = secret("Key", env="HORN_API_KEY")
        endpoint: str = text("https://horn.example", "Where")

    every = layers(store, {"HORN_API_KEY": "vendor"})
    assert every.values("tin", Horn, {}) == {"api_key": SecretStr("vendor")}
    assert every.values("tin", Horn, {"endpoint": ELSEWHERE}) == {"endpoint": ELSEWHERE}
