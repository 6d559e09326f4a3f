"""A model is a folder with a manifest that was written last."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from breeze.contracts.model_files import (
    MANIFEST,
    EntryPoint,
    ModelDefinition,
    ModelFile,
    folder_name,
    installed,
)

SEED = (
    '{"id":"Breeze2-3B","runner":"executorch","backend":"mtk","ramGB":7,'
    '"files":[{"fileName":"a.yaml","type":"config","urls":["https://host.example/a.yaml"]}],'
    '"entry_point":{"type":"yaml","value":"a.yaml"}}'
)


def put(root: Path, definition: ModelDefinition) -> Path:
    folder = root / folder_name(definition.id)
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(definition))
    return folder


def test_it_is_read_and_written_in_the_seeds_shape() -> None:
    found = msgspec.json.decode(SEED, type=ModelDefinition)
    assert (found.ram_gb, found.backend, found.entry_point.value) == (7, "mtk", "a.yaml")
    assert found.files == (ModelFile("a.yaml", "config", ("https://host.example/a.yaml",)),)
    assert b'"ramGB":7.0' in msgspec.json.encode(found)


def test_what_is_complete_is_found_by_runner(tmp_path: Path) -> None:
    put(tmp_path, ModelDefinition("org/small", "onnx", entry_point=EntryPoint("file", "m.onnx")))
    put(tmp_path, ModelDefinition("alone", "llamacpp"))
    (tmp_path / "half").mkdir()
    (model,) = installed(tmp_path, "onnx")
    assert model.entry == tmp_path / "org%2Fsmall" / "m.onnx"
    assert [m.id for m in installed(tmp_path)] == ["alone", "org/small"]
    assert installed(tmp_path / "nowhere") == ()


def test_what_cannot_be_read_or_lies_elsewhere_is_no_model(tmp_path: Path) -> None:
    put(tmp_path, ModelDefinition("one")).rename(tmp_path / "two")
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / MANIFEST).write_text("[" * 100_000)
    assert installed(tmp_path) == ()


@pytest.mark.parametrize("id", ["..", "../up", "a/../../b", "/etc", ".hidden", "a\\b", "a:b"])
def test_no_id_leads_out_of_its_folder(tmp_path: Path, id: str) -> None:
    name = folder_name(id)
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    assert not name.startswith(".")
