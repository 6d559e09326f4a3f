"""The peer runner with the real command on the other side, and the kit's rules on both."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.errors import RunnerError
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.runners.peer import PeerRunner
from breeze.testing.conformance import check_runner
from breeze.testing.samples import Samples, renewed
from tests.http.process import Room
from tests.runners.peers import NAME, beside
from tests.testing.rehearsals import MOCKS

CONFIG = {"version": "2.0", "defaultStrategy": "MOCK_FIRST"}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A home whose server answers with mocks."""
    room = Room(tmp_path / "room", {})
    room.home.mkdir(parents=True)
    (room.home / "config.json").write_text(json.dumps(CONFIG))
    return room


async def _answers(engine: Engine, capability: Capability, model: str) -> object:
    request = renewed(Samples().short(capability), model=model, strict=True)
    async with engine.stream(request) as events:
        answer = await events.result()
    return {
        name: value
        for name in answer.__struct_fields__
        if (value := getattr(answer, name)) is not None
        if name not in ("runner", "model", "decision", "request_id", "metadata")
    }


async def test_every_kind_of_work_on_a_server_of_its_own(room: Room, tmp_path: Path) -> None:
    with room.serving() as served:
        async with (
            beside(tmp_path / "here", served.place) as engine,
            Engine.open(home=tmp_path / "alone", environ={}, ledger=False) as alone,
        ):
            for capability, mock in MOCKS.items():
                there = await _answers(engine, capability, f"{NAME}/{mock}")
                assert there == await _answers(alone, capability, mock)
            served.process.send_signal(signal.SIGKILL)
            with pytest.raises(RunnerError) as caught:
                await engine.run(ChatRequest.of("Hi", model=f"{NAME}/mock_llm"))
            assert caught.value.code == "E501"


async def test_it_keeps_every_rule(room: Room) -> None:
    with room.serving() as served:
        report = await check_runner(PeerRunner, {"base_url": served.place})
    assert report.ok, report.render()


async def test_the_command_asks_a_peer(room: Room, tmp_path: Path) -> None:
    other = Room(tmp_path / "other")
    other.home.mkdir(parents=True)
    with room.serving() as served:
        entry = {"class": "peer", "parameters": {"base_url": served.place}}
        file = {"capabilities": {"LLM": {"runners": {"desk": entry}}}}
        (other.home / "config.json").write_text(json.dumps(file))
        done = other.breeze("chat", "Hello", "--model", "desk/mock_llm", "--strict", "--json")
    *_, last = done.stdout.splitlines()
    assert done.returncode == os.EX_OK, done.stderr
    assert json.loads(last)["result"]["mock"] is True
