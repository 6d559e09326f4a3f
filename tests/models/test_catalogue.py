"""A catalogue of one's own that is wrong: the refusal names file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.errors import InputError
from breeze.models import Catalogue

LINES = """{"about": {"models": [1, {"id": "}"}]},
 "models": [
  {"id": "a", "files": [
    {"fileName": "x", "urls": ["u", "v"]},
    {"fileName": "y", "size": SIZE}
  ]},
  {"id": ID}
]}"""


@pytest.mark.parametrize(
    ("size", "id", "line", "field"),
    [
        ('"big"', '"b"', 5, "models[0].files[1].size"),
        ("7", "8", 7, "models[1].id"),
        ("7", '" "', 7, "models[1].id"),
        ("7", '"b", "capabilities": ["SING"]', 7, "models[1].capabilities[0]"),
        ("", '"b"', 5, "models"),
        ("7", '"b"]', 7, "models"),
    ],
)
def test_a_wrong_entry_is_found(tmp_path: Path, size: str, id: str, line: int, field: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(LINES.replace("SIZE", size).replace("ID", id))
    with pytest.raises(InputError) as caught:
        Catalogue.read(path)
    assert f"{path}, line {line}: " in caught.value.message
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "7", '{"models": 7}', "[{}]", '{"models": [', '["', "\xff"])
def test_whatever_stands_there_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"catalogue\.json, line 1: "):
        Catalogue.read(path)
