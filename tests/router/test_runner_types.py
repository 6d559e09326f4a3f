"""Each type of `runnerConfigurations` has its runner or the stated fallback; `explain` agrees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from breeze.config.model import EngineConfig
from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import UnavailableError
from breeze.contracts.events import Finish, TextDelta
from breeze.contracts.requests import ChatRequest
from breeze.contracts.router import AITaskType, RunnerType
from breeze.contracts.runner import Runner
from breeze.engine.engine import Engine
from breeze.service.router import RouterService
from breeze.testing.scripted import Script, ScriptedRunner, scripted
from tests.router.asking import adjusted, answered, wishes

TYPES: list[RunnerType] = [kind for kind in RunnerType if kind is not RunnerType.DEFAULT]
NAMES: dict[RunnerType, str] = {kind: f"my_{kind.lower()}" for kind in TYPES}
"""Of each type one runner, which is known by its name, its kind or what it requires."""
SHIPPED = ("llamacpp", "onnx", "executorch", "mtk_apu", "system", "mock_llm")
"""Runners of these types that come with the package: left out, so that ours are alone."""


def reason(name: str) -> str:
    return f"not installed: it (run: pip install {name})"


def says(name: str, kind: RunnerKind, **facts: Any) -> type[ScriptedRunner]:
    line = [TextDelta(name), Finish()]
    return scripted(name, Script(line, reason=reason(name)), kind=kind, **facts)


def everybody() -> list[type[ScriptedRunner]]:
    """A runner of each type and a usual one; each is there once its script gives no reason."""
    special: dict[RunnerType, dict[str, Any]] = {
        RunnerType.MOCK: {"kind": RunnerKind.MOCK},
        RunnerType.MTK_APU: {"kind": RunnerKind.HARDWARE, "requirements": ("MTK_NPU",)},
    }
    made = [says(NAMES[k], **special.get(k, {"kind": RunnerKind.LOCAL})) for k in TYPES]
    usual = says("usual", RunnerKind.LOCAL)
    usual.script.reason = None
    return [*made, usual]


@asynccontextmanager
async def playing(
    home: Path, runners: list[type[ScriptedRunner]], *, npu: bool = True
) -> AsyncIterator[Engine]:
    entries: dict[str, Any] = {n: {"class": n, "enabled": False} for n in SHIPPED}
    entries |= {r.info.name: {"class": r.info.name, "priority": 5} for r in runners}
    entries["usual"]["priority"] = 1
    said = {"capabilities": {"LLM": {"runners": entries}}}
    chip = {"globalSettings": {"hardware": {"MTK_NPU": npu}}}
    config = EngineConfig.model_validate({**said, **chip})
    known: list[type[Runner[Any]]] = [*runners]
    async with Engine.open(
        home=home, runners=known, config=config, environ={}, ledger=False
    ) as engine:
        yield engine


def for_text(kind: RunnerType) -> Any:
    return wishes(runner_configurations={AITaskType.TEXT_GENERATION: kind})


@pytest.mark.parametrize("kind", TYPES)
async def test_a_type_that_is_there_answers(kind: RunnerType, tmp_path: Path) -> None:
    runners = everybody()
    for each in runners:
        each.script.reason = None
    async with playing(tmp_path, runners) as engine:
        response = await answered(RouterService(engine), for_text(kind))
        decision = await engine.explain(ChatRequest.of("Hi", runner=kind))
    assert response.text == response.metadata["runner"] == NAMES[kind]
    assert response.metadata["requested_runner"] == kind
    assert "runner" not in adjusted(response)
    assert decision.order[0].name == NAMES[kind]
    assert decision.order[0].why == f"of the type {kind}, which the request names"


@pytest.mark.parametrize("kind", [k for k in TYPES if k is not RunnerType.SYSTEM])
async def test_a_type_that_is_missing_is_stood_in_for_and_why_is_said(
    kind: RunnerType, tmp_path: Path
) -> None:
    async with playing(tmp_path, everybody(), npu=False) as engine:
        service = RouterService(engine)
        session = service.open()
        (note,) = await session.initialize(for_text(kind))
        response = await answered(service, session=session)
        decision = await engine.explain(ChatRequest.of("Hi", runner=kind))
    assert note.field == "runnerConfigurations.TEXT_GENERATION"
    assert (response.text, response.metadata["requested_runner"]) == ("usual", kind)
    assert "another one answers" in response.metadata["adjustments"]
    assert [choice.name for choice in decision.order] == ["usual"]
    reasons = {each.name: each.why for each in decision.rejected}
    assert reasons[kind] == "no runner of this type can do LLM here: another one answers"
    lacks = (
        "MTK_NPU: the configuration says no" if kind is RunnerType.MTK_APU else reason(NAMES[kind])
    )
    if kind is not RunnerType.MOCK:  # a mock is missed by its kind only
        assert f"{NAMES[kind]}: {lacks}" in response.metadata["adjustments"]
        assert reasons[NAMES[kind]] == lacks


async def test_without_one_of_that_name_the_system_is_what_works_here(tmp_path: Path) -> None:
    async with playing(tmp_path, everybody()) as engine:
        response = await answered(RouterService(engine), for_text(RunnerType.SYSTEM))
    assert response.text == "usual"
    assert not adjusted(response)


async def test_strict_about_a_type_means_nobody_else(tmp_path: Path) -> None:
    async with playing(tmp_path, everybody()) as engine:
        options = {"runner": "ONNX", "strict": "true"}
        response = await answered(RouterService(engine), options=options)
        with pytest.raises(UnavailableError, match="my_onnx: not installed"):
            await engine.run(ChatRequest.of("Hi", runner="ONNX", strict=True))
    assert response.metadata["error_code"] == "E501"
    assert "my_onnx: not installed" in (response.error or "")


async def test_the_name_of_the_runner_beats_a_part_of_a_name(tmp_path: Path) -> None:
    runners = [says("onnx_reader", RunnerKind.LOCAL), says("onnx", RunnerKind.LOCAL), *everybody()]
    for each in runners:
        each.script.reason = None
    async with playing(tmp_path, runners) as engine:
        assert (await engine.run(ChatRequest.of("Hi", runner="ONNX"))).runner == "onnx"


async def test_an_instance_of_that_name_is_that_instance(tmp_path: Path) -> None:
    usual = says("usual", RunnerKind.LOCAL)
    usual.script.reason = None
    entries = {"usual": {"class": "usual"}, "ONNX": {"class": "usual"}}
    config = EngineConfig.model_validate({"capabilities": {"LLM": {"runners": entries}}})
    async with Engine.open(
        home=tmp_path, runners=[usual], config=config, environ={}, ledger=False
    ) as engine:
        decision = await engine.explain(ChatRequest.of("Hi", runner="ONNX"))
    assert (decision.order[0].name, decision.order[0].why) == ("ONNX", "named by the request")
