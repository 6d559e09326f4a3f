"""The runner for MediaTek NPUs: all but the NPU itself, on a program for the processor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from breeze.config import parse_config
from breeze.contracts.capability import Backend
from breeze.contracts.errors import HardwareError, InputError
from breeze.contracts.events import Adjusted, Finish
from breeze.contracts.requests import ChatRequest
from breeze.engine.engine import Engine
from breeze.runners._executorch_parameters import ExecutorchParameters
from breeze.runners._mtk_apu_device import DELEGATE, delegates, lacking
from breeze.runners._mtk_apu_parameters import MtkApuParameters
from breeze.runners.executorch import ExecutorchRunner
from breeze.runners.mtk_apu import MtkApuRunner
from tests.runners.runtime_models import program as program
from tests.runners.vendor import answer, ready

HELLO = ChatRequest.of("What is a runner?", temperature=0.0)


def made(**values: Any) -> MtkApuRunner:
    return MtkApuRunner(MtkApuParameters.of(values))


def lowered(program: Path, folder: Path) -> Path:
    """The program as if it had been lowered for the NPU, by the name in it."""
    shutil.copytree(program.parent, folder / "lowered")
    head = bytearray(program.read_bytes())
    at = head.index(b"XnnpackBackend\0")
    head[at : at + len(DELEGATE) + 1] = f"{DELEGATE}\0".encode()
    file = folder / "lowered" / "model.pte"
    file.write_bytes(head)
    return file


async def test_the_same_program_answers_on_the_processor(program: Path) -> None:
    runner = made(model_path=program, backend="portable")
    assert runner.check() is None
    async with ready(runner):
        events = [e async for e in runner.stream(HELLO)]
    assert isinstance(events[-1], Finish)
    assert events[-1].metadata is not None
    assert events[-1].metadata["runtime_backend"] == "CPU"


async def test_its_own_limit_counts(program: Path) -> None:
    async with ready(made(model_path=program, max_tokens=3)) as runner:
        found = await answer(runner, HELLO)
    assert found.finish_reason == "length"
    assert found.usage is not None
    assert found.usage.completion_tokens == 3


async def test_options_of_other_applications_are_told_not_dropped(program: Path) -> None:
    async with ready(made(model_path=program)) as runner:
        request = ChatRequest.of("Hi", params={"top_k": 5, "repetition_penalty": 1.3})
        told = {e.field async for e in runner.stream(request) if isinstance(e, Adjusted)}
    assert told == {"params.top_k", "params.repetition_penalty"}


async def test_what_the_operator_set_without_effect_is_told_too(program: Path) -> None:
    async with ready(made(model_path=program, top_k=5)) as runner:
        told = [e async for e in runner.stream(HELLO) if isinstance(e, Adjusted)]
    assert [(e.field, e.asked, e.used) for e in told] == [("params.top_k", 5, None)]


async def test_a_program_for_the_npu_needs_its_delegate(program: Path, tmp_path: Path) -> None:
    file = lowered(program, tmp_path)
    if DELEGATE in delegates():
        pytest.skip("this build has the delegate")
    with pytest.raises(HardwareError, match="vendor's build"):
        await made(model_path=file).load("")


async def test_a_program_for_the_processor_is_refused_where_the_npu_is_wanted(
    program: Path,
) -> None:
    with pytest.raises(InputError, match="XnnpackBackend"):
        await made(model_path=program, backend="npu").load("")


async def test_a_program_for_the_npu_is_refused_where_the_processor_is_wanted(
    program: Path, tmp_path: Path
) -> None:
    file = lowered(program, tmp_path)
    with pytest.raises(InputError, match="set backend to auto"):
        await made(model_path=file, backend="portable").load("")


def test_the_runtime_of_the_npu_is_looked_for(tmp_path: Path) -> None:
    assert "libneuronusdk_adapter.mtk.so" in (lacking(tmp_path) or "")
    library = tmp_path / "vendor/lib64/libneuron_adapter.mtk.so"
    library.parent.mkdir(parents=True)
    library.touch()
    assert lacking(tmp_path) is None


def test_where_it_works_is_what_the_program_was_made_for(program: Path, tmp_path: Path) -> None:
    file = lowered(program, tmp_path)

    def places(**values: Any) -> tuple[str, ...]:
        return MtkApuRunner.backends_of(MtkApuParameters.of(values))

    assert places() == places(model_path=file) == places(backend="npu") == ("NPU",)
    assert places(model_path=program) == places(backend="portable") == ("CPU",)
    assert ExecutorchRunner.backends_of(ExecutorchParameters(model_path=file)) == ("NPU",)
    assert not any(MtkApuRunner.parameters_on(backend) for backend in Backend)


@pytest.mark.parametrize(
    ("parameters", "lacks"),
    [({}, "MTK_NPU: the configuration says no"), ({"backend": "portable"}, None)],
)
async def test_only_for_the_processor_it_needs_no_chip(
    parameters: dict[str, Any], lacks: str | None, program: Path, tmp_path: Path
) -> None:
    entry = {"class": "mtk_apu", "parameters": {"model_path": str(program), **parameters}}
    said = {"version": "2.0", "capabilities": {"LLM": {"runners": {"mtk_apu": entry}}}}
    chip = {"globalSettings": {"hardware": {"MTK_NPU": False}}}
    config = parse_config({**said, **chip}).config
    async with Engine.open(home=tmp_path, config=config, environ={}) as engine:
        (shown,) = [one for one in engine.runners() if one.name == "mtk_apu"]
        assert (shown.reason or None) == lacks


def test_a_machine_with_the_chip_and_no_runtime_is_told(program: Path) -> None:
    if lacking() is None:
        pytest.skip("this machine has the runtime")
    assert "Neuron runtime is missing" in (made(model_path=program).check() or "")


def test_hot_and_wide_together_are_refused_and_hot_alone_is_warned_of() -> None:
    both = MtkApuParameters.validate_parameters({"temperature": 1.6, "top_k": 81})
    assert [f.field for f in both.errors] == ["temperature"]
    hot = MtkApuParameters.validate_parameters({"temperature": 1.6})
    assert hot.ok
    assert [f.field for f in hot.warnings] == ["temperature"]
