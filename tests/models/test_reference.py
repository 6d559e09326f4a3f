"""What may be pulled, and what a catalogue says."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.errors import InputError, NotFoundError
from breeze.models import Catalogue, StoreSettings, decode_definitions, read_reference


@pytest.mark.parametrize(
    ("text", "kind", "id", "repository", "revision", "file"),
    [
        ("tiny", "catalogue", "tiny", "", "", ""),
        (" tiny ", "catalogue", "tiny", "", "", ""),
        ("hf:org/name", "hub", "org/name", "org/name", "", ""),
        ("hf:org/name@v1.0", "hub", "org/name", "org/name", "v1.0", ""),
        ("hf:org/name:Q4_K_M", "hub", "org/name:Q4_K_M", "org/name", "", "Q4_K_M"),
        ("hf:org/name@refs/pr/1:onnx/m.onnx", "hub", "org/name:onnx/m.onnx", "org/name",
         "refs/pr/1", "onnx/m.onnx"),
        ("https://a.example/x/model%20one.gguf?v=1", "url", "model one", "", "",
         "model one.gguf"),
    ],
)  # fmt: skip
def test_what_a_text_refers_to(
    text: str, kind: str, id: str, repository: str, revision: str, file: str
) -> None:
    found = read_reference(text)
    assert (found.kind, found.id) == (kind, id)
    assert (found.repository, found.revision, found.file) == (repository, revision, file)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "hf:", "hf:name", "hf:a/b/c", "hf:../b", "hf:a/..", "hf:a--x/b@", "hf:a/b@../x",
     "hf:a/b:../c", "hf:a/b:/etc/x", "hf:a/b:c\\d", "hf:a/b:model.json", "hf:a/b:x\0y",
     "https://a.example/", "https://a.example/..%2f..%2fx", "https://[::1/x.gguf", "x" * 300,
     "a\nb", "hf:a/b:" + "c" * 300],
)  # fmt: skip
def test_what_refers_to_nothing(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_reference(text)
    assert caught.value.field == "model"


def test_a_catalogue_is_read_from_files_the_later_ones_winning(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(
        '{"models": [{"id": "x", "ramGB": 4}, {"id": "y", "files": [{"group": "w", "pattern": '
        '"*.bin", "type": "weights", "urls": ["https://a.example/w.bin"]}], '
        '"entry_point": {"type": "file", "value": "w.bin"}}]}'
    )
    second.write_text('[{"id": "x", "ramGB": 5}]')
    found = Catalogue.read(first, second, tmp_path / "none.json")
    assert list(found) == ["x", "y"]
    assert found["x"].ram_gb == 5
    assert found["y"].files[0].pattern == "*.bin"
    with pytest.raises(NotFoundError, match="Did you mean x"):
        found.find("xx")


@pytest.mark.parametrize(
    ("data", "field"),
    [(b'{"models": [{"id": 1}]}', "id"), (b"{", "catalogue.json"), (b'[{"id": " "}]', "models")],
)
def test_a_broken_catalogue_names_the_file_and_the_field(data: bytes, field: str) -> None:
    with pytest.raises(InputError, match=field) as caught:
        decode_definitions(data, "catalogue.json")
    assert "catalogue.json" in caught.value.message


def test_settings_come_from_the_environment() -> None:
    found = StoreSettings.from_environ(
        {"HF_ENDPOINT": "http://hub.example/", "HF_TOKEN": " hf_secret ", "HF_HUB_OFFLINE": "1"}
    )
    assert (found.endpoint, found.offline) == ("http://hub.example", True)
    assert "hf_secret" not in repr(found)
    assert not StoreSettings.from_environ({}).offline
