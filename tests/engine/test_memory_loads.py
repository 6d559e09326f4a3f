"""Real models, loaded and unloaded again and again: memory comes back, and the budget holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.runners.alone import printed_alone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

FIFTY = """
import asyncio, tempfile
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.engine.machine_memory import resident

async def main(home):
    for time in range(55):
        async with Engine.open(home=home, environ={}, ledger=False) as engine:
            request = ChatRequest.of("Hello", runner="llamacpp", strict=True, max_tokens=4)
            async with engine.stream(request) as events:
                async for event in events:
                    pass
            loaded = resident()
        if time in (4, 54):
            print(resident(), loaded)

with tempfile.TemporaryDirectory() as home:
    asyncio.run(main(home))
"""


def test_fifty_loads_of_a_real_model_leave_memory_as_it_was() -> None:
    (before, loaded), (after, _) = printed_alone(FIFTY)
    assert abs(after - before) < before * 0.05
    assert loaded - before > 5_000_000  # it was there, and it went


@pytest.mark.slow
def test_three_models_that_do_not_fit_together_are_used_in_turn_under_load() -> None:
    """Ten minutes of it: `python bench/memory.py`."""
    soak = Path(__file__).parents[2] / "bench/memory.py"
    done = subprocess.run(
        [sys.executable, str(soak), "--seconds", "8"], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stdout + done.stderr
