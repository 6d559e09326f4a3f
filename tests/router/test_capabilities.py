"""has_capability: every name of the seeds, answered from the real state."""

from __future__ import annotations

from pathlib import Path

import pytest

from breeze.contracts.capability import Capability
from breeze.contracts.router import AITaskType, RequestType, RunnerType, ServiceCapability
from breeze.engine.engine import Engine
from breeze.service.router import RouterService
from breeze.service.router_capabilities import TYPES, WORK
from tests.router.cast import Cast, configuration, playing

ALWAYS = ("binary_data", "streaming", "resume", "cancel")


@pytest.mark.parametrize("name", [*Capability, *AITaskType, *RequestType])
async def test_the_cast_can_do_everything(name: str, service: RouterService) -> None:
    assert await service.has_capability(name)
    assert await service.has_capability(f" {name.lower()} ")


@pytest.mark.parametrize(
    "name",
    [
        *ServiceCapability, *RequestType, *AITaskType, *Capability, *ALWAYS,
        "llm", "chat", "tts", "asr", "vlm", "guardrail", "guardian", "content_safety",
        "mock_runners", *(f"{kind.lower()}_runner" for kind in RunnerType if kind != "DEFAULT"),
    ],
)  # fmt: skip
def test_every_name_of_every_list_is_known(name: str) -> None:
    assert name.lower() in {*WORK, *TYPES, *ALWAYS}


@pytest.mark.parametrize("name", ALWAYS)
async def test_some_are_there_always(name: str, service: RouterService) -> None:
    assert await service.has_capability(name)


@pytest.mark.parametrize("name", ["", "telepathy", "executorch_runner", "mtk_apu_runner", "*"])
async def test_what_nobody_does_is_false(name: str, service: RouterService) -> None:
    assert not await service.has_capability(name)


async def test_runners_by_name(service: RouterService, cast: Cast) -> None:
    assert await service.has_capability("brook")
    assert await service.has_capability("mock_llm")
    assert not await service.has_capability("whistle")


async def test_a_runner_that_cannot_work_here_does_not_count(tmp_path: Path) -> None:
    cast = Cast()
    cast.scripts["ear"].reason = "the ear is deaf"
    async with playing(tmp_path, cast) as engine:
        service = RouterService(engine)
        assert not await service.has_capability("ear")
        assert not await service.has_capability("ASR")
        assert await service.has_capability("audio_processing")  # it can still speak
        cast.scripts["voice"].reason = "the voice is gone"
    async with playing(tmp_path, cast) as engine:
        assert not await RouterService(engine).has_capability("audio_processing")


async def test_mock_runners_count_for_themselves(tmp_path: Path) -> None:
    async with playing(tmp_path, config=configuration()) as engine:
        assert await RouterService(engine).has_capability("mock_runners")


async def test_uploads_are_there_when_there_is_a_place_for_them(
    service: RouterService, tmp_path: Path
) -> None:
    assert not await service.has_capability("uploads")
    async with Engine.open(home=tmp_path, environ={}, ledger=False) as engine:

        def uploads(upload_id: str, owner: str, /) -> object:
            raise AssertionError("nobody asks for a file")

        assert await RouterService(engine, uploads=uploads).has_capability("uploads")  # type: ignore[arg-type]
