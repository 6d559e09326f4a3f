"""Which value counts, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from breeze.config import (
    Home,
    Layers,
    Settings,
    SettingsStore,
    Source,
    environment_name,
    parse_config,
    read_config,
    resolve,
)
from breeze.contracts.errors import InputError
from tests.config import strategies as draw
from tests.config.whistle import Whistle, layers

# The layers of one text and one secret, highest first: what each says, and how it is called.
LAYERS = [
    (Source.COMMAND_LINE, "--param {name}"),
    (Source.ENVIRONMENT, "BREEZE_TIN_WHISTLE_{NAME}"),
    (Source.ENVIRONMENT, "{VENDOR}"),
    (Source.SAVED, "{saved}"),
    (Source.CONFIG, "config.json"),
    (Source.DEFAULT, ""),
]


@pytest.mark.parametrize("present", range(2 ** (len(LAYERS) - 1)))
@pytest.mark.parametrize(
    ("name", "vendor", "saved"),
    [("base_url", "WHISTLE_URL", "settings.json"), ("api_key", "WHISTLE_API_KEY", "secrets.json")],
)
def test_the_highest_layer_that_says_something_counts(
    present: int, name: str, vendor: str, saved: str
) -> None:
    """Over all subsets of the layers."""
    given = [bool(present & 1 << index) for index in range(len(LAYERS) - 1)]
    said = [{name: f"layer {index}"} if there else {} for index, there in enumerate(given)]
    settings, secrets = Settings(), {}
    if saved == "settings.json":
        settings = Settings(runner_parameters={"tin-whistle": said[3]})
    else:
        secrets = {"tin-whistle": said[3]}
    variables = (f"BREEZE_TIN_WHISTLE_{name.upper()}", vendor)
    found = resolve(
        Whistle,
        "tin-whistle",
        entry=said[4],
        settings=settings,
        secrets=secrets,
        environ={v: layer[name] for v, layer in zip(variables, said[1:3], strict=True) if layer},
        overrides=said[0],
    )[name]
    winner = next((index for index, there in enumerate(given) if there), 5)
    source, origin = LAYERS[winner]
    assert found.source is source
    assert found.origin == origin.format(name=name, NAME=name.upper(), VENDOR=vendor, saved=saved)
    default = Whistle.facts[name].default
    plain = default if winner == 5 else f"layer {winner}"
    assert found.value == (SecretStr(plain) if name == "api_key" and winner < 5 else plain)


def test_every_field_is_explained(store: SettingsStore) -> None:
    store.set("tin", "pitch", 1.5, secret=False)
    found = layers(store, {"BREEZE_TIN_LOUD": "yes"}).explain("tin", Whistle, {"tunes": ["jig"]})
    assert {name: str(value) for name, value in found.items()} == {
        "api_key": "default",
        "base_url": "default",
        "pitch": f"saved settings {store.home.settings}",
        "loud": "environment BREEZE_TIN_LOUD",
        "tunes": "config file the configuration",
    }


def test_the_origin_is_the_real_file(store: SettingsStore) -> None:
    store.home.create().config.write_text("{}")
    every = Layers(read_config(store.home.config), store, {})
    assert every.explain("tin", Whistle, {"pitch": 2})["pitch"].origin == str(store.home.config)


def test_values_are_ready_for_the_parameters_and_hold_no_defaults(store: SettingsStore) -> None:
    environ = {"WHISTLE_API_KEY": "k", "BREEZE_TIN_LOUD": "Yes", "BREEZE_TIN_TUNES": "jig, reel"}
    values = layers(store, environ, {"pitch": "0.5"}).values("tin", Whistle, {})
    assert values.keys() == {"api_key", "loud", "tunes", "pitch"}
    made = Whistle.of(values)
    assert (made.api_key.get_secret_value(), made.loud, made.pitch) == ("k", True, 0.5)
    assert made.tunes == ("jig", "reel")


@pytest.mark.parametrize("nothing", [{"BREEZE_TIN_PITCH": ""}, {}])
def test_an_empty_variable_and_null_are_nothing(
    store: SettingsStore, nothing: dict[str, str]
) -> None:
    every = layers(store, nothing, {"pitch": None})
    assert every.values("tin", Whistle, {"pitch": None}) == {}
    assert every.values("tin", Whistle, {"pitch": 0.5}) == {"pitch": 0.5}


@pytest.mark.parametrize("falsy", [0, False, "", [], 0.0])
def test_falsy_values_are_something(store: SettingsStore, falsy: Any) -> None:
    assert layers(store).values("tin", Whistle, {"base_url": falsy}) == {"base_url": falsy}


def test_names_in_the_environment() -> None:
    assert environment_name("primary", "api_key") == "BREEZE_PRIMARY_API_KEY"
    assert environment_name("gpt-4.1_x", "base_url") == "BREEZE_GPT_4_1_X_BASE_URL"


@draw.unhurried
@given(draw.instances, draw.parameters)
def test_every_instance_and_parameter_has_a_portable_variable(instance: str, name: str) -> None:
    variable = environment_name(instance, name)
    assert variable.startswith("BREEZE_")
    assert set(variable) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def test_parameters_come_from_all_layers(store: SettingsStore) -> None:
    store.set("tin", "api_key", "k", secret=True)
    made = layers(store, {"BREEZE_TIN_PITCH": "2"}).parameters("tin", Whistle, {"loud": True})
    assert (made.api_key.get_secret_value(), made.pitch, made.loud) == ("k", 2.0, True)
    assert made.model_fields_set == {"api_key", "pitch", "loud"}


def test_every_wrong_value_is_told_at_once_with_its_layer(store: SettingsStore) -> None:
    every = layers(store, {"BREEZE_TIN_PITCH": "9"}, {"lout": True})
    with pytest.raises(InputError) as refused:
        every.parameters("tin", Whistle, {"tunes": ["waltz"]})
    message = refused.value.message
    assert (
        "pitch: Input should be less than or equal to 2 (from the environment BREEZE_TIN_PITCH)"
        in message
    )
    assert "tunes: 'waltz': choose from jig, reel (from the config file" in message
    assert "api_key: Api key is required (nobody set it)" in message
    assert "command line: 'lout' is not known; did you mean 'loud'?" in message
    assert refused.value.data["fields"].keys() == {"pitch", "tunes", "api_key", "lout"}


@draw.unhurried
@given(st.dictionaries(draw.parameters, draw.json_values, max_size=4))
def test_whatever_the_entry_says_each_name_counts_or_is_found(entry: dict[str, Any]) -> None:
    every = Layers(parse_config({}), SettingsStore(Home(Path("/nowhere"))), {})
    values = every.values("tin", Whistle, entry)
    unknown = {found.field for found in every.findings("tin", Whistle, entry)}
    given_names = {name for name, value in entry.items() if value is not None}
    assert values.keys() == given_names & Whistle.facts.keys()
    assert unknown >= entry.keys() - Whistle.facts.keys()
