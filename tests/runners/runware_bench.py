"""Puts the runware runner to work on its stand-in, with time that passes at once."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from breeze.contracts.answers import Pictures
from breeze.contracts.clock import Clock
from breeze.contracts.requests import DrawRequest
from breeze.runners._runware_parameters import RunwareParameters
from breeze.runners.runware import RunwareRunner
from breeze.testing.clock import ManualClock
from breeze.testing.standins._runware_pictures import picture
from breeze.testing.standins._runware_work import drawn
from breeze.testing.standins.runware import RunwareStandin
from tests.runners.vendor import ready, whole

KEY = "test-key"


class Hasty(ManualClock):
    """A clock on which every sleep is over at once; `slept` says how long each would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += max(0.0, seconds)
        await asyncio.sleep(0)


def running(
    vendor: RunwareStandin, *, home: Path | None = None, clock: Clock | None = None, **values: Any
) -> AbstractAsyncContextManager[RunwareRunner]:
    """A loaded runner that asks `vendor`."""
    given = {"base_url": vendor.url, "api_key": KEY, "rate_limit_delay": 0, **values}
    runner = RunwareRunner(RunwareParameters.of(given))
    runner.clock = clock or Hasty()
    runner.home = home
    return ready(runner)


async def draw(runner: RunwareRunner, request: DrawRequest) -> Pictures:
    """The whole answer, each event checked on its way."""
    found = await whole(runner, request)
    assert isinstance(found, Pictures)
    return found


def prompts(count: int) -> tuple[str, ...]:
    return tuple(f"a lighthouse, number {i}" for i in range(count))


def sent(vendor: RunwareStandin, kind: str = "imageInference") -> list[dict[str, Any]]:
    """Every task of a kind that the vendor was sent, in order."""
    return [task for call in vendor.calls for task in call.json if task["taskType"] == kind]


def rounds(vendor: RunwareStandin) -> list[str]:
    """What each request was for: the kind of its first task."""
    return [call.json[0]["taskType"] for call in vendor.calls]


def expected(vendor: RunwareStandin, prompt: str, number: int = 0) -> bytes:
    """The very bytes of a picture of a prompt, by what the vendor was sent for it."""
    task = next(t for t in sent(vendor) if t["positivePrompt"] == prompt)
    size = task["width"], task["height"]
    return picture(drawn(task, number), *size, task["outputFormat"])
