"""Two engines: one that is served, and one that has it as its peer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from breeze.config import parse_config
from breeze.config.model import EngineConfig
from breeze.contracts.capability import Capability
from breeze.engine.engine import Engine
from tests.http.conftest import Server, serving

NAME = "office"
"""What the peer is called here."""


def configured(url: str, **values: Any) -> EngineConfig:
    """A configuration whose only runner, for everything, is the server at `url`."""
    entry = {"class": "peer", "parameters": {"base_url": url, **values}}
    wanted = {capability.value: {"runners": {NAME: entry}} for capability in Capability}
    return parse_config({"version": "2.0", "capabilities": wanted}).config


@asynccontextmanager
async def beside(home: Path, url: str, **values: Any) -> AsyncIterator[Engine]:
    """An engine with the server at `url` as its peer."""
    config = configured(url, **values)
    async with Engine.open(home=home, config=config, environ={}, ledger=False) as engine:
        yield engine


@asynccontextmanager
async def pair(
    folder: Path, *, key: str = "", **options: Any
) -> AsyncIterator[tuple[Server, Engine]]:
    """A server with `options`, and an engine in this process that has it as its peer."""
    async with serving(folder / "there", ledger=False, **options) as server:
        async with beside(folder / "here", server.url, api_key=key) as engine:
            yield server, engine
