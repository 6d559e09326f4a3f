"""The catalogue that ships: each entry says the same as its files do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from breeze.contracts.errors import InputError
from breeze.contracts.model_files import ModelDefinition
from breeze.engine.registry import Registry
from breeze.models.archive import is_archive, without_ending
from breeze.models.builtin import catalogue, embedded
from breeze.models.paths import safe_path
from breeze.models.recognised import formats, recognise
from breeze.models.reference import read_reference

ENTRIES = list(catalogue().values())


@pytest.mark.parametrize("model", ENTRIES, ids=lambda model: model.id)
def test_an_entry_can_be_pulled_and_served(model: ModelDefinition, tmp_path: Path) -> None:
    packed = any(is_archive(file.file_name) for file in model.files)
    assert read_reference(model.source).kind == ("url" if packed else "hub")
    assert read_reference(model.id).kind == "catalogue"
    assert model.capabilities
    assert model.description
    names = [file.file_name or file.pattern for file in model.files]
    assert all(safe_path(name.rstrip("/*")) for name in names)
    if packed:
        known = any(file.sha256 for file in model.files)
        assert known != ("No digest of it is known" in model.description)
        assert without_ending(names[0]) == model.id  # its family and language are read from there
    elif all(file.file_name for file in model.files):
        told = recognise({name: tmp_path / name for name in names})
        assert told is not None
        assert (told.runner, told.entry_point.value) == (model.runner, model.entry_point.value)


def test_each_kind_of_runner_has_a_small_model() -> None:
    runners = {model.runner for model in ENTRIES}
    assert runners >= {
        "llamacpp",
        "onnx",
        "executorch",
        "transformers",
        "whisper",
        "sherpa",
        "vosk",
    }


def test_who_serves_a_model_is_a_runner_that_there_is() -> None:
    runners = {model.runner for model in ENTRIES} | {row.runner for row in formats()}
    assert runners <= set(Registry().names)


def test_the_embedded_model_is_as_its_entry_says() -> None:
    (model,) = embedded()
    (file,) = model.definition.files
    assert model.entry.stat().st_size == file.size
    assert hashlib.sha256(model.entry.read_bytes()).hexdigest() == file.sha256
    assert model.id not in catalogue()


def test_ones_own_entries_come_last_and_win(tmp_path: Path) -> None:
    own = tmp_path / "catalogue.json"
    own.write_text('{"models": [{"id": "faster-whisper-tiny", "runner": "mine"}]}')
    assert catalogue(own)["faster-whisper-tiny"].runner == "mine"
    assert len(catalogue(own, tmp_path / "none.json")) == len(ENTRIES)


@pytest.mark.parametrize("text", ["{", '{"models": [{"runner": "x"}]}', '{"models": 7}'])
def test_a_catalogue_that_is_wrong_is_named(text: str, tmp_path: Path) -> None:
    own = tmp_path / "catalogue.json"
    own.write_text(text)
    with pytest.raises(InputError, match="catalogue.json"):
        catalogue(own)
