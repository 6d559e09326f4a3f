"""One model on three runtimes in the engine: each streams, is cancelled, and works on its own."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.errors import RunnerError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from tests.runners.runtime_models import onnx_model as onnx_model
from tests.runners.runtime_models import program as program

QUESTION = "What is a runner?"


def opened(home: Path, onnx: Path, program: Path) -> AbstractAsyncContextManager[Engine]:
    """An engine with the same model on three runtimes, each in a process of its own."""
    settings: dict[str, dict[str, Any]] = {
        "llamacpp": {},
        "onnx": {"model_path": str(onnx)},
        "executorch": {"model_path": str(program)},
    }
    runners = {
        name: {"class": name, "parameters": given, "isolation": "process"}
        for name, given in settings.items()
    }
    config = parse_config({"version": "2.0", "capabilities": {"LLM": {"runners": runners}}}).config
    return Engine.open(home=home, config=config, environ={}, ledger=False)


def asking(runner: str, **fields: Any) -> ChatRequest:
    return ChatRequest.of(QUESTION, runner=runner, strict=True, temperature=0.0, **fields)


async def test_each_streams_the_same_text_and_is_cancelled_at_once(
    onnx_model: Path, program: Path, tmp_path: Path
) -> None:
    texts = []
    async with opened(tmp_path, onnx_model, program) as engine:
        for name in ("llamacpp", "onnx", "executorch"):
            async with aclosing(engine.stream(asking(name))) as events:
                found = [event async for event in events]
            pieces = [event.text for event in found if isinstance(event, TextDelta)]
            assert len(pieces) > 2
            assert isinstance(found[-1], Finish)
            texts.append("".join(pieces))
            begun = await _left(engine, asking(name, n=16))
            assert perf_counter() - begun < 1
            async with aclosing(engine.stream(asking(name, max_tokens=2))) as events:
                assert isinstance([event async for event in events][-1], Finish)
    assert texts == [texts[0]] * 3


async def _left(engine: Engine, request: ChatRequest) -> float:
    """Leave a stream after its first text; when that was."""
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
        begun = perf_counter()
    return begun


async def test_a_killed_runtime_is_one_clear_error_and_works_again(
    onnx_model: Path, program: Path, tmp_path: Path
) -> None:
    async with opened(tmp_path, onnx_model, program) as engine:
        with pytest.raises(RunnerError):
            await _killed(engine, asking("onnx", n=16))
        answer = await asyncio.wait_for(engine.run(asking("onnx")), 30)
    assert answer.text.startswith("A runner is")


async def _killed(engine: Engine, request: ChatRequest) -> None:
    """Read a stream, and kill its runtime as soon as it speaks."""
    async with aclosing(engine.stream(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                for child in _children():
                    os.kill(child, signal.SIGKILL)


def _children() -> list[int]:
    """The processes that this one started."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]
