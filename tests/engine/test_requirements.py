"""What a machine must have, and what is said when it has not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breeze.contracts.errors import UnavailableError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.engine.hardware import Hardware
from breeze.testing.scripted import Script, scripted
from tests.engine.conftest import OpenEngine


def test_no_requirement_is_always_met() -> None:
    assert Hardware().missing(()) is None


@pytest.mark.parametrize("name", ["MTK_NPU", "GOOGLE_PLAY_SERVICES", "WARP_DRIVE"])
def test_the_reason_names_the_requirement_and_what_was_found(name: str) -> None:
    reason = Hardware().missing([name])
    assert reason
    assert reason.startswith(f"{name}: ")


async def test_an_unmet_requirement_is_the_reason_why_a_runner_cannot_work(
    opened: OpenEngine, tmp_path: Path
) -> None:
    entry = {"class": "one", "requirements": ["GOOGLE_PLAY_SERVICES"]}
    settings = {"enableHardwareDetection": True}
    config = tmp_path / "config.json"
    script = Script([TextDelta("Hello"), Finish()])
    for detected in (True, False):
        settings["enableHardwareDetection"] = detected
        runners = {"LLM": {"runners": {"phone": entry}}}
        document = {"version": "2.0", "globalSettings": settings, "capabilities": runners}
        config.write_text(json.dumps(document))
        async with opened(scripted("one", script), config=config) as engine:
            if detected:
                with pytest.raises(UnavailableError, match="only Android has them"):
                    await engine.run(ChatRequest.of("Hi"))
            else:
                assert (await engine.run(ChatRequest.of("Hi"))).text == "Hello"


async def test_always_available_skips_the_question(opened: OpenEngine, tmp_path: Path) -> None:
    entry = {"class": "one", "requirements": ["MTK_NPU"], "alwaysAvailable": True}
    config = tmp_path / "config.json"
    document = {"version": "2.0", "capabilities": {"LLM": {"runners": {"chip": entry}}}}
    config.write_text(json.dumps(document))
    async with opened(scripted("one", Script([TextDelta("x"), Finish()])), config=config) as engine:
        assert (await engine.run(ChatRequest.of("Hi"))).runner == "chip"
