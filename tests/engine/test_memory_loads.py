"""Real models, loaded and unloaded again and again: memory comes back, and the budget holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runners.alone import printed_alone
from tests.runners.runtime_models import made

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

AGAIN_AND_AGAIN = """
import asyncio, tempfile
from breeze.config.model import EngineConfig
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.machine_memory import resident

ENTRY = {"class": "llamacpp", "isolation": ISOLATION}
CONFIG = EngineConfig.model_validate({"capabilities": {"LLM": {"runners": {"mine": ENTRY}}}})

async def main(home):
    for time in range(TIMES + 5):
        async with Engine.open(home=home, config=CONFIG, environ={}, ledger=False) as engine:
            request = ChatRequest.of("Hello", runner="mine", strict=True, max_tokens=4)
            async with engine.stream(request) as events:
                async for event in events:
                    pass
            (status,) = [status for status in engine.runners() if status.models]
            loaded = resident()
        if time in (4, TIMES + 4):
            print(resident(), loaded, status.size)

with tempfile.TemporaryDirectory() as home:
    asyncio.run(main(home))
"""


def sizes(isolation: str, times: int) -> list[list[int]]:
    """Memory after five loads and so many more: when nothing is loaded, when it is, the model."""
    told = f"ISOLATION, TIMES = {isolation!r}, {times}\n"
    return printed_alone(told + AGAIN_AND_AGAIN)


def test_fifty_loads_of_a_real_model_leave_memory_as_it_was() -> None:
    (before, loaded, _), (after, *_) = sizes("none", 50)
    assert abs(after - before) < before * 0.05
    assert loaded - before > 5_000_000  # it was there, and it went


@pytest.mark.slow
def test_so_do_loads_in_a_process_of_its_own_whose_memory_is_counted() -> None:
    (before, loaded, size), (after, *_) = sizes("process", 10)
    assert abs(after - before) < before * 0.05
    assert loaded - before < 5_000_000  # it is elsewhere
    assert size > 20_000_000


RUNNER_AGAIN = """
import asyncio
from importlib import import_module
from breeze.contracts.requests import ChatRequest
from breeze.engine.machine_memory import resident

KIND = getattr(import_module(f"breeze.runners.{NAME}"), f"{NAME.capitalize()}Runner")

async def main():
    runner = KIND(KIND.parameters_type.of({"model_path": MODEL}))
    for time in range(TIMES + 5):
        await runner.load("")
        async for event in runner.stream(ChatRequest.of("Hello", max_tokens=2)):
            pass
        await runner.unload()
        if time in (4, TIMES + 4):
            print(resident())

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), [("onnx", ""), ("executorch", "model.pte")])
def test_so_do_loads_by_other_runtimes(name: str, file: str) -> None:
    told = f"NAME, MODEL, TIMES = {name!r}, {str(made(name) / file)!r}, 50\n"
    (before,), (after,) = printed_alone(told + RUNNER_AGAIN)
    assert abs(after - before) < before * 0.05


@pytest.mark.slow
def test_three_models_that_do_not_fit_together_are_used_in_turn_under_load() -> None:
    """Ten minutes of it: `python bench/memory.py`."""
    soak = Path(__file__).parents[2] / "bench/memory.py"
    done = subprocess.run(
        [sys.executable, str(soak), "--seconds", "20"], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stdout + done.stderr
