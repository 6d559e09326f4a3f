"""The memory budget as a user meets it: in the configuration, in streams, in lists of runners."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.errors import MemoryLimitError
from breeze.contracts.events import Finish, Progress, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.testing.clock import ManualClock, settle
from breeze.testing.scripted import Gate, Script, scripted
from tests.engine.conftest import OpenEngine

ANSWER = [TextDelta("hi"), Finish()]
FIRST = ChatRequest.of("?", runner="first", strict=True)
SECOND = ChatRequest.of("?", runner="second", strict=True)


def configured(folder: Path, *pinned: str) -> Path:
    """Room for one of two models of 60 MB."""
    entries = {name: {"class": name, "pinned": name in pinned} for name in ("first", "second")}
    config = {
        "version": "2.0",
        "globalSettings": {"memoryBudgetMb": 100, "circuit": {"failures": 1}},
        "capabilities": {"LLM": {"runners": entries}},
    }
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    return file


async def test_a_model_makes_room_for_another_and_the_list_of_runners_shows_it(
    opened: OpenEngine, tmp_path: Path
) -> None:
    clock, waiting = ManualClock(), Gate()
    one, two = Script(ANSWER), Script([waiting, *ANSWER])
    kinds = [scripted(n, s, ram_gb=0.06) for n, s in (("first", one), ("second", two))]
    async with opened(*kinds, config=configured(tmp_path), clock=clock) as engine:
        assert (await engine.run(FIRST)).text == "hi"
        await clock.advance(7)
        status = {status.name: status for status in engine.runners()}["first"]
        (model,) = status.models
        assert (model.state, model.size, model.measured) == ("ready", 60_000_000, False)
        assert (status.size, status.budget, model.idle) == (60_000_000, 100_000_000, 7.0)
        seen: list[Any] = []
        async with engine.stream(SECOND) as events:
            seen += [await anext(events) for _ in range(3)]
            waiting.release.set()
            seen += [event async for event in events]
        assert [type(event) for event in seen] == [*[Progress] * 3, TextDelta, Finish]
        stages = [e.stage for e in seen if isinstance(e, Progress)]
        assert stages == ["making room", "waiting for memory", "load"]
        (row,) = engine.ledger.rows(SECOND.id)
        assert row.events == 2  # what was told of the load is not the runner's
        states = {status.name: status.state for status in engine.runners()}
        assert (states["first"], states["second"]) == ("absent", "ready")
        assert (one.unloads, two.loads) == (1, 1)


async def test_no_room_beside_a_stream_is_an_error_that_says_nothing_of_the_runner(
    opened: OpenEngine, tmp_path: Path
) -> None:
    speaking = Gate()
    one, two = Script([TextDelta("h"), speaking, TextDelta("i"), Finish()]), Script(ANSWER)
    kinds = [scripted(n, s, ram_gb=0.06) for n, s in (("first", one), ("second", two))]
    async with opened(*kinds, config=configured(tmp_path)) as engine:
        async with engine.stream(FIRST) as events:
            await anext(events), await anext(events)
            for _ in range(2):
                with pytest.raises(MemoryLimitError, match="first 60.0 MB .in use by 1.") as caught:
                    await engine.run(SECOND)
                assert caught.value.data["budget"] == 100_000_000
            status = {status.name: status for status in engine.runners()}["second"]
            assert (status.circuit, status.failures) == ("closed", 0)
            speaking.release.set()
            assert "".join([e.text async for e in events if isinstance(e, TextDelta)]) == "i"
        again = ChatRequest.of("?", runner="second", strict=True)
        assert (await engine.run(again)).text == "hi"


async def test_a_pinned_model_stays(opened: OpenEngine, tmp_path: Path) -> None:
    clock, scripts = ManualClock(), (Script(ANSWER), Script(ANSWER))
    kinds = [scripted(n, s, ram_gb=0.06) for n, s in zip(("first", "second"), scripts, strict=True)]
    async with opened(*kinds, config=configured(tmp_path, "first"), clock=clock) as engine:
        await engine.run(FIRST)
        await clock.advance(100_000)
        with pytest.raises(MemoryLimitError, match="first 60.0 MB .pinned."):
            await engine.run(SECOND)
        assert {status.name: status.pinned for status in engine.runners()}["first"]
        assert scripts[0].unloads == 0


@pytest.mark.parametrize("leave", ["close", "cancel"])
async def test_who_leaves_during_a_load_stops_it(opened: OpenEngine, leave: str) -> None:
    script = Script(ANSWER, on_load=[loading := Gate()])
    async with opened(scripted("first", script, ram_gb=0.06)) as engine:
        stream = engine.stream(ChatRequest.of("?", runner="first", strict=True))
        assert await anext(stream) == Progress("load")
        reading = asyncio.ensure_future(anext(stream))
        await loading.started.wait()
        if leave == "close":
            reading.cancel()
            await asyncio.wait([reading])
            await stream.aclose()
        else:
            assert engine.cancel(stream.request_id)
            await asyncio.wait([reading])
            await stream.closed()
        await settle()
        assert (script.unloads, engine.live) == (1, ())
        assert reading.cancelled() or reading.exception() is not None
        assert not [status for status in engine.runners() if status.models]
