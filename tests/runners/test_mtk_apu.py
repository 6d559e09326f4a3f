"""The runner for MediaTek NPUs: all but the NPU itself, on a program for the processor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from breeze.contracts.capability import RunnerKind
from breeze.contracts.errors import HardwareError, InputError
from breeze.contracts.events import Adjusted, Finish
from breeze.contracts.requests import ChatRequest
from breeze.engine.hardware import Hardware
from breeze.runners._mtk_apu_device import DELEGATE, delegates, lacking
from breeze.runners._mtk_apu_parameters import MtkApuParameters
from breeze.runners.mtk_apu import MtkApuRunner
from tests.runners.runtime_models import program as program
from tests.runners.vendor import answer, ready

HELLO = ChatRequest.of("What is a runner?", temperature=0.0)


def made(**values: Any) -> MtkApuRunner:
    return MtkApuRunner(MtkApuParameters.of(values))


def phone(root: Path, chip: str, *, runtime: bool = True) -> Path:
    """The files of a machine with this chip."""
    told = root / "proc/device-tree/compatible"
    told.parent.mkdir(parents=True)
    told.write_text(f"vendor,board\0mediatek,{chip}\0")
    if runtime:
        library = root / "vendor/lib64/libneuronusdk_adapter.mtk.so"
        library.parent.mkdir(parents=True)
        library.touch()
    return root


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


async def test_a_program_for_the_npu_needs_its_delegate(program: Path, tmp_path: Path) -> None:
    lowered = tmp_path / "lowered"
    shutil.copytree(program.parent, lowered)
    file = lowered / "model.pte"
    head = bytearray(program.read_bytes())
    at = head.index(b"XnnpackBackend\0")
    head[at : at + len(DELEGATE) + 1] = f"{DELEGATE}\0".encode()
    file.write_bytes(head)
    if DELEGATE in delegates():
        pytest.skip("this build has the delegate")
    with pytest.raises(HardwareError, match="vendor's build"):
        await made(model_path=file).load("")


async def test_a_program_for_the_processor_is_refused_where_the_npu_is_wanted(
    program: Path,
) -> None:
    with pytest.raises(InputError, match="XnnpackBackend"):
        await made(model_path=program, backend="npu").load("")


def test_a_machine_without_the_chip_is_told_what_was_looked_at(tmp_path: Path) -> None:
    assert "no MediaTek chip" in (lacking(tmp_path) or "")
    reason = lacking(phone(tmp_path / "other", "mt8195")) or ""
    assert "mt8195" in reason
    assert "/proc/device-tree/compatible" in reason


def test_a_machine_with_the_chip_needs_its_runtime(tmp_path: Path) -> None:
    bare = phone(tmp_path / "bare", "mt6989", runtime=False)
    assert "libneuronusdk_adapter.mtk.so" in (lacking(bare) or "")
    assert lacking(phone(tmp_path / "whole", "mt6991")) is None


def test_here_it_says_why_it_cannot_work(program: Path) -> None:
    runner = made(model_path=program)
    if lacking() is None:
        pytest.skip("this machine has the NPU")
    assert "MediaTek" in (runner.check() or "")
    assert runner.info.kind is RunnerKind.HARDWARE
    assert "MTK_NPU" in (Hardware().missing(runner.info.requirements) or "")


def test_hot_and_wide_together_are_refused_and_hot_alone_is_warned_of() -> None:
    both = MtkApuParameters.validate_parameters({"temperature": 1.6, "top_k": 81})
    assert [f.field for f in both.errors] == ["temperature"]
    hot = MtkApuParameters.validate_parameters({"temperature": 1.6})
    assert hot.ok
    assert [f.field for f in hot.warnings] == ["temperature"]
