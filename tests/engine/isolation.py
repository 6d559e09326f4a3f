"""Brittle runners in processes of their own, for the time of a block."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from breeze.contracts.chat import ChatRequest
from breeze.contracts.clock import Clock, SystemClock
from breeze.contracts.events import TextDelta
from breeze.contracts.runner import Runner
from breeze.engine.workers import WorkerRunner, isolated
from tests.engine.brittle import BrittleParameters, BrittleRunner


def brittle(**values: Any) -> BrittleRunner:
    """A brittle runner that is told `values`, in this process."""
    return BrittleRunner(BrittleParameters.of(values))


@asynccontextmanager
async def at_work(clock: Clock | None = None, **values: Any) -> AsyncIterator[WorkerRunner]:
    """An isolated brittle runner, loaded."""
    runner = isolated(brittle(**values))
    runner.clock = clock or SystemClock()
    await runner.load("")
    try:
        yield runner
    finally:
        await runner.unload()


async def said(runner: Runner[Any], what: str, **fields: Any) -> str:
    """The text of the answer to one message."""
    events = [event async for event in runner.stream(ChatRequest.of(what, **fields))]
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
