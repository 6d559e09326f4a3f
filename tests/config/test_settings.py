"""Saved settings: round trips, and files that cannot be read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from pydantic import SecretStr

from breeze.config import Home, Settings, SettingsStore, write_atomically
from breeze.config.json_text import json_bytes
from breeze.contracts.capability import Capability
from breeze.contracts.errors import InputError, UnavailableError
from tests.config import strategies as draw


def test_reading_creates_nothing(store: SettingsStore, home: Home) -> None:
    assert store.load() == Settings()
    assert store.secrets() == {}
    assert not home.root.exists()


def test_a_choice_is_remembered_and_forgotten(store: SettingsStore) -> None:
    store.select(Capability.LLM, "primary")
    store.select(Capability.TTS, "espeak")
    store.select(Capability.LLM, "fallback")
    assert store.load().selected_runners == {
        Capability.LLM: "fallback",
        Capability.TTS: "espeak",
    }
    store.select(Capability.LLM, None)
    assert store.load().selected_runners == {Capability.TTS: "espeak"}


def test_values_keep_their_types(store: SettingsStore) -> None:
    values: dict[str, Any] = {
        "temperature": 0.5, "top_k": 0, "stream": True, "voice": "ä語", "words": ["a", "b"],
        "nested": {"list": [1, {"x": None}]},
    }  # fmt: skip
    for name, value in values.items():
        store.set("primary", name, value, secret=False)
    saved = store.load().runner_parameters["primary"]
    assert saved == values
    assert [type(value) for value in saved.values()] == [type(value) for value in values.values()]


def test_one_and_true_are_two_values(store: SettingsStore) -> None:
    store.set("a", "x", 1, secret=False)
    store.set("a", "x", True, secret=False)
    assert store.load().runner_parameters["a"]["x"] is True


def test_the_file_has_the_names_of_the_seeds(store: SettingsStore, home: Home) -> None:
    store.select(Capability.ASR, "whisper")
    store.set("whisper", "language", "en", secret=False)
    store.set_guardian({"strictness": "high", "categories": ["violence"]})
    assert json.loads(home.settings.read_text()) == {
        "version": 1,
        "selectedRunners": {"ASR": "whisper"},
        "runnerParameters": {"whisper": {"language": "en"}},
        "guardianConfig": {"strictness": "high", "categories": ["violence"]},
    }


def test_unset_forgets_and_says_whether_there_was_anything(store: SettingsStore) -> None:
    store.set("a", "x", 1, secret=False)
    store.set("a", "key", "k", secret=True)
    assert store.unset("a", "x")
    assert store.unset("a", "key")
    assert not store.unset("a", "x")
    assert store.load() == Settings()
    assert store.secrets() == {}


def test_keys_of_later_versions_survive(store: SettingsStore, home: Home) -> None:
    home.create()
    home.settings.write_text('{"version": 1, "theme": {"dark": true}}')
    store.set("a", "x", 1, secret=False)
    assert json.loads(home.settings.read_text())["theme"] == {"dark": True}


@pytest.mark.parametrize("value", [object(), float("nan"), SecretStr("canary"), b"x", "\udcff"])
def test_a_value_that_json_cannot_say_is_refused(
    store: SettingsStore, home: Home, value: Any
) -> None:
    with pytest.raises(InputError, match="voice cannot be saved") as refused:
        store.set("a", "voice", value, secret=False)
    assert "canary" not in str(refused.value)
    assert not home.root.exists()


@pytest.mark.parametrize("instance", ["a/b", "", "auto", "-x", "../x", "a b"])
def test_only_instance_names_are_saved(store: SettingsStore, instance: str) -> None:
    with pytest.raises(InputError) as refused:
        store.set(instance, "x", 1, secret=False)
    assert refused.value.field == "instance"
    with pytest.raises(InputError):
        store.select(Capability.LLM, instance)


def test_only_parameter_names_are_saved(store: SettingsStore) -> None:
    with pytest.raises(InputError, match="'x-y' is not a parameter's name"):
        store.set("a", "x-y", 1, secret=False)


BROKEN = [
    ('{"version": 1,}', "line 1, column 15"),
    ('{"version": 2}', "version: should be 1"),
    ('{"selectedRunners": {"SMELL": "a", "LLM": 5}}', "selectedRunners.SMELL: .*LLM: should be"),
    ('{"runnerParameters": {"a": 5}}', "runnerParameters.a: should be"),
    ("[]", "should be"),
]


@pytest.mark.parametrize(("text", "what"), BROKEN)
def test_a_broken_file_is_named_and_never_overwritten(
    store: SettingsStore, home: Home, text: str, what: str
) -> None:
    home.create()
    home.settings.write_text(text)
    changes = [
        lambda: store.set("a", "x", 1, secret=False),
        lambda: store.set("a", "x", "s", secret=True),
        lambda: store.unset("a", "x"),
        lambda: store.select(Capability.LLM, "a"),
        lambda: store.set_guardian({}),
        store.load,
    ]
    for change in changes:
        with pytest.raises(InputError, match=what) as refused:
            change()
        assert str(home.settings) in refused.value.message
    assert home.settings.read_text() == text
    assert not home.secrets.exists()


def test_a_home_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SettingsStore(Home(tmp_path / "file" / "home"))
    with pytest.raises(UnavailableError, match="set BREEZE_HOME"):
        store.select(Capability.LLM, "a")


@draw.unhurried
@given(draw.settings)
def test_settings_survive_being_written_and_read(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        write_atomically(home.settings, json_bytes(settings.model_dump(by_alias=True)))
        assert SettingsStore(home).load() == settings


@draw.unhurried
@given(draw.settings)
def test_settings_survive_being_saved_piece_by_piece(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SettingsStore(Home(Path(folder)))
        for capability, instance in settings.selected_runners.items():
            store.select(capability, instance)
        store.set_guardian(settings.guardian_config)
        read = store.load()
    assert read.selected_runners == settings.selected_runners
    assert read.guardian_config == settings.guardian_config


@draw.unhurried
@given(draw.instances, draw.parameters, draw.json_values)
def test_any_value_survives(instance: str, name: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SettingsStore(Home(Path(folder)))
        store.set(instance, name, value, secret=False)
        saved = store.load().runner_parameters.get(instance, {}).get(name)
    assert json.dumps(saved) == json.dumps(value)
