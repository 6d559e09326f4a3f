"""The page about the seeds names files and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+) \|[^|]*\| ([^|]*) \| `([^`]*)` \|$", (ROOT / "docs/seeds.md").read_text(), re.M
)


def test_the_rows_are_numbered_once_and_in_order() -> None:
    numbers = [int(number) for number, _, _ in ROWS]
    assert len(numbers) > 60
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(("number", "where", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_the_place_and_the_test_exist(number: str, where: str, test: str) -> None:
    for place in re.findall(r"`([a-z_]+/[\w/*.]+)`", where):
        assert list((ROOT / "src/breeze").glob(place)), place
    file, _, name = test.partition("::")
    text = (ROOT / "tests" / file).read_text()
    assert re.search(rf"def {name}\(" if name else r"def test_", text), test
