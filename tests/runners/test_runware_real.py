"""The plan's own tests against the vendor: they cost a cent, and run where a key is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from breeze.contracts.clock import SystemClock
from breeze.contracts.requests import DrawRequest
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners.runware import RunwareRunner
from tests.runners.runware_bench import draw

KEY = os.environ.get("RUNWARE_API_KEY", "")
pytestmark = pytest.mark.skipif(not KEY, reason="RUNWARE_API_KEY is not set: no account to use")


async def test_pictures_of_the_vendor(tmp_path: Path) -> None:
    values = {"api_key": KEY, "steps": 4, "folder": str(tmp_path), "daily_limit": 0.10}
    runner = RunwareRunner(RunwareParameters.of(values))
    await runner.load("")
    start = SystemClock.now()
    try:
        answer = await draw(
            runner, DrawRequest(("a lighthouse", "the sea at night"), size="512x512")
        )
    finally:
        await runner.unload()
    assert [(p.width, p.height, p.mime) for p in answer.images] == [(512, 512, "image/png")] * 2
    assert answer.usage is not None
    assert answer.usage.cost
    assert SystemClock.now() - start < 60
