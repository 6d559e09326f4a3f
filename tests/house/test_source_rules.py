"""Small files, finished work, and nothing that runs data as code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.source import FILES, ROOT, imports, name_of, tree

LONGEST = 260
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|raise NotImplementedError)\b")
RUNS_DATA = {"eval", "exec", "compile"}
READS_CODE = {"pickle", "cPickle", "dill", "marshal", "shelve", "cloudpickle", "joblib"}
# Written in parts, so that this file does not name them itself.
ELSEWHERE = re.compile(
    "|".join(["/" + "work/", "/" + "root/", "py" + "pi.org", "python" + "hosted"])
)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_is_short(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_nothing_is_left_for_later(file: Path) -> None:
    assert UNFINISHED.findall(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_data_never_runs_as_code(file: Path) -> None:
    calls = [
        node.func.id
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert RUNS_DATA.isdisjoint(calls)
    assert READS_CODE.isdisjoint(target.split(".")[0] for _, target in imports(file))


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_no_command_goes_through_a_shell(file: Path) -> None:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in {("os", "system"), ("os", "popen")}


def project_files() -> list[Path]:
    """What the project consists of, without what tools leave behind."""
    folders = ("src", "tests", "tools", "docs", ".ci")
    found = [file for folder in folders for file in (ROOT / folder).rglob("*")]
    names = ("Makefile", "README.md", "CHANGELOG.md", "pyproject.toml", ".gitattributes", "NOTICE")
    found += [ROOT / name for name in names]
    return [f for f in found if f.is_file() and "__pycache__" not in f.parts]


def test_nothing_names_one_machine_or_its_network() -> None:
    named = []
    for file in project_files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a model, a picture or a sound
        named += [f"{file.relative_to(ROOT)}: {word}" for word in ELSEWHERE.findall(text)]
    assert named == []
