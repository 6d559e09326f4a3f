"""A router service over the cast of scripted runners."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from breeze.service.router import RouterService
from tests.router.cast import Cast, playing
from tests.router.serving import Served, serving
from tests.router.wires import Wire, plugged


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
async def service(cast: Cast, tmp_path: Path) -> AsyncIterator[RouterService]:
    async with playing(tmp_path / "home", cast) as engine:
        service = RouterService(engine)
        yield service
        await service.close()


@pytest.fixture
async def wire(service: RouterService) -> AsyncIterator[Wire]:
    """A socket that listens."""
    async with plugged(service) as wire:
        yield wire


@pytest.fixture
async def with_limits(cast: Cast, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """`await with_limits(live=2)`: a service with other limits; other arguments go to it."""
    async with AsyncExitStack() as stack:

        async def make(**how: Any) -> RouterService:
            engine = await stack.enter_async_context(playing(tmp_path / "other", cast))
            service = RouterService(engine, **how)
            stack.push_async_callback(service.close)
            return service

        yield make


@pytest.fixture
async def served(service: RouterService) -> AsyncIterator[Served]:
    async with serving(service) as served:
        yield served
