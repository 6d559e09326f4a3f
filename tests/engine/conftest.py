"""An engine over scripted runners, in a home of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine

OpenEngine = Callable[..., AbstractAsyncContextManager[Engine]]


@pytest.fixture
def opened(tmp_path: Path) -> OpenEngine:
    """`opened(runner_class, …, clock=…, config={…})`: an engine that knows these runners."""

    def open_engine(*runners: type[Runner[Any]], **how: Any) -> AbstractAsyncContextManager[Engine]:
        how.setdefault("environ", {})
        return Engine.open(home=tmp_path / "home", runners=runners, **how)

    return open_engine
