"""Imports point down one list. The order of the list is the architecture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.source import FILES, imports, name_of

ORDER = (
    "version", "contracts", "client", "config", "runners", "engine", "models", "knowledge",
    "agents", "service", "surfaces",
)  # fmt: skip
NARROW = {
    "contracts": {"contracts"},
    "client": {"client", "contracts", "version"},
    "runners": {"contracts", "version"},  # so that a runner reads the same outside this package
    "testing": {"testing", "contracts", "config", "version"},
}
"""Layers that may import less than the order allows."""


def layer(file: Path) -> str:
    return name_of(file).removesuffix(".py").split("/")[0]


def allowed(importer: str) -> set[str]:
    if importer in NARROW:
        return NARROW[importer]
    below = set(ORDER[: ORDER.index(importer) + 1])
    return below | {"testing"} if importer == "surfaces" else below


def faults(file: Path) -> list[str]:
    return [
        f"{name_of(file)}:{line} imports {target}"
        for line, target in imports(file)
        if target.startswith("breeze.") and not may_import(layer(file), target.split("."))
    ]


def may_import(own: str, target: list[str]) -> bool:
    if target[1] != "runners":
        return target[1] in allowed(own)
    if own == "runners":  # a private part that several runners share
        return len(target) > 2 and target[2].startswith("_")
    return "runners" in allowed(own) and len(target) == 2  # the folder, never a runner


@pytest.mark.parametrize("file", [f for f in FILES if f.parent.name != "breeze"], ids=name_of)
def test_imports_point_down(file: Path) -> None:
    assert faults(file) == []


@pytest.mark.parametrize("file", [f for f in FILES if f.parent.name == "breeze"], ids=name_of)
def test_files_at_the_root_are_layers_too(file: Path) -> None:
    if file.stem in ORDER:
        assert faults(file) == []
    else:
        assert file.stem in {"__init__", "__main__"}


def test_every_folder_has_its_place() -> None:
    assert {layer(file) for file in FILES} <= {*ORDER, "testing", "__init__", "__main__"}


def test_nothing_inside_imports_the_root() -> None:
    """The root gathers names for people; inside, a name is imported from where it lives."""
    names = [
        f"{name_of(file)}:{line} imports {target}"
        for file in FILES
        for line, target in imports(file)
        if target == "breeze"
        or (target.startswith("breeze.") and target.split(".")[1] not in {*ORDER, "testing"})
    ]
    assert names == []
