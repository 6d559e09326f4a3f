"""An engine over scripted runners, in a home of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine
from breeze.engine.entry import AnyRunner, Key
from breeze.engine.pool import Pool

OpenEngine = Callable[..., AbstractAsyncContextManager[Engine]]


@pytest.fixture
def opened(tmp_path: Path) -> OpenEngine:
    """`opened(runner_class, …, clock=…, config={…})`: an engine that knows these runners."""

    def open_engine(*runners: type[Runner[Any]], **how: Any) -> AbstractAsyncContextManager[Engine]:
        how.setdefault("environ", {})
        return Engine.open(home=tmp_path / "home", runners=runners, **how)

    return open_engine


@pytest.fixture
def lined(opened: OpenEngine, tmp_path: Path) -> Any:
    """See `tests.engine.lines.line_of`."""
    from tests.engine.lines import line_of  # it needs OpenEngine from here

    return line_of(opened, tmp_path)


@asynccontextmanager
async def lease(pool: Pool, key: Key, make: Callable[[], AnyRunner]) -> AsyncIterator[AnyRunner]:
    """A leased runner for the time of the block, got the way an attempt gets it."""
    entry = pool.take(key) or await pool.admit(key, make)
    try:
        yield entry.runner
    finally:
        pool.leave(entry)
