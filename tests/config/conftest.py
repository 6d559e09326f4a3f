"""A home of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.config import Home, SettingsStore


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def store(home: Home) -> SettingsStore:
    return SettingsStore(home)
