"""docs/configuration.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from breeze.config import config_keys_table, parse_config

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def keys(value: object, path: str = "") -> set[str]:
    """Every path in a configuration, with names of people's choice replaced."""
    found: set[str] = set()
    for key, inner in value.items() if isinstance(value, dict) else ():
        above = path.rpartition(".")[2]
        name = {"capabilities": "CAPABILITY", "runners": "INSTANCE"}.get(above, key)
        below = f"{path}.{name}".removeprefix(".")
        found |= {below} | (keys(inner, below) if key != "parameters" else set())
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_accepted(example: str) -> None:
    file = parse_config(json.loads(example))
    assert file.config.instances
    expected = ["runners"] if '"1.0"' in example else []
    assert [notice.path for notice in file.notices] == expected


def test_the_table_has_every_key_of_the_seeds_sample() -> None:
    sample = json.loads(Path(__file__).with_name("seed_000.json").read_text())
    rows = set(re.findall(r"^\| `([^`]+)` \|", config_keys_table(), re.MULTILINE))
    leaves = {key for key in keys(sample) if not any(k.startswith(f"{key}.") for k in keys(sample))}
    assert leaves <= rows
    assert "globalSettings.failover.afterOutput" in rows


def test_every_key_in_the_table_is_explained() -> None:
    head, line, *rows = config_keys_table().splitlines()
    assert (head, line) == ("| key | type | default | meaning |", "|---|---|---|---|")
    for row in rows:
        _, key, kind, _, meaning, _ = (cell.strip() for cell in row.split("|"))
        assert all((key, kind, meaning)), row
    assert "| `globalSettings.keepAliveSeconds` | number | `300.0` |" in config_keys_table()
    assert "| `capabilities.CAPABILITY.runners.INSTANCE.class` | text | required |" in "\n".join(
        rows
    )


def test_the_page_has_a_place_for_the_table() -> None:
    assert PAGE.count("<!-- generated: config-keys -->") == 1
