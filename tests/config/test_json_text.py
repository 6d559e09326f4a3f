"""Reading JSON: what is accepted, and where the flaw is when it is not."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from breeze.config import read_json
from breeze.config.json_text import json_bytes
from breeze.contracts.errors import InputError
from tests.config.strategies import json_values, unhurried

BROKEN = [
    ('{"a": 1,}', 1, 9, "property name"),
    ('{\n  "a": 1\n  "b": 2\n}', 3, 3, "delimiter"),
    ("", 1, 1, "value"),
    ('{"a": 1} x', 1, 10, "Extra data"),
    ('{\n "a": {"b": 1},\n "a": 2}', 3, 2, "'a' is given twice"),
    ('{"x": {"a": 1, "b": {"a": 0}, "a": 2}}', 1, 31, "'a' is given twice"),
    ('["a", "a", {"a": "a"}, NaN]', 1, 24, "NaN is not JSON"),
    ('{"a": -Infinity}', 1, 7, "-Infinity is not JSON"),
    ('{"a": 1e999}', 1, 7, "too large"),
    ("[" + "9" * 5000 + "]", 1, 2, "too large"),
    ("[" * 101 + "]" * 101, 1, 101, "deeper than 100"),
    ("[\n" * 100_000, 101, 1, "deeper than 100"),
    ('{"a": "\n"}', 1, 8, "control character"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


@pytest.mark.parametrize(("text", "line", "column", "what"), BROKEN)
def test_a_flaw_is_named_with_line_and_column(
    file: Path, text: str, line: int, column: int, what: str
) -> None:
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        read_json(file)
    assert refused.value.data == {"file": str(file), "line": line, "column": column}
    assert f"{file}, line {line}, column {column}: " in refused.value.message
    assert what in refused.value.message
    assert "Nothing was changed" in refused.value.message
    assert file.read_text() == text


def test_bytes_that_are_no_text_are_named_too(file: Path) -> None:
    file.write_bytes(b'{\n "name": "caf\xe9"}')
    with pytest.raises(InputError, match="line 2, column 14: is not UTF-8"):
        read_json(file)


def test_a_byte_order_mark_is_welcome(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf{"version": "2.0"}')
    assert read_json(file) == {"version": "2.0"}


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)


def test_a_missing_file_is_missing(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(file)


def test_the_refusal_of_a_broken_file_carries_none_of_its_text(file: Path) -> None:
    file.write_text('{"main": {"api_key": "sk-canary-1", }}')
    with pytest.raises(InputError) as refused:
        read_json(file)
    assert refused.value.__cause__ is None
    assert "sk-canary-1" not in f"{refused.value} {refused.value.info()!r}"


@unhurried
@given(json_values)
def test_what_is_written_is_read_back(value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "value.json")
        file.write_bytes(json_bytes(value))
        assert read_json(file) == value


@unhurried
@given(json_values)
def test_compact_json_of_others_is_read_too(value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "value.json")
        file.write_text(json.dumps(value))
        assert read_json(file) == value


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), {1, 2}, b"bytes", "\ud800", {1: "a", "1": "b"}, 10**400],
)
def test_what_could_not_be_read_back_is_not_written(value: Any) -> None:
    with pytest.raises(InputError, match="pitch cannot be saved") as refused:
        json_bytes({"a": value}, "pitch")
    assert refused.value.field == "pitch"


def test_too_deep_a_value_is_not_written() -> None:
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    with pytest.raises(InputError, match="deeper than 100"):
        json_bytes(value)


def test_a_path_is_written_as_text() -> None:
    assert json.loads(json_bytes({"file": Path("/models/a.gguf")})) == {"file": "/models/a.gguf"}
