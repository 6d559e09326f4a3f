"""Runware in the engine: by its own failover, on the caller's clock, in the caller's home."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.errors import BlockedError, RunnerError
from breeze.contracts.events import Finish, ImageFailed, ImageReady
from breeze.contracts.requests import DrawRequest
from breeze.engine.engine import Engine
from breeze.testing.standins.runware import PRICE, RunwareStandin
from tests.runners.runware_bench import KEY, expected, prompts, sent


@pytest.fixture
async def vendor() -> AsyncIterator[RunwareStandin]:
    async with RunwareStandin.serving() as served:
        yield served


@asynccontextmanager
async def engine(home: Path, *vendors: RunwareStandin, **settings: Any) -> AsyncIterator[Engine]:
    """An engine with an instance for each vendor, tried in this order."""
    runners = {
        f"runware-{number}": {
            "class": "runware",
            "priority": number,
            "parameters": {"base_url": vendor.url, "api_key": KEY, "delivery": "sync"},
        }
        for number, vendor in enumerate(vendors)
    }
    file = {"capabilities": {"IMAGE": {"runners": runners}}, "globalSettings": settings}
    config = parse_config(file).config
    async with Engine.open(home=home, config=config, environ={}, ledger=False) as made:
        yield made


async def test_a_refused_batch_goes_to_the_next_runner_as_a_whole(
    tmp_path: Path, vendor: RunwareStandin
) -> None:
    async with RunwareStandin.serving() as second:
        vendor.fault("quota")
        async with engine(tmp_path, vendor, second) as made:
            answer = await made.run(DrawRequest(prompts(3)))
        assert [p.data for p in answer.images] == [expected(second, p) for p in prompts(3)]
    assert (answer.runner, answer.model) == ("runware-1", "runware:100@1")
    assert [(a.runner, a.code) for a in answer.attempts] == [("runware-0", "E402")]
    assert answer.usage is not None
    assert answer.usage.cost == pytest.approx(3 * PRICE)
    assert vendor.work.billed == {}


async def test_a_retry_of_the_engine_pays_nothing_twice(
    tmp_path: Path, vendor: RunwareStandin
) -> None:
    """The answer to the tasks was cut off, and nobody could be asked about them for a while."""
    vendor.fault("stream-cut")
    vendor.fault("error-503")
    async with engine(tmp_path, vendor, failover={"attempts": 3}) as made:
        answer = await made.run(DrawRequest(prompts(3)))
    assert len(answer.images) == 3
    assert len(sent(vendor)) == len(vendor.work.billed) == 3


async def test_failures_are_events_and_stand_in_the_result(
    tmp_path: Path, vendor: RunwareStandin
) -> None:
    asked = ("a sea", "a hill fail:nsfwContentDetected")
    async with engine(tmp_path, vendor) as made:
        async with made.stream(DrawRequest(asked)) as events:
            seen = [event async for event in events]
    kinds = [type(e) for e in seen if isinstance(e, ImageReady | ImageFailed | Finish)]
    assert kinds == [ImageReady, ImageFailed, Finish]
    result = seen[-1].result  # type: ignore[union-attr]  # the end has it
    assert [f.error.code for f in result.failures] == ["G100"]  # type: ignore[union-attr]


async def test_a_prompt_that_is_refused_is_not_taken_elsewhere(
    tmp_path: Path, vendor: RunwareStandin
) -> None:
    async with RunwareStandin.serving() as second:
        async with engine(tmp_path, vendor, second) as made:
            with pytest.raises(BlockedError):
                await made.run(DrawRequest.of("a fail:promptBlocked"))
        assert second.calls == []


async def test_the_home_of_the_engine_is_where_things_are_kept(
    tmp_path: Path, vendor: RunwareStandin
) -> None:
    async with engine(tmp_path, vendor) as made:
        answer = await made.run(DrawRequest.of("a sea"))
    assert Path(answer.images[0].file).parent == tmp_path / "media" / "images"


async def test_a_key_in_the_error_of_a_server_is_not_shown(
    tmp_path: Path, vendor: RunwareStandin
) -> None:
    vendor.fault("reflected", times=None)
    async with engine(tmp_path, vendor) as made:
        with pytest.raises(RunnerError) as caught:
            await made.run(DrawRequest.of("a sea"))
    assert KEY not in str(caught.value.info())
    vendor.heal()
