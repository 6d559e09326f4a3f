"""The vendors whose chat has one frame here, each with its stand-in."""

from __future__ import annotations

from typing import Any

from breeze.contracts.runner import Runner
from breeze.runners.anthropic import AnthropicRunner
from breeze.runners.google import GoogleRunner
from breeze.testing.standins import Standin
from breeze.testing.standins.anthropic import AnthropicStandin
from breeze.testing.standins.google import GoogleStandin

VENDORS: dict[str, tuple[type[Runner[Any]], type[Standin]]] = {
    "anthropic": (AnthropicRunner, AnthropicStandin),
    "google": (GoogleRunner, GoogleStandin),
}
