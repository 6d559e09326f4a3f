"""After a bad hour, and in the middle of one: who is well is served, who was ill is asked again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import RunnerError
from breeze.testing.clock import settle
from tests.faults.cases import essence, observed
from tests.faults.dialects import HERE, Dialect
from tests.faults.scene import COOLDOWN, Stage, staged, vendors

CROWD, HEALTHY = 50, 20
every = pytest.mark.parametrize("dialect", HERE, ids=lambda dialect: dialect.name)


@every
@pytest.mark.parametrize("fault", ["error-503-page", "reset", "slow-first"])
async def test_the_first_runner_is_back_within_one_cool_down(
    dialect: Dialect, fault: str, tmp_path: Path
) -> None:
    async with vendors(dialect) as played, staged(played, tmp_path, second=True) as stage:
        played.a.fault(fault, times=None, on=dialect.on)
        for _ in range(6):  # more than open a circuit
            seen = await observed(stage, whole=False)
            assert (seen.code, seen.runner) == ("", "b")
        played.a.heal()
        played.a.release()
        await stage.clock.advance(COOLDOWN)
        found = [(await observed(stage, whole=False)).runner for _ in range(2)]
        assert found[-1] == "a"


@every
async def test_the_healthy_are_unharmed_beside_fifty_dead_ones(
    dialect: Dialect, tmp_path: Path
) -> None:
    """Time stands still all the while: nobody waits for the end of anybody's patience."""
    async with vendors(dialect) as played, staged(played, tmp_path, second=False) as stage:
        first = await observed(stage, whole=False)
        ill, well = CROWD, HEALTHY
        before = len(played.a.calls)
        played.a.fault("slow-first", times=ill, on=dialect.on)
        dead = [asyncio.ensure_future(ask(stage, dialect)) for _ in range(ill)]
        async with asyncio.timeout(30):
            while len(played.a.calls) < before + ill or not played.a.at_rest:
                await settle()
            for seen in await asyncio.gather(*(ask(stage, dialect) for _ in range(well))):
                assert seen == first.made
        assert not any(task.done() for task in dead)
        for task in dead:
            task.cancel()
        async with asyncio.timeout(5):
            await played.a.idle()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*dead)
        assert {c.outcome for c in played.a.calls if c.fault} == {"left"}


async def ask(stage: Stage, dialect: Dialect) -> object:
    """The essence of an answer, without moving time."""
    request: Any = dialect.make()
    async with stage.engine.stream(request) as events:
        seen = [event async for event in events]
    return essence(seen[-1].result)


@every
async def test_a_wrong_key_is_not_tried_again_and_again(dialect: Dialect, tmp_path: Path) -> None:
    async with vendors(dialect) as played, staged(played, tmp_path, second=False) as stage:
        played.a.fault("key-refused", times=None, on=dialect.on)
        with pytest.raises(RunnerError) as caught:
            await stage.after(ask(stage, dialect))
        assert caught.value.code == "E401"
        assert len([c for c in played.a.calls if c.fault]) == 1
