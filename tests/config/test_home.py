"""Where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.config import Home
from breeze.contracts.errors import InputError


def test_breeze_home_decides(tmp_path: Path) -> None:
    home = Home.find({"BREEZE_HOME": str(tmp_path / "b")})
    names = [home.config, home.settings, home.secrets, home.models, home.media, home.cache]
    assert [path.name for path in (*names, home.database)] == [
        "config.json", "settings.json", "secrets.json", "models", "media", "cache",
        "breeze.sqlite",
    ]  # fmt: skip
    assert {path.parent for path in names} == {tmp_path / "b"}
    assert not home.root.exists()


@pytest.mark.parametrize("environ", [{}, {"BREEZE_HOME": ""}])
def test_else_the_users_data_folder(environ: dict[str, str]) -> None:
    assert Home.find(environ).root.name == "breeze"
    assert Home.find(environ).root.is_absolute()


def test_short_forms_become_full_paths() -> None:
    assert Home.find({"BREEZE_HOME": "~/b"}).root == Path.home() / "b"
    assert Home.find({"BREEZE_HOME": "state"}).root == Path.cwd() / "state"


def test_a_home_of_nobody_is_refused() -> None:
    with pytest.raises(InputError, match="BREEZE_HOME=~nobody-here/x names no folder"):
        Home.find({"BREEZE_HOME": "~nobody-here/x"})
