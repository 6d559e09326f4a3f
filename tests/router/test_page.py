"""The page about the router names everything there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breeze.contracts.router import ResponseState, SettingKey
from breeze.contracts.router_frames import Method
from breeze.service.router_limits import MIB, RouterLimits
from breeze.service.router_metadata import MEANINGS
from breeze.service.router_options import KINDS, OPTIONS
from breeze.service.router_socket import TAKEN_OVER

PAGE = (Path(__file__).parents[2] / "docs" / "router.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", PAGE, flags=re.M | re.S))
NAMES = {name for code in CODE for name in re.findall(r"\w+", code)}
NEEDED = [*Method, *ResponseState, *OPTIONS, *KINDS, *MEANINGS, *SettingKey]


@pytest.mark.parametrize("name", NEEDED)
def test_it_is_on_the_page(name: str) -> None:
    assert name in NAMES


def test_the_limits_are_as_said() -> None:
    limits = RouterLimits()
    assert f"{limits.frame // MIB} MiB gets" in PAGE
    assert f"| {limits.attachments} a request; {limits.inline // MIB} MiB each" in PAGE
    assert f"| {limits.live}, then" in PAGE
    assert f"| {limits.waiting} or {limits.waiting_bytes // MIB} MiB" in PAGE
    assert f"| {limits.kept} or {limits.kept_bytes // MIB} MiB" in PAGE
    assert f"| {limits.parked}; the oldest" in PAGE
    assert str(TAKEN_OVER) in PAGE
