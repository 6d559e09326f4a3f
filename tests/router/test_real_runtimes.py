"""Each type of `runnerConfigurations` on real runtimes: who answers, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from breeze.config import parse_config
from breeze.contracts.requests import ChatRequest, SpeakRequest
from breeze.contracts.router import AITaskType, RunnerType, RuntimeBackend
from breeze.engine.engine import Engine
from breeze.service.router import RouterService
from tests.router.asking import adjusted, answered, wishes
from tests.runners.programs import TONE
from tests.runners.programs import path as path
from tests.runners.programs import program as put
from tests.runners.runtime_models import onnx_model as onnx_model
from tests.runners.runtime_models import program as program

QUESTION = "What is the capital of France?"
GREEDY = {"temperature": "0", "max_tokens": "24"}
Having = Callable[..., AbstractAsyncContextManager[Engine]]


@pytest.fixture
def having(onnx_model: Path, program: Path, tmp_path: Path) -> Having:
    """`having(MTK_NPU=True, …)`: an engine with one model in three runtimes, on such a machine.

    `portable=True` lets the runner for the NPU run programs for the processor.
    """

    @asynccontextmanager
    async def have(*, portable: bool = False, **machine: bool) -> Any:
        apu = {"model_path": str(program), "backend": "portable" if portable else "auto"}
        entries = {
            "llamacpp": {"class": "llamacpp", "priority": 0},
            "onnx": {"class": "onnx", "parameters": {"model_path": str(onnx_model)}},
            "executorch": {"class": "executorch", "parameters": {"model_path": str(program)}},
            "mtk_apu": {"class": "mtk_apu", "parameters": apu},
            "mock_llm": {"class": "mock_llm", "priority": 9},
        }
        said: dict[str, Any] = {"version": "2.0", "globalSettings": {"hardware": machine}}
        said["capabilities"] = {"LLM": {"runners": entries}}
        config = parse_config(said).config
        async with Engine.open(home=tmp_path / "home", config=config, environ={}) as engine:
            yield engine

    return have


def for_text(kind: RunnerType) -> Any:
    return wishes(runner_configurations={AITaskType.TEXT_GENERATION: kind})


@pytest.mark.parametrize(
    ("kind", "runner"),
    [
        (RunnerType.ONNX, "onnx"),
        (RunnerType.EXECUTORCH, "executorch"),
        (RunnerType.LLAMA_CPP, "llamacpp"),
        (RunnerType.SYSTEM, "llamacpp"),  # for text: the first that works without a network
    ],
)
async def test_a_type_is_answered_by_its_runtime(
    kind: RunnerType, runner: str, having: Having
) -> None:
    async with having(MTK_NPU=False) as engine:
        response = await answered(
            RouterService(engine), for_text(kind), text=QUESTION, options=GREEDY
        )
        decision = await engine.explain(ChatRequest.of(QUESTION, runner=kind))
    told = response.metadata
    assert "Paris" in response.text
    assert (told["requested_runner"], told["runner"]) == (kind, runner)
    assert (told["model_name"], told["runtime_backend"]) == ("breeze-tiny", "CPU")
    assert "mock" not in told
    assert "runner" not in adjusted(response)
    first = decision.order[0]
    assert (first.name, first.why) == (runner, f"of the type {kind}, which the request names")


async def test_without_the_npu_another_answers_and_both_say_why(having: Having) -> None:
    async with having(MTK_NPU=False) as engine:
        service = RouterService(engine)
        session = service.open()
        (note,) = await session.initialize(for_text(RunnerType.MTK_APU))
        response = await answered(service, session=session, text=QUESTION, options=GREEDY)
        decision = await engine.explain(ChatRequest.of(QUESTION, runner="MTK_APU"))
    assert note.field == "runnerConfigurations.TEXT_GENERATION"
    assert "Paris" in response.text
    assert response.metadata["requested_runner"] == "MTK_APU"
    assert response.metadata["runner"] == decision.order[0].name == "llamacpp"
    why = "mtk_apu: MTK_NPU: the configuration says no"
    assert why in response.metadata["adjustments"]
    reasons = {each.name: each.why for each in decision.rejected}
    assert reasons["MTK_APU"].endswith("another one answers")
    assert reasons["mtk_apu"] == "MTK_NPU: the configuration says no"


async def test_the_same_runner_answers_on_the_processor_where_that_is_set(having: Having) -> None:
    async with having(portable=True, MTK_NPU=False) as engine:
        response = await answered(
            RouterService(engine), for_text(RunnerType.MTK_APU), text=QUESTION, options=GREEDY
        )
    assert "Paris" in response.text
    assert response.metadata["runner"] == "mtk_apu"
    assert response.metadata["runtime_backend"] == "CPU"


async def test_a_mock_says_that_it_is_one(having: Having) -> None:
    async with having() as engine:
        response = await answered(RouterService(engine), for_text(RunnerType.MOCK))
    assert (response.metadata["runner"], response.metadata["mock"]) == ("mock_llm", "true")


async def test_the_system_speaks_by_a_program_of_this_machine(path: Path, having: Having) -> None:
    put(path, "espeak-ng", TONE)
    async with having() as engine:
        spoken = await answered(
            RouterService(engine),
            wishes(runner_configurations={AITaskType.SPEECH_SYNTHESIS: RunnerType.SYSTEM}),
            options={"request_type": "speech_synthesis"},
        )
        decision = await engine.explain(SpeakRequest("Hi", runner="SYSTEM"))
    assert (spoken.metadata["runner"], decision.order[0].name) == ("system", "system")
    assert spoken.binary_attachments


async def test_a_preferred_processor_is_where_it_ran(having: Having) -> None:
    preferring = msgspec.structs.replace(
        for_text(RunnerType.ONNX), preferred_runtime=RuntimeBackend.CPU
    )
    async with having(GPU=True) as engine:
        response = await answered(RouterService(engine), preferring, text=QUESTION, options=GREEDY)
    assert (response.metadata["runner"], response.metadata["runtime_backend"]) == ("onnx", "CPU")
    assert "preferredRuntime" not in adjusted(response)


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (False, "no GPU (the configuration says no)"),
        (True, "what is installed was not built for it"),
    ],
)
async def test_a_preferred_gpu_that_cannot_be_had_is_told_with_the_reason(
    machine: bool, why: str, having: Having
) -> None:
    async with having(GPU=machine) as engine:
        service = RouterService(engine)
        session = service.open()
        (note,) = await session.initialize(wishes(preferred_runtime=RuntimeBackend.GPU))
        response = await answered(service, session=session, text=QUESTION, options=GREEDY)
    assert (note.field, note.used) == ("preferredRuntime", "AUTO")
    assert why in (note.why or "")
    assert response.metadata["runner"] == "llamacpp"
    assert response.metadata["runtime_backend"] == "CPU"
